//! 交接: papers remade without what either side found unfit, signed by four people under two seals.
//!
//! Before: fixity's checks of the archive's side, `hear.rs`; where people sign, `decide.rs`. After: `replication` has
//! the archive's site sign for its copies, fixity checks them on storing.
//! If we crash here (`transfer.accepted`): it is accepted, and replication hears of it from the outbox.

use dengbei_chain::facts::{Side, TransferAccepted};
use dengbei_chain::{Fact, TransferReport};
use dengbei_kit::faults;
use dengbei_records::{SerialNo, Timestamp, canonical};
use sqlx::PgConnection;

use super::handover::{self, SignedHandover, Signing};
use super::papers::Papers;
use super::{Transfers, WorkError, causes, step, submit};
use crate::metrics;
use crate::store::transfers::checks::{self, Check};
use crate::store::transfers::moves::{self, Made};
use crate::store::transfers::{State, Transfer, steps};
use crate::store::{documents, policies};

impl Transfers {
    /// Remakes the papers, has them signed and accepts. False: another did, or somebody is still to sign.
    pub(super) async fn accept(&self, transfer: Transfer, check: Check) -> Result<bool, WorkError> {
        let now = self.author.now();
        let mut connection = self.pool.acquire().await?;
        let Some(signing) = self.signing(&mut connection, &transfer, &check).await? else { return Ok(false) };
        let making = self.gather(&mut connection, transfer, now).await?;
        drop(connection);
        let (making, signing, papers, signed) = tokio::task::spawn_blocking(move || {
            let papers = making.papers("transfer.accepted")?;
            let signed = handover::sign(&making, &papers, &signing)?;
            Ok::<_, WorkError>((making, signing, papers, signed))
        })
        .await??;
        let transfer = &making.transfer;
        let Some(submitted) = transfer.submitted else {
            return Err(WorkError::Content("未移交 / not submitted".into()));
        };
        let mut tx = self.pool.begin().await?;
        let fact = self.accepted(&mut tx, &transfer.number, (&papers, &signed), now).await?;
        let causes = causes(submitted, &check, transfer);
        let event = self.state(&transfer.number, causes, Fact::TransferAccepted(fact), now)?;
        let made = Made { handover: Some(signed.held.digest), ..submit::made(&papers) };
        if !moves::accept(&mut tx, &transfer.number, &made, event.hash, now).await? {
            return Ok(false);
        }
        self.note_signatures(&mut tx, transfer, &signing).await?;
        let note = format!("{}件 / {} items", papers.items(), papers.items());
        steps::note(&mut tx, &transfer.number, &step("accepted", now, "双方 both sides", note)).await?;
        self.outbox.put(&mut tx, &[event]).await?;
        tx.commit().await?;
        faults::reach("transfer.accepted");
        metrics::transfer_reached(State::Accepted);
        tracing::info!(number = %transfer.number, items = papers.items(), "a transfer is accepted");
        Ok(true)
    }

    /// The fact, with everything that it cites kept.
    async fn accepted(
        &self,
        tx: &mut PgConnection,
        number: &SerialNo,
        (papers, signed): (&Papers, &SignedHandover),
        now: Timestamp,
    ) -> Result<TransferAccepted, WorkError> {
        for held in [&papers.catalogue, &papers.digests] {
            self.keep(tx, held, now).await?;
        }
        Ok(TransferAccepted {
            transfer_no: number.clone(),
            items: papers.items(),
            bytes: papers.bytes,
            root: papers.root(),
            members: self.keep(tx, &papers.members, now).await?,
            handover: self.keep(tx, &signed.held, now).await?,
            unit_key: signed.unit.0,
            unit_signature: signed.unit.1,
            archive_key: signed.archive.0,
            archive_signature: signed.archive.1,
            packs: papers.packs.clone(),
        })
    }

    /// Who signs: those who said so, else by the rule; `None` while people are still to sign.
    async fn signing(
        &self,
        tx: &mut PgConnection,
        transfer: &Transfer,
        check: &Check,
    ) -> Result<Option<Signing>, WorkError> {
        let now = self.author.now();
        let (unit, archive) = match (&transfer.unit_signed, &transfer.archive_signed) {
            (Some(unit), Some(archive)) => (unit.clone(), archive.clone()),
            _ if transfer.is_by_hand => return Ok(None),
            (unit, archive) => {
                let policy = policies::of(tx, &transfer.unit).await?;
                let unit = unit.clone().unwrap_or_else(|| handover::by_rule(&policy.unit, now));
                (unit, archive.clone().unwrap_or_else(|| handover::by_rule(&policy.archive, now)))
            }
        };
        let unit_check = checks::of(tx, &transfer.number, Side::Unit).await?;
        let unit_report = match &unit_check {
            Some(check) => report(tx, check).await?,
            None => None,
        };
        Ok(Some(Signing { unit, archive, unit_report, archive_report: report(tx, check).await? }))
    }

    async fn note_signatures(
        &self,
        tx: &mut PgConnection,
        transfer: &Transfer,
        signing: &Signing,
    ) -> Result<(), WorkError> {
        for (is_unit, who, known) in [
            (true, &signing.unit, &transfer.unit_signed),
            (false, &signing.archive, &transfer.archive_signed),
        ] {
            if known.is_none() {
                moves::sign(tx, &transfer.number, is_unit, who).await?;
            }
        }
        Ok(())
    }
}

/// A side's report, as it was held when its event was heard.
async fn report(tx: &mut PgConnection, check: &Check) -> Result<Option<TransferReport>, WorkError> {
    match documents::body(tx, &check.report).await? {
        Some(body) => Ok(Some(canonical::from_slice(&body)?)),
        None => Ok(None),
    }
}
