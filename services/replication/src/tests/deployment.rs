//! Three real site roles, each with its folder and key, that can be stopped and started again.

use std::net::SocketAddr;
use std::path::PathBuf;

use dengbei_kit::{Drain, RoleConfig, SiteAddress, grpc};
use dengbei_proto::v1;
use dengbei_proto::v1::site_client::SiteClient;
use dengbei_records::AreaCode;
use dengbei_testkit::{PATIENCE, eventually};
use tempfile::TempDir;
use tokio::task::JoinHandle;

pub(super) const TOKEN: &str = "mesh";
pub(super) const SITES: [&str; 3] = ["primary", "archive", "remote"];

pub(super) fn area() -> AreaCode {
    "330382".parse().unwrap()
}

/// The sites of one deployment.
pub(super) struct Deployment {
    pub(super) folder: TempDir,
    pub(super) sites: Vec<SiteAddress>,
    running: Vec<Option<(Drain, JoinHandle<anyhow::Result<()>>)>>,
}

fn free() -> SocketAddr {
    dengbei_testkit::free_address().unwrap()
}

impl Deployment {
    pub(super) async fn start() -> Self {
        dengbei_kit::install_tls();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("keys")).unwrap();
        let sites = SITES.map(|name| SiteAddress {
            name: name.into(),
            class: name.into(),
            url: format!("http://{}", free()),
        });
        let mut deployment = Self { folder, sites: sites.into(), running: vec![None, None, None] };
        for name in SITES {
            deployment.start_site(name).await;
        }
        deployment
    }

    fn at(name: &str) -> usize {
        SITES.iter().position(|s| *s == name).unwrap()
    }

    /// Configuration that all roles share.
    pub(super) fn config(&self, role: &str) -> RoleConfig {
        let mut config = RoleConfig::of(role, area());
        config.keys = self.folder.path().join("keys");
        config.sites = self.sites.clone();
        config.mesh_token = TOKEN.into();
        config
    }

    pub(super) async fn start_site(&mut self, name: &str) {
        let at = Self::at(name);
        let mut config = self.config("site");
        config.site = self.site(name).into();
        config.site_name = name.into();
        config.grpc = self.sites[at].url.trim_start_matches("http://").parse().unwrap();
        let drain = Drain::new();
        let task = tokio::spawn(dengbei_site::run(config, drain.clone()));
        self.running[at] = Some((drain, task));
        let client = SiteClient::new(grpc::channel(&self.sites[at].url, TOKEN).unwrap());
        eventually(PATIENCE, "the site answers", async || {
            client.clone().describe(v1::DescribeRequest {}).await?;
            Ok(())
        })
        .await
        .unwrap();
    }

    pub(super) async fn stop_site(&mut self, name: &str) {
        let (drain, task) = self.running[Self::at(name)].take().unwrap();
        drain.request();
        task.abort();
        let _ = task.await;
    }

    /// The site's folder.
    pub(super) fn site(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where a pack lies on a site.
    pub(super) fn pack(&self, name: &str, number: u64) -> PathBuf {
        self.site(name).join(format!("packs/{}/{number:08}.g1.tar", area()))
    }

    /// Changes a byte in the middle of a copy; gives the bytes as they are now.
    pub(super) fn flip(&self, name: &str, number: u64) -> Vec<u8> {
        let path = self.pack(name, number);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(path, &bytes).unwrap();
        bytes
    }

    /// Files in a site's quarantine, without reasons.
    pub(super) fn quarantined(&self, name: &str) -> usize {
        let entries = std::fs::read_dir(self.site(name).join("quarantine")).unwrap();
        entries
            .filter(|e| !e.as_ref().unwrap().file_name().to_string_lossy().ends_with(".reason.json"))
            .count()
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        for (drain, task) in self.running.drain(..).flatten() {
            drain.request();
            task.abort();
        }
    }
}
