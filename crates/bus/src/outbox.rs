//! The outbox: where a service puts events, in the transaction whose effects they state.
//!
//! After: `relay`, which numbers the rows and sends them.

use dengbei_chain::{Encoded, FactKind};
use dengbei_kit::telemetry;
use dengbei_records::AreaCode;
use sqlx::postgres::PgConnection;

use crate::bundle::{encode_events, split};
use crate::store::outbox::{self, NewRow};
use crate::subjects;

/// Puts events where the relay finds them.
#[derive(Debug, Clone)]
pub struct Outbox {
    area: AreaCode,
}

impl Outbox {
    /// For the deployment's area.
    pub const fn new(area: AreaCode) -> Self {
        Self { area }
    }

    /// Puts events into the caller's transaction: when it commits they will be sent and logged, and only then. They
    /// carry the current span's trace context.
    ///
    /// # Errors
    /// The database's: the transaction is then to be rolled back.
    pub async fn put(&self, tx: &mut PgConnection, events: &[Encoded]) -> Result<(), sqlx::Error> {
        let current = telemetry::traceparent();
        self.put_traced(tx, events, &vec![current; events.len()]).await
    }

    /// As [`Self::put`], with each event's own trace context (where `contexts` is shorter: none).
    ///
    /// # Errors
    /// The database's: the transaction is then to be rolled back.
    pub async fn put_traced(
        &self,
        tx: &mut PgConnection,
        events: &[Encoded],
        contexts: &[Option<String>],
    ) -> Result<(), sqlx::Error> {
        let traced: Vec<(&Encoded, &str)> = events
            .iter()
            .enumerate()
            .map(|(at, event)| (event, contexts.get(at).and_then(Option::as_deref).unwrap_or("")))
            .collect();
        for kind in kinds(events) {
            let of_kind: Vec<_> = traced.iter().copied().filter(|(event, _)| event.kind == kind).collect();
            let mut start = 0;
            for end in split(of_kind.iter().map(|(event, _)| event.bytes.len())) {
                outbox::insert(tx, &self.row(kind, &of_kind[start..end])).await?;
                start = end;
            }
        }
        Ok(())
    }

    fn row(&self, kind: FactKind, events: &[(&Encoded, &str)]) -> NewRow {
        let bytes: Vec<_> = events.iter().map(|(event, _)| event.bytes.clone()).collect();
        let is_traced = events.iter().any(|(_, context)| !context.is_empty());
        let contexts = events.iter().filter(|_| is_traced).map(|(_, context)| (*context).to_owned());
        NewRow {
            subject: subjects::subject(&self.area, kind),
            count: events.len(),
            events: encode_events(&bytes),
            traceparents: contexts.collect(),
        }
    }
}

/// The kinds there are, each once, in the order in which they first come.
fn kinds(events: &[Encoded]) -> Vec<FactKind> {
    let mut kinds = Vec::new();
    for event in events {
        if !kinds.contains(&event.kind) {
            kinds.push(event.kind);
        }
    }
    kinds
}
