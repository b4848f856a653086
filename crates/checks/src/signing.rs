//! What a machine cannot check: tasks for persons (人工检测), and what they sign. Per batch, carrier or system, never per item.

use std::collections::BTreeSet;

use dengbei_records::{ItemId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{CheckId, Scope};

/// What a person is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// For which check.
    pub check: CheckId,
    /// What it looks at.
    pub scope: Scope,
    /// Number of the batch, carrier or system.
    pub of: String,
    /// What to do, Chinese
    pub task: String,
    /// What to do, English
    pub task_en: String,
    /// Persons who sign.
    pub persons: usize,
    /// Who has signed so far.
    pub signed_by: Vec<String>,
    /// The items to look at, where it is a sample.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemId>,
}

impl Task {
    /// Whether somebody must still sign.
    pub fn is_outstanding(&self) -> bool {
        self.signed_by.len() < self.persons
    }
}

/// A person's finding on a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// Which check.
    pub check: CheckId,
    /// Who.
    pub person: String,
    /// When.
    pub at: Timestamp,
    /// Whether it is in order.
    pub is_in_order: bool,
    /// What was seen; asked for when it is not in order.
    pub note: String,
}

/// Different persons who signed a check, in order, and what they found wrong.
pub(crate) fn of(check: CheckId, signed: &[Signed]) -> (Vec<String>, Vec<&Signed>) {
    let of_it = || signed.iter().filter(|s| s.check == check && !s.person.trim().is_empty());
    let mut seen = BTreeSet::new();
    let persons = of_it().filter(|s| seen.insert(s.person.as_str())).map(|s| s.person.clone()).collect();
    (persons, of_it().filter(|s| !s.is_in_order).collect())
}
