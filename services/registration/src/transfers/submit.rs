//! 移交: the unit hands over what its own checks found fit, under its seal.
//!
//! Before: fixity's checks of the unit's side, `hear.rs`. After: fixity checks for the archive, on the archive's copy.
//! If we crash here (`transfer.submitted`): it is submitted, and fixity hears of it from the outbox.

use dengbei_chain::Fact;
use dengbei_chain::facts::TransferSubmitted;
use dengbei_kit::faults;

use super::papers::Papers;
use super::{Transfers, WorkError, causes, step};
use crate::metrics;
use crate::store::transfers::checks::Check;
use crate::store::transfers::moves::{self, Made};
use crate::store::transfers::{State, Transfer, steps};
use crate::unit_keys::Signed;

impl Transfers {
    /// Makes the papers without what the unit's checks found unfit, and submits them. False: another did.
    pub(super) async fn submit(&self, transfer: Transfer, check: Check) -> Result<bool, WorkError> {
        let now = self.author.now();
        let making = self.gather(&mut *self.pool.acquire().await?, transfer, now).await?;
        let (making, papers) = tokio::task::spawn_blocking(move || {
            let papers = making.papers("transfer.submitted")?;
            Ok::<_, WorkError>((making, papers))
        })
        .await??;
        let signed = self.sign_submission(&making.transfer, &papers).await?;
        let transfer = &making.transfer;
        let mut tx = self.pool.begin().await?;
        let fact = TransferSubmitted {
            transfer_no: transfer.number.clone(),
            items: papers.items(),
            bytes: papers.bytes,
            root: papers.root(),
            members: self.keep(&mut tx, &papers.members, now).await?,
            digests: self.keep(&mut tx, &papers.digests, now).await?,
            unit_key: signed.key,
            unit_signature: signed.signature,
        };
        self.keep(&mut tx, &papers.catalogue, now).await?;
        let causes = causes(transfer.packed, &check, transfer);
        let event = self.state(&transfer.number, causes, Fact::TransferSubmitted(fact), now)?;
        if !moves::submit(&mut tx, &transfer.number, &made(&papers), event.hash, now).await? {
            return Ok(false);
        }
        let note = format!("{}件 / {} items", papers.items(), papers.items());
        steps::note(&mut tx, &transfer.number, &step("submitted", now, &making.unit.name, note)).await?;
        self.outbox.put(&mut tx, &[event]).await?;
        tx.commit().await?;
        faults::reach("transfer.submitted");
        metrics::transfer_reached(State::Submitted);
        tracing::info!(number = %transfer.number, items = papers.items(), "a transfer is submitted");
        Ok(true)
    }

    /// The unit's signature over root, member list and digest table.
    async fn sign_submission(&self, transfer: &Transfer, papers: &Papers) -> Result<Signed, WorkError> {
        let text = TransferSubmitted::signed_text(
            &self.author.area,
            &transfer.number,
            &papers.root(),
            &papers.members.digest,
            &papers.digests.digest,
        );
        let (keys, unit) = (self.keys.clone(), transfer.unit.clone());
        Ok(tokio::task::spawn_blocking(move || keys.sign(&unit, &text)).await??)
    }
}

/// The papers as the transfer's row notes them.
pub(super) fn made(papers: &Papers) -> Made {
    Made {
        items: papers.items(),
        bytes: papers.bytes,
        root: papers.root(),
        members: papers.members.digest,
        digests: Some(papers.digests.digest),
        catalogue: Some(papers.catalogue.digest),
        handover: None,
    }
}
