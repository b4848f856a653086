//! Staged bytes, read from ingest: the receptions together when a plan is made, everything in one pass when its pack is
//! written. Nothing is believed here: receptions are compared with their event, files with their digest by the writer.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{self, Read};
use std::rc::Rc;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use dengbei_kit::grpc::{MAX_MESSAGE, MeshChannel};
use dengbei_proto::v1;
use dengbei_proto::v1::ingest_client::IngestClient;
use dengbei_proto::v1::staged_part::Part;
use dengbei_records::{Reception, Sha256, SubmissionId, canonical};
use tokio::sync::mpsc;

/// Where `reception.json` lies in an object.
pub(crate) const RECEPTION: &str = "reception.json";
/// Chunks on their way to the writer: 256 KiB each.
const CHUNKS: usize = 16;
/// The most that is kept in memory because it came before it was wanted.
const EARLY: usize = 192 << 20;
/// How long ingest may take to answer at all.
const ANSWER: Duration = Duration::from_secs(30);

/// After so many silences in a row ingest is not asked again for the rest.
const SILENCES: usize = 3;

/// Why staged bytes could not be read. Always tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StagedError {
    /// Ingest does not answer.
    #[error("接收服务不可用 / ingest does not answer")]
    Unavailable(#[source] Box<tonic::Status>),
    /// Ingest does not have them.
    #[error("暂存内容缺失 / not staged: {submission}: {why}")]
    Missing {
        /// 提交标识
        submission: SubmissionId,
        /// What ingest says.
        why: String,
    },
    /// They are not what the event says.
    #[error("接收记录与事件不符 / the reception is not the event's: {0}")]
    Differs(SubmissionId),
}

impl From<tonic::Status> for StagedError {
    fn from(status: tonic::Status) -> Self {
        Self::Unavailable(Box::new(status))
    }
}

fn missing(submission: SubmissionId, why: &str) -> StagedError {
    StagedError::Missing { submission, why: why.to_owned() }
}

fn checked(
    submission: SubmissionId,
    digest: &Sha256,
    bytes: Bytes,
) -> Result<(Reception, Bytes), StagedError> {
    if Sha256::of(&bytes) != *digest {
        return Err(StagedError::Differs(submission));
    }
    let read = canonical::from_slice(&bytes).map_err(|_| StagedError::Differs(submission))?;
    Ok((read, bytes))
}

/// Ingest's staging, as others see it.
#[derive(Debug, Clone)]
pub(crate) struct Staging {
    client: IngestClient<MeshChannel>,
}

impl Staging {
    pub(crate) fn new(channel: MeshChannel) -> Self {
        Self { client: IngestClient::new(channel).max_decoding_message_size(MAX_MESSAGE) }
    }

    async fn read(
        &self,
        submissions: &[SubmissionId],
        receptions_only: bool,
    ) -> Result<tonic::Streaming<v1::StagedPart>, tonic::Status> {
        let submissions = submissions.iter().map(|s| s.as_bytes().to_vec().into()).collect();
        let call = self.client.clone();
        let request = v1::ReadStagedRequest { submissions, receptions_only };
        let answer = async move { { call }.read_staged(request).await };
        let late = |_| tonic::Status::deadline_exceeded("read_staged");
        tokio::time::timeout(ANSWER, answer).await.map_err(late)?.map(tonic::Response::into_inner)
    }

    /// The receptions of submissions, each if it has its digest, in the order asked. One that cannot be had holds up
    /// no other: where the stream ends early, the rest is asked for one by one.
    pub(crate) async fn receptions(
        &self,
        asked: &[(SubmissionId, Sha256)],
    ) -> Vec<Result<(Reception, Bytes), StagedError>> {
        let mut receptions = self.together(asked).await.unwrap_or_default();
        let mut silent = 0;
        for one in &asked[receptions.len()..] {
            let alone = if silent < SILENCES {
                self.together(std::slice::from_ref(one)).await
            } else {
                Err(tonic::Status::unavailable("ingest did not answer for those before").into())
            };
            silent = if alone.is_err() { silent + 1 } else { 0 };
            let none = || Err(missing(one.0, "no reception came"));
            receptions.push(alone.map_or_else(Err, |mut got| got.pop().unwrap_or_else(none)));
        }
        receptions
    }

    /// As many receptions as came before the stream ended; an error when it did not begin.
    async fn together(
        &self,
        asked: &[(SubmissionId, Sha256)],
    ) -> Result<Vec<Result<(Reception, Bytes), StagedError>>, StagedError> {
        let ids: Vec<SubmissionId> = asked.iter().map(|(id, _)| *id).collect();
        let mut parts = self.read(&ids, true).await?;
        let mut receptions = Vec::with_capacity(asked.len());
        while let Some((submission, digest)) = asked.get(receptions.len()) {
            let part = match tokio::time::timeout(ANSWER, parts.message()).await {
                Ok(Ok(Some(part))) => part.part,
                Ok(Err(status)) if receptions.is_empty() => return Err(status.into()),
                Err(_) if receptions.is_empty() => {
                    return Err(tonic::Status::deadline_exceeded("read_staged").into());
                }
                _ => break,
            };
            match part {
                Some(Part::Reception(bytes)) => receptions.push(checked(*submission, digest, bytes)),
                Some(Part::Missing(why)) => receptions.push(Err(missing(*submission, &why))),
                Some(Part::File(_)) | None => {}
            }
        }
        Ok(receptions)
    }

    /// Streams everything staged of these submissions to a blocking reader.
    pub(crate) fn stream(&self, submissions: Vec<SubmissionId>, wanted: HashSet<Key>) -> Feed {
        let (send, pieces) = mpsc::channel(CHUNKS);
        let staging = self.clone();
        tokio::spawn(async move {
            if let Err(e) = staging.pump(&submissions, &send).await {
                // The reader is gone when it failed first.
                let _ = send.send(Err(e)).await;
            }
        });
        Feed { pieces, wanted, early: HashMap::new(), kept: 0 }
    }

    async fn pump(
        &self,
        submissions: &[SubmissionId],
        out: &mpsc::Sender<Result<Piece, StagedError>>,
    ) -> Result<(), StagedError> {
        let mut parts = self.read(submissions, false).await?;
        let late = |_| tonic::Status::deadline_exceeded("read_staged");
        while let Some(part) = tokio::time::timeout(ANSWER, parts.message()).await.map_err(late)?? {
            let submission = SubmissionId::from_slice(&part.submission)
                .map_err(|e| tonic::Status::internal(e.to_string()))?;
            let piece = match part.part {
                Some(Part::Reception(data)) => {
                    Piece { key: (submission, RECEPTION.to_owned()), data, is_last: true }
                }
                Some(Part::File(f)) => Piece { key: (submission, f.content), data: f.data, is_last: f.last },
                Some(Part::Missing(why)) => return Err(StagedError::Missing { submission, why }),
                None => continue,
            };
            if out.send(Ok(piece)).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// A staged file: whose, and where it lies in the object.
pub(crate) type Key = (SubmissionId, String);

#[derive(Debug)]
struct Piece {
    key: Key,
    data: Bytes,
    is_last: bool,
}

/// Staged files as they come. Those that come before they are wanted are kept in memory, up to a bound; ingest sends
/// files in the order in which packs want them, so these are small ones.
#[derive(Debug)]
pub(crate) struct Feed {
    pieces: mpsc::Receiver<Result<Piece, StagedError>>,
    wanted: HashSet<Key>,
    early: HashMap<Key, Early>,
    kept: usize,
}

#[derive(Debug, Default)]
struct Early {
    chunks: VecDeque<Bytes>,
    is_whole: bool,
}

impl Feed {
    /// The next chunk of `key`; `None` at its end. Blocking.
    fn next(&mut self, key: &Key) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(early) = self.early.get_mut(key) {
                if let Some(chunk) = early.chunks.pop_front() {
                    self.kept -= chunk.len();
                    return Ok(Some(chunk));
                }
                if early.is_whole {
                    self.early.remove(key);
                    return Ok(None);
                }
            }
            self.keep_one(key)?;
        }
    }

    fn keep_one(&mut self, wanted_now: &Key) -> io::Result<()> {
        let ended = || {
            io::Error::new(io::ErrorKind::NotFound, format!("not staged: {} {}", wanted_now.0, wanted_now.1))
        };
        let piece = self.pieces.blocking_recv().ok_or_else(ended)?.map_err(io::Error::other)?;
        if !self.wanted.contains(&piece.key) {
            return Ok(());
        }
        self.kept += piece.data.len();
        if self.kept > EARLY {
            let text = "staged files come in another order than the pack's and do not fit in memory";
            return Err(io::Error::other(text));
        }
        let early = self.early.entry(piece.key).or_default();
        early.chunks.push_back(piece.data);
        early.is_whole |= piece.is_last;
        Ok(())
    }
}

/// Reads one staged file from a feed, on a blocking thread.
pub(crate) struct StagedFile {
    feed: Rc<RefCell<Feed>>,
    key: Key,
    chunk: Bytes,
}

impl StagedFile {
    pub(crate) fn new(feed: Rc<RefCell<Feed>>, key: Key) -> Self {
        Self { feed, key, chunk: Bytes::new() }
    }
}

impl Read for StagedFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.feed.borrow_mut().next(&self.key)? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
        }
        let count = buf.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut buf[..count]);
        Ok(count)
    }
}
