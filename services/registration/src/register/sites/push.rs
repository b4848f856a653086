//! Brings one site's copy of the log to the newest checkpoint: entry bundles from where it is, then the checkpoint; the
//! site computes every other tile and believes the checkpoint only when they lead there.
//!
//! A site that does not answer is tried again with growing pauses. One that has another history, or more than this
//! register ever signed, ends the role: its next start compares, and replays or refuses.

use std::time::Duration;

use bytes::Bytes;
use dengbei_kit::{Drain, status};
use dengbei_proto::v1;
use dengbei_register::storage::CHECKPOINT_PATH;
use dengbei_register::tile::{TILE_WIDTH, TileKind};
use dengbei_register::{LogReader, ReadError, TilePath, encode_bundle};
use tonic::Status;

use super::{OtherSite, Signed, SiteTiles, Sites, held};
use crate::register::{Log, StartError, start};

/// Bytes of bundles in one call.
const TOGETHER: usize = 4 << 20;
/// What a site may take to make them durable.
const ANSWER: Duration = Duration::from_secs(60);
/// Pauses after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Between two pushes of a site that the quorum did not need: several checkpoints go as one.
const LEISURE: Duration = Duration::from_secs(1);
const BUNDLE: u64 = TILE_WIDTH as u64;

/// Why a push did not go well.
enum Fault {
    /// Try again.
    Later(anyhow::Error),
    /// Nothing may go on.
    Final(StartError),
}

impl From<StartError> for Fault {
    fn from(e: StartError) -> Self {
        if e.is_final() { Self::Final(e) } else { Self::Later(e.into()) }
    }
}

impl From<ReadError> for Fault {
    fn from(e: ReadError) -> Self {
        // Of the primary's own tiles: the sealer will meet it too.
        Self::Later(e.into())
    }
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        Self::Later(status::to_problem(&status).into())
    }
}

impl Sites {
    /// Keeps every site's copy up with what is announced, until the sealer has ended.
    ///
    /// # Errors
    /// When a site shows that this register must not go on.
    pub(crate) async fn keep_up(&self, log: &Log) -> anyhow::Result<()> {
        let pushers = self.others.iter().map(|site| self.follow(site, log, &self.closed));
        futures::future::try_join_all(pushers).await.map_err(anyhow::Error::new)?;
        // With no other site there is nothing to do until the end.
        self.closed.requested().await;
        Ok(())
    }

    async fn follow(&self, site: &OtherSite, log: &Log, drain: &Drain) -> Result<(), StartError> {
        let mut newest = self.newest.subscribe();
        let (mut known, mut reign, mut pause) = (None, 0, FIRST_PAUSE);
        loop {
            let target = tokio::select! {
                () = drain.requested() => return Ok(()),
                target = newest.wait_for(|n| n.as_ref().is_some_and(|n| (reign, known) != (n.reign, Some(n.size)))) => {
                    // Fails only when the sender is gone, which `self` holds.
                    match target { Ok(target) => target.clone(), Err(_) => return Ok(()) }
                }
            };
            let Some(target) = target else { continue };
            if reign != target.reign {
                // Another sealer may have brought the site elsewhere since.
                (reign, known) = (target.reign, None);
            }
            let done = tokio::select! {
                () = drain.requested() => return Ok(()),
                done = self.bring(site, log, known, &target) => done,
            };
            match done {
                Ok(()) => {
                    (known, pause) = (Some(target.size), FIRST_PAUSE);
                    self.note(&site.name, target.size);
                    if held(&self.reached.borrow(), target.size) > self.quorum {
                        drain.pause(LEISURE).await;
                    }
                }
                Err(Fault::Final(e)) if self.stands(&target) => return Err(e),
                // Another process is the sealer: it knows more.
                Err(Fault::Final(_)) => known = None,
                Err(Fault::Later(e)) => {
                    let (site, error) = (&site.name, format!("{e:#}"));
                    tracing::warn!(site, error, "the copy of the log is behind; trying again");
                    known = None;
                    drain.pause(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn bring(
        &self,
        site: &OtherSite,
        log: &Log,
        known: Option<u64>,
        target: &Signed,
    ) -> Result<(), Fault> {
        let from = match known {
            Some(size) => size,
            None => there(site, log, target).await?,
        };
        if from == target.size {
            return Ok(());
        }
        let reader = LogReader::new(log.tiles.clone());
        let (mut files, mut bytes) = (Vec::new(), 0);
        for index in from / BUNDLE..target.size.div_ceil(BUNDLE) {
            let file = bundle(&reader, index, target.size).await?;
            if bytes + file.body.len() > TOGETHER && !files.is_empty() {
                send(site, std::mem::take(&mut files)).await?;
                bytes = 0;
            }
            bytes += file.body.len();
            files.push(file);
        }
        files.push(v1::LogFile { path: CHECKPOINT_PATH.into(), body: target.checkpoint.clone() });
        Ok(send(site, files).await?)
    }
}

/// How far the site is, once its checkpoint is found to be of this history.
async fn there(site: &OtherSite, log: &Log, target: &Signed) -> Result<u64, Fault> {
    let reader = LogReader::new(SiteTiles::of(site));
    let published = reader.checkpoint(log.signer.verifier(), &[]).await?;
    let Some(published) = published else { return Ok(0) };
    let (size, root) = (published.checkpoint.size(), published.checkpoint.root());
    if size > target.size {
        return Err(Fault::Final(StartError::Ahead { site: site.name.clone(), size, ours: target.size }));
    }
    let ours = LogReader::new(log.tiles.clone()).root_of_prefix(size, target.size).await?;
    start::refuse_fork(size, ours, root)?;
    Ok(size)
}

async fn bundle(
    reader: &LogReader<dengbei_vault::LogTiles>,
    index: u64,
    size: u64,
) -> Result<v1::LogFile, Fault> {
    let range = index * BUNDLE..size.min((index + 1) * BUNDLE);
    let entries = reader.entries(range, size).await?;
    let body: Bytes = encode_bundle(&entries).map_err(|e| Fault::Later(e.into()))?;
    let path = TilePath::in_tree(TileKind::Entries, index, size);
    let path = path.ok_or_else(|| Fault::Later(anyhow::anyhow!("no bundle {index} in a tree of {size}")))?;
    Ok(v1::LogFile { path: path.to_string(), body })
}

async fn send(site: &OtherSite, files: Vec<v1::LogFile>) -> Result<(), Status> {
    let mut client = site.client.clone();
    let sent = tokio::time::timeout(ANSWER, client.put_log(v1::PutLogRequest { files })).await;
    sent.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer in time"))).map(drop)
}
