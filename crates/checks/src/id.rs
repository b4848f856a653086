//! The checks by their stable ids (domain.md 8a), with the number of DA/T 70 each stands for.

use std::fmt;
use std::str::FromStr;

use dengbei_records::Invalid;
use serde::{Deserialize, Serialize};

use crate::Stage;

/// 四性: which of the four properties a check belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Property {
    /// 真实性
    Authenticity,
    /// 完整性
    Integrity,
    /// 可用性
    Usability,
    /// 安全性
    Security,
}

impl Property {
    /// The Chinese word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Authenticity => "真实性",
            Self::Integrity => "完整性",
            Self::Usability => "可用性",
            Self::Security => "安全性",
        }
    }
}

/// A check. Numbers are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[allow(missing_docs, reason = "`CheckId::ALL` gives each its Chinese and English name")]
pub enum CheckId {
    A01,
    A02,
    A07,
    A08,
    A09,
    A10,
    A11,
    A12,
    A13,
    A14,
    A15,
    A17,
    A18,
    I01,
    I02,
    I03,
    I04,
    I05,
    I06,
    I07,
    I08,
    I09,
    I11,
    I12,
    U01,
    U03,
    U04,
    U07,
    U08,
    S02,
    S03,
    S08,
    S09,
}

/// (check, id, suffix after `GD-`/`YJ-` in DA/T 70, Chinese name, English name)
type Row = (CheckId, &'static str, &'static str, &'static str, &'static str);

impl CheckId {
    /// Every check that this engine knows. S-02 is run by the scanner beside it, I-02, I-06 and I-12 look at
    /// a whole transfer (fixity runs them, see `Scheme::transfer`): these are only named here.
    pub const ALL: [Row; 33] = [
        (Self::A01, "A-01", "1-14", "信息包摘要一致", "package digests agree"),
        (Self::A02, "A-02", "1-1", "文件摘要一致", "file digests agree"),
        (Self::A07, "A-07", "1-2", "元数据项长度", "length of metadata"),
        (Self::A08, "A-08", "1-3", "元数据项类型格式", "type and form of metadata"),
        (Self::A09, "A-09", "1-4", "元数据项值域", "values within their lists"),
        (Self::A10, "A-10", "1-5", "元数据值合理性", "plausible values"),
        (Self::A11, "A-11", "1-6", "特殊字符", "special characters"),
        (Self::A12, "A-12", "1-7", "档号、电子文件号规范", "form of record numbers"),
        (Self::A13, "A-13", "1-8", "数据重复", "no duplicates"),
        (Self::A14, "A-14", "1-10", "电子属性一致", "files are what they say"),
        (Self::A15, "A-15", "1-11", "元数据与内容双向关联", "rows and files match both ways"),
        (Self::A17, "A-17", "1-13", "信息包目录结构", "tree of the package"),
        (Self::A18, "A-18", "1-1", "管理过程链完整", "unbroken chain of events"),
        (Self::I01, "I-01", "2-1", "总件数相符", "number of items agrees"),
        (Self::I02, "I-02", "2-2", "总字节数相符", "number of bytes agrees"),
        (Self::I03, "I-03", "2-3", "元数据项完整", "all elements present"),
        (Self::I04, "I-04", "2-4", "必填项", "required values"),
        (Self::I05, "I-05", "2-5", "过程信息完整", "complete handling process"),
        (Self::I06, "I-06", "2-6", "编号连续", "numbers run on"),
        (Self::I07, "I-07", "2-7", "内容数据完整", "files are whole"),
        (Self::I08, "I-08", "2-8", "附件数据完整", "listed materials are there"),
        (Self::I09, "I-09", "2-9", "归档范围", "filing scope"),
        (Self::I11, "I-11", "2-11", "包内容数量", "number of files agrees"),
        (Self::I12, "I-12", "2-1", "目录、登记表、凭证一致", "catalogue, forms and proofs agree"),
        (Self::U01, "U-01", "3-1", "包内元数据可读", "metadata is readable"),
        (Self::U03, "U-03", "3-3", "内容格式合规", "allowed formats"),
        (Self::U04, "U-04", "3-4", "内容可读", "files open"),
        (Self::U07, "U-07", "3-7", "可解包、非压缩炸弹", "unpacks, no bomb"),
        (Self::U08, "U-08", "3-8", "无加密、无私有压缩", "no encryption"),
        (Self::S02, "S-02", "4-2", "病毒检测", "virus scan"),
        (Self::S03, "S-03", "4-3", "多余文件", "left-over files"),
        (Self::S08, "S-08", "", "涉密与敏感信息", "secrecy and privacy"),
        (Self::S09, "S-09", "", "路径与文件名安全", "safe paths and names"),
    ];

    fn row(self) -> &'static Row {
        Self::ALL.iter().find(|row| row.0 == self).unwrap_or(&Self::ALL[0])
    }

    /// `A-02`
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    /// The number of DA/T 70 at a stage: `GD-1-1`, `YJ-1-1`; empty where DA/T 70 has none.
    pub fn alias(self, stage: Stage) -> String {
        match self.row().2 {
            "" => String::new(),
            suffix => format!("{}-{suffix}", stage.prefix()),
        }
    }

    /// Chinese name.
    pub fn name(self) -> &'static str {
        self.row().3
    }

    /// English name.
    pub fn name_en(self) -> &'static str {
        self.row().4
    }

    /// Which of the four properties.
    pub fn property(self) -> Property {
        match self.as_str().as_bytes()[0] {
            b'A' => Property::Authenticity,
            b'I' => Property::Integrity,
            b'U' => Property::Usability,
            _ => Property::Security,
        }
    }
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CheckId {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        Self::ALL
            .iter()
            .find(|row| row.1 == s)
            .map(|row| row.0)
            .ok_or_else(|| Invalid::new("检测项 check id", s))
    }
}

impl TryFrom<String> for CheckId {
    type Error = Invalid;
    fn try_from(s: String) -> Result<Self, Invalid> {
        s.parse()
    }
}

impl From<CheckId> for String {
    fn from(id: CheckId) -> Self {
        id.as_str().to_owned()
    }
}
