//! A-09 元数据项值域: values are of their lists, check characters fit.

use dengbei_records::{EventType, Retention};

use super::{Judged, PackageView, shown};
use crate::{Finding, Parameters, codes};

pub(super) fn run(view: &PackageView<'_>, with: &Parameters) -> Judged {
    let m = &view.package.metadata;
    let mut judged = Judged::new();
    let events: Vec<&str> = EventType::ALL.iter().map(|row| row.2).collect();
    let is_event = m.event_type.parse::<EventType>().is_ok();
    judge(&mut judged, ("event_type", "权力事项类型"), &m.event_type, is_event, &events);
    let is_retention = Retention::from_source(&m.retention).is_ok();
    judge(&mut judged, ("retention", "保管期限"), &m.retention, is_retention, &["永久", "30年", "10年"]);
    let lists: [(&str, &str, &str, &[&str]); 3] = [
        ("handle_kind", "办件类型", &m.handle_kind, &["承诺件", "即办件", "1", "2"]),
        ("applicant_type", "申请人类型", &m.applicant_type, &["1", "2", "3", "个人", "法人", "其他组织"]),
        (
            "security",
            "密级",
            &m.security,
            &["0", "1", "2", "3", "4", "公开", "限制", "内部", "秘密", "机密", "绝密"],
        ),
    ];
    for (key, name, text, list) in lists {
        judge(&mut judged, (key, name), text, list.contains(&text), list);
    }
    let results: Vec<&str> = with.a09.results.iter().map(String::as_str).collect();
    judge(
        &mut judged,
        ("result", "办理结果"),
        &m.result,
        results.iter().any(|r| m.result.starts_with(r)),
        &results,
    );
    check_characters(view, &mut judged);
    rows(view, &mut judged);
    judged
}

fn judge(judged: &mut Judged, (key, name): (&str, &str), text: &str, is_in_list: bool, list: &[&str]) {
    if text.is_empty() {
        return;
    }
    judged.count();
    if !is_in_list {
        let text = shown(text);
        let found = Finding::new(
            key,
            format!("{name}“{text}”不在值域内"),
            format!("{key} \"{text}\" is not of its list"),
        );
        judged.fault(found.remedy(
            format!("把“{text}”换成以下之一：{}", list.join("、")),
            format!("replace \"{text}\" by one of: {}", list.join(", ")),
        ));
    }
}

/// The applicant's number must be right; the unit's own code only warns, because real registers hold wrong ones.
fn check_characters(view: &PackageView<'_>, judged: &mut Judged) {
    let m = &view.package.metadata;
    let is_wrong = match m.applicant_id_type.as_str() {
        "111" => m.applicant_id_no.len() == 18 && !codes::is_citizen_number(&m.applicant_id_no),
        "001" => !codes::is_unit_code(&m.applicant_id_no),
        _ => false,
    };
    judged.count();
    if is_wrong {
        let found = Finding::new(
            "applicant_id_no",
            "证件号码的校验码不对",
            "the check character of the applicant's number is wrong",
        );
        judged.fault(
            found.remedy("把证件号码换成证件上的号码", "write the number as it stands on the document"),
        );
    }
    if m.unit_uscc.len() == 18 && !codes::is_unit_code(&m.unit_uscc) {
        let zh = format!("立档单位统一社会信用代码“{}”的校验码不对", shown(&m.unit_uscc));
        let found = Finding::new("unit_uscc", zh, "the check character of the unit's code is wrong");
        judged.remark(found.remedy(
            "把统一社会信用代码换成登记证书上的代码",
            "write the unit's code as it stands on its certificate",
        ));
    }
}

fn rows(view: &PackageView<'_>, judged: &mut Judged) {
    for row in &view.package.rows {
        judged.count();
        if !matches!(row.necessity.as_str(), "必要" | "非必要" | "1" | "0") {
            let text = shown(&row.necessity);
            let found = Finding::new(
                &row.path,
                format!("是否必要“{text}”不在值域内"),
                "neither necessary nor not necessary",
            );
            judged.fault(found.remedy(
                format!("把“{text}”换成“必要”或“非必要”"),
                format!("replace \"{text}\" by 必要 (necessary) or 非必要 (not necessary)"),
            ));
        }
        if row.form.is_none() {
            let text = shown(&row.form_text);
            let found = Finding::new(
                &row.path,
                format!("归档形式“{text}”不在值域内"),
                "the filing form is not of its list",
            );
            judged.fault(found.remedy(
                format!("把“{text}”换成“电子归档”“纸质归档”或“双套归档”"),
                format!("replace \"{text}\" by 电子归档, 纸质归档 or 双套归档"),
            ));
        }
    }
}
