//! 备份点 as fixity reads them: attest a pack, read a range of it, list what is there. Every receipt's signature is
//! verified, and its key is the site's own (`<keys>/sites/<name>.pub`, or the first that it showed).
//!
//! A site that does not answer is a [`SiteFault`], never a finding: only what a site that answers says about bytes is.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dengbei_chain::facts::{Purpose, SiteReceipt, Witness};
use dengbei_kit::config::SiteAddress;
use dengbei_kit::grpc::{self, MAX_MESSAGE, MeshChannel};
use dengbei_kit::{RoleConfig, status};
use dengbei_proto::v1;
use dengbei_proto::v1::site_client::SiteClient;
use dengbei_records::{AreaCode, ErrorClass, PackNumber, Sha256};
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use ed25519_dalek::{Signature, VerifyingKey};
use sqlx::postgres::PgPool;
use tonic::{Code, Request, Status, Streaming};

use crate::store::sites as rows;

/// How long a short question may take.
const SHORT: Duration = Duration::from_secs(20);
/// What a site reads a second at the very least, bytes: more than this silent is a fault.
const SLOWEST: u64 = 4 << 20;
/// Packs a listing gives at once.
pub(crate) const PAGE: u32 = 2_000;

/// Why a site said nothing that counts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SiteFault {
    /// No site of this class is configured.
    #[error("未配置备份点 / no site of this class is configured: {0}")]
    NotConfigured(&'static str),
    /// It does not answer, or not with what was asked.
    #[error("备份点没有回答 / the site {site} does not answer")]
    Silent {
        /// Which.
        site: String,
        /// What came instead.
        #[source]
        source: Box<Status>,
    },
    /// What it says is not under its own key, or not about what was asked.
    #[error("备份点回执无效 / the receipt of site {site} does not hold: {why}")]
    Receipt {
        /// Which.
        site: String,
        /// What is wrong.
        why: String,
    },
    /// The database did not do it.
    #[error("检测库不可用 / fixity's database does not answer")]
    Database(#[from] sqlx::Error),
}

impl SiteFault {
    /// What can be done about it.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::NotConfigured(_) | Self::Silent { .. } => ErrorClass::Unavailable,
            Self::Receipt { .. } => ErrorClass::Internal,
            Self::Database(e) => dengbei_kit::db::class(e),
        }
    }
}

/// A pack on a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) pack: PackNumber,
    pub(crate) generation: u32,
}

impl Name {
    fn write(self) -> Option<v1::PackName> {
        Some(v1::PackName { pack: self.pack.get(), generation: self.generation })
    }
}

/// What a pack should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) digest: Sha256,
    pub(crate) bytes: u64,
}

/// What a site says of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attested {
    /// As expected; signed.
    Good(Box<SiteReceipt>),
    /// There, with other bytes than expected. `None`: it does not say which.
    Differs {
        /// SHA-256 of what is there.
        found: Option<Sha256>,
        /// Its length.
        bytes: Option<u64>,
    },
    /// There, and it cannot be read.
    Unreadable,
    /// Not there.
    Missing,
}

/// A pack in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: Name,
    pub(crate) bytes: u64,
}

/// Every site of the deployment.
#[derive(Debug, Clone)]
pub(crate) struct Sites {
    sites: Arc<Vec<Site>>,
}

/// One site.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) name: String,
    pub(crate) class: String,
    area: AreaCode,
    key: PathBuf,
    pool: PgPool,
    client: SiteClient<MeshChannel>,
}

impl Sites {
    /// The sites that the configuration names.
    ///
    /// # Errors
    /// When an address is none.
    pub(crate) fn of(config: &RoleConfig, pool: &PgPool) -> anyhow::Result<Self> {
        let site = |address: &SiteAddress| -> anyhow::Result<Site> {
            let channel = grpc::channel(&address.url, &config.mesh_token)?;
            Ok(Site {
                name: address.name.clone(),
                class: address.class.clone(),
                area: config.area.clone(),
                key: config.keys.join("sites").join(format!("{}.pub", address.name)),
                pool: pool.clone(),
                client: SiteClient::new(channel).max_decoding_message_size(MAX_MESSAGE),
            })
        };
        let sites = config.sites.iter().map(site).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Self { sites: Arc::new(sites) })
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Site] {
        &self.sites
    }

    /// The first of a class.
    pub(crate) fn of_class(&self, class: &'static str) -> Result<&Site, SiteFault> {
        self.sites.iter().find(|s| s.class == class).ok_or(SiteFault::NotConfigured(class))
    }

    /// Names of the primary sites: what is filed lies there before any receipt.
    pub(crate) fn primaries(&self) -> impl Iterator<Item = &str> {
        self.sites.iter().filter(|s| s.class == "primary").map(|s| s.name.as_str())
    }
}

impl Site {
    /// Has the site read a pack from its first byte to its last. What differs is read a second time, without naming
    /// what is expected: so the finding is confirmed, and says what is there.
    pub(crate) async fn attest(
        &self,
        name: Name,
        purpose: Purpose,
        expected: Expected,
    ) -> Result<Attested, SiteFault> {
        let first = self.ask(name, purpose, Some(expected)).await?;
        let Attested::Differs { found, bytes } = first else { return Ok(first) };
        Ok(match self.ask(name, purpose, None).await? {
            Attested::Good(receipt) if receipt.digest == expected.digest => Attested::Good(receipt),
            Attested::Good(receipt) => {
                Attested::Differs { found: Some(receipt.digest), bytes: Some(receipt.bytes) }
            }
            Attested::Differs { found: again, bytes: length } => {
                Attested::Differs { found: again.or(found), bytes: length.or(bytes) }
            }
            other => other,
        })
    }

    /// What is there, whatever it is.
    pub(crate) async fn what_is_there(&self, name: Name) -> Result<Attested, SiteFault> {
        self.ask(name, Purpose::Storage, None).await
    }

    async fn ask(
        &self,
        name: Name,
        purpose: Purpose,
        expected: Option<Expected>,
    ) -> Result<Attested, SiteFault> {
        let mut request = Request::new(v1::AttestRequest {
            name: name.write(),
            purpose: purpose.name().to_owned(),
            digest: expected.map(|e| e.digest.as_bytes().to_vec()).unwrap_or_default().into(),
            bytes: expected.map_or(0, |e| e.bytes),
        });
        // What is there may be longer than what is expected; without expectation nothing is known of its length.
        let length = expected.map_or(64 << 30, |e| e.bytes);
        request.set_timeout(SHORT + Duration::from_secs(length / SLOWEST));
        match self.client.clone().attest(request).await {
            Ok(reply) => self.verify(name, expected, reply.into_inner()).await,
            Err(answer) => self.understand(answer),
        }
    }

    fn understand(&self, answer: Status) -> Result<Attested, SiteFault> {
        let code = status::to_problem(&answer).code;
        match (answer.code(), code.as_str()) {
            (_, "site.missing") => Ok(Attested::Missing),
            (_, "site.unreadable") => Ok(Attested::Unreadable),
            (Code::DataLoss, _) | (_, "site.damaged") => {
                let (found, bytes) = found(answer.details());
                Ok(Attested::Differs { found, bytes })
            }
            _ => Err(self.silent(answer)),
        }
    }

    async fn verify(
        &self,
        name: Name,
        expected: Option<Expected>,
        reply: v1::SiteReceipt,
    ) -> Result<Attested, SiteFault> {
        let wrong = |why: &str| SiteFault::Receipt { site: self.name.clone(), why: why.to_owned() };
        let receipt = SiteReceipt::read(reply).map_err(|e| wrong(&e.to_string()))?;
        if receipt.site != self.name || receipt.pack != name.pack || receipt.generation != name.generation {
            return Err(wrong("另一个包或备份点 / of another pack or site"));
        }
        let Witness::Signed { key, signature } = &receipt.witness else {
            return Err(wrong("未签名 / not signed"));
        };
        if self.known_key(key).await? != key[..] {
            return Err(wrong("另一把密钥 / under another key"));
        }
        let holds = VerifyingKey::from_bytes(key).is_ok_and(|key| {
            let text = receipt.signed_text(&self.area);
            key.verify_strict(text.as_bytes(), &Signature::from_bytes(signature)).is_ok()
        });
        if !holds {
            return Err(wrong("签名不符 / the signature does not verify"));
        }
        match expected {
            Some(e) if e.digest != receipt.digest || e.bytes != receipt.bytes => {
                Ok(Attested::Differs { found: Some(receipt.digest), bytes: Some(receipt.bytes) })
            }
            _ => Ok(Attested::Good(Box::new(receipt))),
        }
    }

    /// The site's own key.
    async fn known_key(&self, shown: &[u8; 32]) -> Result<Vec<u8>, SiteFault> {
        if let Ok(pem) = tokio::fs::read_to_string(&self.key).await {
            let key = VerifyingKey::from_public_key_pem(&pem).map_err(|_| SiteFault::Receipt {
                site: self.name.clone(),
                why: format!("{}: 不是公钥 / no public key", self.key.display()),
            })?;
            return Ok(key.to_bytes().to_vec());
        }
        Ok(rows::key(&self.pool, &self.name, shown).await?)
    }

    /// A range of a pack, as it comes. Unchecked: the caller knows digests of the bytes.
    pub(crate) async fn read(
        &self,
        name: Name,
        offset: u64,
        length: u64,
    ) -> Result<Streaming<v1::PackChunk>, SiteFault> {
        let request = v1::ReadPackRequest { name: name.write(), offset, length };
        let mut client = self.client.clone();
        let reply = tokio::time::timeout(SHORT, client.read(request)).await.map_err(|_| self.late("read"))?;
        Ok(reply.map_err(|e| self.silent(e))?.into_inner())
    }

    /// Packs by number, from `from` on, at most [`PAGE`].
    pub(crate) async fn list(&self, from: u64) -> Result<Vec<Listed>, SiteFault> {
        let mut request = Request::new(v1::ListPacksRequest { from_pack: from, limit: PAGE });
        request.set_timeout(SHORT);
        let reply = self.client.clone().list(request).await.map_err(|e| self.silent(e))?.into_inner();
        let listed = |p: v1::ListedPack| {
            let name = p.name?;
            let name = Name { pack: PackNumber::new(name.pack), generation: name.generation };
            Some(Listed { name, bytes: p.bytes })
        };
        Ok(reply.packs.into_iter().filter_map(listed).collect())
    }

    /// Size of the log that the site holds; an answer at all says that it is up.
    pub(crate) async fn log_size(&self) -> Result<u64, SiteFault> {
        let mut request = Request::new(v1::DescribeRequest {});
        request.set_timeout(SHORT);
        let reply = self.client.clone().describe(request).await.map_err(|e| self.silent(e))?;
        Ok(reply.into_inner().log_size)
    }

    fn late(&self, what: &str) -> SiteFault {
        self.silent(Status::deadline_exceeded(what))
    }

    pub(crate) fn silent(&self, source: Status) -> SiteFault {
        SiteFault::Silent { site: self.name.clone(), source: Box::new(source) }
    }
}

/// What a problem's details say of the bytes found: `found` (hex) and `found_bytes`.
fn found(details: &[u8]) -> (Option<Sha256>, Option<u64>) {
    let read: serde_json::Value = serde_json::from_slice(details).unwrap_or_default();
    let digest = read.get("found").and_then(|v| v.as_str()).and_then(|text| text.parse().ok());
    (digest, read.get("found_bytes").and_then(serde_json::Value::as_u64))
}
