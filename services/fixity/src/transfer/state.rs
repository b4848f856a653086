//! States a side's verdict: report and event in the transaction that ends the run.

use dengbei_chain::facts::{Side, TransferChecked};
use dengbei_chain::{Fact, MAX_CAUSES, MemberList, Subject, TransferReport};
use dengbei_checks::ENGINE;
use dengbei_kit::{documents, faults};
use dengbei_records::EventHash;

use super::Transfers;
use super::gather::Gathered;
use super::judge::Judged;
use super::law::Law;
use crate::error::TransferError;
use crate::metrics;
use crate::sites::Site;
use crate::store::transfers::{self, Stated, TransferRun};
use crate::verdict::salt;

impl Transfers {
    pub(super) async fn state(
        &self,
        run: &TransferRun,
        gathered: &Gathered,
        (site, law): (Site, &Law),
        judged: Judged,
    ) -> Result<(), TransferError> {
        let asked = &gathered.asked;
        let now = self.author.clock.now();
        let report = TransferReport {
            transfer_no: asked.transfer_no.clone(),
            side: asked.side,
            scheme: law.name.to_string(),
            engine: ENGINE.to_owned(),
            site: site.name,
            checked_at: now,
            checked: count(gathered.list.members.len()),
            list: MemberList { of: "transfer.checked".to_owned(), salt: salt(), members: judged.fit },
            unfit: judged.unfit,
            checks: judged.checks,
            receipts: judged.receipts,
            reused: judged.reused,
        };
        let (body, reference) = report.document()?;
        let fact = TransferChecked {
            transfer_no: asked.transfer_no.clone(),
            side: asked.side,
            scheme: report.scheme.clone(),
            engine: report.engine.clone(),
            checked: report.checked,
            unfit: count(report.unfit.len()),
            root: report.root(),
            report: reference.clone(),
        };
        let subject = Subject::Transfer(asked.transfer_no.clone());
        let fact = Fact::TransferChecked(fact);
        let event = self.author.encode_of((subject, causes(gathered), fact), None, now)?;
        let (digest, unfit) = (reference.digest, count(report.unfit.len()));
        let stated = Stated { event: event.hash, at: now, unfit, report: digest };
        let mut tx = self.pool.begin().await?;
        if !transfers::state(&mut tx, run, &stated).await? {
            return Ok(());
        }
        documents::put(&mut tx, &body, &reference.media_type).await?;
        self.author.outbox.put(&mut tx, &[event]).await?;
        tx.commit().await?;
        faults::reach("fixity.transfer_checked");
        metrics::transfer_checked(asked.side, report.unfit.len());
        let (side, checked) = (asked.side.name(), report.checked);
        tracing::info!(transfer = %asked.transfer_no, side, checked, unfit, "transfer checked");
        Ok(())
    }
}

/// The event that asks; on storing the copies too, as many as an event may name: the report lists all.
fn causes(gathered: &Gathered) -> Vec<EventHash> {
    let mut causes = gathered.asked.causes.clone();
    if gathered.asked.side == Side::Storing {
        let stored = gathered.asked.packs.iter().filter_map(|pack| gathered.stored.get(pack));
        causes.extend(stored.take(MAX_CAUSES - 1));
    }
    causes
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
