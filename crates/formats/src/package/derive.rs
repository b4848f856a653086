//! What packages do not carry and the profile gives (samples/README): every rule leaves a [`Derivation`] behind.

use dengbei_records::{Derivation, Metadata};
use unicode_normalization::UnicodeNormalization as _;

pub(super) fn nfc(text: &str) -> String {
    text.nfc().collect()
}

/// Collects derivations while filling empty values.
pub(super) struct Derived(pub(super) Vec<Derivation>);

impl Derived {
    fn note(&mut self, key: &str, rule: &str) {
        self.0.push(Derivation { key: key.to_owned(), rule: rule.to_owned() });
    }

    /// Fills an empty value, unless there is nothing to fill it with.
    fn fill(&mut self, value: &mut String, key: &str, derived: &str, rule: &str) {
        if value.is_empty() && !derived.is_empty() {
            derived.clone_into(value);
            self.note(key, rule);
        }
    }
}

/// Fills what the package does not say.
pub(super) fn derive(metadata: &mut Metadata, has_version: bool, has_rows: bool) -> Vec<Derivation> {
    let mut d = Derived(Vec::new());
    if !has_version {
        d.note("data_version", "包内无数据版本（DATAVERSION），按 1");
    }
    let kind = id_kind(&metadata.applicant_id_no);
    let id_type = kind.map_or("", |k| k.0);
    let applicant_type = kind.map_or("", |k| k.1);
    d.fill(
        &mut metadata.applicant_id_type,
        "applicant_id_type",
        id_type,
        "按证件号码的形式判定证件类型（GA/T 517）",
    );
    d.fill(
        &mut metadata.applicant_type,
        "applicant_type",
        applicant_type,
        "按证件号码的形式判定：统一社会信用代码为法人，其余为个人",
    );
    d.fill(&mut metadata.security, "security", "0", "包内无密级，按公开");
    d.fill(&mut metadata.lang, "lang", "zh", "包内无语种，按汉语");
    let area = metadata
        .dept_code
        .get(..6)
        .filter(|a| a.bytes().all(|b| b.is_ascii_digit()))
        .unwrap_or("")
        .to_owned();
    d.fill(&mut metadata.area_code, "area_code", &area, "取部门编码（deptid）前六位");
    let applied = step_time(metadata, &["申请", "申报", "收件"]);
    d.fill(&mut metadata.apply_time, "apply_time", &applied, "取办理流程中申请环节的时间");
    let responsible = metadata.unit_name.clone();
    d.fill(&mut metadata.responsible, "responsible", &responsible, "包内无承办单位，取立档单位名称");
    if has_rows {
        d.note("files.origin", "包内无来源方式，按原生");
        d.note("files.main", "包内无主从声明，每一归档范围的第一个文件为主文档");
        d.note("files.phase", "按归档范围名判定产生阶段");
    }
    d.0
}

fn step_time(metadata: &Metadata, nodes: &[&str]) -> String {
    metadata
        .steps
        .iter()
        .find(|s| nodes.contains(&s.node.as_str()))
        .map(|s| s.time.clone())
        .unwrap_or_default()
}

/// (证件类型, 申请人类型) from the form of the number; its check character is judged by the checks, not here.
fn id_kind(number: &str) -> Option<(&'static str, &'static str)> {
    let b = number.as_bytes();
    let all = |b: &[u8], f: fn(&u8) -> bool| b.iter().all(f);
    Some(match b.len() {
        0 => return None,
        18 if all(&b[..17], u8::is_ascii_digit)
            && is_citizen_birth(number)
            && (b[17].is_ascii_digit() || b[17] == b'X' || b[17] == b'x') =>
        {
            ("111", "1")
        }
        18 if all(b, u8::is_ascii_alphanumeric) => ("001", "2"),
        15 if all(b, u8::is_ascii_digit) && !is_registration(number) => ("111", "1"),
        9 | 11 if matches!(b[0], b'H' | b'M' | b'C') && all(&b[1..], u8::is_ascii_digit) => ("516", "1"),
        9 if b[0].is_ascii_uppercase() && all(&b[2..], u8::is_ascii_digit) => ("414", "1"),
        8 if all(b, u8::is_ascii_digit) => ("511", "1"),
        9 | 10 | 13 | 15 => ("990", "3"),
        _ => ("990", "1"),
    })
}

/// Digits 7-14 of a citizen's number are a birth date; of an all-digit unit code they are part of its area and body.
fn is_citizen_birth(number: &str) -> bool {
    let (Some(year), Some(month), Some(day)) = (number.get(6..10), number.get(10..12), number.get(12..14))
    else {
        return false;
    };
    ("1800".."2200").contains(&year) && ("01"..="12").contains(&month) && ("01"..="31").contains(&day)
}

/// A 15-digit business registration number (工商注册号) rather than an old citizen's number.
fn is_registration(number: &str) -> bool {
    let month = number.get(8..10).unwrap_or_default();
    let day = number.get(10..12).unwrap_or_default();
    !(("01"..="12").contains(&month) && ("01"..="31").contains(&day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_number_tells_its_kind() {
        assert_eq!(id_kind("51160218630228123X"), Some(("111", "1")));
        assert_eq!(id_kind("91511602MAXX41776T"), Some(("001", "2")));
        assert_eq!(id_kind("115113010087782550"), Some(("001", "2")));
        assert_eq!(id_kind("H12345678"), Some(("516", "1")));
        assert_eq!(id_kind("E12345678"), Some(("414", "1")));
        assert_eq!(id_kind(""), None);
        assert_eq!(id_kind("证件遗失"), Some(("990", "1")));
    }

    #[test]
    fn what_is_carried_is_not_derived() {
        let mut metadata =
            Metadata { area_code: "330102".into(), dept_code: "51160204".into(), ..Metadata::default() };
        let derived = derive(&mut metadata, true, false);
        assert_eq!(metadata.area_code, "330102");
        assert!(derived.iter().all(|d| d.key != "area_code" && d.key != "data_version"));
        assert!(derived.iter().any(|d| d.key == "security"));
    }
}
