//! 归档决定: what the filing checks (stage G) mean: ready for a pack, or back to the sender.
//!
//! Before: `fixity/src/check.rs` states `item.checked`. After: `plan.rs` for what passed, `return_item.rs` for what failed.

use dengbei_bus::{HandleError, Outcome};
use dengbei_chain::facts::ItemChecked;
use dengbei_chain::{Event, MEMBERS, MemberList};
use dengbei_records::{DataVersion, ErrorClass, EventHash, ItemId, Sha256, Timestamp};
use sqlx::PgConnection;

use crate::store::documents::{self, Held};
use crate::store::filed_packs::{self, CheckRun};
use crate::store::items::{self, Failure};
use crate::wake::{self, Topic};

/// The stage whose verdict decides about filing.
pub(crate) const STAGE: &str = "G";

/// The members of a run that passed, if the document is the one that the event cites.
pub(crate) fn members(
    checked: &ItemChecked,
    count: u32,
    root: &Sha256,
    document: &Held,
) -> Result<MemberList, HandleError> {
    let list = MemberList::read(&document.body, &checked.report)?;
    if list.members.len() != count as usize || list.root() != *root || document.media_type != MEMBERS {
        return Err(HandleError::invalid("检测批成员与事件不符 / the member list is not the event's"));
    }
    Ok(list)
}

/// Those that passed together wait for a pack from now on.
pub(crate) async fn passed(
    tx: &mut PgConnection,
    event: &Event,
    checked: &ItemChecked,
    (members, document): &(MemberList, Held),
    at: Timestamp,
) -> Result<Outcome, HandleError> {
    let hashes = members.hashes();
    let known = items::known(tx, &hashes).await?;
    if let Some(unknown) = hashes.iter().find(|h| !known.contains(h)) {
        return Ok(Outcome::WaitFor(*unknown));
    }
    documents::hold(tx, document, at, None).await?;
    let run =
        CheckRun { report: document.digest, scheme: checked.scheme.clone(), stage: checked.stage.clone() };
    filed_packs::note_run(tx, event.hash, &run).await?;
    items::pass(tx, &hashes, event.hash, &document.digest, at).await?;
    wake::on_commit(tx, Topic::Ready).await?;
    Ok(Outcome::Applied)
}

/// What failed: one item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failed<'a> {
    pub(crate) item: ItemId,
    pub(crate) data_version: DataVersion,
    pub(crate) failed: &'a [String],
}

/// An item that failed goes back.
pub(crate) async fn failed(
    tx: &mut PgConnection,
    event: &Event,
    verdict: Failed<'_>,
    document: &Held,
    at: Timestamp,
) -> Result<Outcome, HandleError> {
    let Some(prefiled) = concerned(tx, event, verdict).await? else {
        let cause = event.causes.first().ok_or_else(|| HandleError::invalid("事件没有原因 / no cause"))?;
        return Ok(Outcome::WaitFor(*cause));
    };
    documents::hold(tx, document, at, None).await?;
    let failure = Failure { checked: event.hash, failed: verdict.failed, report: document.digest, at };
    items::fail(tx, prefiled, &failure).await?;
    wake::on_commit(tx, Topic::Decided).await?;
    Ok(Outcome::Applied)
}

/// The submission that a verdict is about: one of its causes.
async fn concerned(
    tx: &mut PgConnection,
    event: &Event,
    verdict: Failed<'_>,
) -> Result<Option<EventHash>, HandleError> {
    for cause in &event.causes {
        if let Some(found) = items::find(tx, *cause).await? {
            if (found.item, found.data_version) == (verdict.item, verdict.data_version) {
                return Ok(Some(found.prefiled));
            }
            let text = "结论与所检提交不符 / the verdict is about another submission than its cause";
            return Err(HandleError::new(ErrorClass::Invalid, anyhow::anyhow!(text)));
        }
    }
    Ok(None)
}
