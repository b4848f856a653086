//! 整体检测: what is not per item: batches (G, Y), carriers (Y), the system and its sessions of work (C).
//!
//! Before: [`hear`] opens a run for `batch.filed`, `batch.applied`, `transfer.accepted`; the clock opens one of the system a
//! day and one session a month; a person may ask for one of the system. The way of a run: [`gather`] what is to be
//! compared → `checks` judges → [`state`](Wholes::state) writes report, tasks and `whole.checked`. After: persons sign the
//! tasks (`desk/`).
//!
//! A run is never overwritten: one per subject and stage, stated in the transaction that ends it. What a database that was
//! rebuilt hears from the log is read again ([`restore`]), not done again: the worker begins only when all that fixity
//! stated before is heard ([`Heard`]). Nothing waits for a run or for a person: what fails or is unsigned is shown.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dengbei_bus::Heard;
use dengbei_chain::facts::WholeChecked;
use dengbei_chain::{DocumentRef, Fact, FactKind, Subject};
use dengbei_checks::{Report, Scheme, Stage};
use dengbei_kit::grpc::MeshChannel;
use dengbei_kit::{Drain, Leases, documents, faults, status};
use dengbei_records::{ErrorClass, EventHash, Timestamp};
use sqlx::postgres::{PgConnection, PgPool};
use tokio::sync::Mutex;

use crate::check::Bench;
use crate::consumer::Checks;
use crate::metrics;
use crate::sites::Sites;
use crate::store::tasks::{self, Asking};
use crate::store::wholes::{self, Key, OpenWhole};
use crate::verdict::{Author, REPORT, salt};

mod batch;
mod drill;
pub(crate) mod error;
mod gather;
pub(crate) mod hear;
mod restore;
mod system;

pub(crate) use restore::find;

use error::WholeError;

/// How often the clock is looked at, and what became due.
const TICK: Duration = Duration::from_secs(1);
/// Who does it, of several processes.
const LEASE: &str = "fixity.wholes";
/// Runs of one pass.
const AT_ONCE: i64 = 16;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Checks wholes. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Wholes {
    pub(crate) pool: PgPool,
    pub(crate) sites: Sites,
    pub(crate) author: Author,
    /// Whose documents events cite, and who holds ours.
    pub(crate) registration: MeshChannel,
    /// Schemes, and the virus scanner.
    pub(crate) bench: Arc<Bench>,
    /// Where what a drill restores lies while it is compared.
    pub(crate) quarantine: PathBuf,
    /// The day for which this process asked last what the clock asks for, so that it does not ask every second.
    pub(crate) opened: Arc<Mutex<String>>,
}

impl Wholes {
    /// Works until the drain, once everything that was stated before is heard.
    ///
    /// # Errors
    /// When the database fails: run it again.
    pub(crate) async fn run(self, heard: Heard<Checks>, leases: Leases, drain: Drain) -> anyhow::Result<()> {
        if !heard.wait(&drain).await {
            return Ok(());
        }
        // Begun again after a fault of the database: it may be another one.
        self.opened.lock().await.clear();
        while !drain.is_requested() {
            if leases.hold(LEASE).await? {
                self.pass().await?;
            }
            drain.pause(TICK).await;
        }
        Ok(leases.give_up(LEASE).await?)
    }

    /// The scheme that holds here and now.
    fn scheme(&self) -> &Scheme {
        self.bench.schemes.of(("", &self.bench.area), self.author.clock.now())
    }

    /// Reads again what came back, opens what the clock asks for, and does what is due.
    pub(crate) async fn pass(&self) -> Result<(), sqlx::Error> {
        self.restore().await?;
        let now = self.author.clock.now();
        self.open_by_clock(now).await?;
        for run in wholes::due(&self.pool, now, AT_ONCE).await? {
            self.one(&run).await?;
        }
        Ok(())
    }

    /// The system once a day, a session of work once a month: Beijing time. Another process may have asked already: the
    /// rows' key decides, memory only spares the question. It is set when both are there.
    async fn open_by_clock(&self, now: Timestamp) -> Result<(), sqlx::Error> {
        let day = now.office();
        let (day, month) = (day.get(..10).unwrap_or_default(), day.get(..7).unwrap_or_default());
        let mut opened = self.opened.lock().await;
        if *opened == day {
            return Ok(());
        }
        wholes::open(&self.pool, &Key::of("batch", "C", month), None, now).await?;
        wholes::open(&self.pool, &Key::of("system", "C", day), None, now).await?;
        day.clone_into(&mut opened);
        Ok(())
    }

    async fn one(&self, run: &OpenWhole) -> Result<(), sqlx::Error> {
        let Err(error) = self.check(run).await else { return Ok(()) };
        let why = status::chain(&error);
        let waits = matches!(error, WholeError::NotYet(_));
        let (scope, number) = (&run.key.scope, &run.key.number);
        match error.class() {
            _ if waits => {}
            ErrorClass::Unavailable | ErrorClass::Exhausted => {
                tracing::warn!(scope, number, why, "whole not checked yet");
            }
            _ => tracing::error!(scope, number, why, "whole cannot be checked"),
        }
        let tries = if waits { run.tries } else { run.tries + 1 };
        let pause = if waits { FIRST_PAUSE } else { pause(run.tries) };
        let due = self.author.clock.now().millis() + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        wholes::put_off(&self.pool, &run.key, (Timestamp::from_millis(due), tries), &why).await
    }

    async fn check(&self, run: &OpenWhole) -> Result<(), WholeError> {
        match (run.key.scope.as_str(), &run.event) {
            ("carrier", _) => self.carrier(run).await,
            ("system", _) => self.system(run).await,
            (_, Some(event)) => self.batch(run, event).await,
            (_, None) => self.session(run).await,
        }
    }

    /// What persons signed so far of a subject and stage, as the checks see it.
    async fn signed(&self, key: &Key) -> Result<Vec<dengbei_checks::Signed>, WholeError> {
        let wanted =
            tasks::Wanted { scope: key.scope.clone(), number: key.number.clone(), ..Default::default() };
        let open = tasks::list(&self.pool, &wanted, 64).await?;
        let open: Vec<_> = open.into_iter().filter(|t| t.stage == key.stage).collect();
        let ids: Vec<String> = open.iter().map(|t| t.id.clone()).collect();
        let signatures = tasks::signatures(&self.pool, &ids).await?;
        let signed = signatures.into_iter().filter_map(|s| {
            let check = open.iter().find(|t| t.id == s.task)?.check_id.parse().ok()?;
            Some(dengbei_checks::Signed {
                check,
                person: s.person?,
                at: Timestamp::from_millis(s.at),
                is_in_order: s.is_in_order,
                note: s.note.unwrap_or_default(),
            })
        });
        Ok(signed.collect())
    }

    /// States what came out: row, tasks, document and event in one transaction, which `beside` joins.
    async fn state(
        &self,
        run: &OpenWhole,
        report: Report,
        beside: Option<drill::Drill>,
    ) -> Result<(), WholeError> {
        let stage = report.stage;
        let (report, body) = report.ended(self.author.clock.now()).sealed(salt())?;
        let reference = DocumentRef::to(&body, REPORT);
        let fact = WholeChecked {
            scope: run.key.scope.clone(),
            number: run.key.number.clone(),
            stage: stage.as_str().to_owned(),
            scheme: report.scheme.to_string(),
            engine: report.engine.to_string(),
            verdict: report.verdict.as_str().to_owned(),
            report: reference.clone(),
        };
        let causes: Vec<EventHash> = run.event.iter().map(|e| e.hash).collect();
        let event = self.author.encode(subject(run), causes, Fact::WholeChecked(fact.clone()))?;
        let mut tx = self.pool.begin().await?;
        if !wholes::state(&mut tx, (&fact, event.hash), self.author.clock.now()).await? {
            return Ok(());
        }
        documents::put(&mut tx, &body, &reference.media_type).await?;
        keep(&mut tx, event.hash, &report).await?;
        if let Some(drill) = beside {
            drill.keep(&mut tx).await?;
        }
        self.author.outbox.put(&mut tx, &[event]).await?;
        tx.commit().await?;
        faults::reach("fixity.whole_checked");
        metrics::whole_checked(&fact.scope, report.verdict);
        let (scope, number, verdict) = (&fact.scope, &fact.number, &fact.verdict);
        tracing::info!(scope, number, verdict, "whole checked");
        Ok(())
    }
}

/// Keeps what a report says beside its verdict, and opens its tasks.
async fn keep(tx: &mut PgConnection, stated: EventHash, report: &Report) -> Result<(), WholeError> {
    let asking = Asking {
        whole: stated,
        report: report.digest.ok_or(WholeError::Unsealed)?,
        stage: report.stage.as_str().to_owned(),
        at: report.began_at.unwrap_or(Timestamp::from_millis(0)),
    };
    let ids = tasks::open(tx, &asking, &report.tasks).await?;
    Ok(wholes::told(tx, stated, report, &ids).await?)
}

/// What the worker states.
pub(crate) fn is_own(kind: FactKind) -> bool {
    matches!(kind, FactKind::WholeChecked | FactKind::CheckSigned | FactKind::CheckRechecked)
}

/// What the event is about: what makes the batch, else the system.
fn subject(run: &OpenWhole) -> Subject {
    match &run.event {
        Some(event) => event.subject.clone(),
        // A month of work is no batch of the log.
        None if run.key.scope == "batch" => Subject::Other(format!("session/{}", run.key.number)),
        None => Subject::Other(format!("{}/{}", run.key.scope, run.key.number)),
    }
}

/// The stage that a row names.
fn stage_of(key: &Key) -> Stage {
    Stage::from_name(&key.stage).unwrap_or(Stage::C)
}

/// The pause after so many failures.
fn pause(before: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << before.min(10)).min(LONGEST_PAUSE)
}
