//! 检测方案: which checks run at which stage, what they do when they fail, and their parameters. Data, versioned.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{CheckId, FIELDS};

/// When checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    /// 预归档: at the door
    P,
    /// 归档
    G,
    /// 移交与接收
    Y,
}

impl Stage {
    /// The prefix in DA/T 70. Pre-filing is the first half of filing there.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::P | Self::G => "GD",
            Self::Y => "YJ",
        }
    }

    /// The letter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P => "P",
            Self::G => "G",
            Self::Y => "Y",
        }
    }

    /// Reads the letter.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::P, Self::G, Self::Y].into_iter().find(|s| s.as_str() == name)
    }
}

/// What a failing check does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// 警告: kept and shown.
    #[serde(rename = "W")]
    Warns,
    /// 阻断: the package goes back.
    #[serde(rename = "B")]
    Blocks,
}

impl Severity {
    /// `B` or `W`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warns => "W",
            Self::Blocks => "B",
        }
    }
}

/// A version of a checking scheme. A published version is never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheme {
    /// Its name.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Stage → check → severity; a check that is absent does not run.
    pub stages: BTreeMap<Stage, BTreeMap<CheckId, Severity>>,
    /// What the checks compare with.
    pub parameters: Parameters,
}

/// Parameters of the checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// key of domain.md 8b → greatest number of characters.
    pub max_lengths: BTreeMap<String, usize>,
    /// digits of a 办件编号.
    pub item_number_digits: usize,
    /// 办理结果 begins with one of these.
    pub results: Vec<String>,
    /// I-05: words for the steps that must occur.
    pub apply_steps: Vec<String>,
    /// I-05
    pub accept_steps: Vec<String>,
    /// I-05: not asked of 即办件
    pub review_steps: Vec<String>,
    /// I-05
    pub decide_steps: Vec<String>,
    /// U-03: formats that are filed, by name.
    pub formats: Vec<String>,
    /// U-03: formats that are filed with a warning.
    pub warned_formats: Vec<String>,
    /// U-07: files of a package.
    pub max_files: usize,
    /// U-07: bytes of a package.
    pub max_bytes: u64,
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|w| (*w).to_owned()).collect()
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            max_lengths: FIELDS.iter().map(|f| (f.key.to_owned(), f.max)).collect(),
            item_number_digits: 21,
            results: words(&[
                "准予",
                "予以",
                "同意",
                "批准",
                "通过",
                "办结",
                "转报",
                "不予",
                "不同意",
                "不通过",
                "驳回",
                "撤回",
                "退件",
                "退回",
                "作废",
                "终止",
                "其他",
                "01",
                "02",
                "03",
            ]),
            apply_steps: words(&["申请", "申报", "收件", "登记"]),
            accept_steps: words(&["受理", "立案", "不予受理"]),
            review_steps: words(&["审核", "审查", "初审", "复审", "审批", "承办", "特别程序"]),
            decide_steps: words(&["决定", "办结", "批准", "审定", "审批"]),
            formats: words(&["ofd", "pdf", "jpeg", "tiff", "png", "txt", "xml", "mp3", "wav", "mp4", "avi"]),
            warned_formats: words(&["dwg"]),
            max_files: 2_000,
            max_bytes: 16 << 30,
        }
    }
}

/// (check, P, G, Y) of domain.md 8a. Two deviations at P, so that the sender sees the cause at the door and not
/// only its consequence: S-03 (– there) warns beside A-15, which blocks the same stray file; U-04 (– there) warns
/// beside I-07, which blocks the same truncated file.
const TABLE: &[(CheckId, &str)] = &[
    (CheckId::A02, "BBB"),
    (CheckId::A07, "WBB"),
    (CheckId::A08, "WBB"),
    (CheckId::A09, "WBB"),
    (CheckId::A10, "WBB"),
    (CheckId::A11, "WBB"),
    (CheckId::A12, "WBB"),
    (CheckId::A13, "BBB"),
    (CheckId::A14, "WBB"),
    (CheckId::A15, "BBB"),
    (CheckId::A17, "BBB"),
    (CheckId::I01, "-BB"),
    (CheckId::I03, "WBB"),
    (CheckId::I04, "WBB"),
    (CheckId::I05, "WBB"),
    (CheckId::I07, "BBB"),
    (CheckId::I08, "WBB"),
    (CheckId::I09, "WBB"),
    (CheckId::I11, "BBB"),
    (CheckId::U01, "BBB"),
    (CheckId::U03, "WBB"),
    (CheckId::U04, "WBB"),
    (CheckId::U07, "BBB"),
    (CheckId::U08, "BBB"),
    (CheckId::S03, "WWB"),
    (CheckId::S08, "BBB"),
    (CheckId::S09, "BBB"),
];

/// What is looked at anew at a transfer (Y), over the whole of it: packages, numbers, papers. What the filing run (G)
/// said about each item's content holds while its bytes are the same; its severities at Y are in [`TABLE`].
const TRANSFER: &[(CheckId, Severity)] = &[
    (CheckId::A01, Severity::Blocks),
    (CheckId::A02, Severity::Blocks),
    (CheckId::A12, Severity::Blocks),
    (CheckId::A13, Severity::Blocks),
    (CheckId::A18, Severity::Blocks),
    (CheckId::I01, Severity::Blocks),
    (CheckId::I02, Severity::Blocks),
    (CheckId::I06, Severity::Warns),
    (CheckId::I07, Severity::Blocks),
    (CheckId::I11, Severity::Blocks),
    (CheckId::I12, Severity::Blocks),
    (CheckId::U07, Severity::Blocks),
    (CheckId::S03, Severity::Blocks),
];

impl Scheme {
    /// The scheme of a transfer as a whole (移交检测), version 2026-01: stage Y alone.
    pub fn transfer() -> Self {
        Self {
            id: "dengbei/transfer".to_owned(),
            version: "2026-01".to_owned(),
            stages: BTreeMap::from([(Stage::Y, TRANSFER.iter().copied().collect())]),
            parameters: Parameters::default(),
        }
    }

    /// What a check's failing does at a stage; `None`: it does not run there.
    pub fn severity(&self, stage: Stage, check: CheckId) -> Option<Severity> {
        self.stages.get(&stage)?.get(&check).copied()
    }

    /// The scheme that ships: 办件, version 2026-01.
    pub fn builtin() -> Self {
        let mut stages: BTreeMap<Stage, BTreeMap<CheckId, Severity>> = BTreeMap::new();
        for (id, letters) in TABLE {
            for (stage, letter) in [Stage::P, Stage::G, Stage::Y].into_iter().zip(letters.bytes()) {
                let severity = match letter {
                    b'B' => Severity::Blocks,
                    b'W' => Severity::Warns,
                    _ => continue,
                };
                stages.entry(stage).or_default().insert(*id, severity);
            }
        }
        Self {
            id: "dengbei/service-item".to_owned(),
            version: "2026-01".to_owned(),
            stages,
            parameters: Parameters::default(),
        }
    }

    /// The checks of a stage with their severities, in order of their ids.
    pub fn checks(&self, stage: Stage) -> impl Iterator<Item = (CheckId, Severity)> + '_ {
        self.stages.get(&stage).into_iter().flatten().map(|(id, severity)| (*id, *severity))
    }
}

impl Default for Scheme {
    fn default() -> Self {
        Self::builtin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_looks_at_the_whole_and_continuity_only_warns() {
        let scheme = Scheme::transfer();
        assert_eq!(scheme.severity(Stage::Y, CheckId::I06), Some(Severity::Warns));
        assert_eq!(scheme.severity(Stage::Y, CheckId::A01), Some(Severity::Blocks));
        assert_eq!(scheme.checks(Stage::G).count(), 0);
    }

    #[test]
    fn what_looks_at_a_whole_transfer_is_no_check_of_one_package() {
        let package = Scheme::builtin();
        for id in [CheckId::A01, CheckId::A18, CheckId::I02, CheckId::I06, CheckId::I12] {
            assert_eq!(package.severity(Stage::Y, id), None, "{id}");
        }
    }
}
