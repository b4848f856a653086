//! Why the bus itself could not do something, by what its caller can do. A handler's errors are its own.

use dengbei_kit::{db, status};
use dengbei_records::{ErrorClass, Invalid};
use tonic::Status;

/// Why the bus could not do something.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The service's database did not do it.
    #[error("数据库不可用 / the database did not do it")]
    Database(#[from] sqlx::Error),
    /// The register did not do it.
    #[error("登记簿不可用 / the register did not do it")]
    Register(#[from] Box<Status>),
    /// The bus is not there, or refused. What is in outboxes goes by the register meanwhile.
    #[error("消息总线不可用 / the bus did not do it: {doing}")]
    Nats {
        /// What was tried.
        doing: &'static str,
        /// Why not.
        #[source]
        source: async_nats::Error,
    },
    /// The server dropped a setting that matters (nats-server does so silently with what it does not know).
    #[error("消息总线忽略了设置 / the bus ignored settings of {what}: {settings}")]
    Ignored {
        /// Stream or consumer.
        what: String,
        /// Which, with the value that came back.
        settings: String,
    },
    /// A value that is none: a URL, an answer of the register.
    #[error("值无效 / an invalid value")]
    Invalid(#[from] Invalid),
}

impl BusError {
    /// What can be done about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Database(e) => db::class(e),
            Self::Register(s) => status::class(s),
            Self::Nats { .. } => ErrorClass::Unavailable,
            Self::Ignored { .. } => ErrorClass::Internal,
            Self::Invalid(_) => ErrorClass::Invalid,
        }
    }

    pub(crate) fn nats(doing: &'static str) -> impl FnOnce(async_nats::Error) -> Self {
        move |source| Self::Nats { doing, source }
    }
}

impl From<Status> for BusError {
    fn from(status: Status) -> Self {
        Self::Register(Box::new(status))
    }
}
