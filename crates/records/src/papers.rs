//! Papers as data: what certificates and forms say, before anyone draws them. Canonical JSON, sealed over its digest.
//!
//! Fields follow domain.md 3.4 (forms) and 3.5 (certificate). Amounts are counts and bytes; `gigabytes` is what the
//! form prints (10^9 bytes, three decimals). Days are `2026-11-22`, moments RFC 3339 with +08:00. `registration` makes
//! them, `papers` draws them, `evidence` checks their seals.

use serde::{Deserialize, Serialize};

use crate::{Invalid, Sha256, canonical};

/// A paper with the seals and signatures under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed<T> {
    /// What kind of paper: [`CERTIFICATE`], [`HANDOVER`], …
    pub paper: String,
    /// What it says.
    pub body: T,
    /// Who stands for it, in the order of signing.
    pub seals: Vec<Seal>,
}

/// 登记证书
pub const CERTIFICATE: &str = "certificate/1";
/// 登记申请表
pub const APPLICATION: &str = "application/1";
/// 登记决定
pub const DECISION: &str = "decision/1";
/// 电子档案移交与接收登记表
pub const HANDOVER: &str = "handover/1";
/// 电子档案数字摘要表
pub const DIGESTS: &str = "digests/1";
/// 移交目录
pub const CATALOGUE: &str = "catalogue/1";
/// 归档电子文件登记表
pub const FILING: &str = "filing/1";
/// Media type of every paper's data.
pub const MEDIA_TYPE: &str = "application/vnd.dengbei.paper+json";

/// One signature of a person, or one seal of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// `unit.filled_by`, `unit.reviewed_by`, `unit.seal`, `archive.…`, `administration.seal`.
    pub role: String,
    /// The person or body, as printed.
    pub name: String,
    /// When, RFC 3339 +08:00.
    pub at: String,
    /// `Ed25519` or `SM2-SM3` (GB/T 32918, user id `1234567812345678`).
    pub algorithm: String,
    /// Public key, hex: 32 bytes, or 65 bytes (uncompressed point).
    pub key: String,
    /// Signature over [`Seal::text`], hex: 64 bytes (for SM2 r ‖ s).
    pub value: String,
}

impl Seal {
    /// The text that is signed: paper, digest of the canonical body, role, name and moment, one a line.
    pub fn text(paper: &str, body: &Sha256, role: &str, name: &str, at: &str) -> String {
        format!("dengbei/paper/v1\n{paper}\n{body}\n{role}\n{name}\n{at}\n")
    }
}

impl<T: Serialize> Sealed<T> {
    /// SHA-256 of the canonical body: what every seal signs.
    ///
    /// # Errors
    /// [`Invalid`] when the body is no canonical JSON.
    pub fn body_digest(&self) -> Result<Sha256, Invalid> {
        Ok(Sha256::of(&canonical::to_vec(&self.body)?))
    }
}

/// A body of government as papers name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// 名称
    pub name: String,
    /// 统一社会信用代码, or 行政区划 of an administration; may be empty.
    pub code: String,
    /// 全宗号 of a unit, 层级 of an administration.
    pub mark: String,
}

/// 登记证书 (domain.md 3.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// 证书号
    pub certificate_no: String,
    /// 登记号
    pub registration_no: String,
    /// 登记机关
    pub administration: Body,
    /// 登记单位
    pub unit: Body,
    /// 登记类型, 批次登记
    pub kind: String,
    /// 批次 (UUID)
    pub batch: String,
    /// 年度
    pub year: u16,
    /// 登记范围, a sentence.
    pub scope: String,
    /// 件数
    pub items: u32,
    /// 文件数
    pub files: u64,
    /// 数据量
    pub bytes: u64,
    /// 摘要清单根 over the packs' digests, SM3.
    pub digest_root: Root,
    /// The log's root over the batch's filing events, SHA-256.
    pub event_root: String,
    /// 存储包 of the batch.
    pub packs: Vec<PackLine>,
    /// 检测报告: digest and scheme of each.
    pub checks: Vec<CheckLine>,
    /// 备份副本
    pub copies: Vec<CopyLine>,
    /// 登记日期
    pub registered_on: String,
    /// 有效期至, the next 年度登记.
    pub valid_until: String,
    /// 使用条件
    pub conditions: String,
    /// 签发人
    pub signer: String,
    /// 签发时间
    pub issued_at: String,
    /// 核验地址, a path of the door: `/verify?certificate=…`.
    pub verify_at: String,
}

/// A Merkle root with its algorithm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// `RFC6962-SM3`: leaf SM3(0x00 ‖ digest), node SM3(0x01 ‖ left ‖ right).
    pub algorithm: String,
    /// Hex.
    pub value: String,
}

/// One pack on a paper (备份情况表, 数字摘要表).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackLine {
    /// 载体(包)编号
    pub pack: u64,
    /// 形式: 在线
    pub form: String,
    /// 内容说明
    pub content: String,
    /// 件数
    pub items: u32,
    /// `SHA-256`
    pub algorithm: String,
    /// 数字摘要, hex.
    pub digest: String,
    /// 实际容量
    pub bytes: u64,
    /// 实际容量(GB), three decimals.
    pub gigabytes: String,
}

/// A check report that a paper names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckLine {
    /// SHA-256 of the report.
    pub report: String,
    /// 检测方案 id/version
    pub scheme: String,
    /// 环节: G, Y.
    pub stage: String,
}

/// A site's backup of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopyLine {
    /// 备份点
    pub site: String,
    /// primary, archive, remote, offline
    pub class: String,
    /// 载体: 在线
    pub carrier: String,
    /// 存储包 that it signed for.
    pub packs: Vec<u64>,
    /// Its Ed25519 key, hex.
    pub key: String,
}

/// 登记申请表 with 备份情况表.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// 批次 (UUID)
    pub batch: String,
    /// 申请单位
    pub unit: Body,
    /// 登记类型
    pub kind: String,
    /// 年度
    pub year: u16,
    /// 登记范围
    pub scope: String,
    /// 件数
    pub items: u32,
    /// 文件数
    pub files: u64,
    /// 数据量
    pub bytes: u64,
    /// 备份情况表
    pub packs: Vec<PackLine>,
    /// 填表人
    pub filled_by: String,
    /// 审核人
    pub reviewed_by: String,
    /// 申请时间
    pub applied_at: String,
    /// 依据: the unit's rule, or by hand.
    pub grounds: String,
}

/// 登记决定.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// 批次 (UUID)
    pub batch: String,
    /// 登记号; empty when declined.
    pub registration_no: String,
    /// 登记机关
    pub administration: Body,
    /// 受理人
    pub accepted_by: String,
    /// 审核人, another person.
    pub reviewed_by: String,
    /// 技术检测: what was compared, and how it came out.
    pub technical_check: Vec<String>,
    /// 予以登记 or not.
    pub is_registered: bool,
    /// Codes, when declined.
    pub reasons: Vec<String>,
    /// 意见
    pub opinion: String,
    /// 决定时间
    pub decided_at: String,
}

/// 电子档案移交与接收登记表 (domain.md 3.4). Two copies (一式两份).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handover {
    /// 移交号
    pub transfer_no: String,
    /// 交接工作名称: unit or fonds, year, batch.
    pub title: String,
    /// 内容描述
    pub content: String,
    /// 移交电子档案数量(件)
    pub items: u32,
    /// 文件数
    pub files: u64,
    /// 移交数据量
    pub bytes: u64,
    /// 移交数据量(GB), three decimals.
    pub gigabytes: String,
    /// 载体起止顺序号
    pub carriers: String,
    /// 移交载体类型、规格: 在线
    pub carrier: String,
    /// 检验内容 by property, each side's finding.
    pub checks: Vec<HandoverCheck>,
    /// 移交单位
    pub unit: Side,
    /// 接收单位
    pub archive: Side,
    /// 份数
    pub copies: u8,
    /// SHA-256 of the 移交目录.
    pub catalogue: String,
    /// RFC 6962 root over the items' filing events, hex.
    pub root: String,
    /// 电子档案数字摘要表
    pub digests: DigestTable,
}

/// 检验内容: one line of the 登记表.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandoverCheck {
    /// 准确性, 完整性, 可用性, 安全性, 载体外观, 数字摘要
    pub property: String,
    /// 移交单位检验
    pub unit: String,
    /// 接收单位检验
    pub archive: String,
}

/// One side of a handover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// The body.
    pub body: Body,
    /// 填表人
    pub filled_by: String,
    /// 审核人
    pub reviewed_by: String,
    /// 日期
    pub on: String,
}

/// 电子档案数字摘要表.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestTable {
    /// 单位名称
    pub unit: String,
    /// One row a carrier (pack).
    pub rows: Vec<PackLine>,
}

/// 移交目录: what was handed over, in the order of the transfer's member list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// 移交号
    pub transfer_no: String,
    /// 32 random bytes, hex: titles are not guessable from the digest.
    pub salt: String,
    /// One row an item.
    pub rows: Vec<CatalogueRow>,
}

/// One row of a 移交目录.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueRow {
    /// 档号
    pub archival_code: String,
    /// 题名
    pub title: String,
    /// 日期 of closing
    pub closed_on: String,
    /// 保管期限
    pub retention: String,
    /// 密级
    pub security: String,
    /// 文件数
    pub files: u32,
    /// 大小
    pub bytes: u64,
    /// 存储包
    pub pack: u64,
    /// SHA-256 of record.json, hex.
    pub record: String,
}

/// 归档电子文件登记表 (domain.md 3.4), of one filing batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filing {
    /// 单位名称
    pub unit: Body,
    /// 归档时间
    pub filed_at: String,
    /// 门类
    pub category: String,
    /// 年度, 保管期限
    pub class: String,
    /// 数量: 件
    pub items: u32,
    /// 数量: 字节
    pub bytes: u64,
    /// 归档方式
    pub method: String,
    /// 检验: 载体外观, 病毒, 真实性, 可靠性, 完整性, 可用性 with the finding.
    pub checks: Vec<(String, String)>,
    /// 技术方法与说明
    pub technique: String,
    /// 档号起止
    pub codes: String,
    /// 存储包
    pub pack: PackLine,
}

/// `1234567` bytes as a form prints them: `0.001` (10^9 bytes, three decimals, never 0.000 for something).
pub fn gigabytes(bytes: u64) -> String {
    let thousandths = bytes.div_ceil(1_000_000);
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gigabytes_have_three_decimals_and_nothing_is_lost() {
        assert_eq!(gigabytes(0), "0.000");
        assert_eq!(gigabytes(1), "0.001");
        assert_eq!(gigabytes(447_000_000_000), "447.000");
        assert_eq!(gigabytes(1_540_000), "0.002");
    }
}
