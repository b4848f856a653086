//! The committer: one transaction for everything that waits, its rows and its events. Acknowledges after commit.
//!
//! Before: `receive.rs` read, checked and staged a package. After: the outbox; `bus/src/relay` carries the events on
//! to fixity (`check.rs`) and registration.
//!
//! If we crash before the commit, the staged bytes belong to nobody and are freed by whoever adopts their segment; the
//! sender got no answer and sends again. If we crash after it, the sender's next try is a duplicate, with where the
//! item stands.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use dengbei_bus::Outbox;
use dengbei_chain::Encoded;
use dengbei_chain::facts::SubmissionRefused;
use dengbei_kit::{db, faults};
use dengbei_records::{Custody, DataVersion, ErrorClass, EventHash, ItemId, Problem, SubmissionId};
use sqlx::postgres::{PgConnection, PgPool};
use tokio::sync::{Mutex, mpsc, oneshot};
use tracing::warn;

use crate::admit::{Admission, Attempt, admit};
use crate::adopt::Doubts;
use crate::config::GROUP;
use crate::error::IngestError;
use crate::events::Author;
use crate::judge::{Fate, Judged};
use crate::origin::Origin;
use crate::stage::{Place, Stage};
use crate::standing::Standing;
use crate::store::origins;
use crate::store::refusals::{self, Refusal};
use crate::store::submissions::{self, Accepted};
use crate::{metrics, noted};

/// What becomes of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Taken: prefiled or parked.
    Taken(SubmissionId, Custody),
    /// 重复, with the earlier submission.
    Duplicate(SubmissionId, Custody),
    /// 冲突, with where the submission stands that it collides with.
    Conflict(Custody, Problem),
    /// 拒收, with the submission under which it was refused first.
    Refused(SubmissionId),
}

impl Answer {
    /// The outcome as scripts see it.
    pub(crate) const fn outcome(&self) -> &'static str {
        match self {
            Self::Taken(_, Custody::Parked) => "parked",
            Self::Taken(..) => "prefiled",
            Self::Duplicate(..) => "duplicate",
            Self::Conflict(..) => "conflict",
            Self::Refused(_) => "refused",
        }
    }
}

type Outcome = Result<Answer, IngestError>;

/// One package on its way through the committer.
pub(crate) struct Job {
    judged: Judged,
    /// Where its bytes lie; nothing of a refused package is staged.
    place: Option<Place>,
    traceparent: Option<String>,
    reply: oneshot::Sender<Outcome>,
}

impl Job {
    /// Whether it can be committed: what is to be kept must be staged, and was not if its key was taken a moment ago.
    fn is_ready(&self) -> bool {
        self.place.is_some() || matches!(self.judged.fate, Fate::Refused { .. })
    }
}

/// The way into the committer. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Handle(mpsc::Sender<Job>);

impl Handle {
    /// Hands in a judged package, staged if it is to be kept; the answer comes after its commit. A package that was
    /// handed in is decided about whether anybody waits or not.
    ///
    /// # Errors
    /// Unavailable when the committer has stopped.
    pub(crate) async fn decide(
        &self,
        judged: Judged,
        place: Option<Place>,
    ) -> Result<oneshot::Receiver<Outcome>, IngestError> {
        let (reply, answer) = oneshot::channel();
        let traceparent = dengbei_kit::telemetry::traceparent();
        let job = Job { judged, place, traceparent, reply };
        self.0.send(job).await.map_err(|_| stopped())?;
        Ok(answer)
    }
}

/// The committer is gone: the process is ending.
pub(crate) fn stopped() -> IngestError {
    IngestError::Staging(anyhow::anyhow!("the committer has stopped"))
}

/// What waits for the committer.
pub(crate) type Queue = Arc<Mutex<mpsc::Receiver<Job>>>;

/// The way into a committer that does not run yet, and its queue.
pub(crate) fn channel() -> (Handle, Queue) {
    let (sender, receiver) = mpsc::channel(2 * GROUP);
    (Handle(sender), Arc::new(Mutex::new(receiver)))
}

/// What the committer works with.
#[derive(Clone)]
pub(crate) struct Committer {
    pub(crate) pool: PgPool,
    pub(crate) stage: Stage,
    pub(crate) outbox: Outbox,
    pub(crate) author: Author,
    pub(crate) standing: Arc<Standing>,
    /// What may have been committed or not.
    pub(crate) doubts: Doubts,
    /// Told which matters something was parked for.
    pub(crate) parked: mpsc::UnboundedSender<String>,
}

/// A job whose fate is settled but for the commit.
struct Settled {
    job: Job,
    overtakes: Vec<SubmissionId>,
}

impl Committer {
    /// Until every [`Handle`] is gone: those who still wait at a drain get their answers.
    pub(crate) async fn run(self, queue: Queue) -> anyhow::Result<()> {
        let mut queue = queue.lock().await;
        let mut later = VecDeque::new();
        while let Some(first) = next(&mut queue, &mut later).await {
            let group = gather(first, &mut queue, &mut later);
            metrics::group(group.len());
            self.group(group).await;
        }
        Ok(())
    }

    async fn group(&self, group: Vec<Job>) {
        let items: Vec<ItemId> = group.iter().filter_map(|job| job.judged.item).collect();
        let known = match submissions::attempts(&self.pool, &items).await {
            Ok(known) => known,
            Err(e) => return self.fail(group, &e).await,
        };
        let mut settled = Vec::with_capacity(group.len());
        for job in group {
            if let Some(one) = self.settle(job, &known).await {
                settled.push(one);
            }
        }
        match self.commit(&settled).await {
            Ok(answers) => self.acknowledge(settled, answers).await,
            Err(e) if settled.len() == 1 => self.second_try(settled, &e).await,
            Err(e) => {
                warn!(error = %e, size = settled.len(), "a group did not commit; its submissions go one by one");
                for one in settled {
                    Box::pin(self.group(vec![one.job])).await;
                }
            }
        }
    }

    /// Answers at once what the submission key decides; gives back what is to be committed.
    async fn settle(&self, job: Job, known: &HashMap<ItemId, Vec<Attempt>>) -> Option<Settled> {
        match decision(&job.judged, known) {
            Admission::New { .. } if !job.is_ready() => {
                let changed = anyhow::anyhow!("the item's state changed while its package was checked");
                self.answer(job, Err(IngestError::Staging(changed))).await;
                None
            }
            Admission::New { overtakes } => Some(Settled { job, overtakes }),
            Admission::Duplicate { submission, custody } => {
                self.answer(job, Ok(Answer::Duplicate(submission, custody))).await;
                None
            }
            Admission::Conflict { custody, problem } => {
                self.answer(job, Ok(Answer::Conflict(custody, problem))).await;
                None
            }
        }
    }

    /// Another process was quicker with the same item: what it committed decides now.
    async fn second_try(&self, settled: Vec<Settled>, error: &sqlx::Error) {
        let group: Vec<Job> = settled.into_iter().map(|one| one.job).collect();
        if db::class(error) != ErrorClass::Conflict {
            return self.fail(group, error).await;
        }
        let items: Vec<ItemId> = group.iter().filter_map(|job| job.judged.item).collect();
        let known = submissions::attempts(&self.pool, &items).await.unwrap_or_default();
        for job in group {
            match self.settle(job, &known).await {
                Some(one) => self.fail(vec![one.job], error).await,
                None => continue,
            }
        }
    }

    /// Rows and events in one transaction.
    async fn commit(&self, settled: &[Settled]) -> Result<Vec<Answer>, sqlx::Error> {
        if settled.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = db::begin_by_key(&self.pool).await?;
        let mut events = Events::default();
        let mut rows = Vec::with_capacity(settled.len());
        let mut answers = Vec::with_capacity(settled.len());
        let now = self.author.clock.now().millis();
        for one in settled {
            answers.push(match &one.job.judged.fate {
                Fate::Refused { .. } => self.refuse(&mut tx, &one.job, &mut events, now).await?,
                Fate::Kept(_) => {
                    let row = self.accept(&one.job, &mut events)?;
                    let answer = Answer::Taken(row.submission.id, row.custody);
                    self.overtake(&mut tx, one, &row, &mut events).await?;
                    rows.push(row);
                    answer
                }
            });
        }
        submissions::insert(&mut tx, &rows).await?;
        origins::insert(&mut tx, &new_ones(settled, &answers)).await?;
        self.outbox.put_traced(&mut tx, &events.encoded, &events.traceparents).await?;
        tx.commit().await?;
        faults::reach("ingest.committed");
        Ok(answers)
    }

    /// The row and the event of a package that is kept.
    fn accept(&self, job: &Job, events: &mut Events) -> Result<Accepted, sqlx::Error> {
        let (Fate::Kept(kept), Some(place)) = (&job.judged.fate, &job.place) else {
            return Err(sqlx::Error::Encode("a package that is kept was not staged".into()));
        };
        let of = &kept.submission;
        let event = match &kept.matter {
            Some(matter) => self.author.prefiled(of, matter, vec![]),
            None => self.author.parked(of, &kept.matter_code),
        };
        let event = event.map_err(|e| sqlx::Error::Encode(e.into()))?;
        let hash = event.hash;
        events.push(event, job);
        let is_parked = kept.matter.is_none();
        Ok(Accepted {
            submission: of.clone(),
            digest: job.judged.digest,
            custody: if is_parked { Custody::Parked } else { Custody::Prefiled },
            matter_code: kept.matter_code.clone(),
            record_no: kept.record_no.clone(),
            checks: noted::to_value(&job.judged.noted),
            parked_event: is_parked.then_some(hash),
            place: place.clone(),
            received_at: kept.received_at.millis(),
        })
    }

    /// What was parked makes way for the newer submission.
    async fn overtake(
        &self,
        tx: &mut PgConnection,
        one: &Settled,
        row: &Accepted,
        events: &mut Events,
    ) -> Result<(), sqlx::Error> {
        let Some(by) = events.newest() else { return Ok(()) };
        if one.overtakes.is_empty() {
            return Ok(());
        }
        for old in submissions::overtake(tx, &one.overtakes, row.received_at).await? {
            let event = self.author.superseded(&old, &row.submission, by);
            events.push(event.map_err(|e| sqlx::Error::Encode(e.into()))?, &one.job);
        }
        Ok(())
    }

    /// Notes a refusal; its event only the first time.
    async fn refuse(
        &self,
        tx: &mut PgConnection,
        job: &Job,
        events: &mut Events,
        now: i64,
    ) -> Result<Answer, sqlx::Error> {
        let judged = &job.judged;
        let Fate::Refused { failed } = &judged.fate else {
            return Err(sqlx::Error::Encode("not a refusal".into()));
        };
        let refusal = Refusal {
            digest: judged.digest,
            item: judged.item,
            data_version: judged.data_version.map_or(0, DataVersion::get),
            submission: judged.submission,
            checks: noted::to_value(&judged.noted),
            refused_at: now,
        };
        let stands = refusals::put(tx, &refusal).await?;
        if stands == judged.submission {
            let fact = SubmissionRefused {
                submission: stands,
                item: judged.item,
                failed: failed.clone(),
                data_version: refusal.data_version,
            };
            let event = self.author.refused(fact, judged.actor);
            events.push(event.map_err(|e| sqlx::Error::Encode(e.into()))?, job);
        }
        Ok(Answer::Refused(stands))
    }

    async fn acknowledge(&self, settled: Vec<Settled>, answers: Vec<Answer>) {
        for (one, answer) in settled.into_iter().zip(answers) {
            if let (Fate::Kept(kept), Answer::Taken(_, custody)) = (&one.job.judged.fate, &answer) {
                self.standing.add(1, kept.submission.bytes);
                if *custody == Custody::Parked {
                    // The task that releases lives as long as the service.
                    let _ = self.parked.send(kept.matter_code.clone());
                }
            }
            measure(&answer, &one.job.judged.fate);
            let _ = one.job.reply.send(Ok(answer));
        }
    }

    /// Answers without a commit: what was staged for it is freed.
    async fn answer(&self, job: Job, outcome: Outcome) {
        if let Some(place) = &job.place
            && let Err(e) = self.stage.release(place.piece()).await
        {
            warn!(error = %e, "staged bytes that nobody needs stay until somebody adopts them");
        }
        if let Ok(answer) = &outcome {
            measure(answer, &job.judged.fate);
        }
        // Nobody may wait any more: the sender went away and asks again.
        let _ = job.reply.send(outcome);
    }

    /// The transaction failed. Unless the database said why, it may have committed nevertheless: then the bytes stay
    /// until that is known (`adopt.rs`).
    async fn fail(&self, group: Vec<Job>, error: &sqlx::Error) {
        let is_refused =
            matches!(error, sqlx::Error::Database(_)) && db::class(error) != ErrorClass::Unavailable;
        let class = match db::class(error) {
            ErrorClass::Conflict => ErrorClass::Unavailable,
            class => class,
        };
        for mut job in group {
            if let Some(place) = job.place.take_if(|_| !is_refused) {
                self.doubts.note((job.judged.submission, place.piece()));
            }
            let error = anyhow::anyhow!("the transaction failed: {error}");
            let told = match class {
                ErrorClass::Internal => IngestError::Internal(error),
                _ => IngestError::Staging(error),
            };
            self.answer(job, Err(told)).await;
        }
    }
}

/// The events of one group, each with the trace context of its own request.
#[derive(Default)]
struct Events {
    encoded: Vec<Encoded>,
    traceparents: Vec<Option<String>>,
}

impl Events {
    fn newest(&self) -> Option<EventHash> {
        self.encoded.last().map(|event| event.hash)
    }

    fn push(&mut self, event: Encoded, job: &Job) {
        self.encoded.push(event);
        self.traceparents.push(job.traceparent.clone());
    }
}

fn measure(answer: &Answer, fate: &Fate) {
    metrics::decided(answer.outcome());
    match (answer, fate) {
        (Answer::Taken(..), Fate::Kept(kept)) => metrics::accepted(kept.submission.bytes),
        (Answer::Refused(_), Fate::Refused { failed }) => metrics::refused(failed),
        _ => {}
    }
}

/// By the submission key. A package that is refused can still be one that was taken before the rules changed.
fn decision(judged: &Judged, known: &HashMap<ItemId, Vec<Attempt>>) -> Admission {
    let attempts = judged.item.and_then(|item| known.get(&item)).map_or(&[][..], Vec::as_slice);
    let Some(version) = judged.data_version else { return Admission::New { overtakes: vec![] } };
    match (admit(attempts, version, &judged.digest), &judged.fate) {
        (Admission::Conflict { .. }, Fate::Refused { .. }) => Admission::New { overtakes: vec![] },
        (decided, _) => decided,
    }
}

async fn next(queue: &mut mpsc::Receiver<Job>, later: &mut VecDeque<Job>) -> Option<Job> {
    match later.pop_front() {
        Some(job) => Some(job),
        None => queue.recv().await,
    }
}

/// Whatever waits, up to a group. Two submissions of one item never share a group: the second is decided about
/// knowing the first.
fn gather(first: Job, queue: &mut mpsc::Receiver<Job>, later: &mut VecDeque<Job>) -> Vec<Job> {
    let mut items: HashSet<ItemId> = first.judged.item.into_iter().collect();
    let mut group = vec![first];
    let mut kept_back = VecDeque::new();
    while group.len() < GROUP && kept_back.len() < GROUP {
        let Some(job) = later.pop_front().or_else(|| queue.try_recv().ok()) else { break };
        match job.judged.item {
            Some(item) if !items.insert(item) => kept_back.push_back(job),
            _ => group.push(job),
        }
    }
    kept_back.append(later);
    *later = kept_back;
    group
}

/// Where those come from that are known from now on: what was taken, and what was refused for the first time.
fn new_ones<'a>(settled: &'a [Settled], answers: &[Answer]) -> Vec<(SubmissionId, &'a Origin)> {
    let of = |(one, answer): (&'a Settled, &Answer)| match answer {
        Answer::Taken(id, _) => Some((*id, &one.job.judged.origin)),
        Answer::Refused(id) if *id == one.job.judged.submission => Some((*id, &one.job.judged.origin)),
        _ => None,
    };
    settled.iter().zip(answers).filter_map(of).collect()
}
