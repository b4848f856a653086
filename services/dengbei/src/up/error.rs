//! What can go wrong while starting, by what the operator can do. Not for the roles' own errors.

use std::path::{Path, PathBuf};

use dengbei_records::{ErrorClass, Problem};

/// Why `up` did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpError {
    /// Something the operator must mend first; the problem says how.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// A file or folder could not be used.
    #[error("io.failed: 无法使用 / cannot use {}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// PostgreSQL answered with an error.
    #[error("postgres.failed: PostgreSQL 出错 / PostgreSQL failed")]
    Postgres(#[from] sqlx::Error),
}

impl UpError {
    /// A problem that mending arguments or the machine solves.
    pub(crate) fn refused(code: &str, message: impl Into<String>, message_en: impl Into<String>) -> Self {
        Self::Refused(Box::new(Problem::new(code, ErrorClass::Invalid, message, message_en)))
    }

    /// Adds the one thing to do.
    pub(crate) fn with_remedy(self, remedy: impl Into<String>) -> Self {
        match self {
            Self::Refused(problem) => Self::Refused(Box::new(problem.with_remedy(remedy))),
            other => other,
        }
    }

    /// For `map_err`: notes the path an input/output error belongs to.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}
