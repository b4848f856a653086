//! 四性检测: the verdict of one run. Items that passed together are one event; an item that failed is its own.
//!
//! Before: `fixity/src/check.rs`. After: `registration/src/decide.rs` files or returns.

use dengbei_proto::v1;
use dengbei_records::{DataVersion, ItemId, Sha256};

use super::{DocumentRef, ReadError};

/// A run of the four-property checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemChecked {
    /// Stage: `P`, `G`, `Y`, `C`.
    pub stage: String,
    /// 检测方案: `id/version`.
    pub scheme: String,
    /// Engine build.
    pub engine: String,
    /// What came out.
    pub verdict: Verdict,
    /// 检测报告, which also lists the members of a passed run ([`crate::MemberList`]).
    pub report: DocumentRef,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// 通过, for all members.
    Passed {
        /// 件数
        count: u32,
        /// RFC 6962 root over the members' `item.prefiled` hashes, in the report's order.
        root: Sha256,
    },
    /// 不通过, for one item.
    Failed {
        /// 对象标识
        item: ItemId,
        /// 数据版本
        data_version: DataVersion,
        /// Check ids.
        failed: Vec<String>,
    },
}

impl ItemChecked {
    pub(super) fn read(p: v1::ItemChecked) -> Result<Self, ReadError> {
        use v1::item_checked::Verdict as Wire;
        let verdict = match p.verdict.ok_or(ReadError::Missing("verdict"))? {
            Wire::Passed(w) => Verdict::Passed { count: w.count, root: Sha256::from_slice(&w.root)? },
            Wire::Failed(w) => Verdict::Failed {
                item: ItemId::from_slice(&w.item)?,
                data_version: w.data_version.try_into()?,
                failed: w.failed,
            },
        };
        let report = DocumentRef::read(p.report)?;
        Ok(Self { stage: p.stage, scheme: p.scheme, engine: p.engine, verdict, report })
    }

    pub(super) fn write(&self) -> v1::ItemChecked {
        use v1::item_checked::{Failed, Passed, Verdict as Wire};
        let verdict = match &self.verdict {
            Verdict::Passed { count, root } => {
                Wire::Passed(Passed { count: *count, root: root.as_bytes().to_vec().into() })
            }
            Verdict::Failed { item, data_version, failed } => Wire::Failed(Failed {
                item: item.as_bytes().to_vec().into(),
                data_version: data_version.get(),
                failed: failed.clone(),
            }),
        };
        v1::ItemChecked {
            stage: self.stage.clone(),
            scheme: self.scheme.clone(),
            engine: self.engine.clone(),
            verdict: Some(verdict),
            report: Some(self.report.write()),
        }
    }
}
