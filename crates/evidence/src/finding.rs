//! What a check found, where, in both languages.

use serde::Serialize;

/// One fault of a receipt or a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable code, `receipt.signature`.
    pub code: &'static str,
    /// Where: a field of the receipt, an event, a path in the package.
    pub place: String,
    /// Chinese text.
    pub message: String,
    /// English text.
    pub message_en: String,
}

impl Finding {
    /// Notes a fault.
    pub fn new(
        code: &'static str,
        place: impl Into<String>,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) -> Self {
        Self { code, place: place.into(), message: zh.into(), message_en: en.into() }
    }
}
