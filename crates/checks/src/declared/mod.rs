//! What each of the 48 checks is, as data: names, numbers of DA/T 70, scope, what it does at each stage, who can mend what
//! it finds, and how far a scheme may loosen it. `scheme` builds the built-in scheme from it, `docs/checks.md` is printed
//! from it, the rules themselves are in `rules`.

mod authenticity;
mod integrity;
mod security;
mod usability;

use serde::{Deserialize, Serialize};

use crate::CheckId;

/// What one run of a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// 件: one package or stored item
    Item,
    /// 批: a batch, a transfer, a session of work
    Batch,
    /// 载体: a carrier
    Carrier,
    /// 系统: the system and its rooms
    System,
}

impl Scope {
    /// The Chinese word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Item => "件",
            Self::Batch => "批",
            Self::Carrier => "载体",
            Self::System => "系统",
        }
    }

    /// As events and interfaces write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Item => "item",
            Self::Batch => "batch",
            Self::Carrier => "carrier",
            Self::System => "system",
        }
    }

    /// The English word: the name itself.
    pub const fn word_en(self) -> &'static str {
        self.as_str()
    }
}

/// The office that can mend what a check finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Office {
    /// 报送系统: the platform or system that sends
    Sender,
    /// 立档单位
    Unit,
    /// 档案馆
    Archive,
    /// 系统运维
    Operator,
}

impl Office {
    /// The Chinese word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sender => "报送系统",
            Self::Unit => "立档单位",
            Self::Archive => "档案馆",
            Self::Operator => "系统运维",
        }
    }

    /// The English word.
    pub const fn word_en(self) -> &'static str {
        match self {
            Self::Sender => "sending system",
            Self::Unit => "filing unit",
            Self::Archive => "archive",
            Self::Operator => "operator",
        }
    }
}

/// How far a scheme may go below what the built-in one asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freedom {
    /// It is never weaker than built in.
    Fixed,
    /// It may warn instead of block, but runs.
    MayWarn,
    /// It may be left out.
    MayRest,
}

impl Freedom {
    /// The Chinese word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fixed => "不得放宽",
            Self::MayWarn => "可改为警告",
            Self::MayRest => "可停用",
        }
    }

    /// The English word.
    pub const fn word_en(self) -> &'static str {
        match self {
            Self::Fixed => "never weaker",
            Self::MayWarn => "may warn",
            Self::MayRest => "may rest",
        }
    }
}

/// One check, declared.
#[derive(Debug, Clone, Copy)]
pub struct Declared {
    /// Which.
    pub id: CheckId,
    /// `A-02`
    pub code: &'static str,
    /// Suffixes after `GD-`, `YJ-`, `CQ-` in DA/T 70; none where it has no such check.
    pub numbers: &'static [&'static str],
    /// Chinese name
    pub name: &'static str,
    /// English name
    pub name_en: &'static str,
    /// What one run looks at.
    pub scope: Scope,
    /// At P, G, Y, C: `B` blocks, `W` warns, `M` a person signs, `s` behind it on the sample only, `-` not run.
    pub stages: [&'static str; 4],
    /// How far a scheme may loosen it.
    pub freedom: Freedom,
    /// Whether a person's re-check (人工复检) may overrule it.
    pub may_overrule: bool,
    /// Who can mend what it finds.
    pub office: Office,
    /// What is compared with what.
    pub basis: &'static str,
    /// The same in English.
    pub basis_en: &'static str,
}

/// A declaration with the usual values: one item, may rest, may be overruled, mended by the sender.
const fn check(
    id: CheckId,
    code: &'static str,
    names: [&'static str; 2],
    stages: [&'static str; 4],
) -> Declared {
    Declared {
        id,
        code,
        numbers: &[],
        name: names[0],
        name_en: names[1],
        scope: Scope::Item,
        stages,
        freedom: Freedom::MayRest,
        may_overrule: true,
        office: Office::Sender,
        basis: "",
        basis_en: "",
    }
}

impl Declared {
    const fn numbers(self, numbers: &'static [&'static str]) -> Self {
        Self { numbers, ..self }
    }
    const fn over(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }
    /// Never weaker, never overruled.
    const fn fixed(self) -> Self {
        Self { freedom: Freedom::Fixed, may_overrule: false, ..self }
    }
    /// Never weaker; a person may find that it saw too much.
    const fn never_weaker(self) -> Self {
        Self { freedom: Freedom::Fixed, ..self }
    }
    const fn may_warn(self) -> Self {
        Self { freedom: Freedom::MayWarn, ..self }
    }
    const fn stands(self) -> Self {
        Self { may_overrule: false, ..self }
    }
    const fn by(self, office: Office) -> Self {
        Self { office, ..self }
    }
    const fn basis(self, basis: &'static str, basis_en: &'static str) -> Self {
        Self { basis, basis_en, ..self }
    }
}

/// Every check, in order of ids.
pub(crate) static DECLARED: [Declared; CheckId::COUNT] = joined();

const fn joined() -> [Declared; CheckId::COUNT] {
    let mut all = [authenticity::CHECKS[0]; CheckId::COUNT];
    let mut at = 0;
    let parts: [&[Declared]; 4] =
        [&authenticity::CHECKS, &integrity::CHECKS, &usability::CHECKS, &security::CHECKS];
    let mut part = 0;
    while part < parts.len() {
        let mut n = 0;
        while n < parts[part].len() {
            all[at] = parts[part][n];
            at += 1;
            n += 1;
        }
        part += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Rule, Stage};

    #[test]
    fn forty_eight_checks_stand_in_order_of_their_ids() {
        for (n, declared) in DECLARED.iter().enumerate() {
            assert_eq!(declared.id as usize, n, "{}", declared.code);
            assert_eq!(declared.code.parse::<CheckId>().unwrap(), declared.id);
        }
        let codes: BTreeSet<&str> = DECLARED.iter().map(|d| d.code).collect();
        assert_eq!(codes.len(), 48);
        assert!(
            codes.iter().zip(DECLARED.iter().map(|d| d.code).collect::<BTreeSet<_>>()).all(|(a, b)| *a == b)
        );
    }

    #[test]
    fn every_check_says_in_both_languages_what_it_compares() {
        for d in &DECLARED {
            for text in [d.name, d.name_en, d.basis, d.basis_en] {
                assert!(!text.is_empty(), "{}", d.code);
            }
            assert!(d.stages.iter().all(|s| *s == "-" || s.parse::<Rule>().is_ok()), "{}", d.code);
            assert!(d.stages.iter().any(|s| *s != "-"), "{}", d.code);
        }
    }

    #[test]
    fn what_a_person_signs_is_never_per_item() {
        for d in DECLARED.iter().filter(|d| d.scope == Scope::Item) {
            assert!(d.stages.iter().all(|s| !s.starts_with('M')), "{}", d.code);
        }
    }

    #[test]
    fn numbers_of_the_standard_follow_the_stage() {
        assert_eq!(CheckId::A02.alias(Stage::P), "GD-1-1");
        assert_eq!(CheckId::A02.alias(Stage::C), "CQ-1-1");
        assert_eq!(CheckId::S05.alias(Stage::Y), "YJ-4-5 YJ-4-6");
        assert_eq!(CheckId::S08.alias(Stage::G), "");
    }
}
