//! Why something could not be read: the sender's fault (a [`Problem`]) or ours (I/O).

use std::io;

use dengbei_records::{ErrorClass, Problem};

/// An error of reading, told apart by who can mend it.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes are bad: sending them again unchanged fails again.
    #[error("{0}")]
    Refused(Problem),
    /// The disk or the peer failed, not the content.
    #[error("读取失败 / reading failed")]
    Io(#[source] io::Error),
}

impl ReadError {
    /// What the caller can do.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Refused(problem) => problem.class,
            Self::Io(_) => ErrorClass::Unavailable,
        }
    }
}

impl From<Problem> for ReadError {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<io::Error> for ReadError {
    /// A problem that travelled through `std::io::Read` comes out as what it was.
    fn from(error: io::Error) -> Self {
        match error.downcast::<Problem>() {
            Ok(problem) => Self::Refused(problem),
            Err(error) => Self::Io(error),
        }
    }
}

/// Wraps a problem for the way through `std::io::Read`; [`ReadError::from`] unwraps it.
pub(crate) fn through_io(problem: Problem) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// A refusal: stable code, Chinese, English.
pub(crate) fn refuse(code: &str, zh: impl Into<String>, en: impl Into<String>) -> Problem {
    Problem::new(code, ErrorClass::Invalid, zh, en)
}
