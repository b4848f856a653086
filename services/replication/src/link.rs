//! One site as replication talks to it: gRPC calls with deadlines, and the key that is known.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dengbei_chain::facts::{Purpose, SiteReceipt};
use dengbei_kit::grpc::{self, MeshChannel};
use dengbei_kit::seals;
use dengbei_kit::{RoleConfig, SiteAddress};
use dengbei_proto::v1;
use dengbei_proto::v1::site_client::SiteClient;
use dengbei_records::{Invalid, Sha256};
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use tonic::Status;

use crate::error::SiteFault;
use crate::receipt::key_changed;
use crate::store::packs::Pack;

/// Short calls.
const ANSWER: Duration = Duration::from_secs(10);
/// What a site may take to get its turn and to read, beside the bytes.
const TURN: Duration = Duration::from_secs(300);
/// The slowest line that is waited for, bytes a second.
const SLOWEST: u64 = 256 * 1024;

/// A site of the deployment.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) class: String,
    pub(crate) url: String,
    client: SiteClient<MeshChannel>,
    /// `<keys>/sites/<name>.pub`: where it lies on this machine, it must be the key that the site shows.
    public_key: PathBuf,
}

impl Link {
    /// Links to every configured site.
    ///
    /// # Errors
    /// [`Invalid`] when a URL is none.
    pub(crate) fn all(config: &RoleConfig) -> Result<Vec<Self>, Invalid> {
        config.sites.iter().map(|site| Self::to(site, &config.mesh_token, &config.keys)).collect()
    }

    fn to(site: &SiteAddress, token: &str, keys: &Path) -> Result<Self, Invalid> {
        Ok(Self {
            name: site.name.clone(),
            class: site.class.clone(),
            url: site.url.clone(),
            client: SiteClient::new(grpc::channel(&site.url, token)?),
            public_key: keys.join("sites").join(format!("{}.pub", site.name)),
        })
    }

    /// Whether this is the primary: registration writes its packs there.
    pub(crate) fn is_primary(&self) -> bool {
        self.class == "primary"
    }

    /// Who the site says it is.
    pub(crate) async fn describe(&self) -> Result<v1::DescribeReply, SiteFault> {
        let mut client = self.client.clone();
        within(ANSWER, async move { client.describe(v1::DescribeRequest {}).await }).await
    }

    /// The key that the site shows, when it is the site that is configured and the key beside ours is the same.
    pub(crate) async fn key(&self) -> Result<[u8; 32], SiteFault> {
        let shown = self.describe().await?;
        if (&shown.site, &shown.class) != (&self.name, &self.class) {
            let text = format!("{} answers as {} ({})", self.url, shown.site, shown.class);
            return Err(SiteFault::site(dengbei_records::Problem::new(
                "replication.other_site",
                dengbei_records::ErrorClass::Conflict,
                "该地址的备份点与配置不符",
                text,
            )));
        }
        let key: [u8; 32] = shown.key.as_ref().try_into().map_err(|_| key_changed(&self.name))?;
        match tokio::fs::read_to_string(&self.public_key).await {
            Ok(pem) => {
                let known = VerifyingKey::from_public_key_pem(&pem).map(|k| k.to_bytes());
                if known.is_ok_and(|known| known == key) { Ok(key) } else { Err(key_changed(&self.name)) }
            }
            // The site stands on another machine: what is seen first holds.
            Err(_) => Ok(key),
        }
    }

    /// Whether `key` follows `former` by a change on purpose: here lies the present key's public half with the former
    /// one's beside it. A key that was only lost and made again has none.
    pub(crate) async fn follows(&self, key: &[u8; 32], former: &[u8; 32]) -> bool {
        let (folder, name) = (self.public_key.parent().map(Path::to_owned), self.name.clone());
        let known = tokio::task::spawn_blocking(move || seals::known(&folder?, &name).ok().flatten());
        let known = known.await.ok().flatten().unwrap_or_default();
        known.split_first().is_some_and(|(present, past)| present == key && past.contains(former))
    }

    /// Has the site take the pack from `from` (empty: it must be there) and read it back.
    pub(crate) async fn take(
        &self,
        pack: &Pack,
        purpose: Purpose,
        from: &str,
    ) -> Result<SiteReceipt, SiteFault> {
        let request = v1::TakeRequest {
            name: Some(name(pack)),
            purpose: purpose.name().into(),
            digest: pack.digest.as_bytes().to_vec().into(),
            bytes: pack.bytes,
            versions_root: pack.versions_root.as_bytes().to_vec().into(),
            from: from.to_owned(),
        };
        let mut client = self.client.clone();
        let deadline = TURN + Duration::from_secs(pack.bytes / SLOWEST);
        let receipt = within(deadline, async move { client.take(request).await }).await?;
        SiteReceipt::read(receipt).map_err(|e| {
            SiteFault::pack(
                "replication.receipt_invalid",
                "备份回执无法读取",
                format!("the receipt cannot be read: {e}"),
            )
        })
    }

    /// Has the site read its copy back, before another one's is set aside for it.
    ///
    /// # Errors
    /// Always of the pack: it is this site that is asked, not the one that needs the copy.
    pub(crate) async fn attest(&self, pack: &Pack) -> Result<(), SiteFault> {
        let request = v1::AttestRequest {
            name: Some(name(pack)),
            purpose: String::new(),
            digest: pack.digest.as_bytes().to_vec().into(),
            bytes: pack.bytes,
        };
        let mut client = self.client.clone();
        let deadline = TURN + Duration::from_secs(pack.bytes / SLOWEST);
        let attested = within(deadline, async move { client.attest(request).await }).await;
        attested.map(drop).map_err(|fault| {
            let text = format!("source {}: {fault}", self.name);
            SiteFault::pack("replication.source_bad", "来源备份点没有完好的副本", text)
        })
    }

    /// Has the site set these bytes aside. Gone already is as good.
    pub(crate) async fn quarantine(&self, pack: &Pack, found: Option<Sha256>) -> Result<(), SiteFault> {
        let found = found.map(|d| d.as_bytes().to_vec()).unwrap_or_default().into();
        let request = v1::QuarantineRequest { name: Some(name(pack)), found };
        let mut client = self.client.clone();
        match within(TURN, async move { client.quarantine(request).await }).await {
            Ok(_) => Ok(()),
            Err(fault) if fault.code() == "site.missing" => Ok(()),
            Err(fault) => Err(fault),
        }
    }
}

fn name(pack: &Pack) -> v1::PackName {
    v1::PackName { pack: pack.number.get(), generation: pack.generation }
}

async fn within<T>(
    deadline: Duration,
    call: impl Future<Output = Result<tonic::Response<T>, Status>>,
) -> Result<T, SiteFault> {
    let answer = tokio::time::timeout(deadline, call).await;
    let answer = answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer in time")));
    answer.map(tonic::Response::into_inner).map_err(|status| SiteFault::of(&status))
}
