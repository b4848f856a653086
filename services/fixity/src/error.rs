//! Why a verdict could not be reached or stated, by what can be done about it.

use dengbei_bus::HandleError;
use dengbei_chain::facts::ReadError;
use dengbei_kit::db;
use dengbei_kit::documents::DocumentError;
use dengbei_records::{ErrorClass, Invalid};

use crate::sites::SiteFault;

/// Why a verdict could not be reached or stated.
#[derive(Debug, thiserror::Error)]
pub enum VerdictError {
    /// The database did not do it.
    #[error("检测库不可用 / fixity's database does not answer")]
    Database(#[from] sqlx::Error),
    /// A document could not be stored.
    #[error("检测文档无法保存 / a document could not be stored")]
    Document(#[from] DocumentError),
    /// The event could not be written.
    #[error("检测事件无法写出 / the event could not be written")]
    Event(#[from] ReadError),
    /// A report or list is no canonical JSON.
    #[error("检测报告无法写出 / the report could not be written")]
    Report(#[from] Invalid),
    /// What the verdict rests on is not here yet, or changed meanwhile.
    #[error("所依据的内容尚未到达 / not here yet: {0}")]
    NotYet(String),
    /// The virus scanner gave no verdict: waited for, for as long as it takes.
    #[error("杀毒服务无应答 / the virus scanner does not answer")]
    Scanner(#[source] std::io::Error),
    /// A fault of ours.
    #[error("检测出错 / a fault of fixity")]
    Internal(#[source] anyhow::Error),
}

impl VerdictError {
    /// What can be done about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            // Another delivery of the same bundle was quicker: the next try finds its rows.
            Self::Database(e) => match db::class(e) {
                ErrorClass::Conflict => ErrorClass::Unavailable,
                class => class,
            },
            Self::Document(e) => e.class(),
            Self::NotYet(_) | Self::Scanner(_) => ErrorClass::Unavailable,
            Self::Event(_) | Self::Report(_) | Self::Internal(_) => ErrorClass::Internal,
        }
    }
}

impl From<VerdictError> for HandleError {
    fn from(error: VerdictError) -> Self {
        let is_waited_for = matches!(error, VerdictError::Scanner(_));
        let handled = Self::new(error.class(), error);
        if is_waited_for { handled.waited_for() } else { handled }
    }
}

impl VerdictError {
    /// Why a package's bytes could not be read and checked: the scanner, or the disk.
    pub(crate) fn of_reading(error: std::io::Error) -> Self {
        if dengbei_scanner::is_of_scanner(&error) {
            Self::Scanner(error)
        } else {
            Self::NotYet(error.to_string())
        }
    }
}

/// Why a side of a transfer could not be checked. Never a verdict: the run is put off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferError {
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
    #[error("凭据文件无法取得或保存 / a document could not be had or stored")]
    Document(#[from] DocumentError),
    /// An event could not be read or written.
    #[error("事件无法读写 / an event could not be read or written")]
    Event(#[from] ReadError),
    /// A list or report is not canonical.
    #[error("清单或报告无效 / a list or report is not valid")]
    Invalid(#[from] Invalid),
    /// The virus scanner gives no verdict.
    #[error("杀毒程序没有给出结果 / the virus scanner gives no verdict")]
    Scanner(#[source] std::io::Error),
    /// A fault of ours.
    #[error("检测出错 / a fault of fixity: {0}")]
    Fault(String),
}

impl TransferError {
    /// Why a filed item could not be checked again: the scanner, or the disk.
    pub(crate) fn of_reading(error: std::io::Error) -> Self {
        if dengbei_scanner::is_of_scanner(&error) {
            Self::Scanner(error)
        } else {
            Self::Fault(error.to_string())
        }
    }

    /// What can be done about it.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::NotYet(_) | Self::Scanner(_) => ErrorClass::Unavailable,
            Self::Site(e) => e.class(),
            Self::Database(e) => db::class(e),
            Self::Document(e) => e.class(),
            Self::Event(_) | Self::Invalid(_) | Self::Fault(_) => ErrorClass::Internal,
        }
    }
}

/// Why a site could not be inspected now. Never a finding: the next pass looks again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InspectError {
    /// The site does not answer.
    #[error("备份点无法巡检 / a site could not be inspected")]
    Site(#[source] SiteFault),
    /// The database did not do it.
    #[error("检测库不可用 / fixity's database does not answer")]
    Database(#[from] sqlx::Error),
    /// The report could not be stored.
    #[error("巡检报告无法保存 / the report could not be stored")]
    Document(#[from] DocumentError),
    /// An event could not be written.
    #[error("巡检事件无法写出 / an event could not be written")]
    Event(#[from] ReadError),
    /// The report is no canonical JSON.
    #[error("巡检报告无法写出 / the report could not be written")]
    Report(#[from] Invalid),
}

impl From<SiteFault> for InspectError {
    fn from(fault: SiteFault) -> Self {
        match fault {
            SiteFault::Database(e) => Self::Database(e),
            fault => Self::Site(fault),
        }
    }
}
