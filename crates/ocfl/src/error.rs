//! What can go wrong when objects and packs are made or read, by what the caller can do.

use dengbei_records::{ErrorClass, Invalid, Sha512};

/// Why an object version cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A value is not what it should be.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// Two files want the same place.
    #[error("对象内路径重复或冲突 / path given twice or inside another file: {0}")]
    PathTaken(String),
    /// Times of versions must rise by whole seconds, because a pack's entry times say which inventory is newer.
    #[error(
        "新版本时间须晚于前一版本 / a version must be at least one second later than the one before: {0}"
    )]
    NotLater(String),
}

impl BuildError {
    /// What the caller can do.
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Invalid
    }
}

/// Why a pack cannot be laid out, written or read.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The plan contradicts itself.
    #[error("存储包计划无效 / pack plan is invalid: {0}")]
    Plan(String),
    /// The bytes offered for a file are not those that were planned.
    #[error("内容与计划的摘要不符 / content differs from its planned digest {sha512}: {path}")]
    Content {
        /// Path inside the pack.
        path: String,
        /// The digest planned.
        sha512: Sha512,
    },
    /// The pack read is damaged or is none.
    #[error("存储包损坏 / pack is damaged: {0}")]
    Damaged(String),
    /// A file is larger than the caller allowed for.
    #[error("内容超过允许的大小 / content is larger than allowed: {0}")]
    TooLarge(String),
    /// The disk or the source failed.
    #[error("读写失败 / input or output failed")]
    Io(#[from] std::io::Error),
}

impl PackError {
    /// What the caller can do.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Plan(_) | Self::TooLarge(_) => ErrorClass::Invalid,
            Self::Content { .. } | Self::Damaged(_) => ErrorClass::Internal,
            Self::Io(e) => match e.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorClass::Exhausted,
                std::io::ErrorKind::NotFound => ErrorClass::NotFound,
                _ => ErrorClass::Unavailable,
            },
        }
    }

    pub(crate) fn damaged(what: impl std::fmt::Display) -> Self {
        Self::Damaged(what.to_string())
    }
}
