//! `GET /quality`: 质量监控: this week at a glance, alarms of sources, what was closed against what arrived, which checks fail
//! most with how to mend it, by unit and office, and eight weeks as small bars. `closings` and `sources` are sections of it.

mod closings;
mod sources;

use axum::response::{IntoResponse, Response};
use dengbei_checks::CheckId;
use dengbei_proto::v1::{self, FlowRow, SourceStanding};
use maud::{Markup, html};

use super::pieces::{self, address, or_code, or_dash};
use super::view::{View, Wanted, away};
use super::{Language, chart, thousands};
use crate::quality::{self, Closing, Monitor, Period};

/// Rows of a table that are shown; all stand in the CSV.
const ROWS: usize = 40;
/// Checks that are shown.
const CHECKS: usize = 10;

/// The page.
pub(super) async fn show(view: View, Wanted(period): Wanted<Period>) -> Response {
    let monitor = match quality::of(view.peers(), &period).await {
        Ok(monitor) => monitor,
        Err(problem) => return view.refused(problem, "/quality"),
    };
    let l = view.l;
    let csv = |table: &str| csv(&monitor.period, table);
    let beside =
        html! { a.button href=(csv("closings")) { (l.say("导出应归未归表", "CSV: closed and filed")) } };
    let page = view.page(l.say("质量监控", "Quality"), "/quality").beside(beside);
    page.render(&body(&monitor, l)).into_response()
}

fn csv(p: &Period, table: &str) -> String {
    let pairs = [
        ("format", "csv"),
        ("table", table),
        ("from", &p.from),
        ("to", &p.to),
        ("source", &p.source),
        ("matter", &p.matter),
        ("unit", &p.unit),
        ("department", &p.department),
    ];
    address("/v1/quality", &pairs)
}

fn body(m: &Monitor, l: Language) -> Markup {
    html! {
        section.card { (filters(&m.period, l)) }
        (glance(m, l))
        (sources::alarms(&m.counted.sources, l))
        @if let Some(problem) = &m.unstated { (away(l.say("应归件数", "What was closed"), problem, l)) }
        (closings::matters(m, l))
        div.columns.even {
            div { (failing(m, l)) (sources::sources(&m.counted.sources, l)) }
            div { (weeks(&m.counted.weeks, l)) (offices(m, l)) }
        }
        (closings::missing_days(m, l))
        @if m.counted.unplaced > 0 { p.quiet { (l.say(format!("{} 件提交的来源尚未查明，稍后计入。", m.counted.unplaced), format!("{} submissions are counted once their origin is known.", m.counted.unplaced))) } }
        @if m.counted.truncated { p.quiet { (l.say("列表过长，已截断：请缩短期间。", "A list was cut: choose a shorter period.")) } }
    }
}

fn filters(p: &Period, l: Language) -> Markup {
    let field = |name: &str, value: &str, zh: &'static str, en: &'static str| html! { label { (l.say(zh, en)) input name=(name) value=(value); } };
    let fields = html! {
        label { (l.say("起", "From")) input type="date" name="from" value=(p.from); }
        label { (l.say("止", "To")) input type="date" name="to" value=(p.to); }
        (field("source", &p.source, "来源系统", "Source"))
        (field("matter", &p.matter, "事项编码", "Matter"))
        (field("unit", &p.unit, "立档单位（统一社会信用代码）", "Unit"))
    };
    pieces::filters("/quality", &fields, l)
}

/// The last seven days of all sources that are shown, beside the eight weeks before.
fn glance(m: &Monitor, l: Language) -> Markup {
    let shown: Vec<&SourceStanding> = m
        .counted
        .sources
        .iter()
        .filter(|s| m.period.source.is_empty() || s.source_system == m.period.source)
        .collect();
    let sum =
        |pick: fn(&v1::Flow) -> u64| -> u64 { shown.iter().filter_map(|s| s.week.as_ref()).map(pick).sum() };
    let (received, refused, returned, filed) =
        (sum(|f| f.received), sum(|f| f.refused), sum(|f| f.returned), sum(|f| f.filed));
    let missing: u64 = m.closings.iter().map(Closing::missing).sum();
    let alarms = shown.iter().filter(|s| s.fails_more || s.is_silent).count() as u64;
    let failing = chart::percent(refused + returned, received + refused);
    html! {
        section.card aria-labelledby="glance" {
            h2 id="glance" { (l.say("近 7 日", "The last 7 days")) span.unit { (l.say("单位：件次", "submissions")) } }
            ul.tiles {
                li.some { a href=(l.link("/items")) { span { (l.say("接收", "Received")) } b { (thousands(received)) } } }
                li.some { a href=(l.link("/filing")) { span { (l.say("归档", "Filed")) } b { (thousands(filed)) } } }
                li.some[refused > 0] { a href=(l.link("/returns?custody=refused")) { span { (l.say("拒收", "Refused")) } b { (thousands(refused)) } } }
                li.some[returned > 0] { a href=(l.link("/returns")) { span { (l.say("退回", "Returned")) } b { (thousands(returned)) } } }
                li.some { a href="#failing" { span { (l.say("失败率", "Failed")) } b { (failing) } } }
                li.bad.some[missing > 0] { a href="#missing" { span { (l.say("期间未到", "Missing in period")) } b { (thousands(missing)) } } }
                li.bad.some[alarms > 0] { a href="#sources" { span { (l.say("来源告警", "Sources")) } b { (thousands(alarms)) } } }
            }
        }
    }
}

/// Which checks bring most back, of all sources, with what is compared and who can mend it.
fn failing(m: &Monitor, l: Language) -> Markup {
    let mut sums: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for row in &m.counted.failed {
        *sums.entry(&row.check).or_default() += row.submissions;
    }
    let mut rows: Vec<(&str, u64)> = sums.into_iter().collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let most = rows.first().map_or(0, |row| row.1);
    html! {
        section.card id="failing" {
            h2 { (l.say("拒收与退回最多的检测项", "Checks that bring most back")) span.unit { a href=(csv(&m.period, "failed")) { "CSV" } } }
            table {
                thead { tr { th { (l.say("检测项", "Check")) } th.number { (l.say("件次", "Times")) } th { (l.say("比对什么、由谁改正", "What is compared, who mends it")) } } }
                tbody {
                    @for (check, n) in rows.iter().take(CHECKS) {
                        tr {
                            td { span.mono { (check) } " " (check_name(check, l)) (chart::bar(chart::share(*n, most))) }
                            td.number { a href=(l.link("/returns")) { (thousands(*n)) } }
                            td { (remedy(check, l)) }
                        }
                    }
                    @if rows.is_empty() { (pieces::none(3, l.say("没有拒收或退回", "Nothing came back"))) }
                }
            }
        }
    }
}

fn check_name(check: &str, l: Language) -> &'static str {
    check.parse::<CheckId>().map_or("", |id| l.say(id.name(), id.name_en()))
}

fn remedy(check: &str, l: Language) -> String {
    let Ok(id) = check.parse::<CheckId>() else {
        return l.say("信息包读不出，见退回页的改正办法", "the package does not read: see its remedy").into();
    };
    let d = id.declared();
    l.say(
        format!("{}；由{}改正", d.basis, d.office.word()),
        format!("{}; mended by the {}", d.basis_en, d.office.word_en()),
    )
}

fn weeks(rows: &[FlowRow], l: Language) -> Markup {
    let mut sums: std::collections::BTreeMap<&str, v1::Flow> = std::collections::BTreeMap::new();
    for row in rows {
        let sum = sums.entry(&row.key).or_default();
        let f = row.flow.unwrap_or_default();
        sum.received += f.received;
        sum.refused += f.refused;
        sum.returned += f.returned;
        sum.filed += f.filed;
    }
    let weeks: Vec<(&str, v1::Flow)> = sums.into_iter().rev().take(8).collect();
    html! {
        section.card {
            h2 { (l.say("8 周走势", "Eight weeks")) span.unit { (l.say("单位：件次", "submissions")) } }
            table.plain { tbody { @for (monday, f) in weeks.iter().rev() {
                @let most = weeks.iter().map(|(_, f)| f.received + f.refused).max().unwrap_or(0);
                tr {
                    td.time { (l.say(format!("{monday} 起"), format!("from {monday}"))) }
                    td.wide { (chart::stacked((f.filed, f.received.saturating_sub(f.filed + f.returned), f.returned + f.refused), most, &told(monday, f, l))) }
                    td.number { (thousands(f.received + f.refused)) }
                    td.number { (chart::percent(f.refused + f.returned, f.received + f.refused)) }
                }
            } } }
            p.legend { span.second { (l.say("归档", "filed")) } span.first { (l.say("在办", "in hand")) } span.bad { (l.say("拒收与退回", "refused and returned")) } }
        }
    }
}

fn told(monday: &str, f: &v1::Flow, l: Language) -> String {
    let v1::Flow { received, refused, returned, filed } = f;
    l.say(
        format!("{monday} 起一周：接收 {received}，归档 {filed}，拒收 {refused}，退回 {returned}"),
        format!(
            "week of {monday}: {received} received, {filed} filed, {refused} refused, {returned} returned"
        ),
    )
}

/// By unit, and by 承办单位（科室） as far as packages name one.
fn offices(m: &Monitor, l: Language) -> Markup {
    let list = |rows: &[FlowRow], is_office: bool| {
        let mut rows: Vec<FlowRow> = rows.to_vec();
        let bad = |r: &FlowRow| r.flow.map_or(0, |f| f.refused + f.returned);
        rows.sort_by(|a, b| bad(b).cmp(&bad(a)).then(a.key.cmp(&b.key)).then(a.second.cmp(&b.second)));
        html! {
            @for r in rows.iter().take(ROWS / 2) {
                @let f = r.flow.unwrap_or_default();
                tr {
                    td { a href=(l.link(&address("/items", &[("unit", &r.key)]))) { (or_code(&r.name, &r.key)) } @if is_office { " · " (or_dash(&r.second)) } }
                    td.number { (thousands(f.received)) } td.number { (thousands(f.refused)) } td.number { (thousands(f.returned)) } td.number { (chart::percent(f.refused + f.returned, f.received + f.refused)) }
                }
            }
        }
    };
    let head = |zh: &'static str, en: &'static str| html! { thead { tr { th { (l.say(zh, en)) } th.number { (l.say("接收", "Received")) } th.number { (l.say("拒收", "Refused")) } th.number { (l.say("退回", "Returned")) } th.number { (l.say("失败率", "Failed")) } } } };
    html! {
        section.card {
            h2 { (l.say("按立档单位", "By unit")) span.unit { a href=(csv(&m.period, "units")) { "CSV" } } }
            div.scroll tabindex="0" { table { (head("立档单位", "Unit")) tbody { (list(&m.counted.units, false)) } } }
        }
        section.card {
            h2 { (l.say("按承办科室", "By office")) span.unit { a href=(csv(&m.period, "departments")) { "CSV" } } }
            div.scroll tabindex="0" { table { (head("立档单位 · 承办科室", "Unit · office")) tbody { (list(&m.counted.departments, true)) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_what_is_missing_and_why_a_source_alarms() {
        let flow = |received, refused, returned, filed| Some(v1::Flow { received, refused, returned, filed });
        let counted = v1::QualityReply {
            matters: vec![FlowRow {
                key: "ZWFW".into(),
                second: "m".into(),
                name: "核发".into(),
                flow: flow(9, 1, 0, 8),
                ..Default::default()
            }],
            weeks: vec![FlowRow {
                key: "2026-11-16".into(),
                second: "ZWFW".into(),
                flow: flow(9, 1, 0, 8),
                ..Default::default()
            }],
            failed: vec![v1::FailedRow {
                check: "A-08".into(),
                source_system: "ZWFW".into(),
                submissions: 1,
            }],
            sources: vec![SourceStanding {
                source_system: "ZWFW".into(),
                week: flow(80, 20, 0, 8),
                before: flow(95, 5, 0, 90),
                fails_more: true,
                is_silent: true,
                silent_days: 4,
                usual_days: 1,
                ..Default::default()
            }],
            ..Default::default()
        };
        let closing = Closing {
            day: "2026-11-16".into(),
            source_system: "ZWFW".into(),
            matter_code: "m".into(),
            expected: Some(13),
            received: 10,
            filed: 8,
            returned: 0,
            refused: 1,
        };
        let m = Monitor { counted, closings: vec![closing], ..Monitor::default() };
        let zh = body(&m, Language::Chinese).into_string();
        for text in ["未到", "失败增多", "已有 4 个工作日没有报送", "20.0%", "核发", "2026-11-16"]
        {
            assert!(zh.contains(text), "{text}: {zh}");
        }
        let en = body(&m, Language::English).into_string();
        assert!(en.contains("nothing for 4 working days") && en.contains("Missing"), "{en}");
    }
}
