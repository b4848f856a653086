//! Words for states, facts and services, in both languages, and how they are marked.

use dengbei_chain::FactKind;
use dengbei_records::{Custody, Retention};
use maud::{Markup, html};

use super::Language;

/// What was never kept has no custody, but a name in lists.
const REFUSED: &str = "refused";

/// A state as word and border: never by colour alone.
pub(super) fn custody(name: &str, language: Language) -> Markup {
    let Some(state) = Custody::from_name(name) else {
        return html! { span.tag.bad { (language.say(if name == REFUSED { "拒收" } else { name }, name)) } };
    };
    let (class, english) = match state {
        Custody::Parked => ("wait", "parked"),
        Custody::Prefiled => ("doing", "pre-filed"),
        Custody::Planned => ("doing", "to be filed"),
        Custody::Filed => ("good", "filed"),
        Custody::Returned => ("bad", "returned"),
        Custody::Superseded => ("", "superseded"),
        Custody::Accessioned => ("good", "accessioned"),
    };
    html! { span class={ "tag " (class) } { (language.say(state.word(), english)) } }
}

/// Every custody with its word, for choosing.
pub(super) fn custodies(language: Language) -> Vec<(&'static str, &'static str)> {
    [
        Custody::Parked,
        Custody::Prefiled,
        Custody::Planned,
        Custody::Filed,
        Custody::Returned,
        Custody::Superseded,
        Custody::Accessioned,
    ]
    .into_iter()
    .map(|c| (c.name(), language.say(c.word(), c.name())))
    .chain([(REFUSED, language.say("拒收", REFUSED))])
    .collect()
}

/// A fact's word, and whether it is bad news.
pub(super) fn fact(name: &str, language: Language) -> (String, bool) {
    let word = FactKind::from_name(name).map_or(name, |kind| language.say(kind.word(), kind.name()));
    (word.to_owned(), matches!(name, "submission.refused" | "item.returned"))
}

/// Which service states a fact.
pub(super) fn service_of(fact: &str, language: Language) -> &'static str {
    match fact {
        "item.prefiled" | "item.parked" | "submission.refused" => language.say("接收", "ingest"),
        "item.checked" => language.say("检测", "fixity"),
        "item.filed" | "item.returned" | "item.superseded" | "batch.filed" | "matter.published" => {
            language.say("登记", "registration")
        }
        _ => "",
    }
}

/// A role's name.
pub(super) fn service(name: &str, language: Language) -> &str {
    match name {
        "ingest" => language.say("接收", "ingest"),
        "registration" => language.say("登记", "registration"),
        "fixity" => language.say("检测", "fixity"),
        "query" => language.say("查询", "query"),
        other => other,
    }
}

/// 保管期限.
pub(super) fn retention(code: &str, language: Language) -> String {
    match (Retention::from_source(code), language) {
        (Ok(retention), Language::Chinese) => retention.word().into(),
        _ => code.into(),
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
    let (mut tenths, mut unit) = (bytes * 10 / 1024, 0);
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
}
