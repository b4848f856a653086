//! 移交 by hand: a person proposes one, two people of a side sign, a side declines. Idempotent: the same decision again
//! changes nothing.
//!
//! Before: the gateway's door. After: `pack.rs`, `accept.rs`, `reject.rs`.

use dengbei_chain::Actor;
use dengbei_chain::facts::Side;
use dengbei_kit::faults;
use dengbei_records::policy::TransferRule;
use dengbei_records::{SerialNo, UnitCode};
use sqlx::PgConnection;
use uuid::Uuid;

use super::pack::{MOST_CERTIFICATES, Picked};
use super::reject::Rejection;
use super::{TransferError, Transfers, step};
use crate::policy::check_name;
use crate::store::policies;
use crate::store::transfers::certified::{self, CertifiedPack};
use crate::store::transfers::{self, Signatories, State, Transfer, checks, lists, moves, steps};

/// The longest note, and the longest reason, characters.
const LONGEST: usize = 500;
/// Reasons of one refusal.
const MOST_REASONS: usize = 20;

/// What a person decides about a transfer.
#[derive(Debug, Clone)]
pub(crate) enum Decision {
    /// 签字 of one side.
    Sign {
        /// Of which.
        side: Side,
        /// 填表人
        filled_by: String,
        /// 审核人
        reviewed_by: String,
    },
    /// 退回
    Decline {
        /// Who, as shown.
        by: String,
        /// Stable codes.
        reasons: Vec<String>,
        /// 意见
        note: String,
        /// Who, blinded.
        actor: Option<Actor>,
    },
}

/// 提出移交: what a person wants handed over.
#[derive(Debug, Clone)]
pub(crate) struct Propose {
    pub(crate) batches: Vec<Uuid>,
    pub(crate) by: String,
    pub(crate) note: String,
    pub(crate) actor: Option<Actor>,
}

impl Transfers {
    /// Packs what is left of these batches; the live transfer of them when nothing is.
    pub(crate) async fn propose(&self, propose: Propose) -> Result<SerialNo, TransferError> {
        let Propose { batches, by, note, actor } = propose;
        check_text("说明 note", &note)?;
        if batches.is_empty() || batches.len() > MOST_CERTIFICATES {
            let text = format!("登记批次应为1至{MOST_CERTIFICATES}个 / 1 to {MOST_CERTIFICATES} batches");
            return Err(TransferError::Invalid(text));
        }
        let mut tx = self.pool.begin().await?;
        transfers::lock(&mut tx).await?;
        let packs = certified::of_batches(&mut tx, &batches).await?;
        let unit = unit_of(&batches, &packs)?;
        let policy = policies::of(&mut tx, &unit).await?;
        let packs: Vec<CertifiedPack> = packs.into_iter().filter(|p| policy.takes(p.retention)).collect();
        let is_by_hand = policy.transfer == TransferRule::ByHand;
        let by = if by.is_empty() { "人工提出 by hand".to_owned() } else { by };
        let picked = Picked { packs, is_by_hand, by, actor, note };
        match self.pack(&mut tx, picked, self.author.now()).await? {
            Some(number) => {
                tx.commit().await.map_err(TransferError::from)?;
                faults::reach("transfer.packed");
                Ok(number)
            }
            None => lists::live_of_batches(&mut tx, &batches).await?.ok_or(TransferError::NothingLeft),
        }
    }

    /// Takes a decision about a transfer.
    pub(crate) async fn decide(&self, number: &SerialNo, decision: Decision) -> Result<(), TransferError> {
        let mut tx = self.pool.begin().await?;
        let transfer = transfers::hold(&mut tx, number).await?.ok_or(TransferError::NotFound)?;
        match decision {
            Decision::Sign { side, filled_by, reviewed_by } => {
                let who = Signatories { filled_by, reviewed_by, at: self.author.now() };
                self.sign(&mut tx, &transfer, side, who).await?;
            }
            Decision::Decline { by, reasons, note, actor } => {
                let by = if by.is_empty() { "人工 by hand".to_owned() } else { by };
                let rejection = (by, reasons, note, actor);
                self.decline(&mut tx, &transfer, rejection).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// 填表人 and 审核人 of one side sign: two different people, once, when both sides have checked.
    async fn sign(
        &self,
        tx: &mut PgConnection,
        transfer: &Transfer,
        side: Side,
        who: Signatories,
    ) -> Result<(), TransferError> {
        for name in [&who.filled_by, &who.reviewed_by] {
            check_name(name).map_err(|e| TransferError::Invalid(e.to_string()))?;
        }
        if who.filled_by == who.reviewed_by {
            return Err(TransferError::SamePerson(who.filled_by));
        }
        let is_unit = side == Side::Unit;
        let signed = if is_unit { &transfer.unit_signed } else { &transfer.archive_signed };
        if let Some(signed) = signed {
            let is_same = (&signed.filled_by, &signed.reviewed_by) == (&who.filled_by, &who.reviewed_by);
            return if is_same { Ok(()) } else { Err(TransferError::Signed) };
        }
        if transfer.state != State::Verified {
            return Err(TransferError::NotToSign { number: transfer.number.clone(), state: transfer.state });
        }
        moves::sign(tx, &transfer.number, is_unit, &who).await?;
        let names = format!("{}、{}", who.filled_by, who.reviewed_by);
        let name = format!("signed.{}", side.name());
        steps::note(tx, &transfer.number, &step(&name, who.at, names, side.word())).await?;
        crate::wake::on_commit(tx, crate::wake::Topic::Certified).await?;
        Ok(())
    }

    async fn decline(
        &self,
        tx: &mut PgConnection,
        transfer: &Transfer,
        (by, reasons, note, actor): (String, Vec<String>, String, Option<Actor>),
    ) -> Result<(), TransferError> {
        if reasons.is_empty() || reasons.len() > MOST_REASONS {
            return Err(TransferError::Invalid(format!(
                "退回须说明理由,1至{MOST_REASONS}条 / give 1 to {MOST_REASONS} reasons"
            )));
        }
        reasons.iter().try_for_each(|r| check_text("理由 reason", r))?;
        check_text("意见 note", &note)?;
        if transfer.state == State::Rejected {
            return Ok(());
        }
        if !matches!(transfer.state, State::Packed | State::Submitted | State::Verified) {
            return Err(TransferError::Ended { number: transfer.number.clone(), state: transfer.state });
        }
        let cause = match transfer.state {
            State::Submitted => transfer.submitted,
            State::Verified => checks::of(tx, &transfer.number, Side::Archive).await?.map(|c| c.event),
            _ => checks::of(tx, &transfer.number, Side::Unit).await?.map(|c| c.event),
        };
        let cause = cause.ok_or(TransferError::BeingChecked)?;
        let rejection = Rejection { cause, by, reasons, opinion: note, actor };
        self.reject(tx, transfer, rejection, self.author.now()).await?;
        Ok(())
    }
}

/// The one unit of these batches, all of which are certified.
fn unit_of(batches: &[Uuid], packs: &[CertifiedPack]) -> Result<UnitCode, TransferError> {
    let is_certified = |batch: &&Uuid| packs.iter().any(|p| p.certificate.batch == **batch);
    if let Some(other) = batches.iter().find(|batch| !is_certified(batch)) {
        return Err(TransferError::NotCertified(*other));
    }
    let first = packs.first().ok_or(TransferError::NothingLeft)?;
    match packs.iter().find(|p| p.unit != first.unit) {
        Some(other) => Err(TransferError::SeveralUnits(first.unit.clone(), other.unit.clone())),
        None => Ok(first.unit.clone()),
    }
}

fn check_text(what: &str, text: &str) -> Result<(), TransferError> {
    if text.chars().count() > LONGEST || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(TransferError::Invalid(format!(
            "{what}: 最多{LONGEST}字 / at most {LONGEST} characters"
        )));
    }
    Ok(())
}
