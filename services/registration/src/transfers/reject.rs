//! 退回移交: nothing of it was fit, or a side declined. Its items stay filed with the unit; a person may propose them
//! again, no rule does.
//!
//! Before: `hear.rs` or `decide.rs`. After: the read model in `query`.

use dengbei_chain::Fact;
use dengbei_chain::facts::TransferRejected;
use dengbei_records::{EventHash, Sha256, Timestamp, canonical};
use serde::Serialize;
use sqlx::PgConnection;

use super::{Transfers, WorkError, salt, step};
use crate::metrics;
use crate::store::documents::Held;
use crate::store::transfers::checks::Check;
use crate::store::transfers::members::{self, Unfit};
use crate::store::transfers::{State, Transfer, moves, steps};

/// Media type of the decision.
pub(crate) const DECISION: &str = "application/vnd.dengbei.transfer-decision+json";
/// The reason when nothing was fit; the check ids follow it.
const NOTHING_FIT: &str = "transfer.nothing_fit";
/// Reasons in one event.
const MOST_REASONS: usize = 50;

/// 退回决定: why, and what to do. Canonical JSON; the salt keeps its digest from telling anything.
#[derive(Debug, Serialize)]
struct Decision {
    salt: String,
    transfer_no: String,
    unit_uscc: String,
    decided_at: String,
    decided_by: String,
    reasons: Vec<String>,
    opinion: String,
    unfit: Vec<UnfitLine>,
}

#[derive(Debug, Serialize)]
struct UnfitLine {
    archival_code: String,
    side: String,
    failed: Vec<String>,
    remedy: String,
}

/// Why a transfer goes back, and who says so.
#[derive(Debug)]
pub(super) struct Rejection {
    pub(super) cause: EventHash,
    pub(super) by: String,
    pub(super) reasons: Vec<String>,
    pub(super) opinion: String,
    pub(super) actor: Option<dengbei_chain::Actor>,
}

impl Transfers {
    /// Nothing was fit.
    pub(super) async fn reject_unfit(&self, transfer: &Transfer, check: &Check) -> Result<bool, WorkError> {
        let mut tx = self.pool.begin().await?;
        let found = members::unfit(&mut tx, &transfer.number).await?;
        let mut failed: Vec<String> = found.iter().flat_map(|u| u.failed.iter().cloned()).collect();
        failed.sort_unstable();
        failed.dedup();
        let reasons = std::iter::once(NOTHING_FIT.to_owned()).chain(failed).take(MOST_REASONS).collect();
        let rejection = Rejection {
            cause: check.event,
            by: check.side.word().into(),
            reasons,
            opinion: "没有检测合格的档案，退回移交；请按整改建议处理后重新提出 / nothing was fit: mend it as advised and propose it again"
                .into(),
            actor: None,
        };
        let is_done = self.reject(&mut tx, transfer, rejection, self.author.now()).await?;
        tx.commit().await?;
        Ok(is_done)
    }

    /// Sends a transfer back, in the caller's transaction. False: it is beyond that.
    pub(super) async fn reject(
        &self,
        tx: &mut PgConnection,
        transfer: &Transfer,
        rejection: Rejection,
        now: Timestamp,
    ) -> Result<bool, WorkError> {
        let number = &transfer.number;
        let decision = Decision {
            salt: salt()?,
            transfer_no: number.to_string(),
            unit_uscc: transfer.unit.to_string(),
            decided_at: now.rfc3339(),
            decided_by: rejection.by.clone(),
            reasons: rejection.reasons.clone(),
            opinion: rejection.opinion.clone(),
            unfit: members::unfit(tx, number).await?.into_iter().map(line).collect(),
        };
        let body = canonical::to_vec(&decision)?;
        let held = Held { digest: Sha256::of(&body), media_type: DECISION.into(), body: body.into() };
        let decision = self.keep(tx, &held, now).await?;
        let reasons = rejection.reasons;
        let fact = TransferRejected { transfer_no: number.clone(), reasons: reasons.clone(), decision };
        let statement = crate::author::Statement {
            subject: dengbei_chain::Subject::Transfer(number.clone()),
            causes: vec![rejection.cause],
            fact: Fact::TransferRejected(fact),
        };
        let event = self.author.state_for(rejection.actor, statement, now)?;
        if !moves::reject(tx, number, &reasons, event.hash, now).await? {
            return Ok(false);
        }
        steps::note(tx, number, &step("rejected", now, rejection.by, rejection.opinion)).await?;
        self.outbox.put(tx, &[event]).await?;
        metrics::transfer_reached(State::Rejected);
        tracing::warn!(%number, ?reasons, "a transfer goes back");
        Ok(true)
    }
}

fn line(unfit: Unfit) -> UnfitLine {
    UnfitLine {
        archival_code: unfit.archival_code.to_string(),
        side: unfit.side,
        failed: unfit.failed,
        remedy: unfit.remedy,
    }
}
