//! What may be asked of the desk, by whom, and when. Pure.

use dengbei_chain::Actor;
use dengbei_records::PackNumber;
use uuid::Uuid;

use super::MOST_PACKS;
use super::decide::two_people;
use super::error::BatchError;
use crate::policy::check_name;
use crate::store::batches::{Batch, BatchState, Step};
use crate::store::filed_packs::FiledPack;

/// Reasons of one decision.
const MOST_REASONS: usize = 16;
/// The longest code.
const LONGEST_CODE: usize = 64;
/// The longest note, characters.
const LONGEST_NOTE: usize = 2000;

/// A step of the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// 申请
    Apply,
    /// 受理
    Accept,
    /// 接收
    Receive,
    /// 技术检测
    Check,
    /// 登记
    Register,
    /// 不予登记
    Decline,
}

impl Verb {
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Apply, "apply", "申请"),
        (Self::Accept, "accept", "受理"),
        (Self::Receive, "receive", "接收"),
        (Self::Check, "check", "技术检测"),
        (Self::Register, "register", "登记"),
        (Self::Decline, "decline", "不予登记"),
    ];

    fn row(self) -> &'static (Self, &'static str, &'static str) {
        Self::ALL.iter().find(|row| row.0 == self).unwrap_or(&Self::ALL[0])
    }

    pub(crate) fn name(self) -> &'static str {
        self.row().1
    }

    pub(super) fn word(self) -> &'static str {
        self.row().2
    }

    /// Reads a step's name.
    ///
    /// # Errors
    /// [`BatchError::Refused`] for any other text.
    pub(crate) fn from_name(name: &str) -> Result<Self, BatchError> {
        let found = Self::ALL.iter().find(|row| row.1 == name).map(|row| row.0);
        found.ok_or_else(|| {
            let shown: String = name.chars().take(40).collect();
            BatchError::invalid(
                "batch.step",
                format!("没有此步骤：{shown}"),
                format!("no such step: {shown}"),
            )
            .remedy("apply, accept, receive, check, register, decline")
        })
    }

    /// From which state it leads on; `None`: from any that is undecided.
    const fn after(self) -> Option<BatchState> {
        match self {
            Self::Accept => Some(BatchState::Applied),
            Self::Receive => Some(BatchState::Accepted),
            Self::Check => Some(BatchState::Received),
            Self::Register => Some(BatchState::Checked),
            Self::Apply | Self::Decline => None,
        }
    }
}

/// What a person asks the desk to do.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) verb: Verb,
    /// Of every step but apply.
    pub(crate) batch: Option<Uuid>,
    /// Of apply.
    pub(crate) packs: Vec<PackNumber>,
    pub(crate) by: String,
    pub(crate) note: String,
    pub(crate) reasons: Vec<String>,
    pub(crate) actor: Option<Actor>,
}

pub(super) fn unknown() -> BatchError {
    BatchError::not_found("batch.unknown", "没有此登记批次", "no such registration batch")
}

pub(super) fn no_packs() -> BatchError {
    BatchError::invalid(
        "batch.packs",
        format!("一次申请须含1至{MOST_PACKS}个存储包"),
        format!("an application holds 1 to {MOST_PACKS} packs"),
    )
}

pub(super) fn taken(batch: Uuid) -> BatchError {
    BatchError::conflict(
        "batch.packs_taken",
        format!("存储包已在登记批次 {batch} 中"),
        format!("a pack is in registration batch {batch}"),
    )
}

/// Whether these can be applied for together; the batch that holds one of them already.
pub(super) fn check_packs(wanted: &[PackNumber], packs: &[FiledPack]) -> Result<Option<Uuid>, BatchError> {
    if !(1..=MOST_PACKS).contains(&wanted.len()) {
        return Err(no_packs());
    }
    if let Some(missing) = wanted.iter().find(|n| !packs.iter().any(|p| p.pack == **n)) {
        let (zh, en) = (format!("没有此存储包：{missing}"), format!("no such pack: {missing}"));
        return Err(BatchError::not_found("batch.pack_unknown", zh, en));
    }
    let first = packs.first().ok_or_else(no_packs)?;
    if packs.iter().any(|p| (&p.unit, p.year) != (&first.unit, first.year)) {
        return Err(BatchError::invalid(
            "batch.packs_differ",
            "一次申请的存储包须属同一单位、同一年度",
            "the packs of an application are of one unit and year",
        ));
    }
    Ok(packs.iter().find_map(|p| p.batch))
}

pub(super) fn check_by(ask: &Ask) -> Result<(), BatchError> {
    check_name(&ask.by).map_err(|_| {
        BatchError::invalid("batch.by", "办理人姓名无效", "the name of who takes the step is not valid")
            .remedy("请填写1至64个字的姓名 / name who takes the step, 1 to 64 characters")
    })?;
    if ask.note.chars().count() > LONGEST_NOTE {
        let (zh, en) = (
            format!("意见超过{LONGEST_NOTE}字"),
            format!("the note is longer than {LONGEST_NOTE} characters"),
        );
        return Err(BatchError::invalid("batch.note", zh, en));
    }
    Ok(())
}

/// Whether the step was taken before, by the same person.
pub(super) fn is_taken(ask: &Ask, batch: &Batch, steps: &[Step]) -> Result<bool, BatchError> {
    if let Some(taken) = steps.iter().find(|s| s.step == ask.verb.name()) {
        return if taken.by == ask.by || taken.by.is_empty() {
            Ok(true)
        } else {
            let (by, word) = (&taken.by, ask.verb.word());
            Err(BatchError::conflict(
                "batch.step_taken",
                format!("{word}已由{by}办理"),
                format!("{} was taken by {by}", ask.verb.name()),
            ))
        };
    }
    let is_next = ask.verb.after().map_or_else(|| batch.state.is_undecided(), |state| state == batch.state);
    if is_next {
        return Ok(false);
    }
    let (word, state) = (ask.verb.word(), batch.state.name());
    Err(BatchError::conflict(
        "batch.step_order",
        format!("当前状态（{state}）不能办理{word}"),
        format!("{} is not possible in state {state}", ask.verb.name()),
    )
    .remedy("依次办理：受理、接收、技术检测、登记 / in order: accept, receive, check, register"))
}

/// Submitter and approver are two people, and who reviews is another than who accepted and checked.
pub(super) fn check_people(ask: &Ask, steps: &[Step]) -> Result<(), BatchError> {
    let others: &[Verb] = match ask.verb {
        Verb::Register => &[Verb::Apply, Verb::Accept, Verb::Receive, Verb::Check],
        _ => &[Verb::Apply],
    };
    others.iter().try_for_each(|verb| two_people(&by(steps, *verb), &ask.by))
}

pub(super) fn by(steps: &[Step], verb: Verb) -> String {
    steps.iter().find(|s| s.step == verb.name()).map(|s| s.by.clone()).unwrap_or_default()
}

/// Codes for the event; what is no code is said in the decision alone, because an event is for ever and public.
pub(super) fn reasons(given: &[String]) -> Result<(Vec<String>, Vec<String>), BatchError> {
    let given: Vec<String> = given.iter().map(|r| r.trim().to_owned()).filter(|r| !r.is_empty()).collect();
    if given.is_empty() || given.len() > MOST_REASONS {
        return Err(BatchError::invalid(
            "batch.reasons",
            format!("不予登记须说明1至{MOST_REASONS}条原因"),
            format!("declining needs 1 to {MOST_REASONS} reasons"),
        ));
    }
    let (mut codes, texts): (Vec<String>, Vec<String>) = given.into_iter().partition(|r| is_code(r));
    if !texts.is_empty() {
        codes.push("other".into());
    }
    codes.sort_unstable();
    codes.dedup();
    let texts = texts.into_iter().map(|t| t.chars().take(LONGEST_NOTE).collect()).collect();
    Ok((codes, texts))
}

fn is_code(text: &str) -> bool {
    let is_of =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b':' | b'-');
    (1..=LONGEST_CODE).contains(&text.len()) && text.bytes().all(is_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_code_stays_out_of_the_event() {
        let given = ["material.incomplete".to_owned(), "张三的申请表缺页".to_owned(), " ".to_owned()];
        let (codes, texts) = reasons(&given).unwrap();
        assert_eq!(codes, ["material.incomplete", "other"]);
        assert_eq!(texts, ["张三的申请表缺页"]);
        assert!(reasons(&[]).is_err());
    }

    #[test]
    fn steps_read_back_by_their_names() {
        for (verb, name, _) in Verb::ALL {
            assert_eq!(Verb::from_name(name).unwrap(), verb);
        }
        assert!(Verb::from_name("approve").is_err());
    }
}
