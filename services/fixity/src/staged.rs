//! Staged packages, read from ingest for a whole bundle at once, each complete before it is checked; and filed ones, put
//! together from an object version for a transfer ([`Keeping`]).
//!
//! Before: `ingest/src/read_staged.rs`, `transfer/anew.rs`. After: `check.rs`. Small packages are held in memory, large ones in unlinked
//! files; at most one package is being received while others are checked, so memory stays bounded.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use dengbei_formats::package::Entry;
use dengbei_formats::{PackageSource, ReadAt};
use dengbei_kit::grpc::{MAX_MESSAGE, MeshChannel};
use dengbei_proto::v1;
use dengbei_proto::v1::ingest_client::IngestClient;
use dengbei_proto::v1::staged_part::Part;
use dengbei_records::{Reception, Sha256, Sha512, StoredFile, SubmissionId, canonical};
use tonic::{Status, Streaming};

/// Packages up to this size are held in memory.
const IN_MEMORY: u64 = 8 << 20;
/// How long ingest may be silent.
const SILENT: Duration = Duration::from_secs(30);

/// What came for one submission.
#[derive(Debug)]
pub(crate) enum Arrived {
    /// The whole package.
    Package(SubmissionId, Box<Package>),
    /// Not staged (any more): it was decided meanwhile.
    Gone(SubmissionId),
}

/// A staged package: its reception and its files, readable again and again.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) reception: Reception,
    /// SHA-256 of the reception as it came.
    pub(crate) reception_digest: Sha256,
    name: String,
    entries: Vec<Entry>,
    files: Vec<Stretch>,
    bytes: Kept,
}

/// Where a file lies among the package's bytes.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    start: u64,
    length: u64,
}

enum Kept {
    Memory(Bytes),
    File(File),
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Memory(_)) { "Memory" } else { "File" })
    }
}

impl Package {
    /// Every stored file of the reception, each once.
    pub(crate) fn manifest(&self) -> impl Iterator<Item = &StoredFile> {
        listed(&self.reception)
    }

    /// Bytes that it holds in memory.
    pub(crate) fn in_memory(&self) -> usize {
        match &self.bytes {
            Kept::Memory(bytes) => bytes.len(),
            Kept::File(_) => 0,
        }
    }
}

fn listed(reception: &Reception) -> impl Iterator<Item = &StoredFile> {
    reception.described_by.iter().chain(reception.files.iter().filter_map(|row| row.file.as_ref()))
}

impl PackageSource for Package {
    fn name(&self) -> &str {
        &self.name
    }

    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn open(&self, index: usize) -> io::Result<Box<dyn Read + Send + '_>> {
        let at = *self.files.get(index).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Window { bytes: &self.bytes, at: at.start, end: at.start + at.length }))
    }
}

/// Reads a stretch of a package.
struct Window<'a> {
    bytes: &'a Kept,
    at: u64,
    end: u64,
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let got = match self.bytes {
            Kept::Memory(bytes) => bytes.read_at(&mut buffer[..wanted], self.at)?,
            Kept::File(file) => ReadAt::read_at(file, &mut buffer[..wanted], self.at)?,
        };
        self.at += got as u64;
        Ok(got)
    }
}

/// Ingest's staging, as fixity sees it.
#[derive(Debug, Clone)]
pub(crate) struct Staging {
    client: IngestClient<MeshChannel>,
    spool: Arc<PathBuf>,
}

impl Staging {
    /// `spool`: a folder for unlinked files.
    pub(crate) fn new(channel: MeshChannel, spool: PathBuf) -> Self {
        let client = IngestClient::new(channel).max_decoding_message_size(MAX_MESSAGE);
        Self { client, spool: Arc::new(spool) }
    }

    /// Begins to read submissions; each comes whole, in the order asked.
    pub(crate) async fn read(&self, wanted: &[(SubmissionId, Sha256)]) -> Result<Reading, Status> {
        let submissions = wanted.iter().map(|(s, _)| s.as_bytes().to_vec().into()).collect();
        let mut client = self.client.clone();
        let call = client.read_staged(v1::ReadStagedRequest { submissions, receptions_only: false });
        let parts = tokio::time::timeout(SILENT, call).await.map_err(late)??.into_inner();
        Ok(Reading { parts, wanted: wanted.to_vec(), next: 0, spool: self.spool.clone() })
    }
}

fn late(_: tokio::time::error::Elapsed) -> Status {
    Status::deadline_exceeded("read_staged")
}

/// Submissions on their way.
pub(crate) struct Reading {
    parts: Streaming<v1::StagedPart>,
    wanted: Vec<(SubmissionId, Sha256)>,
    next: usize,
    spool: Arc<PathBuf>,
}

impl Reading {
    /// The next submission, whole; none after the last.
    ///
    /// # Errors
    /// When ingest fails or what comes is not what the event names: to be tried again.
    pub(crate) async fn next(&mut self) -> Result<Option<Arrived>, Status> {
        let Some(&(submission, digest)) = self.wanted.get(self.next) else { return Ok(None) };
        self.next += 1;
        let bytes = match self.part(submission).await? {
            Part::Missing(_) => return Ok(Some(Arrived::Gone(submission))),
            Part::Reception(bytes) if Sha256::of(&bytes) == digest => bytes,
            // Its bytes are let go while we read, or damaged: the next try tells which.
            Part::Reception(_) => return Err(Status::unavailable("the staged reception is not the event's")),
            Part::File(_) => return Err(Status::internal("a file came before its reception")),
        };
        let reception: Reception =
            canonical::from_slice(&bytes).map_err(|e| Status::internal(e.to_string()))?;
        let mut package = Receiving::new((reception, Sha256::of(&bytes)), &self.spool)?;
        while let Some(file) = package.expected() {
            match self.part(submission).await? {
                Part::File(chunk) if chunk.content == file => package.take(&chunk)?,
                Part::Missing(_) => return Ok(Some(Arrived::Gone(submission))),
                _ => return Err(Status::internal("staged parts came in another order than promised")),
            }
        }
        Ok(Some(Arrived::Package(submission, Box::new(package.finish()))))
    }

    async fn part(&mut self, of: SubmissionId) -> Result<Part, Status> {
        let part = tokio::time::timeout(SILENT, self.parts.message()).await.map_err(late)??;
        let part = part.ok_or_else(|| Status::unavailable("staged parts ended early"))?;
        if part.submission.as_ref() != of.as_bytes() {
            return Err(Status::internal("another submission came than the one asked for"));
        }
        part.part.ok_or_else(|| Status::internal("an empty part"))
    }
}

/// A package that is being received.
struct Receiving {
    reception: Reception,
    reception_digest: Sha256,
    /// Content path, and where it lies, in the order of arrival: by content path.
    files: Vec<(StoredFile, Stretch)>,
    current: usize,
    taken: u64,
    bytes: Growing,
}

#[derive(Debug)]
enum Growing {
    Memory(BytesMut),
    File(File),
}

impl Receiving {
    fn new((reception, reception_digest): (Reception, Sha256), spool: &PathBuf) -> Result<Self, Status> {
        let mut files: Vec<StoredFile> = listed(&reception).cloned().collect();
        files.sort_by(|a, b| a.content.cmp(&b.content));
        files.dedup_by(|a, b| a.content == b.content);
        let mut start = 0;
        let mut lay = |file: StoredFile| {
            let stretch = Stretch { start, length: file.bytes };
            start += file.bytes;
            (file, stretch)
        };
        let files: Vec<_> = files.into_iter().map(&mut lay).collect();
        let bytes = match usize::try_from(start) {
            Ok(n) if start <= IN_MEMORY => Growing::Memory(BytesMut::with_capacity(n)),
            _ => Growing::File(tempfile::tempfile_in(spool).map_err(disk)?),
        };
        Ok(Self { reception, reception_digest, files, current: 0, taken: 0, bytes })
    }

    /// The content path of the file that is being received; none when all have come.
    fn expected(&self) -> Option<String> {
        self.files.get(self.current).map(|(file, _)| file.content.clone())
    }

    fn take(&mut self, chunk: &v1::FileChunk) -> Result<(), Status> {
        let length = self.files.get(self.current).map_or(0, |(_, at)| at.length);
        let after = self.taken + chunk.data.len() as u64;
        if chunk.offset != self.taken || after > length {
            return Err(Status::internal("a staged file came in another shape than its reception says"));
        }
        match &mut self.bytes {
            Growing::Memory(bytes) => bytes.extend_from_slice(&chunk.data),
            Growing::File(file) => file.write_all(&chunk.data).map_err(disk)?,
        }
        self.taken = after;
        if after == length {
            self.current += 1;
            self.taken = 0;
        }
        Ok(())
    }

    fn finish(self) -> Package {
        let entries =
            self.files.iter().map(|(f, _)| Entry { path: f.path.clone(), bytes: f.bytes }).collect();
        Package {
            name: self.reception.metadata.record_no.clone(),
            entries,
            files: self.files.into_iter().map(|(_, at)| at).collect(),
            bytes: self.bytes.kept(),
            reception_digest: self.reception_digest,
            reception: self.reception,
        }
    }
}

/// Content of an object version, kept as it comes; its files are found again by their digests.
#[derive(Debug)]
pub(crate) struct Keeping {
    files: HashMap<Sha512, Stretch>,
    length: u64,
    bytes: Growing,
}

impl Keeping {
    /// For at most `most` bytes; `spool`: a folder for an unlinked file.
    pub(crate) fn new(most: u64, spool: &Path) -> io::Result<Self> {
        let bytes = if most <= IN_MEMORY {
            Growing::Memory(BytesMut::new())
        } else {
            Growing::File(tempfile::tempfile_in(spool)?)
        };
        Ok(Self { files: HashMap::new(), length: 0, bytes })
    }

    /// Keeps a file.
    pub(crate) fn take(&mut self, digest: Sha512, bytes: &mut dyn Read) -> io::Result<()> {
        let length = match &mut self.bytes {
            Growing::Memory(kept) => {
                let mut body = Vec::new();
                bytes.read_to_end(&mut body)?;
                kept.extend_from_slice(&body);
                body.len() as u64
            }
            Growing::File(file) => io::copy(bytes, file)?,
        };
        self.files.insert(digest, Stretch { start: self.length, length });
        self.length += length;
        Ok(())
    }

    /// The package as it was received; `None`: a file of it was not kept.
    pub(crate) fn package(self, (reception, reception_digest): (Reception, Sha256)) -> Option<Package> {
        let mut files: Vec<&StoredFile> = listed(&reception).collect();
        files.sort_by(|a, b| a.content.cmp(&b.content));
        files.dedup_by(|a, b| a.content == b.content);
        let entries = files.iter().map(|f| Entry { path: f.path.clone(), bytes: f.bytes }).collect();
        let files = files.iter().map(|f| self.files.get(&f.sha512).copied()).collect::<Option<_>>()?;
        let name = reception.metadata.record_no.clone();
        Some(Package { reception, reception_digest, name, entries, files, bytes: self.bytes.kept() })
    }
}

impl Growing {
    fn kept(self) -> Kept {
        match self {
            Self::Memory(bytes) => Kept::Memory(bytes.freeze()),
            Self::File(file) => Kept::File(file),
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn disk(error: io::Error) -> Status {
    Status::unavailable(format!("the spool: {error}"))
}
