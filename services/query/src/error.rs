//! What can go wrong in the read model, by what the caller can do.

use dengbei_records::{ErrorClass, Invalid, Problem};

/// Why a question was not answered or an event not applied.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The question names something that is none: an id of another length, a page without its end.
    #[error("查询条件无效 / the question is not valid: {0}")]
    Invalid(String),
    /// There is no such item in the read model.
    #[error("没有这一件 / there is no such item")]
    NotFound,
    /// PostgreSQL did not do it.
    #[error("查询库暂不可用 / the read model's database did not answer")]
    Database(#[source] sqlx::Error),
    /// A row says what no event can have said.
    #[error("查询库内容无效 / a row of the read model is not valid: {0}")]
    Row(String),
}

impl QueryError {
    /// What the caller can do.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Invalid(_) => ErrorClass::Invalid,
            Self::NotFound => ErrorClass::NotFound,
            Self::Database(source) => match dengbei_kit::db::class(source) {
                ErrorClass::Unavailable => ErrorClass::Unavailable,
                _ => ErrorClass::Internal,
            },
            Self::Row(_) => ErrorClass::Internal,
        }
    }

    /// As it is told to a person.
    pub fn problem(&self) -> Problem {
        let (code, zh, en) = match self {
            Self::Invalid(what) => {
                return Problem::new(
                    "query.invalid",
                    self.class(),
                    format!("查询条件无效：{what}"),
                    format!("the question is not valid: {what}"),
                );
            }
            Self::NotFound => ("item.not_found", "没有这一件", "there is no such item"),
            Self::Database(_) => ("query.unavailable", "查询库暂不可用", "the read model does not answer"),
            Self::Row(_) => ("query.internal", "查询库内部错误", "an internal error of the read model"),
        };
        Problem::new(code, self.class(), zh, en)
    }
}

impl From<sqlx::Error> for QueryError {
    fn from(source: sqlx::Error) -> Self {
        Self::Database(source)
    }
}

impl From<Invalid> for QueryError {
    fn from(error: Invalid) -> Self {
        Self::Invalid(error.to_string())
    }
}
