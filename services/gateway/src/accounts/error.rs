//! Why somebody cannot sign in or have an account, by what they can do about it.

use axum::http::StatusCode;
use dengbei_kit::db;
use dengbei_records::{ErrorClass, Problem};

use crate::problem::Refusal;

/// What was wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    /// Account and password do not fit; which of them is not said.
    #[error("账号或口令不符 / account and password do not fit")]
    Wrong,
    /// Too many attempts.
    #[error("尝试过多，请 {0} 秒后再试 / too many attempts, wait {0} s")]
    TooMany(i64),
    /// The link was used, has expired, or never was one.
    #[error("链接已使用、已过期或无效 / the link is used up, expired, or none")]
    Link,
    /// Another account has that name.
    #[error("账号名已被使用 / the account name is taken")]
    Taken,
    /// Not a name.
    #[error(
        "账号名应为 2 至 64 个字符，姓名不得为空 / an account name has 2 to 64 characters, a display name at least one"
    )]
    Name,
    /// Not a password.
    #[error(
        "口令至少 12 个字符，不得包含账号名 / a password has at least 12 characters and does not hold the account name"
    )]
    WeakPassword,
    /// The same password twice was wanted.
    #[error("两次输入的口令不一致 / the two passwords differ")]
    Repeated,
    /// The token has no password of its own.
    #[error("请先以账号登录 / sign in with an account first")]
    NoAccount,
    /// This deployment has no accounts.
    #[error("本部署未配置账号数据库 / this deployment has no accounts")]
    NotConfigured,
    /// The database does not answer.
    #[error("账号数据库无应答 / the accounts' database does not answer")]
    Database(#[from] sqlx::Error),
    /// A fault of ours.
    #[error("内部错误 / internal error")]
    Fault(String),
}

impl AccountError {
    /// What can be done about it.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::Wrong | Self::Name | Self::WeakPassword | Self::Repeated | Self::NoAccount => {
                ErrorClass::Invalid
            }
            Self::TooMany(_) => ErrorClass::Exhausted,
            Self::Link => ErrorClass::NotFound,
            Self::Taken => ErrorClass::Conflict,
            Self::NotConfigured => ErrorClass::Unavailable,
            Self::Database(error) => db::class(error),
            Self::Fault(_) => ErrorClass::Internal,
        }
    }

    const fn code(&self) -> &'static str {
        match self {
            Self::Wrong => "account.wrong",
            Self::TooMany(_) => "account.too_many_attempts",
            Self::Link => "account.link",
            Self::Taken => "account.taken",
            Self::Name => "account.name",
            Self::WeakPassword => "account.weak_password",
            Self::Repeated => "account.passwords_differ",
            Self::NoAccount => "account.none",
            Self::NotConfigured => "account.not_configured",
            Self::Database(_) => "account.database",
            Self::Fault(_) => "account.fault",
        }
    }
}

impl From<AccountError> for Refusal {
    fn from(error: AccountError) -> Self {
        let problem = Problem::bilingual(error.code(), error.class(), &error);
        match error {
            AccountError::Wrong => Self::with_status(StatusCode::UNAUTHORIZED, problem),
            AccountError::TooMany(_) => Self::with_status(StatusCode::TOO_MANY_REQUESTS, problem),
            AccountError::Database(cause) => {
                tracing::warn!(error = %cause, "the accounts' database");
                problem.into()
            }
            AccountError::Fault(cause) => {
                tracing::error!(error = %cause, "accounts");
                problem.into()
            }
            _ => problem.into(),
        }
    }
}
