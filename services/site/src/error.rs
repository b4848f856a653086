//! Why a site refuses, by what the caller can do: stable codes, both languages, and what was found.

use dengbei_chain::ReadError;
use dengbei_kit::status;
use dengbei_records::{ErrorClass, Invalid, Problem, Sha256};
use dengbei_register::{LogError, StorageError};
use dengbei_vault::{PackName, SiteError};
use serde_json::json;
use tonic::{Code, Status};

/// What lies where something else was expected. `None`: it cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) digest: Option<Sha256>,
    pub(crate) bytes: u64,
}

/// Why a site refuses.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The request does not make sense.
    #[error("请求无效 / the request is not valid")]
    Request(#[from] Invalid),
    /// No such pack here.
    #[error("备份点无此存储包 / no such pack on this site: {0}")]
    Missing(PackName),
    /// Other bytes have the name; nothing is overwritten.
    #[error("备份点同名存储包内容不同 / other bytes have the name: {name}")]
    Differs { name: PackName, found: Found },
    /// What is here is not what was stored.
    #[error("存储包已损坏 / the pack is damaged: {name}")]
    Damaged { name: PackName, found: Found },
    /// It is here and the disk does not give it.
    #[error("存储包无法读取 / the pack cannot be read: {name}")]
    Unreadable { name: PackName, source: Box<SiteError> },
    /// The digest is right, the root asked for is not that of what the pack holds.
    #[error("版本根不符 / the pack holds other versions than asked for: {0}")]
    RootDiffers(PackName),
    /// The other site does not have it, or does not answer.
    #[error("来源备份点无法提供 / the source does not give it: {url}: {}", .problem)]
    Source { url: String, problem: Box<Problem> },
    /// The other site gave other bytes.
    #[error("来源备份点的内容不同 / the source has other bytes: {name}")]
    SourceDiffers { name: PackName, found: Found },
    /// No site of this deployment.
    #[error("来源不是本部署的备份点 / not a site of this deployment: {0}")]
    UnknownSource(String),
    /// No room.
    #[error("备份点空间不足 / the site is out of space: {free} free, {needed} needed")]
    Full { needed: u64, free: u64 },
    /// Too much at once.
    #[error("备份点繁忙 / the site is busy")]
    Busy,
    /// The disk did not do it.
    #[error("备份点存储不可用 / the site's storage failed")]
    Storage(#[source] Box<SiteError>),
    /// The same place in the log holds other bytes.
    #[error("登记簿副本不同 / the copy of the log differs: {0}")]
    LogDiffers(String),
    /// A smaller tree than the one that is here.
    #[error("登记簿不得后退 / the log does not go back: {here} entries here, {offered} offered")]
    LogBack { here: u64, offered: u64 },
    /// The checkpoint covers entries that are not here.
    #[error("登记簿副本不完整 / the copy of the log lacks {0}")]
    LogIncomplete(String),
    /// No checkpoint of this log, or the log's key is not here.
    #[error("检查点不可采信 / the checkpoint is not believed: {0}")]
    LogUnsigned(String),
    /// The log itself lies here.
    #[error("主备份点的登记簿由登记服务直接写入 / the register itself writes the log on the primary site")]
    LogIsHere,
    /// No such file of the log.
    #[error("登记簿无此文件 / no such file of the log: {0}")]
    NoLogFile(String),
    /// The log's files could not be read or written.
    #[error("登记簿副本读写失败 / the copy of the log could not be read or written")]
    Log(#[source] LogError),
}

impl Refusal {
    /// Sorts what the vault said about `name`.
    pub(crate) fn of(name: &PackName, e: SiteError) -> Self {
        match e {
            SiteError::NotFound(_) => Self::Missing(name.clone()),
            SiteError::Conflict { name, existing, .. } => {
                Self::Differs { name, found: Found { digest: Some(existing), bytes: 0 } }
            }
            SiteError::NotWanted { name, offered, .. } => {
                Self::SourceDiffers { name, found: Found { digest: Some(offered), bytes: 0 } }
            }
            other => other.into(),
        }
    }

    /// What the caller is told.
    pub(crate) fn problem(&self) -> Problem {
        let (code, class) = self.code();
        let mut problem = match self {
            Self::Request(e) => Problem::bilingual(code, class, e),
            other => Problem::bilingual(code, class, other),
        };
        problem.message.push_str(&self.found_text());
        problem.with_remedy(self.remedy())
    }

    fn code(&self) -> (&'static str, ErrorClass) {
        use ErrorClass::{Conflict, Exhausted, Internal, Invalid, NotFound, Unavailable};
        match self {
            Self::Request(_) => ("site.request", Invalid),
            Self::Missing(_) => ("site.missing", NotFound),
            Self::Differs { .. } => ("site.differs", Conflict),
            Self::Damaged { .. } => ("site.damaged", Internal),
            Self::Unreadable { .. } => ("site.unreadable", Unavailable),
            Self::RootDiffers(_) => ("site.root_differs", Conflict),
            Self::Source { problem, .. } if problem.code == "site.missing" => {
                ("site.source_missing", NotFound)
            }
            Self::Source { .. } => ("site.source_unavailable", Unavailable),
            Self::SourceDiffers { .. } => ("site.source_differs", Conflict),
            Self::UnknownSource(_) => ("site.unknown_source", Invalid),
            Self::Full { .. } => ("site.full", Exhausted),
            Self::Busy => ("site.busy", Exhausted),
            Self::Storage(e) if e.class() == Exhausted => ("site.full", Exhausted),
            Self::Storage(_) | Self::Log(_) => ("site.storage", Unavailable),
            Self::LogDiffers(_) => ("site.log_differs", Conflict),
            Self::LogBack { .. } => ("site.log_back", Conflict),
            Self::LogIncomplete(_) => ("site.log_incomplete", Conflict),
            Self::LogUnsigned(_) => ("site.log_unsigned", Invalid),
            Self::LogIsHere => ("site.log_is_here", Conflict),
            Self::NoLogFile(_) => ("site.no_log_file", NotFound),
        }
    }

    fn remedy(&self) -> &'static str {
        match self {
            Self::Missing(_) | Self::Damaged { .. } | Self::Unreadable { .. } => {
                "由备份服务从完好的备份点修复 / replication repairs it from a good site"
            }
            Self::Differs { .. } => "先隔离现有内容 / have what is there moved to the quarantine first",
            Self::Full { .. } => "请扩充存储 / make room",
            Self::Busy | Self::Storage(_) | Self::Source { .. } => "请稍后重试 / try again later",
            Self::LogDiffers(_) | Self::LogBack { .. } => {
                "请核对登记库是否由旧备份恢复 / see whether the register's database is an old dump"
            }
            _ => "",
        }
    }

    fn found(&self) -> Option<Found> {
        match self {
            Self::Differs { found, .. } | Self::Damaged { found, .. } | Self::SourceDiffers { found, .. } => {
                Some(*found)
            }
            Self::Unreadable { .. } => Some(Found { digest: None, bytes: 0 }),
            _ => None,
        }
    }

    fn found_text(&self) -> String {
        match self.found().and_then(|found| found.digest) {
            Some(digest) => format!("（现有摘要 {digest}）"),
            None => String::new(),
        }
    }

    /// As it goes over the wire: the problem, with `found` (hex, empty: unreadable) and `found_bytes` beside its own
    /// fields where something was found.
    pub(crate) fn status(&self) -> Status {
        let plain = status::report(&self.problem(), self);
        let Some(found) = self.found() else { return plain };
        let Ok(mut details) = serde_json::to_value(self.problem()) else { return plain };
        details["found"] = json!(found.digest.map(|d| d.to_string()).unwrap_or_default());
        details["found_bytes"] = json!(found.bytes);
        let code = if matches!(self, Self::Damaged { .. }) { Code::DataLoss } else { plain.code() };
        Status::with_details(code, plain.message().to_owned(), details.to_string().into())
    }
}

impl From<SiteError> for Refusal {
    fn from(e: SiteError) -> Self {
        Self::Storage(Box::new(e))
    }
}

impl From<ReadError> for Refusal {
    fn from(e: ReadError) -> Self {
        Self::Request(Invalid::new("请求 request", e))
    }
}

impl From<StorageError> for Refusal {
    fn from(e: StorageError) -> Self {
        match e {
            StorageError::Conflict(tile) => Self::LogDiffers(tile.to_string()),
            other => Self::Log(other.into()),
        }
    }
}
