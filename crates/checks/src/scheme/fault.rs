//! What is wrong with a scheme's document: every problem at once, each with a stable code and a remedy.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemeFault {
    /// Stable: `scheme.too_weak`
    pub code: String,
    /// Where: `/stages/G/A-02`
    pub place: String,
    /// Chinese
    pub message: String,
    /// English
    pub message_en: String,
    /// How to mend it, Chinese
    pub remedy: String,
    /// How to mend it, English
    pub remedy_en: String,
}

impl SchemeFault {
    pub(super) fn new(
        code: &str,
        place: impl Into<String>,
        texts: [String; 2],
        remedies: [String; 2],
    ) -> Self {
        let ([message, message_en], [remedy, remedy_en]) = (texts, remedies);
        Self { code: format!("scheme.{code}"), place: place.into(), message, message_en, remedy, remedy_en }
    }
}

impl fmt::Display for SchemeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {} / {}", self.code, self.place, self.message, self.message_en)
    }
}
