//! Errors by what the caller can do, and the bilingual problem that a person reads.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value that does not parse as what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("不是有效的{what} / not a valid {what}: {value}")]
pub struct Invalid {
    /// The type that was wanted, by its name in the glossary.
    pub what: &'static str,
    /// The text that did not parse, cut to 80 characters.
    pub value: String,
}

impl Invalid {
    /// Notes what was wanted and what came, cut so that a hostile value cannot flood a log.
    pub fn new(what: &'static str, value: impl fmt::Display) -> Self {
        Self { what, value: value.to_string().chars().take(80).collect() }
    }
}

/// What the caller can do about an error. One table each to gRPC, to HTTP and to retry-or-reject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Mend the request; sending it again unchanged fails again.
    Invalid,
    /// There is no such thing.
    NotFound,
    /// The request contradicts what is already recorded.
    Conflict,
    /// Too much at once: wait and send again.
    Exhausted,
    /// A part that is needed does not answer: send again.
    Unavailable,
    /// A fault of ours.
    Internal,
}

impl ErrorClass {
    /// Whether the same request can succeed later without being changed.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Exhausted | Self::Unavailable | Self::Internal)
    }

    /// The HTTP status at the door.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 422,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Exhausted | Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }
}

/// What a person is told: a stable code, the matter in Chinese and English, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable, dotted, lower case: `package.not_a_zip`.
    pub code: String,
    /// What the caller can do.
    pub class: ErrorClass,
    /// Chinese text.
    pub message: String,
    /// English text.
    pub message_en: String,
    /// How to mend it, Chinese.
    pub remedy: String,
}

impl Problem {
    /// A problem with its code and both texts; `remedy` may be empty where there is nothing to do.
    pub fn new(
        code: impl Into<String>,
        class: ErrorClass,
        message: impl Into<String>,
        message_en: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into(),
            class,
            message: message.into(),
            message_en: message_en.into(),
            remedy: String::new(),
        }
    }

    /// A problem from a text that says it in both languages, `中文 / English`, as errors display themselves; a text in one
    /// language stands for both.
    pub fn bilingual(code: impl Into<String>, class: ErrorClass, text: impl fmt::Display) -> Self {
        let text = text.to_string();
        let (zh, en) = text.split_once(" / ").unwrap_or((&text, &text));
        Self::new(code, class, zh, en)
    }

    /// Adds how to mend it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} / {}", self.code, self.message, self.message_en)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_both_languages_is_parted_once_and_one_in_a_single_language_stands_for_both() {
        let both = |text: &str| {
            let problem = Problem::bilingual("a.b", ErrorClass::Invalid, text);
            (problem.message, problem.message_en)
        };
        assert_eq!(both("繁忙 / busy: 1 / 2"), ("繁忙".into(), "busy: 1 / 2".into()));
        assert_eq!(both("a/b"), ("a/b".into(), "a/b".into()));
        let invalid = Invalid::new("摘要 digest", "x");
        let problem = Problem::bilingual("a.b", ErrorClass::Invalid, invalid);
        assert_eq!(problem.to_string(), "a.b: 不是有效的摘要 digest / not a valid 摘要 digest: x");
    }
}
