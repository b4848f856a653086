//! Why a step cannot be taken.

use dengbei_chain::ReadError;
use dengbei_kit::documents::DocumentError;
use dengbei_kit::seals::SealError;
use dengbei_kit::{db, status};
use dengbei_records::{ErrorClass, Invalid, Problem};
use dengbei_vault::SiteError;
use tonic::Status;

use crate::unit_keys::KeyError;

/// Why a step cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BatchError {
    /// The request does not fit the rules or what is recorded: the person is told how.
    #[error("{0}")]
    Refused(Problem),
    /// The database did not do it.
    #[error("登记库不可用 / the database does not answer")]
    Database(#[from] sqlx::Error),
    /// The primary site did not do it.
    #[error("主备份点不可用 / the primary site did not do it")]
    Site(#[from] SiteError),
    /// The primary site's role did not answer.
    #[error("主备份点不应答 / the primary site does not answer")]
    Peer(#[source] Box<Status>),
    /// The unit cannot sign.
    #[error("单位签章不可用 / the unit cannot sign")]
    Unit(#[from] KeyError),
    /// The administration cannot sign.
    #[error("登记机关签章不可用 / the administration cannot sign")]
    Administration(#[from] SealError),
    /// What there is cannot be put into words.
    #[error("登记内容无法组织 / what there is cannot be stated: {0}")]
    Content(String),
    /// A fault of ours.
    #[error("登记服务内部错误 / a fault of ours")]
    Internal(#[source] anyhow::Error),
}

impl BatchError {
    /// What can be done about it.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::Refused(problem) => problem.class,
            Self::Database(e) => db::class(e),
            Self::Site(e) => e.class(),
            Self::Peer(answer) => status::class(answer),
            Self::Unit(e) => e.class(),
            Self::Administration(e) => e.class(),
            Self::Content(_) | Self::Internal(_) => ErrorClass::Internal,
        }
    }

    /// What the caller is told.
    pub(crate) fn problem(&self) -> Problem {
        match self {
            Self::Refused(problem) => problem.clone(),
            Self::Site(_) | Self::Peer(_) => Problem::new(
                "site.unavailable",
                ErrorClass::Unavailable,
                "主备份点暂时不可用，未作任何更改",
                "the primary site does not answer; nothing was changed",
            )
            .with_remedy("请稍后重试 / try again later"),
            other => status::plain(other.class()),
        }
    }

    /// A request that cannot be what is meant.
    pub(crate) fn invalid(code: &str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Refused(Problem::new(code, ErrorClass::Invalid, zh, en))
    }

    /// A request that contradicts what is recorded.
    pub(crate) fn conflict(code: &str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Refused(Problem::new(code, ErrorClass::Conflict, zh, en))
    }

    /// There is no such batch or pack.
    pub(crate) fn not_found(code: &str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Refused(Problem::new(code, ErrorClass::NotFound, zh, en))
    }

    /// Adds how to mend it.
    pub(crate) fn remedy(self, remedy: &str) -> Self {
        match self {
            Self::Refused(problem) => Self::Refused(problem.with_remedy(remedy)),
            other => other,
        }
    }
}

impl From<Invalid> for BatchError {
    fn from(e: Invalid) -> Self {
        Self::Content(e.to_string())
    }
}

impl From<ReadError> for BatchError {
    fn from(e: ReadError) -> Self {
        Self::Content(e.to_string())
    }
}

impl From<DocumentError> for BatchError {
    fn from(e: DocumentError) -> Self {
        match e {
            DocumentError::Database(e) => Self::Database(e),
            other => Self::Internal(other.into()),
        }
    }
}

impl From<tokio::task::JoinError> for BatchError {
    fn from(e: tokio::task::JoinError) -> Self {
        Self::Internal(e.into())
    }
}
