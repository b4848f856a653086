//! Why a copy is not there yet, by what can be done about it.

use dengbei_bus::HandleError;
use dengbei_chain::ReadError;
use dengbei_kit::{db, status};
use dengbei_records::{ErrorClass, Invalid, Problem, Sha256};
use tonic::Status;

/// Why replication could not do something.
#[derive(Debug, thiserror::Error)]
pub enum ReplicationError {
    /// The database did not do it.
    #[error("备份库不可用 / replication's database does not answer")]
    Database(#[from] sqlx::Error),
    /// An event could not be written or read.
    #[error("事件无法读写 / an event could not be read or written")]
    Event(#[from] ReadError),
    /// A row holds what it must not.
    #[error("备份库内容无效 / a row is not valid")]
    Row(#[from] Invalid),
}

impl ReplicationError {
    /// What can be done about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Database(e) => match db::class(e) {
                // Another worker was quicker: the next look finds its rows.
                ErrorClass::Conflict => ErrorClass::Unavailable,
                class => class,
            },
            Self::Event(_) | Self::Row(_) => ErrorClass::Internal,
        }
    }
}

impl From<ReplicationError> for HandleError {
    fn from(error: ReplicationError) -> Self {
        Self::new(error.class(), error)
    }
}

/// Why a site did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SiteFault {
    /// The site as a whole: it does not answer, is full, or is not the one that was known. Its other orders wait too.
    #[error("{0}")]
    Site(Box<Problem>),
    /// This pack: another order may go well.
    #[error("{problem}")]
    Pack {
        problem: Box<Problem>,
        /// Digest of what lies there, where the site said so.
        found: Option<Sha256>,
    },
}

/// Codes of faults that are one pack's.
const OF_A_PACK: [&str; 9] = [
    "site.missing",
    "site.differs",
    "site.damaged",
    "site.unreadable",
    "site.root_differs",
    "site.request",
    "site.source_missing",
    "site.source_unavailable",
    "site.source_differs",
];

impl SiteFault {
    /// Sorts a site's answer.
    pub(crate) fn of(answer: &Status) -> Self {
        let problem = Box::new(status::to_problem(answer));
        if !OF_A_PACK.contains(&problem.code.as_str()) {
            return Self::Site(problem);
        }
        let details: serde_json::Value = serde_json::from_slice(answer.details()).unwrap_or_default();
        let found = details["found"].as_str().and_then(|hex| hex.parse().ok());
        Self::Pack { problem, found }
    }

    /// A fault of one pack that we found ourselves.
    pub(crate) fn pack(code: &str, zh: &str, en: impl std::fmt::Display) -> Self {
        let problem = Problem::new(code, ErrorClass::Conflict, zh, en.to_string());
        Self::Pack { problem: Box::new(problem), found: None }
    }

    /// A fault of a site that we found ourselves.
    pub(crate) fn site(problem: Problem) -> Self {
        Self::Site(Box::new(problem))
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Site(problem) | Self::Pack { problem, .. } => &problem.code,
        }
    }

    /// Whether the site, not the pack, is at fault.
    pub(crate) const fn is_of_site(&self) -> bool {
        matches!(self, Self::Site(_))
    }
}
