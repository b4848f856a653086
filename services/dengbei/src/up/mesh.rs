//! Who serves where: the configuration of every role of this run. Addresses are chosen once a run, so a
//! role that is started again is found where it was.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use dengbei_kit::{Limits, Peers, RoleConfig};

use super::folder::Folder;
use super::keys::Keys;
use super::ports::Ports;
use super::stores::Stores;
use super::{UpError, durable};
use crate::roles::Role;

/// The configuration of each role.
#[derive(Debug, Clone)]
pub(crate) struct Mesh {
    roles: Vec<(Role, RoleConfig)>,
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
    /// How long an open pack waits for more items.
    pub(crate) linger: Duration,
}

impl Plan<'_> {
    /// Chooses addresses.
    pub(crate) fn settle(&self, ports: &mut Ports) -> Result<Mesh, UpError> {
        let addresses = Role::ALL.map(|role| (role, ports.free_address(), ports.free_address()));
        let mut roles = Vec::new();
        for (role, grpc, admin) in addresses {
            roles.push((role, self.config(role, grpc?, admin?)));
        }
        let url =
            |role| find(&roles, role).map(|config| format!("http://{}", config.grpc)).unwrap_or_default();
        let peers = Peers {
            ingest: url(Role::Ingest),
            registration: url(Role::Registration),
            fixity: url(Role::Fixity),
            query: url(Role::Query),
        };
        roles.iter_mut().for_each(|(_, config)| config.peers = peers.clone());
        Ok(Mesh { roles })
    }

    fn config(&self, role: Role, grpc: SocketAddr, admin: SocketAddr) -> RoleConfig {
        let (folder, keys) = (self.folder, self.keys);
        let database = role.database().map(|name| self.stores.postgres.url(&name)).unwrap_or_default();
        let is_door = role == Role::Gateway;
        RoleConfig {
            role: role.name().to_owned(),
            area: keys.area.clone(),
            grpc,
            admin,
            http: is_door.then_some(self.http),
            database: database.as_str().into(),
            nats: self.stores.nats.url(),
            peers: Peers::default(),
            keys: keys.folder.clone(),
            site: folder.path("sites/primary"),
            staging: folder.path("staging"),
            mesh_token: keys.mesh.as_str().into(),
            door_token: if is_door { keys.door.as_str().into() } else { "".into() },
            linger: self.linger,
            limits: Limits::default(),
        }
    }
}

impl Mesh {
    /// The roles with their configuration, the door last.
    pub(crate) fn roles(&self) -> &[(Role, RoleConfig)] {
        &self.roles
    }

    /// The databases they need.
    pub(crate) fn databases(&self) -> Vec<String> {
        self.roles.iter().filter_map(|(role, _)| role.database()).collect()
    }

    /// Where `role` answers gRPC.
    pub(crate) fn grpc_url(&self, role: Role) -> Option<String> {
        find(&self.roles, role).map(|config| format!("http://{}", config.grpc))
    }

    /// Writes one role's configuration for its own process, readable by the owner alone.
    pub(crate) fn write(folder: &Folder, role: Role, config: &RoleConfig) -> Result<PathBuf, UpError> {
        let path = folder.run().join(role.name()).with_extension("json");
        let text = serde_json::to_vec_pretty(config).map_err(|e| UpError::io(&path)(e.into()))?;
        durable::replace(&path, &text, 0o600).map(|()| path)
    }
}

fn find(roles: &[(Role, RoleConfig)], wanted: Role) -> Option<&RoleConfig> {
    roles.iter().find(|(role, _)| *role == wanted).map(|(_, config)| config)
}
