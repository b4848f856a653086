//! A handler that writes down what it applies, and fails when it is told to.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use dengbei_bus::{HandleError, Handler, Outcome};
use dengbei_chain::{Event, FactKind};
use dengbei_records::{ErrorClass, EventHash};
use sqlx::PgConnection;

/// How the handler is today.
#[derive(Debug, Default)]
pub(crate) struct Mood {
    /// These fail, with this class.
    pub(crate) poison: HashSet<EventHash>,
    pub(crate) class: Option<ErrorClass>,
    /// These make it panic.
    pub(crate) explosive: HashSet<EventHash>,
    /// A part that it needs does not answer.
    pub(crate) is_absent: bool,
    /// Trace contexts that came with what was applied.
    pub(crate) contexts: Vec<Option<String>>,
    /// How often `prepare` was called.
    pub(crate) prepared: usize,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Keeper(Arc<Mutex<Mood>>);

impl Keeper {
    pub(crate) fn mood(&self, change: impl FnOnce(&mut Mood)) {
        change(&mut self.0.lock().unwrap());
    }

    pub(crate) fn prepared(&self) -> usize {
        self.0.lock().unwrap().prepared
    }

    fn check(&self, event: &Event) -> Result<(), HandleError> {
        let (class, is_poison, is_explosive) = {
            let mood = self.0.lock().unwrap();
            (mood.class, mood.poison.contains(&event.hash), mood.explosive.contains(&event.hash))
        };
        assert!(!is_explosive, "an explosive event");
        if is_poison {
            let class = class.unwrap_or(ErrorClass::Internal);
            return Err(HandleError::new(class, anyhow::anyhow!("a poisonous event")));
        }
        Ok(())
    }
}

impl Handler for Keeper {
    type Prepared = ();

    fn wants(&self, kind: FactKind) -> bool {
        kind == FactKind::SubmissionRefused
    }

    async fn prepare(&self, _: &[Event]) -> Result<(), HandleError> {
        let mut mood = self.0.lock().unwrap();
        mood.prepared += 1;
        if mood.is_absent {
            return Err(HandleError::new(ErrorClass::Unavailable, anyhow::anyhow!("nobody answers")));
        }
        Ok(())
    }

    async fn apply(
        &self,
        tx: &mut PgConnection,
        events: &[Event],
        (): (),
    ) -> Result<Vec<Outcome>, HandleError> {
        let mut outcomes = Vec::new();
        for event in events {
            let mut missing = None;
            for cause in &event.causes {
                let known: bool = sqlx::query_scalar("select exists (select from applied where hash = $1)")
                    .bind(cause.as_bytes().as_slice())
                    .fetch_one(&mut *tx)
                    .await?;
                missing = missing.or((!known).then_some(*cause));
            }
            if let Some(cause) = missing {
                outcomes.push(Outcome::WaitFor(cause));
                continue;
            }
            // Not idempotent on purpose: what is applied twice shows.
            sqlx::query("insert into applied (hash) values ($1)")
                .bind(event.hash.as_bytes().as_slice())
                .execute(&mut *tx)
                .await?;
            self.check(event)?;
            self.0.lock().unwrap().contexts.push(dengbei_bus::traceparent_of(&event.hash));
            outcomes.push(Outcome::Applied);
        }
        Ok(outcomes)
    }
}
