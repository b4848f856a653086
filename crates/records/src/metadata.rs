//! The canonical metadata of one service item (domain.md 8b), as text: what was received, under one name a key.
//!
//! Values stay as they came (trimmed), also wrong ones, so that a check can show what is wrong. Typed reading
//! happens in `checks` and at filing.

use serde::{Deserialize, Serialize};

use crate::{Sha512, Sm3};

/// Metadata keys of domain.md 8b. Empty text = not carried by the package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// 办件编号 (projid)
    pub proj_id: String,
    /// 电子文件号 (documentnumber)
    pub record_no: String,
    /// 立档单位名称 (deptname)
    pub unit_name: String,
    /// 统一社会信用代码 (organizationcode)
    pub unit_uscc: String,
    /// 部门编码 (deptid)
    pub dept_code: String,
    /// 行政区划 (areacode)
    pub area_code: String,
    /// 保管期限 (retentionperiod), the sender's words
    pub retention: String,
    /// 题名 (projectname)
    pub title: String,
    /// 权力事项编码 (servicecode)
    pub service_code: String,
    /// 权力事项名称 (servicename)
    pub service_name: String,
    /// 权力事项类型 (eventtype)
    pub event_type: String,
    /// 办件类型 (servicetype): 承诺件, 即办件
    pub handle_kind: String,
    /// 申请人类型: 1 个人 2 法人 3 其他组织
    pub applicant_type: String,
    /// 行政相对人名称 (applyname)
    pub applicant_name: String,
    /// 证件类型 (GA/T 517): 111, 001, …
    pub applicant_id_type: String,
    /// 证件号码 (contactidcard)
    pub applicant_id_no: String,
    /// 手机 (mobile)
    pub applicant_mobile: String,
    /// 地址 (address)
    pub applicant_addr: String,
    /// 申请时间 (applytime)
    pub apply_time: String,
    /// 受理时间 (receivetime)
    pub accept_time: String,
    /// 办结时间 (transacttime)
    pub close_time: String,
    /// 归档时间 as sent (archivetime)
    pub archive_time: String,
    /// 办理结果 (result)
    pub result: String,
    /// 结果/证照编号
    pub result_no: String,
    /// 责任者 (receivedepartmentname)
    pub responsible: String,
    /// 密级: 0 公开, 1 限制, 2 秘密, 3 机密, 4 绝密
    pub security: String,
    /// 语种
    pub lang: String,
    /// 办理流程
    pub steps: Vec<Step>,
    /// Elements of the package that have no key here: element → text, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<(String, String)>,
}

/// One step of the handling process (办理流程).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// 环节: 申请, 受理, 审核, 决定, 办结, …
    pub node: String,
    /// 人
    pub actor: String,
    /// 意见
    pub opinion: String,
    /// 时间, as sent
    pub time: String,
}

/// One row of the filing table, with its file if it has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// 文档序号, from 1, in the order of the filing table
    pub order: u32,
    /// 产生阶段 01…05
    pub phase: String,
    /// 归档范围名
    pub range: String,
    /// 归档材料名称 (the file's name without its ending)
    pub material: String,
    /// 必要
    pub necessary: bool,
    /// 归档形式: 1 电子 2 纸质 3 双套
    pub filing_form: String,
    /// 来源方式: 1 原生 …
    pub origin: String,
    /// 主文档
    pub main: bool,
    /// The file; `None` for paper rows.
    pub file: Option<StoredFile>,
}

/// A received file: where it lay in the package, where it lies in the object, and its digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// The received path inside the package, NFC, `/` between parts.
    pub path: String,
    /// The ASCII content path inside the object: `files/0001.pdf`.
    pub content: String,
    /// Bytes
    pub bytes: u64,
    /// Format by content (`ofd`, `pdf/1.4`, `xml`)
    pub format: String,
    /// SHA-512 of the stored bytes
    pub sha512: Sha512,
    /// SM3 of the stored bytes
    pub sm3: Sm3,
}
