//! What an event is about, `<noun>/<id>`. Not the bus subject: that is few and built in `bus`.

use std::fmt;
use std::str::FromStr;

use dengbei_records::{Invalid, ItemId, MatterCode, PackNumber, SerialNo, SubmissionId};
use uuid::Uuid;

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// 一件
    Item(ItemId),
    /// 存储包 and its filing batch
    Pack(PackNumber),
    /// 事项
    Matter(MatterCode),
    /// 提交
    Submission(SubmissionId),
    /// 检测批
    Run(Uuid),
    /// 登记批次
    Batch(Uuid),
    /// 登记证书
    Certificate(SerialNo),
    /// 移交
    Transfer(SerialNo),
    /// 备份点
    Site(String),
    /// Of a later version: kept as it is.
    Other(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Item(id) => write!(f, "item/{id}"),
            Self::Pack(n) => write!(f, "pack/{n}"),
            Self::Matter(code) => write!(f, "matter/{code}"),
            Self::Submission(id) => write!(f, "submission/{id}"),
            Self::Run(id) => write!(f, "run/{id}"),
            Self::Batch(id) => write!(f, "batch/{id}"),
            Self::Certificate(number) => write!(f, "certificate/{number}"),
            Self::Transfer(number) => write!(f, "transfer/{number}"),
            Self::Site(name) => write!(f, "site/{name}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl FromStr for Subject {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("event subject", s);
        let (noun, id) = s.split_once('/').ok_or_else(invalid)?;
        Ok(match noun {
            "item" => Self::Item(id.parse()?),
            "pack" => Self::Pack(PackNumber::new(id.parse().map_err(|_| invalid())?)),
            "matter" => Self::Matter(id.parse()?),
            "submission" => Self::Submission(id.parse()?),
            "run" => Self::Run(Uuid::parse_str(id).map_err(|_| invalid())?),
            "batch" => Self::Batch(Uuid::parse_str(id).map_err(|_| invalid())?),
            "certificate" => Self::Certificate(id.parse()?),
            "transfer" => Self::Transfer(id.parse()?),
            "site" => Self::Site(id.to_owned()),
            _ => Self::Other(s.to_owned()),
        })
    }
}
