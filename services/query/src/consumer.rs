//! What is heard: every fact. Before: `bus`. After: `apply.rs`.

use std::time::Instant;

use dengbei_bus::{HandleError, Handler, Outcome};
use dengbei_chain::{Event, FactKind};
use sqlx::PgConnection;

use crate::apply::{Applied, apply};
use crate::members::{Lists, Sources};
use crate::metrics;

/// Applies events to the read model.
#[derive(Clone)]
pub(crate) struct ReadModel {
    pub(crate) sources: Sources,
}

impl Handler for ReadModel {
    type Prepared = Lists;

    fn wants(&self, _: FactKind) -> bool {
        true
    }

    async fn prepare(&self, events: &[Event]) -> Result<Lists, HandleError> {
        self.sources.lists(events).await.map_err(|error| HandleError::new(error.class, error.source))
    }

    async fn apply(
        &self,
        tx: &mut PgConnection,
        events: &[Event],
        lists: Lists,
    ) -> Result<Vec<Outcome>, HandleError> {
        let began = Instant::now();
        let context = |event: &Event| dengbei_bus::traceparent_of(&event.hash).unwrap_or_default();
        let traceparents: Vec<String> = events.iter().map(context).collect();
        let applied = apply(tx, events, &traceparents, &lists).await?;
        metrics::applied(began);
        Ok(applied.into_iter().map(outcome).collect())
    }
}

const fn outcome(applied: Applied) -> Outcome {
    match applied {
        Applied::Yes => Outcome::Applied,
        Applied::Skipped => Outcome::Skipped,
        Applied::WaitsFor(cause) => Outcome::WaitFor(cause),
    }
}
