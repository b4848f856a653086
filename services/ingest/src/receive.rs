//! 接收: one upload, from its bytes to a firm answer for every package of it.
//!
//! Packages go in chunks: unpacked and read on a blocking thread, looked up together, checked, staged with one sync,
//! then handed to the committer. Memory is bounded: few uploads are read at a time, and what is large lies in unlinked
//! files. Before: `grpc.rs` spooled the upload. After: `commit.rs`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use dengbei_chain::{Actor, Ids};
use dengbei_checks::facts::{NamedDigest, PackageDigests, Sender};
use dengbei_formats::{Batch, Limits, ReadAt, ReadError};
use dengbei_kit::faults;
use dengbei_records::{Clock, DataVersion, ErrorClass, ItemId, Problem, Sha512, SourceSystem, SubmissionId};
use futures::future::join_all;
use sha2::Digest as _;
use sqlx::postgres::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::admit::{Admission, admit};
use crate::commit::{self, Answer, Handle};
use crate::config::{CHUNK, CHUNK_BYTES, READERS, Settings};
use crate::error::IngestError;
use crate::judge::{self, Arrival, Bench, Fate, Judged, Knowledge, Read};
use crate::noted::Noted;
use crate::origin::Origin;
use crate::stage::{Place, Stage};
use crate::stated;
use crate::store::{matters, submissions};

/// The system that a package comes from when neither sender nor catalogue says.
const DEFAULT_SOURCE: &str = "ZWFW";

/// What a sender says beside the bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) is_batch: bool,
    pub(crate) source_system: String,
    pub(crate) name: String,
    pub(crate) length: u64,
    pub(crate) actor: Option<Actor>,
    pub(crate) data_version: Option<DataVersion>,
    /// 来源系统 that the sender's credentials are bound to; empty: to none.
    pub(crate) sender: String,
    /// What the sender states of the upload's bytes.
    pub(crate) digests: Vec<NamedDigest>,
}

/// One package of an upload and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) name: String,
    pub(crate) submission: SubmissionId,
    pub(crate) item: Option<ItemId>,
    pub(crate) data_version: u32,
    pub(crate) noted: Vec<Noted>,
    pub(crate) problem: Option<Problem>,
    pub(crate) answer: Answer,
}

/// An upload's packages, and what is said about the batch itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) packages: Vec<Received>,
    pub(crate) batch: Vec<Noted>,
}

/// The door.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) settings: Settings,
    pub(crate) pool: PgPool,
    pub(crate) stage: Stage,
    pub(crate) committer: Handle,
    pub(crate) bench: Arc<Bench>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) readers: Arc<Semaphore>,
}

/// A package on its way to an answer: everything but the answer.
struct Waiting {
    received: Received,
    answer: oneshot::Receiver<Result<Answer, IngestError>>,
}

/// What one blocking step over an upload gives.
struct Step {
    upload: Upload,
    chunk: Vec<Result<Read, Judged>>,
}

/// An opened upload and how far it was read.
struct Upload {
    batch: Batch,
    next: usize,
    bytes: Arc<dyn ReadAt>,
    /// Of the upload's bytes; computed when a package of it cannot be opened.
    digest: Option<Sha512>,
}

impl Door {
    /// The semaphore for [`Door::readers`].
    pub(crate) fn readers() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(READERS))
    }

    /// Decides about every package of an upload. What is acknowledged is on stable storage. `turn` is given back as
    /// soon as the upload's bytes are not needed any more.
    ///
    /// # Errors
    /// When the upload as a whole gets no answer: see [`IngestError`].
    pub(crate) async fn receive(
        &self,
        head: Head,
        bytes: Arc<dyn ReadAt>,
        turn: Option<OwnedSemaphorePermit>,
    ) -> Result<Reply, IngestError> {
        let mut upload = match self.open(&head, bytes.clone()).await? {
            Ok(upload) => upload,
            Err(problem) => return self.refuse_whole(&head, bytes, problem).await,
        };
        let digests = self.stated(&head, bytes.clone()).await?;
        let arrival = Arrival { digests, ..self.arrival(&head, &upload.batch)? };
        let batch = crate::catalogue::compare(&upload.batch);
        let mut seen = HashMap::new();
        let mut waiting = Vec::with_capacity(upload.batch.len());
        while upload.next < upload.batch.len() {
            let permit = self.readers.acquire().await.map_err(|_| commit::stopped())?;
            let step = self.read_chunk(upload, &arrival).await?;
            upload = step.upload;
            let judged = self.judge_chunk(step.chunk, &arrival, &mut seen).await?;
            let staged = self.stage_chunk(judged).await?;
            drop(permit);
            for (judged, place) in staged {
                waiting.push(self.hand_in(judged, place).await?);
            }
        }
        // Nothing of the upload is held any more: the next may begin while the committer works.
        drop((upload, bytes, turn));
        Ok(Reply { packages: answers(waiting).await?, batch })
    }

    /// Opens the upload; the inner error is what it is refused for.
    async fn open(
        &self,
        head: &Head,
        bytes: Arc<dyn ReadAt>,
    ) -> Result<Result<Upload, Problem>, IngestError> {
        let (name, spool) = (head.name.clone(), self.settings.staging.clone());
        let limits = if head.is_batch { Limits::BATCH } else { Limits::PACKAGE };
        let opened = blocking(move || {
            let batch = Batch::open(bytes.clone(), &name, limits, &spool)?;
            Ok(Upload { batch, next: 0, bytes, digest: None })
        });
        match opened.await? {
            Ok(upload) => Ok(Ok(upload)),
            Err(ReadError::Refused(problem)) => Ok(Err(problem)),
            Err(ReadError::Io(e)) => Err(IngestError::Staging(e.into())),
        }
    }

    /// An upload that is no archive is one refused package whose item cannot be read.
    async fn refuse_whole(
        &self,
        head: &Head,
        bytes: Arc<dyn ReadAt>,
        problem: Problem,
    ) -> Result<Reply, IngestError> {
        let digest =
            blocking(move || digest_of(&*bytes)).await?.map_err(|e| IngestError::Staging(e.into()))?;
        let scheme = self.bench.schemes.of(("", &self.settings.area), self.clock.now());
        let told = (scheme, head.actor);
        let judged = judge::unreadable(head.name.clone(), self.new_id(), digest, &problem, told);
        let judged = Judged { origin: Origin::sent_by(source(head, "")), ..judged };
        let waiting = self.hand_in(judged, None).await?;
        Ok(Reply { packages: answers(vec![waiting]).await?, batch: vec![] })
    }

    fn new_id(&self) -> SubmissionId {
        SubmissionId::from_uuid(self.ids.next())
    }

    fn arrival(&self, head: &Head, batch: &Batch) -> Result<Arrival, IngestError> {
        let listed = batch.catalogue.as_ref().map_or("", |c| c.system_code.as_str());
        let text = source(head, listed);
        let source_system: SourceSystem = text.parse().map_err(|e: dengbei_records::Invalid| {
            Problem::new(
                "submission.source_system",
                ErrorClass::Invalid,
                format!("来源系统无效：{}", e.value),
                "the source system is not valid",
            )
            .with_remedy("把来源系统（systemcode）写成不超过 64 字、无空白的代码")
        })?;
        let (received_at, actor, data_version) = (self.clock.now(), head.actor, head.data_version);
        let sender = self.sender(head, &source_system);
        Ok(Arrival { source_system, received_at, actor, data_version, sender, digests: None })
    }

    /// who sends, by the sources that are configured.
    fn sender(&self, head: &Head, system: &SourceSystem) -> Option<Sender> {
        let sources = &self.settings.sources;
        let find = |system: &str| sources.iter().find(|source| source.system == system);
        let bound = find(&head.sender);
        (!sources.is_empty()).then(|| Sender {
            system: system.to_string(),
            is_registered: find(system.as_str()).is_some(),
            bound_system: bound.map(|source| source.system.clone()),
            bound_units: bound.map(|source| source.units.clone()).unwrap_or_default(),
        })
    }

    /// what is stated of the upload's bytes beside what they are.
    async fn stated(
        &self,
        head: &Head,
        bytes: Arc<dyn ReadAt>,
    ) -> Result<Option<PackageDigests>, IngestError> {
        if head.digests.is_empty() {
            return Ok(None);
        }
        let stated = head.digests.clone();
        let compared = blocking(move || stated::compare(&stated, stated::FromStart::of(&*bytes))).await?;
        compared.map_err(|e| IngestError::Staging(e.into()))
    }

    /// Reads packages until the chunk is full.
    async fn read_chunk(&self, mut upload: Upload, arrival: &Arrival) -> Result<Step, IngestError> {
        let (bench, arrival, spool) = (self.bench.clone(), arrival.clone(), self.settings.staging.clone());
        let ids = self.ids.clone();
        blocking(move || {
            let mut chunk = Vec::new();
            let mut held = 0;
            while upload.next < upload.batch.len() && chunk.len() < CHUNK && held < CHUNK_BYTES {
                let submission = SubmissionId::from_uuid(ids.next());
                let read = read_next(&mut upload, &bench, &arrival, (submission, &spool))?;
                held += read.as_ref().map_or(0, Read::in_memory);
                chunk.push(read);
            }
            Ok(Step { upload, chunk })
        })
        .await?
    }

    /// Asks the database about the whole chunk, then checks it.
    async fn judge_chunk(
        &self,
        chunk: Vec<Result<Read, Judged>>,
        arrival: &Arrival,
        seen: &mut HashMap<String, ItemId>,
    ) -> Result<Vec<Judged>, IngestError> {
        let knowledge = self.look_up(&chunk, seen).await?;
        let (bench, arrival) = (self.bench.clone(), arrival.clone());
        let judged = blocking(move || {
            let each = chunk.into_iter().zip(knowledge);
            each.map(|(read, known)| match read {
                Ok(read) => bench.judge(read, &arrival, known),
                Err(refused) => Ok(refused),
            })
            .collect::<std::io::Result<Vec<Judged>>>()
        });
        judged.await?.map_err(|e| IngestError::Staging(e.into()))
    }

    async fn look_up(
        &self,
        chunk: &[Result<Read, Judged>],
        seen: &mut HashMap<String, ItemId>,
    ) -> Result<Vec<Knowledge>, IngestError> {
        let reads: Vec<Option<&Read>> = chunk.iter().map(|read| read.as_ref().ok()).collect();
        let asked: Vec<(String, String)> = reads
            .iter()
            .map(|read| {
                let code = read.and_then(Read::matter_code).map(String::from).unwrap_or_default();
                (code, read.map(|r| r.closed_on.clone()).unwrap_or_default())
            })
            .collect();
        let numbers: Vec<String> = reads.iter().map(|r| r.map(Read::record_no).unwrap_or_default()).collect();
        let in_force = matters::in_force(&self.pool, &asked).await?;
        let holders = submissions::holders(&self.pool, &numbers).await?;
        let knowledge = reads.iter().zip(in_force).zip(numbers).map(|((read, matter), number)| {
            let item = read.and_then(|r| r.item);
            let mut same: Vec<ItemId> = holders.get(&number).cloned().unwrap_or_default();
            if let Some(item) = item
                && !number.is_empty()
            {
                same.push(*seen.entry(number).or_insert(item));
            }
            same.retain(|other| Some(*other) != item);
            Knowledge { matter: matter.map(|m| m.matter), same_record_no: same }
        });
        Ok(knowledge.collect())
    }

    /// Stages what is new, all of it with one sync; what the key decides already is not staged.
    async fn stage_chunk(&self, judged: Vec<Judged>) -> Result<Vec<(Judged, Option<Place>)>, IngestError> {
        let items: Vec<ItemId> = judged.iter().filter_map(|j| j.item).collect();
        let known = submissions::attempts(&self.pool, &items).await?;
        let staged = judged.into_iter().map(|mut judged| {
            let attempts = judged.item.and_then(|i| known.get(&i)).map_or(&[][..], Vec::as_slice);
            let is_new = judged.data_version.is_some_and(|version| {
                matches!(admit(attempts, version, &judged.digest), Admission::New { .. })
            });
            async move {
                let place = match &mut judged.fate {
                    Fate::Kept(kept) if is_new => self.stage_one(kept.parcel.take()).await?,
                    _ => None,
                };
                Ok::<_, IngestError>((judged, place))
            }
        });
        let staged = join_all(staged).await;
        if staged.iter().any(Result::is_err) {
            // The upload gets no answer: what its other packages staged belongs to nobody.
            for (_, place) in staged.iter().flatten() {
                self.free(place.as_ref()).await;
            }
        } else if staged.iter().flatten().any(|(_, place)| place.is_some()) {
            faults::reach("ingest.staged");
        }
        staged.into_iter().collect()
    }

    async fn free(&self, place: Option<&Place>) {
        if let Some(place) = place
            && let Err(e) = self.stage.release(place.piece()).await
        {
            tracing::warn!(error = %e, "staged bytes that nobody needs stay until somebody adopts them");
        }
    }

    async fn stage_one(&self, parcel: Option<judge::Parcel>) -> Result<Option<Place>, IngestError> {
        let Some(parcel) = parcel else { return Ok(None) };
        let (segment, range) = self.stage.append(parcel.part).await?;
        Ok(Some(Place {
            segment,
            start: range.start,
            length: range.end - range.start,
            reception_len: parcel.reception_len,
            contents: parcel.contents,
        }))
    }

    async fn hand_in(&self, judged: Judged, place: Option<Place>) -> Result<Waiting, IngestError> {
        let received = Received {
            name: judged.name.clone(),
            submission: judged.submission,
            item: judged.item,
            data_version: judged.data_version.map_or(0, DataVersion::get),
            noted: judged.noted.clone(),
            problem: judged.problem.clone(),
            answer: Answer::Refused(judged.submission),
        };
        let answer = self.committer.decide(judged, place).await?;
        Ok(Waiting { received, answer })
    }
}

/// Reads the next package; one that cannot be read is refused and disturbs no other.
fn read_next(
    upload: &mut Upload,
    bench: &Bench,
    arrival: &Arrival,
    (submission, spool): (SubmissionId, &PathBuf),
) -> Result<Result<Read, Judged>, IngestError> {
    let index = upload.next;
    upload.next += 1;
    let Some(package) = upload.batch.package(index) else {
        return Err(IngestError::Internal(anyhow::anyhow!("the batch lost a package")));
    };
    let read = package.source.and_then(|source| bench.read(&*source, arrival, submission, spool));
    match read {
        Ok(read) => {
            let listed = upload.listed(index, &read.record_no()).map_err(IngestError::of_reading)?;
            Ok(Ok(read.named(package.name).listed_as(listed)))
        }
        Err(ReadError::Io(e)) => Err(IngestError::of_reading(e)),
        Err(ReadError::Refused(problem)) => {
            let digest = upload.digest_of(index).map_err(|e| IngestError::Staging(e.into()))?;
            let told = (bench.scheme("", arrival), arrival.actor);
            let judged = judge::unreadable(package.name, submission, digest, &problem, told);
            let origin = Origin::sent_by(arrival.source_system.as_str());
            Ok(Err(Judged { origin, ..judged }))
        }
    }
}

impl Upload {
    /// what the catalogue states of the package's own archive, beside what that is.
    fn listed(&self, index: usize, record_no: &str) -> std::io::Result<Option<PackageDigests>> {
        let listed = self.batch.catalogue.iter().flat_map(|catalogue| &catalogue.directories);
        let stated = listed.filter(|row| !row.digest.is_empty()).find(|row| row.record_no == record_no);
        stated.map(|row| stated::compare_listed(&row.digest, self.batch.archive(index)?)).transpose()
    }

    /// Stands for a package that cannot be opened: the upload's bytes and the package's place in it.
    fn digest_of(&mut self, index: usize) -> std::io::Result<Sha512> {
        let whole = match self.digest {
            Some(digest) => digest,
            None => *self.digest.insert(digest_of(&*self.bytes)?),
        };
        if self.batch.len() == 1 {
            return Ok(whole);
        }
        let mut hasher = sha2::Sha512::new();
        hasher.update(whole.as_bytes());
        hasher.update((index as u64).to_be_bytes());
        Ok(Sha512::from_bytes(hasher.finalize().into()))
    }
}

fn digest_of(bytes: &dyn ReadAt) -> std::io::Result<Sha512> {
    let mut hasher = sha2::Sha512::new();
    let mut buffer = vec![0; 256 << 10];
    let mut at = 0;
    loop {
        match bytes.read_at(&mut buffer, at)? {
            0 => return Ok(Sha512::from_bytes(hasher.finalize().into())),
            n => {
                hasher.update(&buffer[..n]);
                at += n as u64;
            }
        }
    }
}

async fn answers(waiting: Vec<Waiting>) -> Result<Vec<Received>, IngestError> {
    let mut received = Vec::with_capacity(waiting.len());
    for one in waiting {
        let answer = one.answer.await.map_err(|_| commit::stopped())??;
        received.push(told(one.received, answer));
    }
    Ok(received)
}

/// The answer put with what is told about the package.
fn told(received: Received, answer: Answer) -> Received {
    let submission = match &answer {
        Answer::Taken(id, _) | Answer::Duplicate(id, _) | Answer::Refused(id) => *id,
        Answer::Conflict(..) => received.submission,
    };
    let problem = match &answer {
        Answer::Conflict(_, problem) => Some(problem.clone()),
        _ => received.problem.clone(),
    };
    Received { submission, problem, answer, ..received }
}

/// Runs blocking work beside the async threads; a panic inside is a fault of ours.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, IngestError> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
        .await
        .map_err(|e| IngestError::Internal(e.into()))
}

/// 来源系统 as far as anybody says: the sender, the catalogue (`listed`), the credentials.
fn source<'a>(head: &'a Head, listed: &'a str) -> &'a str {
    let told = [head.source_system.as_str(), listed, head.sender.as_str()];
    told.into_iter().find(|t| !t.is_empty()).unwrap_or(DEFAULT_SOURCE)
}
