//! What followed from which event, for receipts. Stored with the entries, so it is a function of the log.
//!
//! Only the facts that carry an item's life on after `batch.filed`: a few a batch, none an item.

use dengbei_chain::{Event, FactKind};
use dengbei_records::EventHash;
use sqlx::PgConnection;

use crate::store::{raw, read};

/// Whether a receipt may have to find this event from its causes.
const fn is_a_step(kind: FactKind) -> bool {
    matches!(
        kind,
        FactKind::BatchApplied
            | FactKind::BatchRegistered
            | FactKind::PackSecured
            | FactKind::CertificateIssued
            | FactKind::TransferAccepted
            | FactKind::ItemAccessioned
    )
}

/// Notes what these events followed from.
pub(super) async fn note(tx: &mut PgConnection, events: &[Event]) -> Result<(), sqlx::Error> {
    let (mut causes, mut effects, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    for event in events {
        let Some(kind) = event.fact.as_ref().map(dengbei_chain::Fact::kind).filter(|kind| is_a_step(*kind))
        else {
            continue;
        };
        for cause in &event.causes {
            causes.push(*cause);
            effects.push(event.hash);
            kinds.push(kind.name());
        }
    }
    if causes.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into log_effects (cause, effect, kind)
         select c, e, k from unnest($1::bytea[], $2::bytea[], $3::text[]) as r (c, e, k) order by c, k, e
         on conflict do nothing",
    )
    .bind(raw(&causes))
    .bind(raw(&effects))
    .bind(kinds)
    .execute(tx)
    .await
    .map(drop)
}

/// The events of a kind that followed from `cause` and are under the published checkpoint, oldest first.
pub(crate) async fn effects(
    tx: &mut PgConnection,
    cause: EventHash,
    kind: FactKind,
) -> Result<Vec<EventHash>, sqlx::Error> {
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "select f.effect from log_effects f join log_entries e on e.hash = f.effect, log_head h
         where f.cause = $1 and f.kind = $2 and e.index < h.size order by e.index",
    )
    .bind(cause.as_bytes().as_slice())
    .bind(kind.name())
    .fetch_all(tx)
    .await?;
    rows.iter().map(|hash| read(EventHash::from_slice(hash))).collect()
}
