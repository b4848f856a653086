//! What makes a whole, and what fixity itself stated of wholes, signatures and rechecks: kept in the bundle's transaction.
//!
//! Before: `hear.rs` of the service. After: the worker in `wholes/`, by its clock. Idempotent: keyed by subject and stage,
//! or by the event. What was stated before a loss comes back here without its documents; `restore.rs` fetches them.

use dengbei_chain::facts::{CheckRechecked, CheckSigned};
use dengbei_chain::{Event, Fact, FactKind};
use dengbei_records::Timestamp;
use sqlx::postgres::PgConnection;

use crate::desk::bytes_of;
use crate::store::rechecks::{self, RecheckRow};
use crate::store::tasks::{self, Signature};
use crate::store::wholes::{self, Key};

/// A batch that is heard of so long after it was made had its run, or is from before there were runs: milliseconds.
const TOO_LATE: i64 = 30 * 86_400_000;

/// What is heard for wholes.
pub(crate) const fn wants(kind: FactKind) -> bool {
    matches!(
        kind,
        FactKind::BatchFiled
            | FactKind::BatchApplied
            | FactKind::TransferAccepted
            | FactKind::WholeChecked
            | FactKind::CheckSigned
            | FactKind::CheckRechecked
    )
}

/// Keeps one fact; nothing of others.
pub(crate) async fn hear(tx: &mut PgConnection, event: &Event, now: Timestamp) -> Result<(), sqlx::Error> {
    match &event.fact {
        Some(Fact::BatchFiled(f)) => open(tx, event, Key::of("batch", "G", &f.pack), now).await,
        Some(Fact::BatchApplied(f)) => open(tx, event, Key::of("batch", "G", &f.batch), now).await,
        Some(Fact::TransferAccepted(f)) => {
            open(tx, event, Key::of("batch", "Y", &f.transfer_no), now).await?;
            open(tx, event, Key::of("carrier", "Y", &f.transfer_no), now).await
        }
        Some(Fact::WholeChecked(f)) => wholes::state(tx, (f, event.hash), now).await.map(drop),
        Some(Fact::CheckSigned(f)) => signed(tx, event, f).await,
        Some(Fact::CheckRechecked(f)) => rechecked(tx, event, f).await,
        _ => Ok(()),
    }
}

async fn open(tx: &mut PgConnection, event: &Event, key: Key, now: Timestamp) -> Result<(), sqlx::Error> {
    if now.millis() - event.recorded_at.millis() > TOO_LATE {
        return Ok(());
    }
    wholes::open(tx, &key, Some(event), now).await.map(drop)
}

async fn signed(tx: &mut PgConnection, event: &Event, f: &CheckSigned) -> Result<(), sqlx::Error> {
    let signature = Signature {
        event: event.hash.as_bytes().to_vec(),
        task: tasks::id(&f.scope, &f.stage, &f.number, &f.check),
        actor: bytes_of(event.actor),
        is_in_order: f.is_in_order,
        document: f.finding.digest.as_bytes().to_vec(),
        at: event.recorded_at.millis(),
        person: None,
        note: None,
    };
    tasks::sign(tx, &signature).await.map(drop)
}

async fn rechecked(tx: &mut PgConnection, event: &Event, f: &CheckRechecked) -> Result<(), sqlx::Error> {
    let row = RecheckRow {
        event: event.hash.as_bytes().to_vec(),
        item: f.item.uuid(),
        report: f.report.as_bytes().to_vec(),
        check_id: f.check.clone(),
        opinion: f.opinion.clone(),
        actor: bytes_of(event.actor),
        document: f.reason.digest.as_bytes().to_vec(),
        at: event.recorded_at.millis(),
        person: None,
        reason: None,
    };
    rechecks::put(tx, &row).await.map(drop)
}
