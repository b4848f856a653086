//! The audit: who did and saw what. A decision is written before it is passed on, so that none is made without a trace;
//! what was looked at is written beside the answer, in groups, and does not hold it up.

use std::sync::Arc;
use std::time::Duration;

use dengbei_kit::Drain;
use dengbei_records::{Clock, SystemClock};
use sqlx::PgPool;
use tokio::sync::{Mutex, mpsc};
use tracing::warn;

use super::AccountError;
use crate::door::Who;
use crate::store::audit::{AuditRow, Wanted, append, list};

/// Views that wait to be written; over that the newest are counted as lost, and an alarm says so.
const WAITING: usize = 8_192;
/// Rows of one statement.
const GROUP: usize = 256;
const PAUSE: Duration = Duration::from_secs(1);

/// One thing that somebody did or saw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// `item.view`, `registration.accept`, …
    pub(crate) action: &'a str,
    /// `item/<uuid>`, `registration/<uuid>`, …
    pub(crate) object: &'a str,
    /// What else, in words.
    pub(crate) detail: &'a str,
}

/// Writes and reads the audit. Without a database it writes nothing. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Audit(Option<Arc<Kept>>);

struct Kept {
    pool: PgPool,
    views: mpsc::Sender<AuditRow>,
    waiting: Mutex<mpsc::Receiver<AuditRow>>,
}

impl Audit {
    /// Over a database that is migrated.
    pub(crate) fn new(pool: PgPool) -> Self {
        let (views, waiting) = mpsc::channel(WAITING);
        Self(Some(Arc::new(Kept { pool, views, waiting: Mutex::new(waiting) })))
    }

    /// Notes what `who` is about to do; durable when it returns.
    ///
    /// # Errors
    /// [`AccountError::Database`]: then it must not be done.
    pub(crate) async fn does(&self, who: &Who, entry: Entry<'_>) -> Result<(), AccountError> {
        let Some(kept) = &self.0 else { return Ok(()) };
        Ok(append(&kept.pool, &[row(who, entry)]).await?)
    }

    /// Notes what `who` was shown.
    pub(crate) fn sees(&self, who: &Who, entry: Entry<'_>) {
        let Some(kept) = &self.0 else { return };
        if kept.views.try_send(row(who, entry)).is_err() {
            crate::metrics::audit_lost();
        }
    }

    /// Rows, newest first.
    pub(crate) async fn list(&self, wanted: &Wanted) -> Result<Vec<AuditRow>, AccountError> {
        let kept = self.0.as_ref().ok_or(AccountError::NotConfigured)?;
        Ok(list(&kept.pool, wanted).await?)
    }

    /// Writes down what was seen, until the drain, and then what is left.
    ///
    /// # Errors
    /// None: a database that is away is tried again.
    pub(crate) async fn write_views(self, drain: Drain) -> anyhow::Result<()> {
        let Some(kept) = self.0 else {
            drain.requested().await;
            return Ok(());
        };
        let mut waiting = kept.waiting.lock().await;
        let mut group = Vec::with_capacity(GROUP);
        loop {
            tokio::select! {
                n = waiting.recv_many(&mut group, GROUP) => if n == 0 { return Ok(()) },
                () = drain.requested() => {
                    while let Ok(row) = waiting.try_recv() {
                        group.push(row);
                    }
                }
            }
            while let Err(error) = append(&kept.pool, &group).await {
                warn!(%error, rows = group.len(), "the audit could not be written");
                if drain.is_requested() {
                    break;
                }
                drain.pause(PAUSE).await;
            }
            group.clear();
            if drain.is_requested() {
                return Ok(());
            }
        }
    }
}

fn row(who: &Who, entry: Entry<'_>) -> AuditRow {
    AuditRow {
        id: 0,
        at: SystemClock.now().millis(),
        account: who.account().map(|account| account.id),
        who: who.name().to_owned(),
        action: entry.action.to_owned(),
        object: entry.object.chars().take(200).collect(),
        detail: entry.detail.chars().take(1000).collect(),
        address: who.address.map(|ip| ip.to_string()).unwrap_or_default(),
    }
}
