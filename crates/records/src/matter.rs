//! 事项: what a unit does for citizens, with the filing scope and retention in force (归档范围和保管期限表).

use serde::{Deserialize, Serialize};

use crate::{MatterCode, Retention, UnitCode};

/// One version of one matter's filing table, as `matter publish` reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matter {
    /// 权力事项编码
    pub matter_code: MatterCode,
    /// 权力事项名称
    pub matter_name: String,
    /// 事项类型, two digits
    pub event_type: String,
    /// 立档单位名称
    pub unit_name: String,
    /// 统一社会信用代码
    pub unit_uscc: UnitCode,
    /// 保管期限
    pub retention: Retention,
    /// 归档范围版本; a version is published once and never changed
    pub scope_version: String,
    /// First day in force, `YYYY-MM-DD`: items closed from then on file by it
    pub in_force_from: String,
    /// 归档范围
    pub scope: Vec<ScopeRow>,
}

/// One material of a filing scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeRow {
    /// 产生阶段: 01 申报 02 受理 03 审批 04 办结 05 送达
    pub phase: String,
    /// 归档范围名: 申请材料, 结果材料, …
    pub range: String,
    /// 归档材料名称
    pub material: String,
    /// 必要 or not
    pub necessary: bool,
    /// 归档形式
    pub form: FilingForm,
}

/// 归档形式.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilingForm {
    /// 电子归档
    Electronic,
    /// 纸质归档: a row without a file is a fact, not a fault
    Paper,
    /// 双套
    Both,
}
