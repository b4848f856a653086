//! Words for states, facts and services, in both languages, and how they are marked: a word with a border, and a
//! colour that is never alone.

use dengbei_chain::FactKind;
use dengbei_checks::{CheckResult, Stage};
use dengbei_records::Retention;
use maud::{Markup, html};

use super::Language;

/// Of what a state is one. The names are those of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Custody,
    Registration,
    Preservation,
    Batch,
    Transfer,
    Copy,
    Trouble,
    Purpose,
    Class,
    Result,
    Verdict,
    Task,
    Opinion,
}

/// What a state is, its name, its mark (good, bad, wait, doing, none), Chinese, English.
type Row = (Of, &'static str, &'static str, &'static str, &'static str);

const STATES: &[Row] = &[
    (Of::Custody, "parked", "wait", "待配置", "parked"),
    (Of::Custody, "prefiled", "doing", "已预归档", "pre-filed"),
    (Of::Custody, "planned", "doing", "待归档", "to be filed"),
    (Of::Custody, "filed", "good", "已归档", "filed"),
    (Of::Custody, "returned", "bad", "已退回", "returned"),
    (Of::Custody, "superseded", "", "已被替代", "superseded"),
    (Of::Custody, "accessioned", "good", "已进馆", "accessioned"),
    (Of::Custody, "refused", "bad", "拒收", "refused"),
    (Of::Registration, "unregistered", "", "未登记", "unregistered"),
    (Of::Registration, "applied", "doing", "已申请", "applied for"),
    (Of::Registration, "registered", "doing", "已登记", "registered"),
    (Of::Registration, "backed_up", "doing", "已备份", "backed up"),
    (Of::Registration, "certified", "good", "已发证", "certified"),
    (Of::Preservation, "none", "", "未存储", "not stored"),
    (Of::Preservation, "stored", "doing", "已存储", "stored"),
    (Of::Preservation, "secured", "good", "备份达标", "secured"),
    (Of::Preservation, "suspect", "bad", "存疑", "suspect"),
    (Of::Batch, "applied", "wait", "已申请", "applied for"),
    (Of::Batch, "accepted", "doing", "已受理", "accepted"),
    (Of::Batch, "received", "doing", "已接收", "received"),
    (Of::Batch, "checked", "doing", "已检测", "checked"),
    (Of::Batch, "registered", "doing", "已登记", "registered"),
    (Of::Batch, "backed_up", "doing", "已备份", "backed up"),
    (Of::Batch, "certified", "good", "已发证", "certified"),
    (Of::Batch, "declined", "bad", "不予登记", "declined"),
    (Of::Transfer, "packed", "doing", "已组包", "packed"),
    (Of::Transfer, "submitted", "doing", "已移交", "submitted"),
    (Of::Transfer, "verified", "wait", "已检测待签", "verified, to be signed"),
    (Of::Transfer, "accepted", "doing", "已交接", "accepted"),
    (Of::Transfer, "accessioned", "good", "已进馆", "accessioned"),
    (Of::Transfer, "rejected", "bad", "已退回", "rejected"),
    (Of::Copy, "waiting", "wait", "待存", "waiting"),
    (Of::Copy, "stored", "good", "完好", "intact"),
    (Of::Copy, "damaged", "bad", "损坏", "damaged"),
    (Of::Copy, "missing", "bad", "缺失", "missing"),
    (Of::Trouble, "damaged", "bad", "内容改变", "changed"),
    (Of::Trouble, "truncated", "bad", "长度改变", "truncated"),
    (Of::Trouble, "unreadable", "bad", "无法读取", "unreadable"),
    (Of::Trouble, "unexpected", "bad", "来历不明", "unexpected"),
    (Of::Trouble, "rolled_back", "bad", "回退", "rolled back"),
    (Of::Trouble, "missing", "bad", "缺失", "missing"),
    (Of::Trouble, "waiting", "wait", "待存", "waiting for the site"),
    (Of::Purpose, "storage", "", "存储副本", "storage copy"),
    (Of::Purpose, "backup", "good", "备份", "backup"),
    (Of::Purpose, "accession", "good", "进馆", "accession"),
    (Of::Class, "primary", "", "主备份点", "primary"),
    (Of::Class, "archive", "", "档案馆", "archive"),
    (Of::Class, "remote", "", "异地", "remote"),
    (Of::Class, "offline", "", "离线", "offline"),
    (Of::Result, "passed", "good", "通过", "passed"),
    (Of::Result, "failed", "bad", "不通过", "failed"),
    (Of::Result, "warning", "wait", "警告", "warning"),
    (Of::Result, "not_applicable", "", "不适用", "not applicable"),
    (Of::Result, "unverifiable", "wait", "无法验证", "unverifiable"),
    (Of::Verdict, "passed", "good", "通过", "passed"),
    (Of::Verdict, "failed", "bad", "不通过", "failed"),
    (Of::Verdict, "unverifiable", "wait", "部分项无法验证", "partly unverifiable"),
    (Of::Verdict, "unsigned", "wait", "待人工检测", "to be signed"),
    (Of::Task, "open", "wait", "待签", "to be signed"),
    (Of::Task, "done", "good", "已签", "signed"),
    (Of::Task, "wrong", "bad", "有不合格", "found wrong"),
    (Of::Opinion, "overruled", "good", "认可", "overruled"),
    (Of::Opinion, "upheld", "bad", "维持", "upheld"),
];

fn row(of: Of, name: &str) -> Option<&'static Row> {
    STATES.iter().find(|row| row.0 == of && row.1 == name)
}

/// A state as word and border: never by colour alone. One of a later version by its name.
pub(super) fn tag(of: Of, name: &str, l: Language) -> Markup {
    let (mark, word) = row(of, name).map_or(("", name), |row| (row.2, l.say(row.3, row.4)));
    html! { @if !name.is_empty() { span class={ "tag " (mark) } { (word) } } @else { "–" } }
}

/// A state's word alone.
pub(super) fn state(of: Of, name: &str, l: Language) -> &str {
    row(of, name).map_or(name, |row| l.say(row.3, row.4))
}

/// Every state with its word, for choosing.
pub(super) fn states(of: Of, l: Language) -> impl Iterator<Item = (&'static str, &'static str)> {
    STATES.iter().filter(move |row| row.0 == of).map(move |row| (row.1, l.say(row.3, row.4)))
}

/// What a run looked at.
pub(super) fn scope(name: &str, l: Language) -> &str {
    match name {
        "item" => l.say("件", "item"),
        "batch" => l.say("批", "batch"),
        "carrier" => l.say("载体", "carrier"),
        "system" => l.say("系统", "system"),
        other => other,
    }
}

/// 环节: P, G, Y, C.
pub(super) fn stage(name: &str, l: Language) -> &str {
    Stage::from_name(name).map_or(name, |stage| l.say(stage.word(), stage.word_en()))
}

/// A check's result, as the wire names it.
pub(super) const fn result(of: CheckResult) -> &'static str {
    match of {
        CheckResult::Passed => "passed",
        CheckResult::Failed => "failed",
        CheckResult::Warning => "warning",
        CheckResult::NotApplicable => "not_applicable",
        CheckResult::Unverifiable => "unverifiable",
    }
}

/// English beside [`FactKind::word`].
const FACTS: &[(&str, &str)] = &[
    ("item.prefiled", "Pre-filed"),
    ("item.parked", "Parked"),
    ("submission.refused", "Refused"),
    ("item.checked", "Checked"),
    ("matter.published", "Matter published"),
    ("item.filed", "Filed"),
    ("item.returned", "Returned"),
    ("item.superseded", "Superseded"),
    ("batch.filed", "Pack sealed by the unit"),
    ("pack.written", "Documents packed"),
    ("batch.applied", "Registration applied for"),
    ("batch.declined", "Registration declined"),
    ("batch.registered", "Registered"),
    ("pack.stored", "Copy stored"),
    ("pack.secured", "Backup complete"),
    ("pack.repaired", "Copy repaired"),
    ("certificate.issued", "Certificate issued"),
    ("transfer.packed", "Transfer packed"),
    ("transfer.checked", "Transfer checked"),
    ("transfer.submitted", "Transfer submitted"),
    ("transfer.rejected", "Transfer rejected"),
    ("transfer.accepted", "Handover signed"),
    ("item.accessioned", "Accessioned"),
    ("pack.inspected", "Inspected"),
    ("pack.damaged", "Copy damaged"),
    ("pack.missing", "Copy missing"),
    ("whole.checked", "Batch or system checked"),
    ("check.signed", "Signed by a person"),
    ("check.rechecked", "Looked at again"),
];

/// A fact's word.
pub(super) fn fact(name: &str, l: Language) -> &str {
    match l {
        Language::Chinese => FactKind::from_name(name).map_or(name, |kind| kind.word()),
        Language::English => FACTS.iter().find(|row| row.0 == name).map_or(name, |row| row.1),
    }
}

/// Whether a fact is bad news.
pub(super) fn is_bad(fact: &str) -> bool {
    let bad = ["submission.refused", "item.returned", "batch.declined", "transfer.rejected"];
    bad.contains(&fact) || matches!(fact, "pack.damaged" | "pack.missing")
}

/// Which service states a fact.
pub(super) fn service_of(fact: &str, l: Language) -> &'static str {
    match fact.split_once('.') {
        Some(("item", "prefiled" | "parked") | ("submission", _)) => service("ingest", l),
        Some(
            ("item" | "transfer" | "whole", "checked")
            | ("check", _)
            | ("pack", "inspected" | "damaged" | "missing"),
        ) => service("fixity", l),
        Some(("pack", "stored" | "secured" | "repaired")) => service("replication", l),
        Some(("item" | "batch" | "pack" | "matter" | "certificate" | "transfer", _)) => {
            service("registration", l)
        }
        _ => "",
    }
}

const SERVICES: &[(&str, &str)] = &[
    ("gateway", "门户"),
    ("ingest", "接收"),
    ("registration", "登记"),
    ("fixity", "检测"),
    ("replication", "备份"),
    ("query", "查询"),
    ("site", "备份点"),
];

/// A role's name; empty for none of ours.
pub(super) fn service(name: &str, l: Language) -> &'static str {
    SERVICES.iter().find(|row| row.0 == name).map_or("", |row| l.say(row.1, row.0))
}

/// 保管期限.
pub(super) fn retention(code: &str, l: Language) -> String {
    match Retention::from_source(code) {
        Ok(retention) => l.say(retention.word(), english(retention)).into(),
        Err(_) if code.is_empty() => "–".into(),
        Err(_) => code.into(),
    }
}

const fn english(retention: Retention) -> &'static str {
    match retention {
        Retention::Permanent => "permanent",
        Retention::ThirtyYears => "30 years",
        Retention::TenYears => "10 years",
    }
}

/// Every retention with its code and word.
pub(super) fn retentions(l: Language) -> [(&'static str, &'static str); 3] {
    [Retention::Permanent, Retention::ThirtyYears, Retention::TenYears]
        .map(|r| (r.code(), l.say(r.word(), english(r))))
}

/// Which of the four properties (四性) a check is of, by its id.
pub(super) fn property(check: &str, l: Language) -> &'static str {
    match check.as_bytes().first() {
        Some(b'A') => l.say("真实性", "authenticity"),
        Some(b'I') => l.say("完整性", "integrity"),
        Some(b'U') => l.say("可用性", "usability"),
        Some(b'S') => l.say("安全性", "security"),
        _ => "",
    }
}

/// How long: `0.4 s`, `12 s`, `3 min`, `5 h`, `2 d`.
pub(super) fn lasting(millis: i64) -> String {
    let millis = millis.max(0);
    match millis {
        0..10_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        10_000..120_000 => format!("{} s", millis / 1000),
        120_000..7_200_000 => format!("{} min", millis / 60_000),
        7_200_000..172_800_000 => format!("{} h", millis / 3_600_000),
        _ => format!("{} d", millis / 86_400_000),
    }
}

/// 1.2 KiB.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut tenths, mut unit) = (bytes.saturating_mul(10) / 1024, 0);
    while tenths >= 10_240 && unit < UNITS.len() - 1 {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_short() {
        assert_eq!([900, 1024, 1_572_864, 5 << 30].map(size), ["900 B", "1.0 KiB", "1.5 MiB", "5.0 GiB"]);
        assert_eq!(
            [-5, 400, 12_000, 180_000, 86_400_000].map(lasting),
            ["0.0 s", "0.4 s", "12 s", "3 min", "24 h"]
        );
    }

    #[test]
    fn every_fact_has_an_english_word_and_a_service() {
        for (_, name, zh) in FactKind::ALL {
            let en = fact(name, Language::English);
            assert!(en != name && en.is_ascii(), "{name}: {en}");
            assert_eq!(fact(name, Language::Chinese), zh);
            assert!(!service_of(name, Language::English).is_empty(), "{name}");
        }
    }

    #[test]
    fn a_state_of_a_later_version_shows_its_name() {
        assert!(tag(Of::Batch, "weighed", Language::Chinese).into_string().contains("weighed"));
        assert_eq!(state(Of::Transfer, "verified", Language::Chinese), "已检测待签");
    }
}
