//! Three sites of one deployment, each with its folder and key, served on their own ports.

use std::collections::BTreeMap;
use std::sync::Arc;

use dengbei_chain::facts::{SiteReceipt, Witness};
use dengbei_kit::grpc::{self, MeshChannel};
use dengbei_kit::{Drain, RoleConfig, SiteAddress, status};
use dengbei_ocfl::{ContentFile, ObjectBuilder, PackPlan, PackSummary, PackWriter, Stamp, User};
use dengbei_proto::v1;
use dengbei_proto::v1::site_client::SiteClient;
use dengbei_records::{AreaCode, PackNumber, SystemClock, Timestamp};
use dengbei_register::Signer;
use dengbei_vault::PackName;
use ed25519_dalek::{Signature, VerifyingKey};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tonic::Status;

use crate::keeper::Keeper;
use crate::service;

pub(super) const TOKEN: &str = "mesh";

pub(super) fn area() -> AreaCode {
    "330382".parse().unwrap()
}

/// One site at work.
pub(super) struct TestSite {
    pub(super) keeper: Keeper,
    pub(super) client: SiteClient<MeshChannel>,
    pub(super) url: String,
    folder: std::path::PathBuf,
}

/// All of them.
pub(super) struct World {
    pub(super) primary: TestSite,
    pub(super) archive: TestSite,
    pub(super) remote: TestSite,
    pub(super) signer: Signer,
    pub(super) folder: TempDir,
    drain: Drain,
}

impl World {
    pub(super) async fn new() -> Self {
        dengbei_kit::install_tls();
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        std::fs::create_dir_all(&keys).unwrap();
        let signer = Signer::generate(format!("dengbei/{}", area()).parse().unwrap()).unwrap();
        std::fs::write(keys.join("register.pub"), signer.verifier().to_string()).unwrap();
        let mut listeners = Vec::new();
        let mut sites = Vec::new();
        for name in ["primary", "archive", "remote"] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            sites.push(SiteAddress { name: name.into(), class: name.into(), url });
            listeners.push(listener);
        }
        let drain = Drain::new();
        let mut started = Vec::new();
        for (at, listener) in listeners.into_iter().enumerate() {
            let mut config = RoleConfig::of("site", area());
            config.keys = keys.clone();
            config.site = folder.path().join(&sites[at].name).into();
            config.site_name = sites[at].name.clone();
            config.sites = sites.clone();
            config.mesh_token = TOKEN.into();
            started.push(start(&config, listener, sites[at].url.clone(), &drain).await);
        }
        let [primary, archive, remote] = <[TestSite; 3]>::try_from(started).ok().unwrap();
        Self { primary, archive, remote, signer, folder, drain }
    }

    /// Writes a pack on the primary, as registration does.
    pub(super) async fn write(&self, number: u64, text: &str) -> PackSummary {
        put(&self.primary, number, text).await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.drain.request();
    }
}

async fn start(config: &RoleConfig, listener: TcpListener, url: String, drain: &Drain) -> TestSite {
    let keeper = service::open(config, Arc::new(SystemClock)).await.unwrap();
    let folder = config.site.folder().unwrap().to_owned();
    let (routes, ending) = (service::routes(&keeper), drain.clone());
    tokio::spawn(async move { grpc::serve_on(listener, TOKEN, routes, ending).await.unwrap() });
    TestSite { keeper, client: SiteClient::new(grpc::channel(&url, TOKEN).unwrap()), url, folder }
}

pub(super) fn writer(number: u64, text: &str) -> PackWriter {
    let user = User { name: "登记".into(), address: "https://dengbei.example/".into() };
    let stamp = Stamp { created: Timestamp::from_millis(1_600_000_000_000), message: "归档".into(), user };
    let file = ContentFile::bytes("record.json", "record.json", text.to_owned()).unwrap();
    let id = format!("urn:uuid:{number}");
    let version = ObjectBuilder::first(&id, stamp).unwrap().file(file).build().unwrap();
    PackWriter::new(PackPlan {
        area: area(),
        number: PackNumber::new(number),
        generation: 1,
        created: Timestamp::from_millis(1_700_000_000_000),
        labels: BTreeMap::new(),
        versions: vec![version],
    })
    .unwrap()
}

/// Puts a pack where a site keeps it, without asking the site.
pub(super) async fn put(site: &TestSite, number: u64, text: &str) -> PackSummary {
    let writer = writer(number, text);
    let stored = site.keeper.site.put_pack(&file(number), move |out| writer.write_in_memory(out)).await;
    stored.unwrap().1
}

pub(super) fn file(number: u64) -> PackName {
    PackName::first(area(), PackNumber::new(number))
}

pub(super) fn name(number: u64) -> Option<v1::PackName> {
    Some(v1::PackName { pack: number, generation: 1 })
}

pub(super) fn take(number: u64, pack: &PackSummary, from: &str) -> v1::TakeRequest {
    v1::TakeRequest {
        name: name(number),
        purpose: "backup".into(),
        digest: pack.sha256.as_bytes().to_vec().into(),
        bytes: pack.len,
        versions_root: pack.versions_root.as_bytes().to_vec().into(),
        from: from.into(),
    }
}

pub(super) fn attest(number: u64, pack: &PackSummary) -> v1::AttestRequest {
    let digest = pack.sha256.as_bytes().to_vec().into();
    v1::AttestRequest { name: name(number), purpose: "storage".into(), digest, bytes: pack.len }
}

impl TestSite {
    pub(super) async fn take(&self, request: v1::TakeRequest) -> Result<SiteReceipt, Status> {
        let receipt = self.client.clone().take(request).await?.into_inner();
        Ok(SiteReceipt::read(receipt).unwrap())
    }

    pub(super) async fn attest(&self, request: v1::AttestRequest) -> Result<SiteReceipt, Status> {
        let receipt = self.client.clone().attest(request).await?.into_inner();
        Ok(SiteReceipt::read(receipt).unwrap())
    }

    pub(super) async fn quarantine(&self, number: u64, found: &[u8]) -> Result<String, Status> {
        let request = v1::QuarantineRequest { name: name(number), found: found.to_vec().into() };
        Ok(self.client.clone().quarantine(request).await?.into_inner().path)
    }

    pub(super) async fn describe(&self) -> v1::DescribeReply {
        self.client.clone().describe(v1::DescribeRequest {}).await.unwrap().into_inner()
    }

    /// Where a pack lies.
    pub(super) fn path(&self, number: u64) -> std::path::PathBuf {
        self.folder.join(file(number).path())
    }

    /// Whether the site's own key signed exactly this.
    pub(super) async fn signed(&self, receipt: &SiteReceipt) -> bool {
        let Witness::Signed { key, signature } = &receipt.witness else { return false };
        let described = self.describe().await;
        let key_holds = VerifyingKey::from_bytes(key).unwrap();
        let text = receipt.signed_text(&area());
        described.key == key.as_slice()
            && key_holds.verify_strict(text.as_bytes(), &Signature::from_bytes(signature)).is_ok()
    }
}

/// The stable code of a refusal.
pub(super) fn code(status: &Status) -> String {
    status::to_problem(status).code
}

/// What stands in the details of a refusal.
pub(super) fn detail(status: &Status) -> serde_json::Value {
    serde_json::from_slice(status.details()).unwrap()
}
