//! Why there is no PDF, by what the caller can do.

use dengbei_records::{ErrorClass, Invalid, Problem};

/// Why a paper was not drawn.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// There is no form of this name.
    #[error("没有这种文书：{kind} / no such kind of paper: {kind}")]
    UnknownKind {
        /// What was asked for, cut to 40 characters.
        kind: String,
    },
    /// The data is not a paper of this kind, or not its canonical JSON.
    #[error("数据不是{kind}文书 / the data is not a paper of kind {kind}")]
    NotAPaper {
        /// What it should have been.
        kind: &'static str,
        /// What is wrong with it.
        #[source]
        source: Invalid,
    },
    /// The machine has no Chinese fonts.
    #[error(
        "没有中文字体 {family}，请安装：apt-get install fonts-noto-cjk / no Chinese font {family}: apt-get install fonts-noto-cjk"
    )]
    NoFont {
        /// The first that is missing.
        family: &'static str,
    },
    /// Typesetting failed: a fault of a template, not of the data.
    #[error("排版失败 / typesetting failed")]
    Render(#[source] RenderFault),
}

/// What the typesetter said.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RenderFault(pub(crate) String);

impl PaperError {
    /// What the caller can do.
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::UnknownKind { .. } => ErrorClass::NotFound,
            Self::NotAPaper { .. } => ErrorClass::Invalid,
            Self::NoFont { .. } => ErrorClass::Unavailable,
            Self::Render(_) => ErrorClass::Internal,
        }
    }

    /// As a person is told.
    pub fn problem(&self) -> Problem {
        let told = |code: &str, zh: String, en: String| Problem::new(code, self.class(), zh, en);
        match self {
            Self::UnknownKind { kind } => told(
                "paper.unknown_kind",
                format!("没有这种文书：{kind}"),
                format!("no such kind of paper: {kind}"),
            )
            .with_remedy(
                "可用的文书：certificate application registration handover digests catalogue filing report",
            ),
            Self::NotAPaper { kind, .. } => told(
                "paper.not_a_paper",
                format!("数据不是{kind}文书"),
                format!("the data is not a paper of kind {kind}"),
            ),
            Self::NoFont { family } => told(
                "paper.no_font",
                format!("没有中文字体 {family}，不能生成 PDF"),
                format!("no Chinese font {family}: cannot draw the PDF; apt-get install fonts-noto-cjk"),
            )
            .with_remedy("在运行登记服务的机器上执行 apt-get install fonts-noto-cjk，无须重启"),
            Self::Render(_) => told("paper.render", "排版失败".into(), "typesetting failed".into()),
        }
    }
}
