//! A-12 电子文件号规范: 部门编码-事项类型-大类-小类-年度-保管期限-流水号, its parts as the metadata says (domain.md 2.3).

use dengbei_records::{ArchivalCode, Metadata, Retention};

use super::{Judged, PackageView, shown};
use crate::{Finding, times};

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let m = &view.package.metadata;
    let mut judged = Judged::of(1);
    if let Err((zh, en)) = judge(m) {
        let found = Finding::new("record_no", format!("电子文件号{zh}"), en);
        let text = shown(&m.record_no);
        judged.fault(found.remedy(
            format!("把“{text}”换成“部门编码-事项类型-大类-小类-年度-保管期限-流水号”"),
            format!("replace \"{text}\" by department-type-class-subclass-year-retention-serial"),
        ));
    }
    // 档号 is given here, never by the sender; one that is carried must at least be one.
    for (_, code) in m.other.iter().filter(|(element, text)| element == "archivalcode" && !text.is_empty()) {
        judged.count();
        if code.parse::<ArchivalCode>().is_err() {
            let found = Finding::new(
                "archival_code",
                format!("档号“{}”不合 DA/T 13", shown(code)),
                "an archival code not of DA/T 13",
            );
            judged.fault(
                found.remedy(
                    "把档号删去，归档时由系统编制",
                    "take the archival code out: it is given at filing",
                ),
            );
        }
    }
    judged
}

fn judge(m: &Metadata) -> Result<(), (String, String)> {
    let fail = |zh: String, en: &str| Err((zh, en.to_owned()));
    if m.record_no.is_empty() {
        return fail("为空".into(), "the record number is empty");
    }
    let parts: Vec<&str> = m.record_no.split('-').collect();
    let [dept, kind, class, sub, year, retention, serial] = parts[..] else {
        return fail(format!("应有 7 段，实有 {} 段", parts.len()), "the record number has not seven parts");
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(dept) || !m.dept_code.is_empty() && dept != m.dept_code {
        return fail(
            format!("的部门编码“{}”与元数据不符", shown(dept)),
            "its department differs from the metadata",
        );
    }
    if [kind, class, sub].iter().any(|part| part.is_empty()) {
        return fail("的事项类型、大类、小类有空缺".into(), "its type or class is empty");
    }
    if year.len() != 4 || !digits(year) {
        return fail(format!("的年度“{}”不是四位数字", shown(year)), "its year is not four digits");
    }
    if let Ok(closed) = times::parse(&m.close_time)
        && closed.at.format("%Y").to_string() != year
    {
        return fail(format!("的年度 {year} 不是办结年度"), "its year is not that of closing");
    }
    match (Retention::from_source(retention), Retention::from_source(&m.retention)) {
        (Err(_), _) => {
            return fail(
                format!("的保管期限“{}”不在值域内", shown(retention)),
                "its retention is not of the list",
            );
        }
        (Ok(here), Ok(there)) if here != there => {
            return fail("的保管期限与元数据不符".into(), "its retention differs from the metadata");
        }
        _ => {}
    }
    if !digits(serial) || serial.len() > 10 {
        return fail(format!("的流水号“{}”不是数字", shown(serial)), "its serial is no number");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(record_no: &str) -> Metadata {
        Metadata {
            record_no: record_no.into(),
            dept_code: "51160204".into(),
            retention: "定期30年".into(),
            close_time: "2026-03-31 09:36:00".into(),
            ..Metadata::default()
        }
    }

    #[test]
    fn parts_must_agree_with_the_metadata_in_meaning_not_in_words() {
        assert_eq!(judge(&metadata("51160204-GG-51201-001-2026-30年-0000200")), Ok(()));
        for wrong in [
            "",
            "51160204-GG-51201-001-2026-30年",
            "51160205-GG-51201-001-2026-30年-0000200",
            "51160204-GG-51201-001-2025-30年-0000200",
            "51160204-GG-51201-001-2026-永久-0000200",
            "51160204-GG-51201-001-2026-30年-00a",
            "51160204-GG--001-2026-30年-0000200",
        ] {
            assert!(judge(&metadata(wrong)).is_err(), "{wrong}");
        }
    }
}
