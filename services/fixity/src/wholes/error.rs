//! Why a whole could not be checked now. Never a verdict: the run is put off.

use dengbei_chain::facts::ReadError;
use dengbei_kit::db;
use dengbei_kit::documents::DocumentError;
use dengbei_records::{ErrorClass, Invalid};

use crate::sites::SiteFault;

/// Why a whole could not be checked now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WholeError {
    /// What it rests on is not here yet.
    #[error("所依据的内容尚未到达 / not here yet: {0}")]
    NotYet(String),
    /// A site that must be read does not answer.
    #[error("备份点无法读取 / a site could not be read")]
    Site(#[from] SiteFault),
    /// The database did not do it.
    #[error("检测库不可用 / fixity's database does not answer")]
    Database(#[from] sqlx::Error),
    /// A document could not be had or stored.
    #[error("文档无法取得或保存 / a document could not be had or stored")]
    Document(#[from] DocumentError),
    /// An event could not be read or written.
    #[error("事件无法读写 / an event could not be read or written")]
    Event(#[from] ReadError),
    /// A list or report is not canonical.
    #[error("清单或报告无效 / a list or report is not valid")]
    Invalid(#[from] Invalid),
    /// A report without a digest of its own.
    #[error("检测报告没有摘要 / the report has no digest of its own")]
    Unsealed,
    /// The quarantine could not be written or read.
    #[error("隔离区无法读写 / the quarantine could not be written or read")]
    Quarantine(#[from] std::io::Error),
    /// A fault of ours.
    #[error("检测出错 / a fault of fixity: {0}")]
    Fault(String),
}

impl WholeError {
    /// What can be done about it.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::NotYet(_) | Self::Quarantine(_) => ErrorClass::Unavailable,
            Self::Site(e) => e.class(),
            Self::Database(e) => db::class(e),
            Self::Document(e) => e.class(),
            Self::Event(_) | Self::Invalid(_) | Self::Unsealed | Self::Fault(_) => ErrorClass::Internal,
        }
    }
}
