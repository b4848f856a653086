//! What can go wrong at the door, by what the sender can do.

use dengbei_kit::{db, status};
use dengbei_records::{ErrorClass, Problem};

/// Why a submission got no answer of its own.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The whole upload is refused, with what to mend or when to come again.
    #[error("{0}")]
    Refused(Problem),
    /// The database did not do it.
    #[error("接收库不可用 / ingest's database does not answer")]
    Database(#[from] sqlx::Error),
    /// The staging disk did not do it.
    #[error("暂存区不可用 / the staging disk does not answer")]
    Staging(#[source] anyhow::Error),
    /// A fault of ours.
    #[error("接收出错 / a fault of ingest")]
    Internal(#[source] anyhow::Error),
}

impl IngestError {
    /// What can be done about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Refused(problem) => problem.class,
            // A unique key that two processes ran into: the same again gives the firm answer.
            Self::Database(e) => match db::class(e) {
                ErrorClass::Conflict => ErrorClass::Unavailable,
                class => class,
            },
            Self::Staging(_) => ErrorClass::Unavailable,
            Self::Internal(_) => ErrorClass::Internal,
        }
    }

    /// What the sender is told.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Refused(problem) => problem.clone(),
            _ => status::plain(self.class()),
        }
    }
}

impl From<Problem> for IngestError {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}
