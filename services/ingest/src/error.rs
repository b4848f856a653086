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
    /// The virus scanner gave no verdict.
    #[error("杀毒服务不可用 / the virus scanner does not answer")]
    Scanner(#[source] std::io::Error),
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
            Self::Staging(_) | Self::Scanner(_) => ErrorClass::Unavailable,
            Self::Internal(_) => ErrorClass::Internal,
        }
    }

    /// What the sender is told.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Refused(problem) => problem.clone(),
            Self::Scanner(_) => scanner_away(),
            _ => status::plain(self.class()),
        }
    }
}

/// Nothing that could not be scanned is taken in.
fn scanner_away() -> Problem {
    Problem::new(
        "scanner.unavailable",
        ErrorClass::Unavailable,
        "杀毒服务无应答，未接收任何内容",
        "the virus scanner does not answer: nothing was taken in",
    )
    .with_remedy(
        "请稍后重新报送；持续出现请联系运维人员 / send it again later; if it lasts, tell the operator",
    )
}

impl IngestError {
    /// Why reading a package failed: the scanner, or the disk.
    pub(crate) fn of_reading(error: std::io::Error) -> Self {
        if dengbei_scanner::is_of_scanner(&error) {
            Self::Scanner(error)
        } else {
            Self::Staging(error.into())
        }
    }
}

impl From<Problem> for IngestError {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}
