//! Reads ranges of a pack from a site: its catalogue, and one item's object version, every digest checked.
//!
//! Bytes stream through a few pieces of memory. A site that stops answering is a fault; bytes that are wrong, or that
//! a site which answers cannot give, are a finding.

use std::io::{self, Read};
use std::ops::Range;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use dengbei_kit::status;
use dengbei_ocfl::{Catalogue, PackError, VersionReader};
use dengbei_proto::v1;
use dengbei_records::Sha512;
use tokio::sync::mpsc;
use tonic::{Status, Streaming};

use crate::error::TransferError;
use crate::sites::{Name, Site, SiteFault};

/// What is read of a pack at first: the catalogue of a few items, or the header that tells how long it is.
const FIRST: u64 = 4 << 10;
/// The longest catalogue.
const LONGEST: u64 = 64 << 20;
const BLOCK: u64 = 512;
/// A site that sends nothing for so long does not answer.
const SILENCE: Duration = Duration::from_secs(60);
/// Pieces between the network and the checking thread.
const PIECES: usize = 4;

/// What was read, or what is wrong with it.
pub(crate) type Sound<T> = Result<T, String>;

/// The catalogue of a pack of so many bytes, and where ranges count from.
pub(crate) async fn catalogue(
    site: &Site,
    name: Name,
    length: u64,
) -> Result<Sound<(Catalogue, u64)>, SiteFault> {
    let mut bytes = match collect(site, name, FIRST.min(length)).await? {
        Ok(bytes) => bytes,
        Err(why) => return Ok(Err(why)),
    };
    let whole = entry_length(&bytes).filter(|n| *n <= LONGEST.min(length)).unwrap_or(0);
    if whole > bytes.len() as u64 {
        bytes = match collect(site, name, whole).await? {
            Ok(bytes) => bytes,
            Err(why) => return Ok(Err(why)),
        };
    }
    Ok(Catalogue::read(&mut bytes.as_slice()).map(|(read, _, base)| (read, base)).map_err(|e| e.to_string()))
}

/// Bytes of a pack's first entry, by its tar header.
fn entry_length(bytes: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(bytes.get(124..135)?).ok()?;
    let length = u64::from_str_radix(digits, 8).ok()?;
    Some(BLOCK + length.div_ceil(BLOCK) * BLOCK)
}

async fn collect(site: &Site, name: Name, length: u64) -> Result<Sound<Vec<u8>>, SiteFault> {
    let mut stream = match open(site, name, 0..length).await? {
        Ok(stream) => stream,
        Err(why) => return Ok(Err(why)),
    };
    let mut bytes = Vec::new();
    loop {
        match next(&mut stream, bytes.len() as u64).await {
            Ok(Some(data)) => bytes.extend_from_slice(&data),
            Ok(None) => return Ok(Ok(bytes)),
            Err(answer) => return spoken(site, answer).map(Err),
        }
    }
}

async fn open(
    site: &Site,
    name: Name,
    range: Range<u64>,
) -> Result<Sound<Streaming<v1::PackChunk>>, SiteFault> {
    match site.read(name, range.start, range.end - range.start).await {
        Ok(stream) => Ok(Ok(stream)),
        Err(SiteFault::Silent { source, .. }) => spoken(site, *source).map(Err),
        Err(fault) => Err(fault),
    }
}

/// The next piece, which must begin at `at`.
async fn next(stream: &mut Streaming<v1::PackChunk>, at: u64) -> Result<Option<Bytes>, Status> {
    let message = tokio::time::timeout(SILENCE, stream.message()).await;
    let message = message.map_err(|_| Status::deadline_exceeded("the site sends nothing"))??;
    match message {
        Some(chunk) if chunk.offset != at => Err(Status::internal("pieces out of order")),
        chunk => Ok(chunk.map(|c| c.data)),
    }
}

/// What a site that answers says about bytes is a finding; anything else is a fault.
fn spoken(site: &Site, answer: Status) -> Result<String, SiteFault> {
    let problem = status::to_problem(&answer);
    match problem.code.as_str() {
        "site.request" | "site.missing" | "site.unreadable" => Ok(problem.message_en),
        _ => Err(site.silent(answer)),
    }
}

/// Reads the object version that lies in `range` and checks every digest in it.
pub(crate) async fn version(
    site: &Site,
    name: Name,
    range: Range<u64>,
    inventory: Sha512,
) -> Result<Sound<()>, TransferError> {
    let length = range.end - range.start;
    read(site, name, range, move |input| check(input, length, inventory)).await
}

/// Gives what lies in `range` to `work`, on a thread that may block.
pub(crate) async fn read<T: Send + 'static>(
    site: &Site,
    name: Name,
    range: Range<u64>,
    work: impl FnOnce(Chunks) -> Result<T, PackError> + Send + 'static,
) -> Result<Sound<T>, TransferError> {
    let mut stream = match open(site, name, range.clone()).await? {
        Ok(stream) => stream,
        Err(why) => return Ok(Err(why)),
    };
    let (pieces, coming) = mpsc::channel(PIECES);
    let mut fault = None;
    let checking = tokio::task::spawn_blocking(move || work(Chunks::new(coming)));
    let mut at = range.start;
    loop {
        match next(&mut stream, at).await {
            Ok(Some(data)) => {
                at += data.len() as u64;
                if pieces.send(data).await.is_err() {
                    break;
                }
            }
            Ok(None) => break,
            Err(answer) => {
                fault = Some(answer);
                break;
            }
        }
    }
    drop(pieces);
    let checked = checking.await.map_err(|e| TransferError::Fault(e.to_string()))?;
    match (fault, checked) {
        (Some(answer), _) => Ok(Err(spoken(site, answer)?)),
        (None, Err(PackError::Io(e))) => Err(TransferError::Fault(e.to_string())),
        (None, checked) => Ok(checked.map_err(|e| e.to_string())),
    }
}

fn check(input: Chunks, length: u64, inventory: Sha512) -> Result<(), PackError> {
    let reader = VersionReader::open(input, length)?;
    if *reader.inventory_sha512() != inventory {
        return Err(PackError::Damaged("the inventory is not the one that was filed".into()));
    }
    reader.for_each(|_, _| Ok(())).map(|_| ())
}

/// Pieces as they come, for a thread that reads.
pub(crate) struct Chunks {
    coming: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl Chunks {
    fn new(coming: mpsc::Receiver<Bytes>) -> Self {
        Self { coming, current: Bytes::new() }
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.coming.blocking_recv() {
                Some(data) => self.current = data,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
