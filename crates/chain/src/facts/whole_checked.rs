//! 整体检测: what is not per item was checked: a batch, a carrier, the system.
//!
//! Before: `fixity/src/wholes/`. After: registration keeps its report for the packs; persons sign its tasks (`check.signed`).

use dengbei_proto::v1;

use super::{DocumentRef, ReadError};

/// 整体检测: what is not per item was checked: a batch, a carrier, the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeChecked {
    /// `batch`, `carrier`, `system`.
    pub scope: String,
    /// Number of the batch or carrier, day or month of the system.
    pub number: String,
    /// Stage: `G`, `Y`, `C`.
    pub stage: String,
    /// 检测方案: `id/version`.
    pub scheme: String,
    /// Engine build.
    pub engine: String,
    /// `passed`, `failed`, `unverifiable`, `unsigned`: before anybody signed.
    pub verdict: String,
    /// 检测报告, with the tasks of persons and the sample.
    pub report: DocumentRef,
}

impl WholeChecked {
    pub(super) fn read(p: v1::WholeChecked) -> Result<Self, ReadError> {
        Ok(Self {
            scope: p.scope,
            number: p.number,
            stage: p.stage,
            scheme: p.scheme,
            engine: p.engine,
            verdict: p.verdict,
            report: DocumentRef::read(p.report)?,
        })
    }

    pub(super) fn write(&self) -> v1::WholeChecked {
        v1::WholeChecked {
            scope: self.scope.clone(),
            number: self.number.clone(),
            stage: self.stage.clone(),
            scheme: self.scheme.clone(),
            engine: self.engine.clone(),
            verdict: self.verdict.clone(),
            report: Some(self.report.write()),
        }
    }
}
