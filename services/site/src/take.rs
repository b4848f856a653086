//! Take: a pack comes from another site, is written, synced, read back and signed for.
//!
//! Bytes stream through a few pieces of memory; what is not what was asked for never gets the pack's name. Before:
//! `replication/src/copy.rs`. After: the receipt goes into `pack.stored`.

use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use dengbei_chain::facts::{Purpose, SiteReceipt};
use dengbei_kit::{faults, status};
use dengbei_ocfl::PackError;
use dengbei_proto::v1;
use dengbei_proto::v1::site_client::SiteClient;
use dengbei_records::Sha256;
use dengbei_vault::{PackName, ReadBack};
use tokio::sync::mpsc;
use tonic::{Status, Streaming};

use crate::error::{Found, Refusal};
use crate::keeper::{Keeper, found, is_as_meant};
use crate::metrics;

/// Pieces between the network and the disk, 256 KiB each.
const PIECES: usize = 8;
/// A source that sends nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// Bytes that stay free beside a pack.
const RESERVE: u64 = 64 << 20;

/// The pack that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) name: PackName,
    pub(crate) purpose: Purpose,
    pub(crate) digest: Sha256,
    pub(crate) bytes: u64,
    pub(crate) versions_root: Sha256,
}

impl Keeper {
    /// Has the pack here afterwards, read back and signed for. `from`: URL of the site that has it; empty: it must be
    /// here already.
    ///
    /// # Errors
    /// [`Refusal`]; nothing that was here is changed.
    pub(crate) async fn take(&self, wanted: &Wanted, from: &str) -> Result<SiteReceipt, Refusal> {
        let _turn = self.turns.work().await?;
        let name = &wanted.name;
        let read = match self.read_back(name).await? {
            Some(read) => read,
            None if from.is_empty() => return Err(Refusal::Missing(name.clone())),
            None => {
                let stored = self.fetch(wanted, from).await?;
                faults::reach("site.written");
                stored
            }
        };
        if !is_as_meant(&read, &wanted.digest, wanted.bytes) {
            return Err(Refusal::Differs { name: name.clone(), found: found(&read) });
        }
        let receipt = self.sign(name, wanted.purpose, read)?;
        if receipt.versions_root == wanted.versions_root {
            Ok(receipt)
        } else {
            Err(Refusal::RootDiffers(name.clone()))
        }
    }

    async fn fetch(&self, wanted: &Wanted, from: &str) -> Result<ReadBack, Refusal> {
        self.has_room(wanted.bytes).await?;
        let source = |problem| Refusal::Source { url: from.to_owned(), problem: Box::new(problem) };
        let mut client = SiteClient::new(self.sources.channel(from)?);
        let name = v1::PackName { pack: wanted.name.number.get(), generation: wanted.name.generation };
        let request = v1::ReadPackRequest { name: Some(name), offset: 0, length: 0 };
        let opened = tokio::time::timeout(SILENCE, client.read(request)).await;
        let opened = opened.unwrap_or_else(|_| Err(silent()));
        let stream = opened.map_err(|s| source(status::to_problem(&s)))?.into_inner();
        let (pieces, coming) = mpsc::channel(PIECES);
        let expected = wanted.bytes;
        let writing =
            self.site.put_known_pack(&wanted.name, wanted.digest, move |out| copy(coming, out, expected));
        let (fed, written) = tokio::join!(feed(stream, pieces, expected), writing);
        match fed {
            Err(Fault::Source(s)) => return Err(source(status::to_problem(&s))),
            Err(Fault::Length(bytes)) => {
                let found = Found { digest: None, bytes };
                return Err(Refusal::SourceDiffers { name: wanted.name.clone(), found });
            }
            Ok(()) => {}
        }
        let stored = written.map_err(|e| Refusal::of(&wanted.name, e))?;
        metrics::bytes("taken", stored.len);
        metrics::bytes("read_back", stored.len);
        Ok(ReadBack { sha256: stored.sha256, len: stored.len, versions_root: stored.versions_root })
    }

    async fn has_room(&self, bytes: u64) -> Result<(), Refusal> {
        let needed = bytes.saturating_add(RESERVE);
        match self.free_bytes().await? {
            Some(free) if free < needed => Err(Refusal::Full { needed, free }),
            _ => Ok(()),
        }
    }

    /// Bytes still free; `None`: a bucket does not say.
    pub(crate) async fn free_bytes(&self) -> Result<Option<u64>, Refusal> {
        let free = self.site.free_bytes().await?;
        if let Some(free) = free {
            metrics::free(&self.name, free);
        }
        Ok(free)
    }
}

/// What was wrong with what the source sent.
enum Fault {
    Source(Status),
    /// It sent so many bytes, or more.
    Length(u64),
}

fn silent() -> Status {
    Status::deadline_exceeded("the source sends nothing")
}

/// Network to pieces. Ends early when the writer is gone: its error says why.
async fn feed(
    mut stream: Streaming<v1::PackChunk>,
    pieces: mpsc::Sender<Bytes>,
    expected: u64,
) -> Result<(), Fault> {
    let mut at = 0_u64;
    loop {
        let next = tokio::time::timeout(SILENCE, stream.message()).await;
        let next = next.unwrap_or_else(|_| Err(silent())).map_err(Fault::Source)?;
        let Some(v1::PackChunk { offset, data }) = next else { break };
        if offset != at {
            return Err(Fault::Source(Status::internal("pieces out of order")));
        }
        at = at.saturating_add(data.len() as u64);
        if at > expected {
            return Err(Fault::Length(at));
        }
        if pieces.send(data).await.is_err() {
            return Ok(());
        }
    }
    if at == expected { Ok(()) } else { Err(Fault::Length(at)) }
}

/// Pieces to disk; on a blocking thread.
fn copy(mut coming: mpsc::Receiver<Bytes>, out: &mut dyn Write, expected: u64) -> Result<(), PackError> {
    let mut written = 0;
    while let Some(piece) = coming.blocking_recv() {
        out.write_all(&piece)?;
        written += piece.len() as u64;
    }
    if written == expected { Ok(()) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) }
}
