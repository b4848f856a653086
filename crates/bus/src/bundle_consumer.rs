//! The register's own consumer: whole bundles as they came, nothing skipped, nothing set aside, no catch-up.
//!
//! A bundle that fails comes again; meanwhile its producer keeps it and sends it by `Register.Append` too.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dengbei_kit::{Drain, db};
use dengbei_records::ErrorClass;
use sqlx::postgres::PgPool;
use tracing::{error, warn};

use crate::consumer::pull::{Verdict, pull};
use crate::consumer::settle::caught;
use crate::measured::{self, BundleOutcome, Source};
use crate::{Bundle, BundleHandler, HandleError, Nats};

const AT_ONCE: usize = 4;
const AGAIN: Duration = Duration::from_secs(2);

/// Hands whole bundles to a [`BundleHandler`], each in a transaction, acknowledged after its commit.
#[derive(Debug)]
pub struct BundleConsumer<H: BundleHandler> {
    shared: Arc<Shared<H>>,
}

#[derive(Debug)]
struct Shared<H> {
    durable: String,
    pool: PgPool,
    nats: Nats,
    handler: H,
}

impl<H: BundleHandler> Clone for BundleConsumer<H> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<H: BundleHandler> BundleConsumer<H> {
    /// Under its own durable name, `register`.
    pub fn new(durable: &str, pool: PgPool, nats: Nats, handler: H) -> Self {
        measured::describe();
        Self { shared: Arc::new(Shared { durable: durable.to_owned(), pool, nats, handler }) }
    }

    /// Works until the drain; what is in hand is finished.
    ///
    /// # Errors
    /// When the bus refuses the consumer's settings.
    pub async fn run(self, drain: Drain) -> anyhow::Result<()> {
        let shared = self.shared.clone();
        let handle = move |payloads| {
            let shared = shared.clone();
            async move { shared.messages(payloads).await }
        };
        pull(&self.shared.nats, &self.shared.durable, AT_ONCE, &drain, handle).await?;
        Ok(())
    }
}

impl<H: BundleHandler> Shared<H> {
    /// All in one transaction; where that fails, each in its own.
    async fn messages(&self, payloads: Vec<Bytes>) -> Vec<Verdict> {
        let read: Vec<Option<Bundle>> = payloads.into_iter().map(|p| self.read(p)).collect();
        let bundles: Vec<&Bundle> = read.iter().flatten().collect();
        let is_whole = bundles.len() > 1 && self.apply(&bundles).await.is_ok();
        let mut verdicts = Vec::with_capacity(read.len());
        for bundle in &read {
            let (verdict, outcome) = match bundle {
                None => (Verdict::Never, BundleOutcome::Unreadable),
                Some(_) if is_whole => (Verdict::Ack, BundleOutcome::Whole),
                Some(bundle) => self.bundle(bundle).await,
            };
            measured::bundle(&self.durable, Source::Bus, outcome);
            verdicts.push(verdict);
        }
        verdicts
    }

    fn read(&self, payload: Bytes) -> Option<Bundle> {
        Bundle::decode(payload)
            .inspect_err(|e| error!(durable = self.durable, error = %e, "a message that is no bundle"))
            .ok()
    }

    async fn bundle(&self, bundle: &Bundle) -> (Verdict, BundleOutcome) {
        let Err(e) = self.apply(&[bundle]).await else { return (Verdict::Ack, BundleOutcome::Whole) };
        let (producer, sequence, reason) = (&bundle.producer, bundle.sequence, e.reason());
        if e.class() == ErrorClass::Invalid {
            error!(durable = self.durable, producer, sequence, reason, "a bundle is refused");
            return (Verdict::Never, BundleOutcome::Unreadable);
        }
        warn!(durable = self.durable, producer, sequence, reason, "a bundle failed and comes again");
        (Verdict::Later(AGAIN), BundleOutcome::Postponed)
    }

    async fn apply(&self, bundles: &[&Bundle]) -> Result<(), HandleError> {
        let mut tx = db::begin_by_key(&self.pool).await?;
        caught(self.handler.apply(&mut tx, bundles)).await?;
        tx.commit().await?;
        Ok(())
    }
}
