//! What can go wrong with a site or with staging, by what the caller can do.

use std::io;

use dengbei_ocfl::PackError;
use dengbei_records::{ErrorClass, Sha256};

use crate::name::PackName;
use crate::staging::SegmentId;

/// Why a site did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The name is taken by other bytes. The caller may quarantine what is there.
    #[error("同名存储包内容不同 / {name} exists with other bytes: {existing}, offered {offered}")]
    Conflict {
        /// The pack.
        name: PackName,
        /// Digest of what is there.
        existing: Sha256,
        /// Digest of what was offered.
        offered: Sha256,
    },
    /// What was offered is not what was asked for; nothing of it is kept.
    #[error("提供的内容与所要的不同 / {name} was offered with digest {offered}, wanted {wanted}")]
    NotWanted {
        /// The pack.
        name: PackName,
        /// Digest that was wanted.
        wanted: Sha256,
        /// Digest of what was offered.
        offered: Sha256,
    },
    /// No such pack on this site.
    #[error("备份点无此存储包 / no such pack on this site: {0}")]
    NotFound(String),
    /// The disk is full, or the bucket may not grow.
    #[error("备份点存储已满 / the site's storage is full")]
    Exhausted(#[source] io::Error),
    /// The storage refuses us: a wrong key, or one that may not do this. The operator's to mend.
    #[error(
        "备份点存储拒绝访问（密钥错误或权限不足）/ the site's storage refuses the key, or the key lacks a permission"
    )]
    Denied(#[source] io::Error),
    /// The configuration does not say how the storage is reached.
    #[error("备份点存储的配置缺少 {0} / the configuration of the site's storage lacks {0}")]
    Misconfigured(String),
    /// The store does not refuse a name that is taken (`If-None-Match`): two writers could overwrite each other.
    #[error(
        "对象存储不支持条件写入（If-None-Match），不可用作备份点 / the store ignores If-None-Match and cannot be a site: {0}"
    )]
    Overwrites(String),
    /// What was read back is not what was written: a disk or memory at fault.
    #[error("回读与写入不符 / {name} reads back as {read}, written {written}")]
    ReadBack {
        /// The pack.
        name: PackName,
        /// Digest of what was written.
        written: Sha256,
        /// Digest of what was read.
        read: Sha256,
    },
    /// The pack cannot be made or read.
    #[error("存储包错误 / pack error")]
    Pack(#[source] PackError),
    /// The storage failed or does not answer.
    #[error("备份点读写失败 / the site's storage failed")]
    Unavailable(#[source] io::Error),
}

impl SiteError {
    /// What the caller can do.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Conflict { .. } | Self::NotWanted { .. } => ErrorClass::Conflict,
            Self::NotFound(_) => ErrorClass::NotFound,
            Self::Exhausted(_) => ErrorClass::Exhausted,
            Self::ReadBack { .. } => ErrorClass::Internal,
            Self::Pack(e) => e.class(),
            Self::Misconfigured(_) | Self::Overwrites(_) => ErrorClass::Invalid,
            Self::Denied(_) | Self::Unavailable(_) => ErrorClass::Unavailable,
        }
    }

    /// Sorts a storage's failure: missing, full, refused, other.
    pub(crate) fn io(what: impl std::fmt::Display) -> impl FnOnce(io::Error) -> Self {
        move |e| match e.kind() {
            io::ErrorKind::NotFound => Self::NotFound(what.to_string()),
            io::ErrorKind::PermissionDenied => Self::Denied(e),
            _ if is_full(&e) => Self::Exhausted(e),
            _ => Self::Unavailable(e),
        }
    }
}

impl From<PackError> for SiteError {
    fn from(e: PackError) -> Self {
        match e {
            PackError::Io(e) => match Self::io("pack")(e) {
                // What is missing is something that was being read, not the pack.
                Self::NotFound(what) => Self::Unavailable(io::Error::new(io::ErrorKind::NotFound, what)),
                other => other,
            },
            other => Self::Pack(other),
        }
    }
}

/// Why staging did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// The disk is full, or fuller than the limit allows: refuse the sender, who may try later.
    #[error("暂存区空间不足 / staging is out of space: {free} bytes free")]
    Exhausted {
        /// What is left.
        free: u64,
    },
    /// Nothing live lies there.
    #[error("暂存区无此内容 / nothing is staged at {segment} {start}..{end}")]
    NotFound {
        /// The segment.
        segment: SegmentId,
        /// First byte.
        start: u64,
        /// After the last byte.
        end: u64,
    },
    /// More than the caller allowed for.
    #[error("内容超过允许的大小 / content is larger than allowed: {0} bytes")]
    TooLarge(u64),
    /// Another process has this folder.
    #[error("暂存区已被其他进程占用 / staging is in use by another process: {0}")]
    InUse(String),
    /// The disk or the source failed; nothing of the submission is kept.
    #[error("暂存失败 / staging failed")]
    Unavailable(#[source] io::Error),
}

impl StagingError {
    /// What the caller can do.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Exhausted { .. } => ErrorClass::Exhausted,
            Self::NotFound { .. } => ErrorClass::NotFound,
            Self::TooLarge(_) => ErrorClass::Invalid,
            Self::InUse(_) => ErrorClass::Conflict,
            Self::Unavailable(_) => ErrorClass::Unavailable,
        }
    }
}

/// Whether a disk said that it is full.
pub(crate) fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
