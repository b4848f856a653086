//! gRPC `Replication`: parse, call, render.

use std::collections::HashMap;
use std::sync::Arc;

use dengbei_chain::facts::SiteReceipt;
use dengbei_kit::{db, status};
use dengbei_proto::v1;
use dengbei_proto::v1::replication_server::Replication;
use dengbei_records::{ErrorClass, PackNumber, Problem};
use sqlx::postgres::PgPool;
use tonic::{Request, Response, Status};

use crate::link::Link;
use crate::policy::Policy;
use crate::store::copies::{self, Copy, Standing};
use crate::store::sites::{self, SiteRow};
use crate::store::{damages, packs};

/// Troubles of one answer.
const MOST_TROUBLES: u32 = 1000;
/// What a troubles answer holds when nobody says.
const TROUBLES: u32 = 100;

/// Answers questions.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) pool: PgPool,
    pub(crate) links: Arc<[Link]>,
    pub(crate) policy: Arc<Policy>,
}

fn failed(e: &sqlx::Error) -> Status {
    status::report(&status::plain(db::class(e)), e)
}

impl Served {
    /// Asks every site how it stands, all at once.
    async fn answers(&self) -> HashMap<String, Result<v1::DescribeReply, String>> {
        let asked = self.links.iter().map(|link| async move {
            let answer = link.describe().await.map_err(|fault| fault.to_string());
            (link.name.clone(), answer)
        });
        futures::future::join_all(asked).await.into_iter().collect()
    }

    async fn pack(&self, number: PackNumber) -> Result<Option<(Vec<Copy>, bool)>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        if !packs::is_known(&mut connection, number).await? {
            return Ok(None);
        }
        let copies = copies::of_pack(&mut connection, number).await?;
        Ok(Some((copies, packs::is_secured(&mut connection, number).await?)))
    }

    async fn all_troubles(&self, limit: i64) -> Result<Vec<v1::PackTrouble>, sqlx::Error> {
        let mut troubles: Vec<v1::PackTrouble> =
            damages::newest(&self.pool, limit).await?.into_iter().map(damage).collect();
        troubles.extend(copies::stuck(&self.pool, limit).await?.into_iter().map(waiting));
        troubles.extend(sites::troubled(&self.pool).await?.into_iter().map(of_site));
        troubles.sort_by_key(|t| (t.repaired, std::cmp::Reverse(t.since)));
        troubles.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(troubles)
    }
}

fn damage(shown: damages::Shown) -> v1::PackTrouble {
    v1::PackTrouble {
        site: shown.site,
        pack: shown.pack.cast_unsigned(),
        generation: shown.generation.cast_unsigned(),
        kind: shown.kind,
        since: shown.since,
        detail: shown.reason,
        repaired: shown.repaired_at.is_some(),
        repaired_at: shown.repaired_at.unwrap_or(0),
    }
}

fn waiting((site, pack, generation, since, reason): copies::Stuck) -> v1::PackTrouble {
    let (pack, generation) = (pack.cast_unsigned(), generation.cast_unsigned());
    let kind = "waiting".to_owned();
    v1::PackTrouble { site, pack, generation, kind, since, detail: reason, repaired: false, repaired_at: 0 }
}

/// A site as a whole: no pack.
fn of_site((site, detail, since): (String, String, i64)) -> v1::PackTrouble {
    let kind = "site".to_owned();
    v1::PackTrouble { site, pack: 0, generation: 0, kind, since, detail, repaired: false, repaired_at: 0 }
}

fn standing(
    row: SiteRow,
    standing: &Standing,
    answer: Option<Result<v1::DescribeReply, String>>,
) -> v1::SiteStanding {
    let (told, silence) = match answer {
        Some(Ok(told)) => (Some(told), String::new()),
        Some(Err(why)) => (None, why),
        None => (None, "不再配置 / not configured any more".to_owned()),
    };
    let answers = told.is_some();
    let told = told.unwrap_or_default();
    let trouble = if row.trouble.is_empty() { silence } else { row.trouble };
    v1::SiteStanding {
        site: row.name,
        class: row.class,
        url: row.url,
        key: row.key.unwrap_or_default().into(),
        answers,
        trouble,
        packs: told.packs,
        bytes: told.bytes,
        free_bytes: told.free_bytes,
        free_unknown: told.free_unknown,
        quarantined: told.quarantined,
        waiting: standing.waiting.cast_unsigned(),
        damaged: standing.damaged.cast_unsigned(),
        last_receipt_at: standing.last_receipt_at,
        log_size: told.log_size,
        last_inspected_at: row.last_inspected_at,
    }
}

/// Copies by site: several signatures can stand for one.
fn by_site(copies: Vec<Copy>, classes: &HashMap<String, String>) -> Vec<v1::PackCopy> {
    let mut rendered: Vec<v1::PackCopy> = Vec::new();
    for copy in copies {
        let is_same = |c: &v1::PackCopy| c.site == copy.site && c.generation == copy.generation;
        let at = rendered.iter().position(is_same).unwrap_or_else(|| {
            rendered.push(v1::PackCopy {
                site: copy.site.clone(),
                class: classes.get(&copy.site).cloned().unwrap_or_default(),
                state: "waiting".into(),
                generation: copy.generation,
                receipts: Vec::new(),
            });
            rendered.len() - 1
        });
        let one = &mut rendered[at];
        one.receipts.extend(copy.receipt.as_ref().map(SiteReceipt::write));
        one.state = state(&copy, !one.receipts.is_empty()).into();
    }
    rendered
}

fn state(copy: &Copy, is_signed: bool) -> &'static str {
    match copy.damage.as_deref() {
        Some("missing") => "missing",
        Some(_) => "damaged",
        None if is_signed => "stored",
        None => "waiting",
    }
}

#[tonic::async_trait]
impl Replication for Served {
    async fn sites(&self, _: Request<v1::SitesRequest>) -> Result<Response<v1::SitesReply>, Status> {
        let rows = sites::all(&self.pool).await.map_err(|e| failed(&e))?;
        let stand = copies::standing(&self.pool).await.map_err(|e| failed(&e))?;
        let mut answers = self.answers().await;
        let none = Standing::default();
        let sites = rows.into_iter().map(|row| {
            let of = stand.iter().find(|s| s.site == row.name).unwrap_or(&none);
            let answer = answers.remove(&row.name);
            standing(row, of, answer)
        });
        Ok(Response::new(v1::SitesReply { sites: sites.collect() }))
    }

    async fn copies(&self, request: Request<v1::CopiesRequest>) -> Result<Response<v1::CopiesReply>, Status> {
        let pack = request.into_inner().pack;
        let found = self.pack(PackNumber::new(pack)).await.map_err(|e| failed(&e))?;
        let Some((copies, secured)) = found else {
            let (zh, en) = ("没有此存储包", "no such pack");
            return Err(status::from_problem(&Problem::new("pack.unknown", ErrorClass::NotFound, zh, en)));
        };
        let rows = sites::all(&self.pool).await.map_err(|e| failed(&e))?;
        let classes = rows.into_iter().map(|row| (row.name, row.class)).collect();
        Ok(Response::new(v1::CopiesReply { pack, secured, copies: by_site(copies, &classes) }))
    }

    async fn troubles(
        &self,
        request: Request<v1::TroublesRequest>,
    ) -> Result<Response<v1::TroublesReply>, Status> {
        let limit = request.into_inner().limit;
        let limit = if limit == 0 { TROUBLES } else { limit.min(MOST_TROUBLES) };
        let troubles = self.all_troubles(i64::from(limit)).await.map_err(|e| failed(&e))?;
        Ok(Response::new(v1::TroublesReply { troubles }))
    }

    async fn policy(&self, _: Request<v1::PolicyRequest>) -> Result<Response<v1::PolicyReply>, Status> {
        let policy =
            self.policy.document().map_err(|e| status::report(&status::plain(ErrorClass::Internal), &e))?;
        Ok(Response::new(v1::PolicyReply { policy: policy.into() }))
    }
}
