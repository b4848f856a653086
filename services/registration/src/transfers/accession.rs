//! 进馆: custody of what was accepted moves to the archive, once.
//!
//! Before: fixity's checks on storing, `hear.rs`. After: the newest event in the receipt of an item in the archive.
//! If we crash here (`item.accessioned`): custody has moved, and everybody hears of it from the outbox.

use dengbei_chain::facts::ItemAccessioned;
use dengbei_chain::{DocumentRef, Fact, MEMBERS};
use dengbei_kit::faults;
use dengbei_records::Timestamp;
use sqlx::PgConnection;

use super::pack::member_list;
use super::{Transfers, WorkError, step};
use crate::metrics;
use crate::store::documents::{self, Held};
use crate::store::transfers::checks::Check;
use crate::store::transfers::{State, Transfer, members, moves, steps};

impl Transfers {
    /// Moves custody. False: another did.
    pub(super) async fn accession(&self, transfer: &Transfer, check: &Check) -> Result<bool, WorkError> {
        let Some(accepted) = transfer.accepted else {
            return Err(WorkError::Content("未交接 / not accepted".into()));
        };
        let now = self.author.now();
        let mut tx = self.pool.begin().await?;
        let fact = ItemAccessioned {
            transfer_no: transfer.number.clone(),
            items: transfer.items,
            root: transfer.root,
            members: self.accepted_members(&mut tx, transfer, now).await?,
        };
        let causes = vec![accepted, check.event];
        let event = self.state(&transfer.number, causes, Fact::ItemAccessioned(fact), now)?;
        if !moves::accession(&mut tx, &transfer.number, event.hash, now).await? {
            return Ok(false);
        }
        let note = format!("{}件 / {} items", transfer.items, transfer.items);
        steps::note(&mut tx, &transfer.number, &step("accessioned", now, "档案馆 archive", note)).await?;
        self.outbox.put(&mut tx, &[event]).await?;
        tx.commit().await?;
        faults::reach("item.accessioned");
        metrics::transfer_reached(State::Accessioned);
        tracing::info!(number = %transfer.number, items = transfer.items, "in the archive");
        Ok(true)
    }

    /// The member list as accepted; made anew, with the same root, where a restored database lost it.
    async fn accepted_members(
        &self,
        tx: &mut PgConnection,
        transfer: &Transfer,
        now: Timestamp,
    ) -> Result<DocumentRef, WorkError> {
        if let Some(held) = documents::find(tx, &transfer.members).await? {
            return self.keep(tx, &held, now).await;
        }
        let list = member_list("item.accessioned", &members::of(tx, &transfer.number).await?)?;
        if list.root() != transfer.root {
            return Err(WorkError::Content("成员与交接不符 / the members are not those accepted".into()));
        }
        let (body, reference) = list.document()?;
        let held = Held { digest: reference.digest, media_type: MEMBERS.into(), body: body.into() };
        self.keep(tx, &held, now).await
    }
}
