//! ReadStaged: the staged bytes of submissions, for fixity (which checks them) and registration (which packs them).
//!
//! Parts come submission after submission: the reception, then the files by their content paths, which is the order
//! in which a pack holds them. A submission that is decided is `missing`: its bytes may be gone.

use std::ops::Range;

use bytes::Bytes;
use dengbei_kit::status;
use dengbei_proto::v1;
use dengbei_proto::v1::staged_part::Part;
use dengbei_records::{ErrorClass, Reception, Sha256, StoredFile, SubmissionId};
use dengbei_vault::StagingError;
use futures::{StreamExt as _, stream};
use sqlx::postgres::PgPool;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::stage::{Place, Stage};
use crate::store::places::{self, Staged};

/// Chunks on their way: 64 KiB each at most. Larger blocks cost the allocator a page of 4 MiB for each size and thread.
const CHUNKS: usize = 16;
const CHUNK: usize = 64 << 10;
/// Submissions up to this size are read at once.
const WHOLE: u64 = 1 << 20;
/// Submissions that are read ahead of the one being sent.
const AHEAD: usize = 4;
/// Submissions whose places are asked for together.
const ASKED: usize = 256;

/// What reading needs.
#[derive(Clone)]
pub(crate) struct Readers {
    pub(crate) pool: PgPool,
    pub(crate) stage: Stage,
}

/// Why reading stopped.
enum Stop {
    /// The caller went away.
    Gone,
    Failed(Status),
}

/// A submission whose reading has begun.
struct Begun {
    reception: Bytes,
    /// All its bytes, where they are few.
    whole: Option<Bytes>,
}

type Sender = mpsc::Sender<Result<v1::StagedPart, Status>>;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) submissions: Vec<SubmissionId>,
    /// The receptions without the files.
    pub(crate) receptions_only: bool,
}

/// Streams submissions in the order asked.
pub(crate) fn parts(readers: Readers, wanted: Wanted) -> ReceiverStream<Result<v1::StagedPart, Status>> {
    let (out, parts) = mpsc::channel(CHUNKS);
    tokio::spawn(async move {
        if let Err(Stop::Failed(status)) = readers.pump(&wanted, &out).await {
            // The caller may be gone by now.
            let _ = out.send(Err(status)).await;
        }
    });
    ReceiverStream::new(parts)
}

impl Readers {
    async fn pump(&self, wanted: &Wanted, out: &Sender) -> Result<(), Stop> {
        let most = if wanted.receptions_only { 0 } else { WHOLE };
        for some in wanted.submissions.chunks(ASKED) {
            let known = places::of(&self.pool, some).await;
            let mut known = known.map_err(|e| failed(dengbei_kit::db::class(&e), &e))?;
            let asked: Vec<_> = some.iter().map(|id| (*id, known.remove(id))).collect();
            let reads = stream::iter(asked).map(|(id, staged)| {
                let readers = self.clone();
                async move {
                    let begun = readers.begin(staged.as_ref(), most).await;
                    (id, staged, begun)
                }
            });
            let mut reads = std::pin::pin!(reads.buffered(AHEAD));
            while let Some((submission, staged, begun)) = reads.next().await {
                let to = Out { submission, out, receptions_only: wanted.receptions_only };
                let sent = match (staged, begun) {
                    (Some((place, digest)), Ok(Some(begun))) => self.one(&to, &place, &digest, begun).await,
                    (_, Ok(None)) | (None, _) => {
                        to.missing("已作出决定或从未受理 / decided, or never taken").await
                    }
                    (_, Err(StagingError::NotFound { .. })) => to.missing("暂存内容已释放 / let go").await,
                    (_, Err(e)) => Err(failed(e.class(), &e)),
                };
                sent?;
            }
        }
        Ok(())
    }

    /// Reads the reception, and with it everything else of a submission of at most `most` bytes.
    async fn begin(&self, staged: Option<&Staged>, most: u64) -> Result<Option<Begun>, StagingError> {
        let Some((place, _)) = staged else { return Ok(None) };
        if place.length > most {
            let reception = self.stage.reception(place).await?;
            return Ok(Some(Begun { reception, whole: None }));
        }
        let bytes = self.stage.whole(place, WHOLE).await?;
        let at = usize::try_from(place.length - place.reception_len).unwrap_or(bytes.len()).min(bytes.len());
        Ok(Some(Begun { reception: bytes.slice(at..), whole: Some(bytes) }))
    }

    async fn one(&self, to: &Out<'_>, place: &Place, digest: &Sha256, begun: Begun) -> Result<(), Stop> {
        if Sha256::of(&begun.reception) != *digest {
            let text = format!("the staged reception of {} is damaged or being let go", to.submission);
            return Err(failed(ErrorClass::Unavailable, &std::io::Error::other(text)));
        }
        let files = layout(&begun.reception, place).map_err(|e| failed(ErrorClass::Internal, &e))?;
        to.send(Part::Reception(begun.reception)).await?;
        if to.receptions_only {
            return Ok(());
        }
        for (file, range) in files {
            match &begun.whole {
                Some(bytes) => to.slices(&file, bytes, &range).await?,
                None => self.file(to, place, &file, range).await?,
            }
        }
        Ok(())
    }

    async fn file(
        &self,
        to: &Out<'_>,
        place: &Place,
        file: &StoredFile,
        range: Range<u64>,
    ) -> Result<(), Stop> {
        let at = place.start + range.start..place.start + range.end;
        let chunks = self.stage.read(place.segment, at).await.map_err(|e| failed(e.class(), &e))?;
        let mut chunks = std::pin::pin!(chunks);
        let mut offset = 0;
        while let Some(chunk) = chunks.next().await {
            let data = chunk.map_err(|e| failed(e.class(), &e))?;
            offset = to.chunk(file, offset, data).await?;
        }
        if file.bytes == 0 { to.chunk(file, 0, Bytes::new()).await.map(drop) } else { Ok(()) }
    }
}

/// The files with their ranges, counted from the submission's first byte, in the order of their content paths.
fn layout(reception: &[u8], place: &Place) -> Result<Vec<(StoredFile, Range<u64>)>, serde_json::Error> {
    let reception: Reception = serde_json::from_slice(reception)?;
    let listed = reception.files.into_iter().filter_map(|row| row.file);
    let mut files: Vec<StoredFile> = reception.described_by.into_iter().chain(listed).collect();
    files.sort_by(|a, b| a.content.cmp(&b.content));
    // Two rows may name one file.
    files.dedup_by(|a, b| a.content == b.content);
    let mut ranges = std::collections::HashMap::new();
    let mut at = 0;
    for content in &place.contents {
        let Ok(index) = files.binary_search_by(|f| f.content.as_str().cmp(content)) else { continue };
        ranges.insert(content.as_str(), at..at + files[index].bytes);
        at += files[index].bytes;
    }
    let ranged = files.iter().filter_map(|f| Some((f.clone(), ranges.get(f.content.as_str())?.clone())));
    Ok(ranged.collect())
}

/// Where the parts of one submission go.
struct Out<'a> {
    submission: SubmissionId,
    out: &'a Sender,
    receptions_only: bool,
}

impl Out<'_> {
    async fn send(&self, part: Part) -> Result<(), Stop> {
        let part =
            v1::StagedPart { submission: self.submission.as_bytes().to_vec().into(), part: Some(part) };
        self.out.send(Ok(part)).await.map_err(|_| Stop::Gone)
    }

    async fn missing(&self, why: &str) -> Result<(), Stop> {
        self.send(Part::Missing(why.to_owned())).await
    }

    /// Sends a file that is in memory.
    async fn slices(&self, file: &StoredFile, bytes: &Bytes, range: &Range<u64>) -> Result<(), Stop> {
        let clamp = |at: u64| usize::try_from(at).unwrap_or(bytes.len()).min(bytes.len());
        let data = bytes.slice(clamp(range.start)..clamp(range.end));
        if data.is_empty() {
            return self.chunk(file, 0, data).await.map(drop);
        }
        let mut offset = 0;
        for start in (0..data.len()).step_by(CHUNK) {
            let end = data.len().min(start + CHUNK);
            offset = self.chunk(file, offset, data.slice(start..end)).await?;
        }
        Ok(())
    }

    /// Sends one chunk; gives the offset after it.
    async fn chunk(&self, file: &StoredFile, offset: u64, data: Bytes) -> Result<u64, Stop> {
        let after = offset + data.len() as u64;
        self.send(Part::File(v1::FileChunk {
            path: file.path.clone(),
            content: file.content.clone(),
            offset,
            data,
            last: after == file.bytes,
        }))
        .await?;
        Ok(after)
    }
}

fn failed(class: ErrorClass, error: &(dyn std::error::Error + 'static)) -> Stop {
    Stop::Failed(status::report(&status::plain(class), error))
}
