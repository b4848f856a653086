//! Copies of packs (备份): by pack, the sites, what is not as it should be.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use dengbei_proto::v1;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::not_a_query;
use super::problems::Problems;
use crate::json;
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

/// What a site signed after it read a pack back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SiteReceipt {
    site: String,
    /// primary, archive, remote, offline
    class: String,
    /// storage, backup, accession
    purpose: String,
    pack: u64,
    generation: u32,
    /// SHA-256, hex
    digest: String,
    /// RFC 6962 root over the object versions inside, hex
    versions_root: String,
    bytes: u64,
    stored_at: Option<String>,
    /// The site's Ed25519 key, hex; empty for a bare bucket
    key: String,
    signature: String,
    /// Who read a bare bucket back; empty when the site signs
    observed_by: String,
}

impl From<&v1::SiteReceipt> for SiteReceipt {
    fn from(r: &v1::SiteReceipt) -> Self {
        Self {
            site: r.site.clone(),
            class: r.class.clone(),
            purpose: r.purpose.clone(),
            pack: r.pack,
            generation: r.generation,
            digest: hex::encode(&r.digest),
            versions_root: hex::encode(&r.versions_root),
            bytes: r.bytes,
            stored_at: json::time(r.stored_at),
            key: hex::encode(&r.key),
            signature: hex::encode(&r.signature),
            observed_by: r.observed_by.clone(),
        }
    }
}

/// One site's copy of a pack.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PackCopy {
    site: String,
    class: String,
    /// waiting, stored, damaged, missing
    state: String,
    generation: u32,
    receipts: Vec<SiteReceipt>,
}

/// The copies of a pack.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Copies {
    pack: u64,
    /// 备份达标
    secured: bool,
    copies: Vec<PackCopy>,
}

/// The copies of a pack, site by site
#[utoipa::path(get, path = "/v1/packs/{pack}/copies", operation_id = "getCopies", tag = "backup",
    params(("pack" = u64, Path, description = "存储包")),
    responses((status = 200, description = "the copies and what the sites signed", body = Copies), Problems))]
pub(crate) async fn copies(
    State(gateway): State<Gateway>,
    Path(pack): Path<u64>,
) -> Result<Json<Copies>, Refusal> {
    let reply = answered(gateway.peers.replication()?.copies(question(v1::CopiesRequest { pack })).await)?;
    let copy = |c: &v1::PackCopy| PackCopy {
        site: c.site.clone(),
        class: c.class.clone(),
        state: c.state.clone(),
        generation: c.generation,
        receipts: c.receipts.iter().map(SiteReceipt::from).collect(),
    };
    Ok(Json(Copies {
        pack: reply.pack,
        secured: reply.secured,
        copies: reply.copies.iter().map(copy).collect(),
    }))
}

/// How a site stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Site {
    site: String,
    class: String,
    /// Ed25519, hex
    key: String,
    /// Whether it answers now
    answers: bool,
    /// What is wrong; empty when nothing is
    trouble: String,
    packs: u64,
    bytes: u64,
    /// `null`: a bucket does not say
    free_bytes: Option<u64>,
    quarantined: u64,
    waiting: u64,
    damaged: u64,
    last_receipt_at: Option<String>,
    /// Of the newest checkpoint that it holds
    log_size: u64,
    last_inspected_at: Option<String>,
}

impl From<&v1::SiteStanding> for Site {
    fn from(s: &v1::SiteStanding) -> Self {
        Self {
            site: s.site.clone(),
            class: s.class.clone(),
            key: hex::encode(&s.key),
            answers: s.answers,
            trouble: s.trouble.clone(),
            packs: s.packs,
            bytes: s.bytes,
            free_bytes: (!s.free_unknown).then_some(s.free_bytes),
            quarantined: s.quarantined,
            waiting: s.waiting,
            damaged: s.damaged,
            last_receipt_at: json::time(s.last_receipt_at),
            log_size: s.log_size,
            last_inspected_at: json::time(s.last_inspected_at),
        }
    }
}

/// A copy that is not as it should be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CopyTrouble)]
pub(crate) struct PackTrouble {
    site: String,
    pack: u64,
    generation: u32,
    /// damaged, truncated, unreadable, unexpected, rolled_back, missing, waiting
    kind: String,
    since: Option<String>,
    detail: String,
    repaired: bool,
    repaired_at: Option<String>,
}

impl From<v1::PackTrouble> for PackTrouble {
    fn from(t: v1::PackTrouble) -> Self {
        Self {
            site: t.site,
            pack: t.pack,
            generation: t.generation,
            kind: t.kind,
            since: json::time(t.since),
            detail: t.detail,
            repaired: t.repaired,
            repaired_at: json::time(t.repaired_at),
        }
    }
}

/// Every site, and what is not as it should be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Sites {
    sites: Vec<Site>,
    /// Newest first: damaged, missing, waiting, repaired
    troubles: Vec<PackTrouble>,
}

/// How many troubles.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HowMany {
    /// Troubles, 1 to 1000; 100 when not told
    #[serde(default)]
    limit: Option<u32>,
}

/// Every site and how it stands, and copies that are not as they should be
#[utoipa::path(get, path = "/v1/sites", operation_id = "listSites", tag = "backup", params(HowMany),
    responses((status = 200, description = "every site of the deployment", body = Sites), Problems))]
pub(crate) async fn sites(
    State(gateway): State<Gateway>,
    how_many: Result<Query<HowMany>, QueryRejection>,
) -> Result<Json<Sites>, Refusal> {
    let Query(how_many) = how_many.map_err(|e| not_a_query(&e))?;
    let (mut one, mut other) = (gateway.peers.replication()?, gateway.peers.replication()?);
    let limit = how_many.limit.unwrap_or(100).clamp(1, 1000);
    let (sites, troubles) = tokio::join!(
        one.sites(question(v1::SitesRequest {})),
        other.troubles(question(v1::TroublesRequest { limit })),
    );
    let sites = answered(sites)?.sites.iter().map(Site::from).collect();
    let troubles = answered(troubles)?.troubles.into_iter().map(PackTrouble::from).collect();
    Ok(Json(Sites { sites, troubles }))
}
