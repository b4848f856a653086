//! The other sites' copies of the log (`log.quorum`, design 6.2): a checkpoint counts as published only when the log up
//! to it is durable on the primary and on so many other sites; the sites beyond that are caught up in the background.
//!
//! The sealer announces the newest checkpoint; one pusher a site (`push.rs`) brings the site there and says how far it
//! is. With a quorum the announcement comes before publishing, and the sealer waits for it; without one it comes after.
//! What a site was sent is signed, so it is never taken back: after a crash in between, `start.rs` finds the site
//! ahead and takes the rest from it. Before: `seal.rs`. After: the site role's `PutLog`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use dengbei_kit::grpc::{self, MAX_MESSAGE, MeshChannel};
use dengbei_kit::{Drain, RoleConfig, SiteAddress};
use dengbei_proto::v1::site_client::SiteClient;
use tokio::sync::watch;

use super::StartError;
use crate::metrics;

mod push;
mod tiles;

pub(super) use tiles::SiteTiles;

/// How long the sealer waits for the quorum before it says so and tries again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same at the end of the process, when the sites may be ending too: what is not held is sealed at the next start.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

/// Another site that keeps a copy of the log.
#[derive(Debug, Clone)]
pub(crate) struct OtherSite {
    pub(super) name: String,
    client: SiteClient<MeshChannel>,
}

/// A checkpoint that the sites are to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Signed {
    /// The reign of this process's sealer that signed it.
    reign: u64,
    size: u64,
    checkpoint: Bytes,
}

/// The other sites. Cheap to clone; clones share what is known.
#[derive(Debug, Clone)]
pub(crate) struct Sites {
    others: Arc<[OtherSite]>,
    quorum: usize,
    patience: Duration,
    newest: Arc<watch::Sender<Option<Signed>>>,
    /// How often this process became the sealer.
    reign: Arc<AtomicU64>,
    /// How far each site is known to be.
    reached: Arc<watch::Sender<BTreeMap<String, u64>>>,
    /// The end is near: nobody waits long any more.
    ending: Drain,
    /// The sealer has ended: there is nothing to push any more.
    closed: Drain,
}

impl Sites {
    /// The sites of the configuration but the primary, on which the register writes by itself.
    ///
    /// # Errors
    /// When the quorum asks for more sites than there are, or a URL is none.
    pub(crate) fn of(config: &RoleConfig) -> anyhow::Result<Self> {
        let others: Vec<&SiteAddress> = config.sites.iter().filter(|s| s.class != "primary").collect();
        let quorum = usize::from(config.log_quorum);
        anyhow::ensure!(
            quorum <= others.len(),
            "log_quorum 为 {quorum}，但主备份点之外只有 {} 个备份点 / log_quorum is {quorum}, but only {0} sites stand beside the \
             primary",
            others.len()
        );
        let link = |site: &SiteAddress| {
            let channel = grpc::channel(&site.url, &config.mesh_token).context("sites.url")?;
            let client = SiteClient::new(channel).max_decoding_message_size(MAX_MESSAGE);
            anyhow::Ok(OtherSite { name: site.name.clone(), client })
        };
        Ok(Self {
            others: others.into_iter().map(link).collect::<Result<_, _>>()?,
            quorum,
            patience: PATIENCE,
            newest: Arc::new(watch::Sender::new(None)),
            reign: Arc::default(),
            reached: Arc::default(),
            ending: Drain::new(),
            closed: Drain::new(),
        })
    }

    /// With another patience.
    #[cfg(test)]
    pub(crate) fn waiting(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// All of them.
    pub(super) fn others(&self) -> &[OtherSite] {
        &self.others
    }

    /// Before publishing: returns when the log up to this checkpoint is durable on enough other sites.
    ///
    /// # Errors
    /// [`StartError::NoQuorum`]; nothing may be published then. Asking again is right.
    pub(crate) async fn hold(&self, size: u64, checkpoint: &Bytes) -> Result<(), StartError> {
        if self.quorum == 0 {
            return Ok(());
        }
        self.announce(size, checkpoint);
        let mut reached = self.reached.subscribe();
        let enough = |sites: &BTreeMap<String, u64>| held(sites, size) >= self.quorum;
        let patience = if self.ending.is_requested() { LAST_PATIENCE } else { self.patience };
        match tokio::time::timeout(patience, reached.wait_for(enough)).await {
            Ok(Ok(_)) => Ok(()),
            _ => {
                let found = held(&self.reached.borrow(), size);
                metrics::no_quorum();
                Err(StartError::NoQuorum { size, wanted: self.quorum, found })
            }
        }
    }

    /// This process is the sealer from now on: what was known of the sites may be old.
    pub(super) fn begin(&self) {
        self.reign.fetch_add(1, Ordering::Relaxed);
    }

    /// Another process may be the sealer now, and the sites further than what was announced here.
    pub(super) fn stand_down(&self) {
        self.newest.send_replace(None);
    }

    /// Whether it was announced by who is the sealer still, as far as is known.
    fn stands(&self, target: &Signed) -> bool {
        self.newest.borrow().as_ref().is_some_and(|newest| newest.reign == target.reign)
    }

    /// The sealer seals a last time.
    pub(super) fn hurry(&self) {
        self.ending.request();
    }

    /// The sealer has ended, so that the pushers may.
    pub(crate) fn close(&self) {
        self.closed.request();
    }

    /// After publishing: all sites are to follow.
    pub(super) fn announce(&self, size: u64, checkpoint: &Bytes) {
        let reign = self.reign.load(Ordering::Relaxed);
        let signed = Signed { reign, size, checkpoint: checkpoint.clone() };
        self.newest.send_if_modified(|newest| {
            let is_new = newest.as_ref() != Some(&signed);
            *newest = Some(signed);
            is_new
        });
    }

    /// One site is there.
    fn note(&self, site: &str, size: u64) {
        ::metrics::gauge!(metrics::COPY, "site" => site.to_owned()).set(size as f64);
        self.reached.send_modify(|sites| {
            sites.insert(site.to_owned(), size);
        });
    }
}

/// How many sites are there.
fn held(sites: &BTreeMap<String, u64>, size: u64) -> usize {
    sites.values().filter(|reached| **reached >= size).count()
}
