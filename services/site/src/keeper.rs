//! What the use cases share: the storage, the key, the clock, and how much is done at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dengbei_chain::facts::{Purpose, SiteReceipt, Witness};
use dengbei_kit::grpc::{self, MeshChannel};
use dengbei_kit::seals::SealKeys;
use dengbei_kit::{Secret, SiteAddress};
use dengbei_records::{AreaCode, Clock, Invalid, Sha256};
use dengbei_vault::{PackName, ReadBack, Site};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::counted::Counted;
use crate::error::{Found, Refusal};
use crate::log::LogCopy;

/// Packs that are taken or read back at once.
const AT_ONCE: usize = 4;
/// Packs that are sent at once.
const SENT_AT_ONCE: usize = 32;
/// How long a call waits for its turn.
const TURN: Duration = Duration::from_secs(120);

/// One site at work. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keeper {
    pub(crate) site: Site,
    pub(crate) area: AreaCode,
    pub(crate) name: String,
    pub(crate) class: String,
    pub(crate) log: LogCopy,
    pub(crate) counted: Counted,
    pub(crate) key: Arc<SealKeys>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sources: Sources,
    pub(crate) turns: Turns,
}

/// Who may work now.
#[derive(Clone)]
pub(crate) struct Turns {
    work: Arc<Semaphore>,
    sending: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { work: Arc::new(Semaphore::new(AT_ONCE)), sending: Arc::new(Semaphore::new(SENT_AT_ONCE)) }
    }
}

async fn turn(of: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Refusal> {
    let waited = tokio::time::timeout(TURN, of.clone().acquire_owned()).await;
    waited.map_err(|_| Refusal::Busy)?.map_err(|_| Refusal::Busy)
}

impl Turns {
    /// A turn to take or read back a pack.
    pub(crate) async fn work(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        turn(&self.work).await
    }

    /// A turn to send one.
    pub(crate) async fn sending(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        turn(&self.sending).await
    }
}

/// The other sites, by URL: only they are asked for packs, because a call carries the mesh token.
#[derive(Clone)]
pub(crate) struct Sources {
    known: Arc<[SiteAddress]>,
    token: Secret,
    channels: Arc<Mutex<HashMap<String, MeshChannel>>>,
}

impl Sources {
    pub(crate) fn new(known: &[SiteAddress], token: Secret) -> Self {
        Self { known: known.into(), token, channels: Arc::default() }
    }

    pub(crate) fn channel(&self, url: &str) -> Result<MeshChannel, Refusal> {
        if !self.known.iter().any(|site| site.url == url) {
            return Err(Refusal::UnknownSource(url.chars().take(200).collect()));
        }
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(url) {
            return Ok(channel.clone());
        }
        let channel = grpc::channel(url, &self.token)?;
        channels.insert(url.to_owned(), channel.clone());
        Ok(channel)
    }
}

impl Keeper {
    /// The name of a pack of this deployment.
    pub(crate) fn pack(&self, number: u64, generation: u32) -> Result<PackName, Refusal> {
        if number == 0 || generation == 0 {
            return Err(Invalid::new("存储包 pack", format!("{number}.g{generation}")).into());
        }
        let number = dengbei_records::PackNumber::new(number);
        Ok(PackName { area: self.area.clone(), number, generation })
    }

    /// Reads a pack from the disk, first byte to last; `None`: it is not here.
    pub(crate) async fn read_back(&self, name: &PackName) -> Result<Option<ReadBack>, Refusal> {
        let read = self.site.read_back(name).await;
        let read = read.map_err(|e| Refusal::Unreadable { name: name.clone(), source: Box::new(e) })?;
        crate::metrics::bytes("read_back", read.map_or(0, |r| r.len));
        Ok(read)
    }

    /// Signs for what was read back.
    ///
    /// # Errors
    /// [`Refusal::Damaged`] when it does not begin with a sound catalogue of this pack.
    pub(crate) fn sign(
        &self,
        name: &PackName,
        purpose: Purpose,
        read: ReadBack,
    ) -> Result<SiteReceipt, Refusal> {
        let Some(versions_root) = read.versions_root else {
            return Err(Refusal::Damaged { name: name.clone(), found: found(&read) });
        };
        let key = self.key.public();
        let mut receipt = SiteReceipt {
            site: self.name.clone(),
            class: self.class.clone(),
            purpose,
            pack: name.number,
            generation: name.generation,
            digest: read.sha256,
            versions_root,
            bytes: read.len,
            stored_at: self.clock.now(),
            witness: Witness::Signed { key, signature: [0; 64] },
        };
        let signature = self.key.sign(&receipt.signed_text(&self.area));
        receipt.witness = Witness::Signed { key, signature };
        Ok(receipt)
    }
}

/// What was read, for a refusal.
pub(crate) fn found(read: &ReadBack) -> Found {
    Found { digest: Some(read.sha256), bytes: read.len }
}

/// Whether these are the bytes that were meant; a length of 0 is not compared.
pub(crate) fn is_as_meant(read: &ReadBack, digest: &Sha256, bytes: u64) -> bool {
    read.sha256 == *digest && (bytes == 0 || read.len == bytes)
}
