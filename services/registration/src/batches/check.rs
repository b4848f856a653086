//! 技术检测: every pack of a batch is read back on the primary site, from its first byte to its last, and must be what
//! `batch.filed` says. Nothing is registered otherwise.
//!
//! What differs is a finding, shown with the batch; a site that does not answer is none, and is asked again.

use std::time::Duration;

use dengbei_chain::facts::SiteReceipt;
use dengbei_kit::grpc::MeshChannel;
use dengbei_kit::status;
use dengbei_proto::v1;
use dengbei_proto::v1::site_client::SiteClient;
use dengbei_records::{AreaCode, Sha256};
use dengbei_vault::{PackName, Site, SiteError};
use tonic::{Code, Request};

use super::error::BatchError;
use super::site_keys::SiteKeys;
use crate::store::filed_packs::FiledPack;

/// How long one pack may take to be read back.
const PATIENCE: Duration = Duration::from_secs(600);

/// The primary site.
#[derive(Debug, Clone)]
pub(crate) enum Primary {
    /// A role of its own, with its key: it signs what it read.
    Role {
        /// Its name.
        name: String,
        channel: MeshChannel,
        keys: SiteKeys,
    },
    /// The storage beside this role.
    Here(Site),
}

/// What a technical check came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// What was compared, a line a pack.
    pub(crate) lines: Vec<String>,
    /// Codes: `pack.damaged:12`, `pack.missing:12`. Empty: everything is as it was filed.
    pub(crate) faults: Vec<String>,
}

/// What lies on the site under a pack's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Bytes(Sha256, u64),
    Missing,
    Other,
}

impl Primary {
    fn name(&self) -> &str {
        match self {
            Self::Role { name, .. } => name,
            Self::Here(_) => "primary",
        }
    }

    /// Reads every pack back.
    ///
    /// # Errors
    /// [`BatchError::Site`] or [`BatchError::Peer`] when the site does not answer: no finding.
    pub(crate) async fn check(&self, area: &AreaCode, packs: &[FiledPack]) -> Result<Findings, BatchError> {
        let mut findings = Findings::default();
        for pack in packs {
            let found = match self {
                Self::Here(site) => read_here(site, area, pack).await?,
                Self::Role { channel, keys, .. } => attest(channel, keys, pack).await?,
            };
            findings.note(self.name(), pack, found);
        }
        Ok(findings)
    }
}

impl Findings {
    fn note(&mut self, site: &str, pack: &FiledPack, found: Found) {
        let FiledPack { pack: number, digest, bytes, .. } = pack;
        let (code, said) = match found {
            Found::Bytes(d, b) if (d, b) == (*digest, *bytes) => {
                self.lines.push(format!(
                    "存储包{number}：备份点 {site} 回读 {bytes} 字节，SHA-256 {digest}，与归档签章一致"
                ));
                return;
            }
            Found::Missing => ("pack.missing", "缺失".to_owned()),
            Found::Bytes(d, b) => ("pack.damaged", format!("回读 {b} 字节，SHA-256 {d}")),
            Found::Other => ("pack.damaged", "回读不一致".to_owned()),
        };
        self.lines.push(format!(
            "存储包{number}：备份点 {site} {said}，与归档签章（{bytes} 字节，SHA-256 {digest}）不符"
        ));
        self.faults.push(format!("{code}:{}", number.get()));
    }
}

async fn read_here(site: &Site, area: &AreaCode, pack: &FiledPack) -> Result<Found, BatchError> {
    let name = PackName { area: area.clone(), number: pack.pack, generation: pack.generation };
    match site.digest(&name).await {
        Ok(Some((digest, bytes))) => Ok(Found::Bytes(digest, bytes)),
        Ok(None) | Err(SiteError::NotFound(_)) => Ok(Found::Missing),
        Err(e) => Err(e.into()),
    }
}

async fn attest(channel: &MeshChannel, keys: &SiteKeys, pack: &FiledPack) -> Result<Found, BatchError> {
    let mut request = Request::new(v1::AttestRequest {
        name: Some(v1::PackName { pack: pack.pack.get(), generation: pack.generation }),
        purpose: String::new(),
        digest: pack.digest.as_bytes().to_vec().into(),
        bytes: pack.bytes,
    });
    request.set_timeout(PATIENCE);
    match SiteClient::new(channel.clone()).attest(request).await {
        Ok(reply) => signed(keys, pack, reply.into_inner()).await,
        Err(answer) => match (answer.code(), status::to_problem(&answer).code.as_str()) {
            (_, "site.missing") => Ok(Found::Missing),
            (Code::DataLoss, _) | (_, "site.damaged" | "site.root_differs") => Ok(Found::Other),
            _ => Err(BatchError::Peer(Box::new(answer))),
        },
    }
}

/// What the site signed: about this pack, by its own key.
async fn signed(keys: &SiteKeys, pack: &FiledPack, receipt: v1::SiteReceipt) -> Result<Found, BatchError> {
    let receipt = SiteReceipt::read(receipt)?;
    if (receipt.pack, receipt.generation) != (pack.pack, pack.generation) {
        return Err(BatchError::Content(format!(
            "{}: 回执属另一存储包 / the receipt is another pack's",
            pack.pack
        )));
    }
    let found = Found::Bytes(receipt.digest, receipt.bytes);
    let is_same_tree = receipt.versions_root == pack.versions_root;
    let keys = keys.clone();
    let verified = tokio::task::spawn_blocking(move || keys.verify(&receipt)).await?;
    verified.map_err(|e| BatchError::Content(e.reason()))?;
    Ok(if is_same_tree { found } else { Found::Other })
}
