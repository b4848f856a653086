//! What is asked about batches: lists, one batch with its steps, what waits. Reads only.

use dengbei_records::papers::{Application, Decision, Sealed};
use dengbei_records::{PackNumber, SerialNo, Sha256, UnitCode, canonical};
use serde::de::DeserializeOwned;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Office;
use super::error::BatchError;
use crate::store::batches::{self, Batch, BatchState, Filter, Step};
use crate::store::documents;
use crate::store::filed_packs::{self, FiledPack};

/// Packs that a list shows as waiting.
const WAITING: i64 = 200;

/// Which batch is asked for.
#[derive(Debug, Clone)]
pub(crate) enum Which {
    Id(Uuid),
    /// Registration or certificate number.
    Number(SerialNo),
    Pack(PackNumber),
}

/// A batch as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) batch: Batch,
    pub(crate) secured: Vec<PackNumber>,
    pub(crate) waits_for: &'static str,
}

/// A page of batches.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) batches: Vec<Shown>,
    pub(crate) counts: Vec<(String, u64)>,
    pub(crate) waiting: Vec<(FiledPack, String)>,
}

impl Office {
    /// Lists batches, newest first, and what waits to be applied for.
    pub(crate) async fn list(&self, filter: &Filter) -> Result<Asked, BatchError> {
        let mut connection = self.pool.acquire().await?;
        let found = batches::list(&mut connection, filter).await?;
        let mut shown = Vec::with_capacity(found.len());
        for batch in found {
            shown.push(show(&mut connection, batch).await?);
        }
        let counts = batches::counts(&mut connection).await?;
        let unit: Option<&UnitCode> = filter.unit.as_ref();
        let waiting = match filter.before {
            None => filed_packs::unregistered(&mut connection, unit, WAITING).await?,
            Some(_) => Vec::new(),
        };
        Ok(Asked { batches: shown, counts, waiting })
    }

    /// One batch and the steps it took.
    pub(crate) async fn show(&self, which: &Which) -> Result<(Shown, Vec<Step>), BatchError> {
        let mut connection = self.pool.acquire().await?;
        let found = match which {
            Which::Id(id) => batches::find(&mut connection, *id).await?,
            Which::Number(number) => batches::numbered(&mut connection, number).await?,
            Which::Pack(pack) => batches::of_pack(&mut connection, *pack).await?,
        };
        let batch = found.ok_or_else(|| {
            BatchError::not_found("batch.unknown", "没有此登记批次", "no such registration batch")
        })?;
        let mut steps = batches::steps(&mut connection, batch.id).await?;
        name_steps(&mut connection, &batch, &mut steps).await?;
        Ok((show(&mut connection, batch).await?, steps))
    }
}

async fn show(tx: &mut PgConnection, batch: Batch) -> Result<Shown, BatchError> {
    let secured = match batch.state {
        BatchState::Registered => {
            let packs = filed_packs::of(tx, &batch.packs).await?;
            packs.into_iter().filter(|p| p.secured.is_some()).map(|p| p.pack).collect()
        }
        BatchState::BackedUp | BatchState::Certified => batch.packs.clone(),
        _ => Vec::new(),
    };
    let waits_for = waits_for(&batch);
    Ok(Shown { batch, secured, waits_for })
}

/// Who must do what next; empty: it goes on by itself.
fn waits_for(batch: &Batch) -> &'static str {
    match batch.state {
        state if state.is_undecided() && !batch.reasons.is_empty() => {
            "修复存储包后再次检测 / repair, then check again"
        }
        state if state.is_undecided() && batch.is_automatic => "",
        BatchState::Applied => "登记机关受理 / acceptance by the administration",
        BatchState::Accepted => "接收存储包 / reception of the packs",
        BatchState::Received => "技术检测 / technical check",
        BatchState::Checked => "登记机关另一人审核 / review by another person",
        _ => "",
    }
}

/// Steps that were replayed lack names; the documents say them, once their packs are read.
async fn name_steps(tx: &mut PgConnection, batch: &Batch, steps: &mut [Step]) -> Result<(), BatchError> {
    if steps.iter().all(|s| !s.by.is_empty()) {
        return Ok(());
    }
    let application: Option<Sealed<Application>> = paper(tx, Some(batch.application)).await?;
    let decision: Option<Sealed<Decision>> = paper(tx, batch.decision).await?;
    let applied_by = application.map(|a| a.body.filled_by).unwrap_or_default();
    let (accepted_by, reviewed_by) =
        decision.map(|d| (d.body.accepted_by, d.body.reviewed_by)).unwrap_or_default();
    for step in steps.iter_mut().filter(|s| s.by.is_empty()) {
        step.by = match step.step.as_str() {
            "apply" => applied_by.clone(),
            "accept" | "receive" | "check" => accepted_by.clone(),
            _ => reviewed_by.clone(),
        };
    }
    Ok(())
}

async fn paper<T: DeserializeOwned + serde::Serialize>(
    tx: &mut PgConnection,
    digest: Option<Sha256>,
) -> Result<Option<Sealed<T>>, BatchError> {
    let Some(digest) = digest else { return Ok(None) };
    let body = documents::body(tx, &digest).await?;
    Ok(body.map(|b| canonical::from_slice(&b)).transpose()?)
}
