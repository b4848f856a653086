//! What ingest hears: outcomes of what it handed over, and newly published matters. One line of glue each.
//!
//! Before: registration states an outcome or a filing table. After: `let_go.rs` frees the bytes of what is decided,
//! `release.rs` prefiles what was parked for the matter; both are woken by what is written here.

use std::collections::BTreeMap;

use dengbei_bus::{HandleError, Handler, Outcome};
use dengbei_chain::{Event, Fact, FactKind};
use dengbei_records::{Clock, Custody, SubmissionId, SystemClock};
use sqlx::postgres::PgConnection;

use crate::store::{matters, submissions};

/// Applies facts to ingest's database.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcomes;

impl Handler for Outcomes {
    type Prepared = ();

    fn wants(&self, kind: FactKind) -> bool {
        use FactKind::{ItemFiled, ItemReturned, ItemSuperseded, MatterPublished};
        matches!(kind, ItemFiled | ItemReturned | ItemSuperseded | MatterPublished)
    }

    async fn prepare(&self, _: &[Event]) -> Result<(), HandleError> {
        Ok(())
    }

    async fn apply(
        &self,
        tx: &mut PgConnection,
        events: &[Event],
        (): (),
    ) -> Result<Vec<Outcome>, HandleError> {
        let mut decided: BTreeMap<&'static str, (Custody, Vec<SubmissionId>)> = BTreeMap::new();
        let mut outcomes = Vec::with_capacity(events.len());
        for event in events {
            outcomes.push(match &event.fact {
                Some(Fact::MatterPublished(fact)) => {
                    matters::put(tx, &fact.matter, &event.hash).await?;
                    Outcome::Applied
                }
                Some(fact) => match outcome_of(fact) {
                    Some((custody, submission)) => {
                        decided.entry(custody.name()).or_insert((custody, vec![])).1.push(submission);
                        Outcome::Applied
                    }
                    None => Outcome::Skipped,
                },
                None => Outcome::Skipped,
            });
        }
        let now = SystemClock.now().millis();
        for (custody, submissions) in decided.values() {
            // What is not ours, or decided before (our own item.superseded, a redelivery), stays as it is.
            submissions::settle(tx, submissions, *custody, now).await?;
        }
        Ok(outcomes)
    }
}

fn outcome_of(fact: &Fact) -> Option<(Custody, SubmissionId)> {
    match fact {
        Fact::ItemFiled(f) => Some((Custody::Filed, f.submission)),
        Fact::ItemReturned(f) => Some((Custody::Returned, f.submission)),
        Fact::ItemSuperseded(f) => Some((Custody::Superseded, f.submission)),
        _ => None,
    }
}
