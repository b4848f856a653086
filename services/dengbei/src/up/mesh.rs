//! Who serves where: the configuration of every role of this run. Addresses are chosen once a run, so a
//! role that is started again is found where it was.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use dengbei_kit::{Peers, RoleConfig, ScannerAddress, SiteAddress};

use super::folder::Folder;
use super::keys::Keys;
use super::ports::Ports;
use super::stores::Stores;
use super::{UpError, durable};
use crate::roles::Role;

/// The sites of a deployment on one machine: name and class; each a folder under `sites/`, the primary first.
pub(crate) const SITES: [(&str, &str); 3] =
    [("primary", "primary"), ("archive", "archive"), ("remote", "remote")];

/// One who works: a role, and which of its kind.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    /// Its role.
    pub(crate) role: Role,
    /// The role's name, or `site-<name>`: in logs, pid files, the ready file.
    pub(crate) name: &'static str,
    /// What it is told.
    pub(crate) config: RoleConfig,
}

/// Everybody who works in this run.
#[derive(Debug, Clone)]
pub(crate) struct Mesh {
    posts: Vec<Post>,
}

/// How long work waits for more of its kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// An open pack.
    pub(crate) filing: Duration,
    /// A registration batch, and a transfer.
    pub(crate) batches: Duration,
    /// 巡检 bound.
    pub(crate) inspection: Duration,
}

/// What the roles of one run share.
pub(crate) struct Plan<'a> {
    /// Where they keep files.
    pub(crate) folder: &'a Folder,
    /// What they say to each other to be let in.
    pub(crate) keys: &'a Keys,
    /// Where the databases and the bus are.
    pub(crate) stores: &'a Stores,
    /// Where the door listens.
    pub(crate) http: SocketAddr,
    /// How long work waits.
    pub(crate) pace: Pace,
    /// The virus scanner.
    pub(crate) scanner: Option<ScannerAddress>,
    /// Folder of checking schemes; empty: none.
    pub(crate) schemes: PathBuf,
}

impl Plan<'_> {
    /// Chooses addresses.
    pub(crate) fn settle(&self, ports: &mut Ports) -> Result<Mesh, UpError> {
        let mut posts = Vec::new();
        for (role, name, site) in places() {
            let mut config = self.config(role, ports.free_address()?, ports.free_address()?);
            if let Some(site) = site {
                config.site = self.folder.path(&format!("sites/{site}")).into();
                config.site_name = site.to_owned();
            }
            posts.push(Post { role, name, config });
        }
        let url = |role| find(&posts, role).map(|post| url_of(&post.config)).unwrap_or_default();
        let peers = Peers {
            ingest: url(Role::Ingest),
            registration: url(Role::Registration),
            fixity: url(Role::Fixity),
            query: url(Role::Query),
            replication: url(Role::Replication),
        };
        let sites = sites(&posts);
        for post in &mut posts {
            post.config.peers = peers.clone();
            post.config.sites = sites.clone();
        }
        Ok(Mesh { posts })
    }

    fn config(&self, role: Role, grpc: SocketAddr, admin: SocketAddr) -> RoleConfig {
        let (folder, keys) = (self.folder, self.keys);
        let database = role.database().map(|name| self.stores.postgres.url(&name)).unwrap_or_default();
        let is_door = role == Role::Gateway;
        RoleConfig {
            grpc,
            admin,
            http: is_door.then_some(self.http),
            database: database.as_str().into(),
            nats: self.stores.nats.url(),
            keys: keys.folder.clone(),
            site: folder.path("sites/primary").into(),
            staging: folder.path("staging"),
            mesh_token: keys.mesh.as_str().into(),
            mesh_token_also: keys.mesh_also.as_str().into(),
            door_token_also: if is_door { keys.door_also.as_str().into() } else { "".into() },
            door_token: if is_door { keys.door.as_str().into() } else { "".into() },
            linger: self.pace.filing,
            registration_linger: self.pace.batches,
            transfer_linger: self.pace.batches,
            inspection: self.pace.inspection,
            log_quorum: 1,
            scanner: self.scanner.clone(),
            schemes: self.schemes.clone(),
            ..RoleConfig::of(role.name(), keys.area.clone())
        }
    }
}

/// Every post: role, name, and which site for a site. Sites come first, the door last.
fn places() -> impl Iterator<Item = (Role, &'static str, Option<&'static str>)> {
    const SITE_POSTS: [&str; 3] = ["site-primary", "site-archive", "site-remote"];
    let sites = SITE_POSTS.into_iter().zip(SITES).map(|(name, (site, _))| (Role::Site, name, Some(site)));
    let others = Role::ALL.into_iter().filter(|role| *role != Role::Site);
    sites.chain(others.map(|role| (role, role.name(), None)))
}

fn sites(posts: &[Post]) -> Vec<SiteAddress> {
    let of = posts.iter().filter(|post| post.role == Role::Site).zip(SITES);
    let address = |(post, (name, class)): (&Post, (&str, &str))| SiteAddress {
        name: name.to_owned(),
        class: class.to_owned(),
        url: url_of(&post.config),
    };
    of.map(address).collect()
}

fn url_of(config: &RoleConfig) -> String {
    format!("http://{}", config.grpc)
}

impl Mesh {
    /// Everybody, the door last.
    pub(crate) fn posts(&self) -> &[Post] {
        &self.posts
    }

    /// The databases they need.
    pub(crate) fn databases(&self) -> Vec<String> {
        self.posts.iter().filter_map(|post| post.role.database()).collect()
    }

    /// Where `role` answers gRPC.
    pub(crate) fn grpc_url(&self, role: Role) -> Option<String> {
        find(&self.posts, role).map(|post| url_of(&post.config))
    }
}

impl Post {
    /// Writes its configuration for its own process, readable by the owner alone.
    pub(crate) fn write(&self, folder: &Folder) -> Result<PathBuf, UpError> {
        let path = folder.run().join(self.name).with_extension("json");
        let text = serde_json::to_vec_pretty(&self.config).map_err(|e| UpError::io(&path)(e.into()))?;
        durable::replace(&path, &text, 0o600).map(|()| path)
    }
}

fn find(posts: &[Post], wanted: Role) -> Option<&Post> {
    posts.iter().find(|post| post.role == wanted)
}
