//! What a validator says, in the one shape that the command line prints (design 8).

use serde::{Deserialize, Serialize};

/// The word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing found.
    Valid,
    /// Usable, with remarks.
    Warning,
    /// Could not be judged: something was unreadable.
    Unverifiable,
    /// Wrong.
    Invalid,
}

/// A verdict with its codes (each once, sorted) and one line of detail per finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The word.
    pub verdict: Outcome,
    /// Codes of the findings, errors and warnings.
    pub codes: Vec<String>,
    /// A line for each finding, code first.
    pub detail: Vec<String>,
}

impl Verdict {
    /// Whether a script should go on: valid, or valid with remarks.
    pub const fn is_acceptable(&self) -> bool {
        matches!(self.verdict, Outcome::Valid | Outcome::Warning)
    }

    /// A verdict from findings `(outcome, code, detail)`: the worst outcome wins.
    pub fn from_findings<'a>(findings: impl IntoIterator<Item = (Outcome, &'a str, &'a str)>) -> Self {
        let mut out = Self { verdict: Outcome::Valid, codes: Vec::new(), detail: Vec::new() };
        for (outcome, code, detail) in findings {
            out.verdict = out.verdict.max(outcome);
            out.codes.push(code.to_owned());
            out.detail.push(format!("{code} {detail}"));
        }
        out.codes.sort_unstable();
        out.codes.dedup();
        out
    }
}
