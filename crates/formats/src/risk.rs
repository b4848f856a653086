//! 格式风险登记: how well each format is expected to last, in our own words, with what to change it into.
//!
//! Data for the checks of long-term use (U-05) and of allowed formats (U-03); what is allowed per material is the
//! scheme's business. A judgement is about decades: who may write readers for it, who owns it, what it hides. The register
//! has a version, because a run records it; rows are only added or changed with a new one.

use serde::Serialize;

use crate::content::Kind;
use crate::identify::Identification;

/// Version of the register; runs record it.
pub const VERSION: u32 = 1;

/// How a format is expected to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Suitability {
    /// 长期适用
    LongTerm,
    /// 建议迁移
    Migrate,
    /// 高风险
    HighRisk,
}

impl Suitability {
    /// The office's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::LongTerm => "长期适用",
            Self::Migrate => "建议迁移",
            Self::HighRisk => "高风险",
        }
    }
}

/// One judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Risk {
    /// What it comes to.
    pub suitability: Suitability,
    /// Why, Chinese.
    pub reason: &'static str,
    /// Why, English.
    pub reason_en: &'static str,
    /// What to change it into; empty where it may stay.
    pub target: &'static str,
}

const fn stays(reason: &'static str, reason_en: &'static str) -> Risk {
    Risk { suitability: Suitability::LongTerm, reason, reason_en, target: "" }
}

const fn migrate(reason: &'static str, reason_en: &'static str, target: &'static str) -> Risk {
    Risk { suitability: Suitability::Migrate, reason, reason_en, target }
}

const fn high(reason: &'static str, reason_en: &'static str, target: &'static str) -> Risk {
    Risk { suitability: Suitability::HighRisk, reason, reason_en, target }
}

/// Rows by PRONOM's id: where a version weighs more than the kind. They go before the kinds.
const BY_PUID: &[(&[&str], Risk)] = &[
    (
        &["fmt/95", "fmt/354", "fmt/476", "fmt/477", "fmt/478", "fmt/1910"],
        stays(
            "PDF/A：自包含、无加密、国际标准",
            "PDF/A: self-contained, never encrypted, an international standard",
        ),
    ),
    (
        &["fmt/479", "fmt/480", "fmt/481", "fmt/1911", "fmt/1912"],
        migrate(
            "PDF/A-3、PDF/A-4e/4f 可嵌入任意文件，嵌入的内容另行评估",
            "PDF/A-3, 4e and 4f may carry any file inside, to be judged apart",
            "OFD、PDF/A-2",
        ),
    ),
    (
        &["fmt/494", "fmt/754", "fmt/755"],
        high(
            "需要打开密码，密码遗失即不可读",
            "asks for a password: once lost, nothing can be read",
            "去除密码后转为 OFD、PDF/A",
        ),
    ),
    (
        &[
            "fmt/523", "fmt/599", "fmt/445", "fmt/595", "fmt/627", "fmt/628", "fmt/487", "fmt/630",
            "fmt/632", "fmt/633", "fmt/636",
        ],
        high(
            "含宏的办公文件，内容随程序变化",
            "an office file with macros: what it shows may change",
            "OFD、PDF/A",
        ),
    ),
    (
        &["fmt/39", "fmt/59", "x-fmt/88", "fmt/125", "fmt/37", "fmt/38"],
        high(
            "早期办公软件格式，现行软件多不支持",
            "a format of early office software that few programs still open",
            "OFD、PDF/A",
        ),
    ),
];

/// Rows by kind.
const BY_KIND: &[(Kind, Risk)] = &[
    (Kind::Ofd, stays("国家标准（GB/T 33190）版式文件", "a national standard for fixed layout (GB/T 33190)")),
    (
        Kind::Pdf,
        stays(
            "公开的国际标准版式文件；以 PDF/A 为好",
            "an open international standard for fixed layout; PDF/A is better",
        ),
    ),
    (Kind::Tiff, stays("公开、无损、读取程序多", "open, lossless, read by many programs")),
    (
        Kind::Jpeg,
        stays(
            "公开的国际标准，读取程序多；有损，不宜反复编辑",
            "an open international standard read by many programs; lossy, so not to be edited again",
        ),
    ),
    (Kind::Png, stays("公开的国际标准，无损", "an open international standard, lossless")),
    (
        Kind::Jp2,
        stays(
            "公开的国际标准，可无损；读取程序较少",
            "an open international standard that may be lossless; fewer programs read it",
        ),
    ),
    (
        Kind::Text,
        stays(
            "纯文本，任何程序可读；须记明字符编码",
            "plain text that any program reads; its encoding must be recorded",
        ),
    ),
    (Kind::Xml, stays("公开标准的结构化文本", "structured text by an open standard")),
    (Kind::Wav, stays("公开、未压缩", "open, uncompressed")),
    (Kind::Flac, stays("公开、无损压缩", "open, compressed without loss")),
    (
        Kind::Mp3,
        stays(
            "公开的国际标准，读取程序多；有损",
            "an open international standard read by many programs; lossy",
        ),
    ),
    (
        Kind::Mp4,
        stays(
            "公开的国际标准；其中的编码另须记明",
            "an open international standard; the codings inside must be recorded",
        ),
    ),
    (
        Kind::Mpeg,
        stays("公开的国际标准，用于音像档案多年", "an open international standard, long used for film"),
    ),
    (
        Kind::Avi,
        migrate(
            "容器老旧，其中的编码多为厂商私有",
            "an old container whose codings often belong to a vendor",
            "MP4（H.264）",
        ),
    ),
    (Kind::Gif, migrate("只有 256 色，图像质量受限", "256 colours only", "PNG、TIFF")),
    (
        Kind::Bmp,
        migrate("厂商格式，无压缩、无校验", "a vendor's format without compression or checks", "TIFF、PNG"),
    ),
    (
        Kind::Rtf,
        migrate(
            "厂商格式，显示随软件变化",
            "a vendor's format that looks different in each program",
            "OFD、PDF/A",
        ),
    ),
    (
        Kind::Docx,
        migrate(
            "可编辑，显示随软件和字体变化",
            "editable; it looks different with each program and font",
            "OFD、PDF/A",
        ),
    ),
    (
        Kind::Xlsx,
        migrate(
            "可编辑，公式结果随软件变化",
            "editable; results of formulas depend on the program",
            "OFD、PDF/A；数据另存 CSV、XML",
        ),
    ),
    (
        Kind::Pptx,
        migrate(
            "可编辑，动画和媒体随软件变化",
            "editable; animation and media depend on the program",
            "OFD、PDF/A",
        ),
    ),
    (
        Kind::Odf,
        migrate(
            "公开标准，但可编辑，显示随软件变化",
            "an open standard, yet editable and different in each program",
            "OFD、PDF/A",
        ),
    ),
    (
        Kind::Ole2,
        high(
            "厂商二进制格式，已停止发展，常含宏",
            "a vendor's binary format no longer developed, often with macros",
            "OFD、PDF/A",
        ),
    ),
    (Kind::Html, migrate("依赖外部文件和浏览器", "needs files elsewhere, and a browser", "OFD、PDF/A、WARC")),
    (
        Kind::Eml,
        migrate(
            "公开标准，附件另须评估",
            "an open standard; attachments must be judged apart",
            "OFD、PDF/A，附件分别归档",
        ),
    ),
    (
        Kind::Dwg,
        high(
            "厂商私有格式，每隔几年换版本",
            "a vendor's own format that changes every few years",
            "DXF，并同时归档 OFD、PDF/A",
        ),
    ),
    (
        Kind::Dxf,
        migrate(
            "厂商公开的交换格式，版本多",
            "a vendor's published exchange format of many versions",
            "同时归档 OFD、PDF/A",
        ),
    ),
    (
        Kind::Shp,
        migrate(
            "公布的厂商格式，须三个文件同在",
            "a vendor's published format; three files must stay together",
            "GML、GeoPackage",
        ),
    ),
    (Kind::Wps, high("厂商私有格式，内部结构未公开", "a vendor's own format, never published", "OFD、PDF/A")),
    (Kind::Ceb, high("厂商私有格式，须专用阅读器", "a vendor's own format that needs its viewer", "OFD")),
    (Kind::Gd, high("厂商私有格式，须专用阅读器", "a vendor's own format that needs its viewer", "OFD")),
    (
        Kind::Zip,
        migrate(
            "压缩包：内容须逐个评估",
            "an archive: its content must be judged one by one",
            "解开后逐个归档",
        ),
    ),
    (
        Kind::Tar,
        migrate(
            "归档包：内容须逐个评估",
            "an archive: its content must be judged one by one",
            "解开后逐个归档",
        ),
    ),
    (Kind::Gzip, migrate("压缩文件", "a compressed file", "解开后归档")),
    (Kind::Rar, high("私有压缩格式", "a private way of compression", "解开后逐个归档")),
    (
        Kind::SevenZip,
        high("压缩方法多、常加密", "many ways of compression, often encrypted", "解开后逐个归档"),
    ),
    (Kind::Exe, high("程序，不是档案内容", "a program is no record", "删去，或归档其说明文件")),
    (Kind::Elf, high("程序，不是档案内容", "a program is no record", "删去，或归档其说明文件")),
    (Kind::Script, high("程序，不是档案内容", "a program is no record", "删去，或归档其说明文件")),
    (
        Kind::Unknown,
        high(
            "格式不明，日后无法保证可读",
            "an unknown format: nobody can promise that it will be read",
            "OFD、PDF/A",
        ),
    ),
];

/// The register's judgement of a file; `None` for an empty one, which is another check's.
pub fn risk_of(kind: Kind, told: &Identification) -> Option<&'static Risk> {
    let puid = told.puid.as_deref().unwrap_or_default();
    let by_puid = BY_PUID.iter().find(|(puids, _)| puids.contains(&puid)).map(|(_, risk)| risk);
    by_puid.or_else(|| BY_KIND.iter().find(|(k, _)| *k == kind).map(|(_, risk)| risk))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identify::Signatures;

    fn told(puid: &str) -> Identification {
        Identification { puid: Some(puid.to_owned()), ..Identification::default() }
    }

    #[test]
    fn what_is_not_for_the_long_term_has_a_target() {
        let all = BY_PUID.iter().map(|(_, risk)| risk).chain(BY_KIND.iter().map(|(_, risk)| risk));
        for risk in all {
            assert_eq!(risk.target.is_empty(), risk.suitability == Suitability::LongTerm, "{risk:?}");
            assert!(!risk.reason.is_empty() && !risk.reason_en.is_empty());
        }
    }

    #[test]
    fn every_kind_of_file_is_judged_once() {
        let mut kinds: Vec<Kind> = BY_KIND.iter().map(|(kind, _)| *kind).collect();
        let count = kinds.len();
        kinds.dedup();
        assert_eq!(kinds.len(), count);
        assert!(Kind::all().filter(|k| *k != Kind::Empty).all(|k| kinds.contains(&k)));
    }

    #[test]
    fn a_version_weighs_more_than_its_kind() {
        let suitability = |kind, puid: &str| risk_of(kind, &told(puid)).unwrap().suitability;
        assert_eq!(suitability(Kind::Pdf, "fmt/18"), Suitability::LongTerm);
        assert_eq!(suitability(Kind::Pdf, "fmt/480"), Suitability::Migrate);
        assert_eq!(suitability(Kind::Docx, "fmt/412"), Suitability::Migrate);
        assert_eq!(suitability(Kind::Docx, "fmt/523"), Suitability::HighRisk);
        assert!(risk_of(Kind::Empty, &Identification::default()).is_none());
    }

    #[test]
    fn every_id_of_the_register_is_one_of_the_table() {
        for puid in BY_PUID.iter().flat_map(|(puids, _)| *puids) {
            assert!(Signatures::builtin().knows(puid), "{puid}");
        }
    }
}
