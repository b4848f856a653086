//! Reports of verdicts that came back from the log: fetched again, so that this service has what its events cite.
//!
//! Before: `hear.rs` kept `transfer.checked`. A report that registration cannot give now is asked for again later; the
//! verdict stands without it, and nobody waits.

use dengbei_kit::{documents, status};
use dengbei_records::{EventHash, Sha256, Timestamp};

use super::Transfers;
use crate::error::TransferError;
use crate::store::transfers;
use crate::wholes::find;

/// Reports of one pass.
const AT_ONCE: u32 = 16;
/// Between questions for one that cannot be had: milliseconds.
const AGAIN: i64 = 60_000;

impl Transfers {
    pub(super) async fn restore(&self) -> Result<(), sqlx::Error> {
        let now = self.author.clock.now();
        for (stated, digest) in transfers::unkept(&self.pool, now, AT_ONCE).await? {
            if let Err(e) = self.keep(stated, &digest).await {
                tracing::warn!(report = %digest, why = status::chain(&e), "the report of a transfer cannot be had yet");
                let later = Timestamp::from_millis(now.millis() + AGAIN);
                transfers::kept(&self.pool, stated, Some(later)).await?;
            }
        }
        Ok(())
    }

    async fn keep(&self, stated: EventHash, digest: &Sha256) -> Result<(), TransferError> {
        let found = find(&self.pool, &self.registration, digest).await?;
        let mut tx = self.pool.begin().await?;
        documents::put(&mut tx, &found.body, &found.media_type).await?;
        transfers::kept(&mut *tx, stated, None).await?;
        Ok(tx.commit().await?)
    }
}
