//! Why the desk did not take what a person signed or said.

use dengbei_chain::facts::ReadError;
use dengbei_checks::RecheckError;
use dengbei_kit::documents::DocumentError;
use dengbei_kit::{db, status};
use dengbei_records::{ErrorClass, Invalid, Problem};

/// Why the desk did not take it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeskError {
    /// There is no such task.
    #[error("没有此检测任务 / there is no such task")]
    UnknownTask,
    /// Nobody signs.
    #[error("签字须由登录的人员办理 / a person who is signed in signs")]
    NoPerson,
    /// Not in order, and nothing says why.
    #[error("认为不合格须写明所见 / what is found wrong is to be said")]
    NoNote,
    /// This person signed before.
    #[error("本人已签字，不得更改；可由他人另签 / you have signed; another person may sign beside it")]
    SignedAlready,
    /// Longer than is kept.
    #[error("文字过长，至多 {0} 字 / at most {0} characters")]
    TooLong(usize),
    /// No report of an item is kept under this digest.
    #[error("没有此检测报告 / there is no such check report")]
    NoReport,
    /// The report is of another item.
    #[error("检测报告不是本件的 / the report is not of this item")]
    OtherItem,
    /// The row may not stand beside the report.
    #[error(transparent)]
    Recheck(#[from] RecheckError),
    /// The database did not do it.
    #[error("检测库不可用 / fixity's database does not answer")]
    Database(#[from] sqlx::Error),
    /// A document could not be had or stored.
    #[error("文档无法取得或保存 / a document could not be had or stored")]
    Document(#[from] DocumentError),
    /// The event could not be written.
    #[error("事件无法写出 / the event could not be written")]
    Event(#[from] ReadError),
    /// The document is not canonical.
    #[error("文件无法写出 / the document could not be written")]
    Paper(#[from] Invalid),
}

impl DeskError {
    /// What the caller can do.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::UnknownTask | Self::NoReport => ErrorClass::NotFound,
            Self::NoPerson | Self::NoNote | Self::TooLong(_) => ErrorClass::Invalid,
            Self::SignedAlready | Self::OtherItem => ErrorClass::Conflict,
            Self::Recheck(e) => e.class(),
            Self::Database(e) => db::class(e),
            Self::Document(e) => e.class(),
            Self::Event(_) | Self::Paper(_) => ErrorClass::Internal,
        }
    }

    /// Stable code; `None`: a fault that has no better one than its class.
    const fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::UnknownTask => "task.unknown",
            Self::NoPerson => "task.no_person",
            Self::NoNote => "task.note_required",
            Self::SignedAlready => "task.signed_already",
            Self::TooLong(_) => "task.text_too_long",
            Self::NoReport => "recheck.no_report",
            Self::OtherItem => "recheck.other_item",
            Self::Recheck(e) => e.code(),
            _ => return None,
        })
    }

    /// As a person is told.
    pub(crate) fn problem(&self) -> Problem {
        match self.code() {
            Some(code) => Problem::bilingual(code, self.class(), self),
            None => status::plain(self.class()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_speaks_both_languages_under_a_stable_code() {
        let check = dengbei_checks::CheckId::A02;
        for error in [
            DeskError::UnknownTask,
            DeskError::NoPerson,
            DeskError::NoNote,
            DeskError::SignedAlready,
            DeskError::TooLong(9),
            DeskError::NoReport,
            DeskError::OtherItem,
            RecheckError::Stands(check).into(),
            RecheckError::Unsealed.into(),
        ] {
            let problem = error.problem();
            assert!(problem.code.starts_with("task.") || problem.code.starts_with("recheck."), "{problem:?}");
            assert!(problem.message != problem.message_en && problem.message_en.is_ascii(), "{problem:?}");
        }
        assert_eq!(DeskError::from(RecheckError::Stands(check)).problem().code, "recheck.stands");
    }
}
