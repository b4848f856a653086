//! 人工检测: a person looked at what a machine cannot check, and signs.
//!
//! Before: `fixity/src/desk/sign.rs`; the event's actor is the person, blinded. After: registration keeps its document.

use dengbei_proto::v1;
use dengbei_records::Sha256;

use super::{DocumentRef, ReadError};

/// 人工检测: a person looked at what a machine cannot check, and signs. Never changed; others sign beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckSigned {
    /// `batch`, `carrier`, `system`.
    pub scope: String,
    /// Number of the task.
    pub number: String,
    /// Stage: `G`, `Y`, `C`.
    pub stage: String,
    /// Check id.
    pub check: String,
    /// Whether it was found in order.
    pub is_in_order: bool,
    /// SHA-256 of the report that asks for it.
    pub report: Sha256,
    /// Who, when, what was seen.
    pub finding: DocumentRef,
}

impl CheckSigned {
    pub(super) fn read(p: v1::CheckSigned) -> Result<Self, ReadError> {
        Ok(Self {
            scope: p.scope,
            number: p.number,
            stage: p.stage,
            check: p.check,
            is_in_order: p.in_order,
            report: Sha256::from_slice(&p.report)?,
            finding: DocumentRef::read(p.finding)?,
        })
    }

    pub(super) fn write(&self) -> v1::CheckSigned {
        v1::CheckSigned {
            scope: self.scope.clone(),
            number: self.number.clone(),
            stage: self.stage.clone(),
            check: self.check.clone(),
            in_order: self.is_in_order,
            report: self.report.as_bytes().to_vec().into(),
            finding: Some(self.finding.write()),
        }
    }
}
