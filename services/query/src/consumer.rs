//! What is heard: every fact. Before: `bus`. After: `apply.rs`.

use std::time::Instant;

use dengbei_bus::{HandleError, Handler, Outcome};
use dengbei_chain::{Event, FactKind};
use sqlx::PgConnection;

use dengbei_kit::grpc::MeshChannel;

use crate::apply::{Applied, Told, apply_told};
use crate::members::Sources;
use crate::{metrics, origins};

/// Applies events to the read model.
#[derive(Clone)]
pub(crate) struct ReadModel {
    pub(crate) sources: Sources,
    /// Who tells where submissions come from.
    pub(crate) ingest: MeshChannel,
}

impl Handler for ReadModel {
    type Prepared = Told;

    fn wants(&self, _: FactKind) -> bool {
        true
    }

    async fn prepare(&self, events: &[Event]) -> Result<Told, HandleError> {
        let (lists, origins) = tokio::join!(self.sources.lists(events), origins::of(&self.ingest, events));
        let lists = lists.map_err(|error| HandleError::new(error.class, error.source))?;
        Ok(Told { lists, origins })
    }

    async fn apply(
        &self,
        tx: &mut PgConnection,
        events: &[Event],
        told: Told,
    ) -> Result<Vec<Outcome>, HandleError> {
        let began = Instant::now();
        let context = |event: &Event| dengbei_bus::traceparent_of(&event.hash).unwrap_or_default();
        let traceparents: Vec<String> = events.iter().map(context).collect();
        let applied = apply_told(tx, events, &traceparents, &told).await?;
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
