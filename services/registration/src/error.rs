//! Why filing cannot go on now. Nothing is ever given up: whatever the class, the same is tried again, with growing
//! pauses, and shown by a metric.

use dengbei_chain::facts::ReadError;
use dengbei_kit::documents::DocumentError;
use dengbei_kit::{db, status};
use dengbei_ocfl::{BuildError, PackError};
use dengbei_records::{ErrorClass, Invalid};
use dengbei_vault::SiteError;

use crate::staged::StagedError;
use crate::unit_keys::KeyError;

/// Why filing cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilingError {
    /// The database did not do it.
    #[error("登记库不可用 / the database does not answer")]
    Database(#[from] sqlx::Error),
    /// Staged bytes cannot be read.
    #[error("暂存内容无法读取 / staged bytes cannot be read")]
    Staged(#[from] StagedError),
    /// The primary site did not do it.
    #[error("主备份点不可用 / the primary site did not do it")]
    Site(#[from] SiteError),
    /// The unit cannot sign.
    #[error("单位签章不可用 / the unit cannot sign")]
    Key(#[from] KeyError),
    /// The event or the pack cannot be made of what there is.
    #[error("归档内容无法组织 / what there is cannot be filed: {0}")]
    Content(String),
    /// A fault of ours.
    #[error("登记服务内部错误 / a fault of ours")]
    Internal(#[source] anyhow::Error),
}

impl FilingError {
    /// What can be done about it.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::Database(e) => db::class(e),
            Self::Staged(StagedError::Unavailable(s)) => status::class(s),
            Self::Staged(StagedError::Missing { .. }) => ErrorClass::NotFound,
            Self::Staged(StagedError::Differs(_)) | Self::Internal(_) | Self::Content(_) => {
                ErrorClass::Internal
            }
            Self::Site(e) => e.class(),
            Self::Key(e) => e.class(),
        }
    }
}

impl From<BuildError> for FilingError {
    fn from(e: BuildError) -> Self {
        Self::Content(e.to_string())
    }
}

impl From<PackError> for FilingError {
    fn from(e: PackError) -> Self {
        Self::Site(e.into())
    }
}

impl From<Invalid> for FilingError {
    fn from(e: Invalid) -> Self {
        Self::Content(e.to_string())
    }
}

impl From<ReadError> for FilingError {
    fn from(e: ReadError) -> Self {
        Self::Content(e.to_string())
    }
}

impl From<DocumentError> for FilingError {
    fn from(e: DocumentError) -> Self {
        match e {
            DocumentError::Database(e) => Self::Database(e),
            other => Self::Internal(other.into()),
        }
    }
}
