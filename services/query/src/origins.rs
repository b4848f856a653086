//! Where submissions come from (来源): the facts do not carry all of it, ingest keeps it beside each submission. Asked before
//! a bundle is applied; what ingest could not be asked about is noted and asked later, so that nothing waits for ingest.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use dengbei_chain::{Event, Fact};
use dengbei_kit::grpc::{MAX_MESSAGE, MeshChannel};
use dengbei_kit::{Drain, Leases};
use dengbei_proto::v1;
use dengbei_proto::v1::intake_client::IntakeClient;
use dengbei_records::SubmissionId;
use sqlx::PgPool;
use tonic::{Request, Status};

use crate::derive::Changes;
use crate::store::tallies::Tally;
use crate::store::{attempts, quality, tallies};

/// How long ingest has to answer before its answer is waited for no longer.
const ANSWER: Duration = Duration::from_secs(2);
/// How often what is not known yet is asked for again.
const AGAIN: Duration = Duration::from_secs(5);
/// Submissions asked for at once.
const AT_ONCE: usize = 500;
const LEASE: &str = "query.origins";

/// Where one comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// 来源系统
    pub source_system: String,
    /// 权力事项编码, as the package has it
    pub matter_code: String,
    /// 统一社会信用代码, or empty
    pub unit_uscc: String,
    /// 承办单位（科室）
    pub department: String,
    /// `YYYY-MM-DD`, or empty
    pub closed_on: String,
}

/// What ingest told. `None`: it could not be asked.
pub type Origins = Option<HashMap<SubmissionId, Origin>>;

/// The submissions that an event begins.
fn begun(event: &Event) -> Option<SubmissionId> {
    match event.fact.as_ref()? {
        Fact::ItemPrefiled(f) => Some(f.submission),
        Fact::ItemParked(f) => Some(f.submission),
        Fact::SubmissionRefused(f) => Some(f.submission),
        _ => None,
    }
}

/// Asks about what a bundle begins. Never fails: what is not known is asked for later.
pub(crate) async fn of(ingest: &MeshChannel, events: &[Event]) -> Origins {
    let ids: Vec<SubmissionId> = events.iter().filter_map(begun).collect();
    if ids.is_empty() {
        return Some(HashMap::new());
    }
    ask(ingest, &ids).await.ok()
}

async fn ask(ingest: &MeshChannel, ids: &[SubmissionId]) -> Result<HashMap<SubmissionId, Origin>, Status> {
    let mut client = IntakeClient::new(ingest.clone()).max_decoding_message_size(MAX_MESSAGE);
    let submissions = ids.iter().map(|id| Bytes::copy_from_slice(id.as_bytes())).collect();
    let mut request = Request::new(v1::OriginsRequest { submissions });
    request.set_timeout(ANSWER);
    let asked = tokio::time::timeout(ANSWER, client.origins(request)).await;
    let reply = asked.unwrap_or_else(|_| Err(Status::deadline_exceeded("ingest")))?.into_inner();
    let known = reply.origins.into_iter().filter_map(|o| {
        let id = SubmissionId::from_slice(&o.submission).ok()?;
        let origin = Origin {
            source_system: o.source_system,
            matter_code: o.matter_code,
            unit_uscc: o.unit_uscc,
            department: o.department,
            closed_on: o.closed_on,
        };
        Some((id, origin))
    });
    Ok(known.collect())
}

/// Adds to the changes of a bundle where what it begins comes from; gives what is still to be asked for.
pub(crate) fn place(changes: &mut Changes, origins: &Origins, events: &[Event]) -> Vec<SubmissionId> {
    let mut unplaced: Vec<SubmissionId> = Vec::new();
    for id in events.iter().filter_map(begun) {
        match origins {
            Some(known) => known.get(&id).into_iter().for_each(|origin| changes.place(id, origin)),
            None => unplaced.push(id),
        }
    }
    unplaced.sort_unstable();
    unplaced.dedup();
    unplaced
}

/// Asks again for what is not known yet. A reconciler: idempotent, one process at a time.
#[derive(Clone)]
pub(crate) struct Placing {
    pub(crate) pool: PgPool,
    pub(crate) ingest: MeshChannel,
    pub(crate) leases: Leases,
}

impl Placing {
    /// Works until the drain.
    ///
    /// # Errors
    /// The database's: run it again.
    pub(crate) async fn run(self, drain: Drain) -> anyhow::Result<()> {
        while !drain.is_requested() {
            if self.leases.hold(LEASE).await? {
                while self.pass().await? == AT_ONCE {}
            }
            tokio::select! {
                () = drain.requested() => {}
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
        Ok(self.leases.give_up(LEASE).await?)
    }

    /// Places some; gives how many.
    async fn pass(&self) -> Result<usize, sqlx::Error> {
        let ids = quality::unplaced(&self.pool, AT_ONCE).await?;
        if ids.is_empty() {
            return Ok(0);
        }
        let Ok(known) = ask(&self.ingest, &ids).await else { return Ok(0) };
        let mut tx = self.pool.begin().await?;
        let mut changes = Changes::default();
        for (id, origin) in &known {
            changes.place(*id, origin);
        }
        let mut tally = Tally::default();
        attempts::put(&mut tx, &changes, &mut tally).await?;
        // What ingest does not know it will not know later either.
        quality::placed(&mut tx, &ids).await?;
        tallies::add(&mut tx, tally).await?;
        tx.commit().await?;
        Ok(ids.len())
    }
}
