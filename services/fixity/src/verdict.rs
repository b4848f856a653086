//! What a run states: one `item.checked` for all that passed by one scheme, with a member list whose root covers their
//! `item.prefiled`; one for each that failed, with its report. Rows, documents and events in the caller's transaction.
//!
//! Before: `check.rs`. After: the outbox; registration's `decide.rs` files or returns.

use dengbei_bus::Outbox;
use dengbei_chain::facts::{DocumentRef, ItemChecked, ItemPrefiled, ReadError, Verdict};
use dengbei_chain::{Actor, Draft, Encoded, Fact, Ids, Member, MemberList, Subject};
use dengbei_checks::{CheckId, CheckOutcome, CheckResult, ENGINE, Report, Stage};
use dengbei_kit::documents;
use dengbei_records::{AreaCode, Clock, EventHash, Invalid, Timestamp};
use serde_json::Value;
use sqlx::postgres::PgConnection;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

use crate::check;
use crate::error::VerdictError;
use crate::store::runs::{self, Run};

/// Media type of a report.
pub(crate) const REPORT: &str = "application/vnd.dengbei.check-report+json";

/// One item's report, before it is stated.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub(crate) prefiled: EventHash,
    pub(crate) fact: ItemPrefiled,
    pub(crate) record_no: String,
    pub(crate) report: Report,
    pub(crate) traceparent: Option<String>,
}

impl Checked {
    /// Whether nothing keeps it from being filed.
    pub(crate) fn is_passed(&self) -> bool {
        check::failing(&self.report).is_empty()
    }

    /// The scheme that it was checked by: `id/version`.
    fn scheme(&self) -> String {
        self.report.scheme.to_string()
    }
}

/// States verdicts in the deployment's name.
#[derive(Clone)]
pub(crate) struct Author {
    pub(crate) area: AreaCode,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) outbox: Outbox,
}

/// A document with its bytes.
struct Written {
    body: Vec<u8>,
    reference: DocumentRef,
}

impl Author {
    /// States a run over these items, in this order.
    ///
    /// # Errors
    /// [`VerdictError`]; the transaction is then to be rolled back.
    pub(crate) async fn state(&self, tx: &mut PgConnection, checked: &[Checked]) -> Result<(), VerdictError> {
        let run = self.ids.next();
        let (passed, failed): (Vec<&Checked>, Vec<&Checked>) = checked.iter().partition(|c| c.is_passed());
        let mut events = Vec::new();
        let mut traces = Vec::new();
        let mut rows = Vec::with_capacity(checked.len());
        for (scheme, passed) in by_scheme(&passed) {
            let run = if rows.is_empty() { run } else { self.ids.next() };
            let (list, written) = member_list(&passed)?;
            put(tx, &written).await?;
            rows.extend(passed.iter().map(|c| self.row(run, c, &written)));
            let count = u32::try_from(passed.len()).unwrap_or(u32::MAX);
            let verdict = Verdict::Passed { count, root: list.root() };
            events.push(self.write(Subject::Run(run), vec![], (scheme, verdict), written.reference)?);
            traces.push(shared(&passed));
        }
        for one in failed {
            let written = report(one.report.clone().ended(self.clock.now()))?;
            put(tx, &written).await?;
            rows.push(self.row(run, one, &written));
            let verdict = Verdict::Failed {
                item: one.fact.item,
                data_version: one.fact.data_version,
                failed: check::failing(&one.report),
            };
            let subject = Subject::Item(one.fact.item);
            let verdict = (one.scheme(), verdict);
            events.push(self.write(subject, vec![one.prefiled], verdict, written.reference)?);
            traces.push(one.traceparent.clone());
        }
        runs::insert(tx, &rows).await?;
        self.outbox.put_traced(tx, &events, &traces).await?;
        Ok(())
    }

    fn write(
        &self,
        subject: Subject,
        causes: Vec<EventHash>,
        (scheme, verdict): (String, Verdict),
        report: DocumentRef,
    ) -> Result<Encoded, ReadError> {
        let stage = Stage::G.as_str().to_owned();
        let fact = ItemChecked { stage, scheme, engine: ENGINE.to_owned(), verdict, report };
        self.encode(subject, causes, Fact::ItemChecked(fact))
    }

    /// An event of this service, now.
    ///
    /// # Errors
    /// [`ReadError::TooLarge`] when the fact should cite a document instead.
    pub(crate) fn encode(
        &self,
        subject: Subject,
        causes: Vec<EventHash>,
        fact: Fact,
    ) -> Result<Encoded, ReadError> {
        self.encode_of((subject, causes, fact), None, self.clock.now())
    }

    /// An event of what a person did, at a moment that its document names too.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub(crate) fn encode_of(
        &self,
        (subject, causes, fact): (Subject, Vec<EventHash>, Fact),
        actor: Option<Actor>,
        recorded_at: Timestamp,
    ) -> Result<Encoded, ReadError> {
        let (id, area) = (self.ids.next(), self.area.clone());
        Draft { id, area, subject, causes, actor, recorded_at, fact }.encode()
    }

    fn row(&self, run: Uuid, of: &Checked, document: &Written) -> Run {
        Run {
            prefiled: of.prefiled,
            run,
            submission: of.fact.submission,
            item: of.fact.item,
            data_version: of.fact.data_version,
            scheme: of.scheme(),
            engine: ENGINE.to_owned(),
            failed: check::failing(&of.report),
            document: document.reference.digest,
            checked_at: self.clock.now().millis(),
        }
    }
}

/// What passed, by scheme, in the order of the schemes' names.
fn by_scheme<'a>(passed: &[&'a Checked]) -> BTreeMap<String, Vec<&'a Checked>> {
    let mut all: BTreeMap<String, Vec<&Checked>> = BTreeMap::new();
    for one in passed {
        all.entry(one.scheme()).or_default().push(one);
    }
    all
}

async fn put(tx: &mut PgConnection, written: &Written) -> Result<(), VerdictError> {
    documents::put(tx, &written.body, &written.reference.media_type).await?;
    Ok(())
}

fn member_list(passed: &[&Checked]) -> Result<(MemberList, Written), Invalid> {
    let member = |c: &&Checked| {
        let (event, item, data_version) = (c.prefiled, c.fact.item, c.fact.data_version);
        Ok(Member { event, item, data_version, detail: detail(&c.report)? })
    };
    let members = passed.iter().map(member).collect::<Result<_, Invalid>>()?;
    let list = MemberList { of: "item.checked".to_owned(), salt: salt(), members };
    let (body, reference) = list.document()?;
    Ok((list, Written { body, reference }))
}

/// What is worth keeping about an item that passed: its warnings, and what became of signatures that it carries; null when
/// there are none.
fn detail(report: &Report) -> Result<Value, Invalid> {
    let notable: Vec<_> = report.kept().cloned().map(small).collect();
    if notable.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::to_value(notable).map_err(|e| Invalid::new("check outcome", e))
}

/// Of a scan its engine and signatures are kept, or why there was none, not what every scan is compared with: that stands in the scheme.
fn small(outcome: CheckOutcome) -> CheckOutcome {
    let is_notable = matches!(outcome.result, CheckResult::Failed | CheckResult::Warning);
    if outcome.id != CheckId::S02 || is_notable {
        return outcome;
    }
    CheckOutcome { basis: "".into(), basis_en: "".into(), ..outcome }
}

/// The report with a salt, so that its digest in a public event tells nothing, and with its own digest.
fn report(report: Report) -> Result<Written, Invalid> {
    let (_, body) = report.sealed(salt())?;
    let reference = DocumentRef::to(&body, REPORT);
    Ok(Written { body, reference })
}

/// 32 random bytes, hex: a digest with it tells nothing.
pub(crate) fn salt() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

/// The trace context of a run: the items' own when they share one.
fn shared(passed: &[&Checked]) -> Option<String> {
    let first = passed.first()?.traceparent.clone();
    if passed.iter().all(|c| c.traceparent == first) { first } else { dengbei_kit::telemetry::traceparent() }
}
