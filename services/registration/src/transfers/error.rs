//! Why a transfer does not go on, and what whoever decides about one is told.

use dengbei_chain::facts::ReadError;
use dengbei_kit::documents::DocumentError;
use dengbei_kit::seals::SealError;
use dengbei_kit::{db, status};
use dengbei_records::{ErrorClass, Invalid, Problem, SerialNo, UnitCode};
use dengbei_vault::SiteError;

use crate::store::transfers::State;
use crate::unit_keys::KeyError;

/// Why a step cannot be taken now. It is tried again, with growing pauses, and never given up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    /// The database did not do it.
    #[error("登记库不可用 / the database does not answer")]
    Database(#[from] sqlx::Error),
    /// A pack cannot be read.
    #[error("主备份点不可用 / the primary site did not do it")]
    Site(#[from] SiteError),
    /// The unit cannot sign.
    #[error("单位签章不可用 / the unit cannot sign")]
    Key(#[from] KeyError),
    /// A person or the archive cannot sign.
    #[error("签章不可用 / cannot sign")]
    Seal(#[from] SealError),
    /// Papers cannot be made of what there is.
    #[error("移交材料无法编制 / the papers cannot be made: {0}")]
    Content(String),
    /// A fault of ours.
    #[error("登记服务内部错误 / a fault of ours")]
    Internal(#[source] anyhow::Error),
}

impl WorkError {
    /// What can be done about it.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::Database(e) => db::class(e),
            Self::Site(SiteError::NotFound(_)) | Self::Content(_) | Self::Internal(_) => ErrorClass::Internal,
            Self::Site(e) => e.class(),
            Self::Key(e) => e.class(),
            Self::Seal(e) => e.class(),
        }
    }
}

impl From<Invalid> for WorkError {
    fn from(e: Invalid) -> Self {
        Self::Content(e.to_string())
    }
}

impl From<ReadError> for WorkError {
    fn from(e: ReadError) -> Self {
        Self::Content(e.to_string())
    }
}

impl From<DocumentError> for WorkError {
    fn from(e: DocumentError) -> Self {
        match e {
            DocumentError::Database(e) => Self::Database(e),
            other => Self::Internal(other.into()),
        }
    }
}

impl From<tokio::task::JoinError> for WorkError {
    fn from(e: tokio::task::JoinError) -> Self {
        Self::Internal(e.into())
    }
}

/// Why a person's decision is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferError {
    /// There is no such transfer.
    #[error("没有此移交 / no such transfer")]
    NotFound,
    /// A field holds what it must not.
    #[error("请求无效 / the request is not valid: {0}")]
    Invalid(String),
    /// One person cannot fill in and review.
    #[error("不得审核本人经办 / {0} reviews own work")]
    SamePerson(String),
    /// A batch has no certificate.
    #[error("登记批次未发证 / the registration batch is not certified: {0}")]
    NotCertified(uuid::Uuid),
    /// The batches are of several units.
    #[error("一次移交只能属于一个单位 / batches of several units: {0}, {1}")]
    SeveralUnits(UnitCode, UnitCode),
    /// Everything in the archive's range is handed over already.
    #[error("没有可移交的档案 / nothing is left to hand over")]
    NothingLeft,
    /// The papers are not ready for signing, or are signed.
    #[error("{number}不在签字环节 / {number} is not to be signed now: {}", state.name())]
    NotToSign {
        /// Which.
        number: SerialNo,
        /// Where it stands.
        state: State,
    },
    /// The side signed with other names.
    #[error("该方已由他人签字 / this side is signed by others")]
    Signed,
    /// Its checks run: nothing can be decided until they are heard.
    #[error("检测尚未完成 / the checks are still running")]
    BeingChecked,
    /// It is beyond declining.
    #[error("{number}已不能退回 / {number} can no longer be declined: {}", state.name())]
    Ended {
        /// Which.
        number: SerialNo,
        /// Where it stands.
        state: State,
    },
    /// Something of ours.
    #[error(transparent)]
    Work(#[from] WorkError),
}

impl From<sqlx::Error> for TransferError {
    fn from(e: sqlx::Error) -> Self {
        Self::Work(e.into())
    }
}

impl TransferError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::NotFound => ErrorClass::NotFound,
            Self::Invalid(_) | Self::SamePerson(_) | Self::SeveralUnits(..) => ErrorClass::Invalid,
            Self::NotCertified(_)
            | Self::NothingLeft
            | Self::NotToSign { .. }
            | Self::Signed
            | Self::BeingChecked
            | Self::Ended { .. } => ErrorClass::Conflict,
            Self::Work(e) => e.class(),
        }
    }

    /// What the caller is told.
    pub(crate) fn problem(&self) -> Problem {
        let class = self.class();
        let (code, zh, en, remedy) = match self {
            Self::NotFound => (
                "transfer.unknown",
                "没有此移交".to_owned(),
                "no such transfer".to_owned(),
                "请核对移交号 / look at the number",
            ),
            Self::Invalid(why) => (
                "transfer.invalid",
                "请求无效".to_owned(),
                why.clone(),
                "请更正后重新提交 / mend it and send it again",
            ),
            Self::SamePerson(name) => (
                "transfer.same_person",
                format!("填表人与审核人不得为同一人：{name}"),
                format!("{name} cannot both fill in and review"),
                "请由另一人审核 / let another person review",
            ),
            Self::NotCertified(batch) => (
                "transfer.not_certified",
                format!("登记批次{batch}未发证"),
                format!("registration batch {batch} is not certified"),
                "发证后方可移交 / hand it over once it is certified",
            ),
            Self::SeveralUnits(one, other) => (
                "transfer.several_units",
                format!("一次移交只能属于一个单位：{one}、{other}"),
                format!("one transfer is of one unit: {one}, {other}"),
                "请按单位分别移交 / propose one for each unit",
            ),
            Self::NothingLeft => (
                "transfer.nothing_left",
                "没有可移交的档案：均已移交、正在移交，或不在进馆范围".to_owned(),
                "nothing is left: handed over, in another transfer, or not in the archive's range".to_owned(),
                "请查看单位规则和已有移交 / look at the unit's rule and its transfers",
            ),
            Self::NotToSign { number, state } => (
                "transfer.not_to_sign",
                format!("{number}不在签字环节（{}）", state.name()),
                format!("{number} is not to be signed now ({})", state.name()),
                "双方检测完成后签字 / sign once both sides have checked",
            ),
            Self::Signed => (
                "transfer.signed",
                "该方已由他人签字".to_owned(),
                "this side is signed by others".to_owned(),
                "签字不可更改 / signatures do not change",
            ),
            Self::BeingChecked => (
                "transfer.being_checked",
                "检测尚未完成".to_owned(),
                "the checks are still running".to_owned(),
                "请稍后重试 / try again in a moment",
            ),
            Self::Ended { number, state } => (
                "transfer.ended",
                format!("{number}已不能退回（{}）", state.name()),
                format!("{number} can no longer be declined ({})", state.name()),
                "请查看移交状态 / look at the transfer",
            ),
            Self::Work(_) => return status::plain(class),
        };
        Problem::new(code, class, zh, en).with_remedy(remedy)
    }
}
