//! 来源系统 on the quality page: the alarms of sources, and how each stands. Who judges that is query.

use dengbei_proto::v1::{self, SourceStanding};
use maud::{Markup, html};

use crate::console::pieces::{self, address, or_dash};
use crate::console::{Language, chart, thousands};
use crate::json;

/// A notice for each source that fails more than it did, or went silent.
pub(super) fn alarms(sources: &[SourceStanding], l: Language) -> Markup {
    html! {
        @for s in sources.iter().filter(|s| s.fails_more || s.is_silent) {
            section.card.notice role="alert" {
                @if s.fails_more { p { b { (s.source_system) } " " (fails_more(s, l)) } }
                @if s.is_silent { p { b { (s.source_system) } " " (silent(s, l)) } }
            }
        }
    }
}

fn share(f: Option<&v1::Flow>) -> String {
    let f = f.copied().unwrap_or_default();
    chart::percent(f.refused + f.returned, f.received + f.refused)
}

fn fails_more(s: &SourceStanding, l: Language) -> String {
    let (now, before) = (share(s.week.as_ref()), share(s.before.as_ref()));
    l.say(
        format!("近 7 日拒收与退回占 {now}，此前 8 周为 {before}：请与来源系统核对接口和归档配置。"),
        format!("{now} of the last 7 days was refused or returned, {before} of the 8 weeks before: look at its interface and filing tables."),
    )
}

fn silent(s: &SourceStanding, l: Language) -> String {
    let (days, usual) = (s.silent_days, s.usual_days);
    l.say(
        format!("已有 {days} 个工作日没有报送，惯常每 {usual} 个工作日一次：请确认是节假日还是接口中断。"),
        format!("nothing for {days} working days, it usually sends every {usual}: a holiday, or its interface is down."),
    )
}

/// How each source stands, beside the weeks before.
pub(super) fn sources(sources: &[SourceStanding], l: Language) -> Markup {
    html! {
        section.card id="sources" {
            h2 { (l.say("来源系统", "Sources")) span.unit { (l.say("近 7 日 / 此前 8 周", "7 days / 8 weeks before")) } }
            div.scroll tabindex="0" { table {
                thead { tr { th { (l.say("来源系统", "Source")) } th.number { (l.say("接收", "Received")) } th.number { (l.say("失败率", "Failed")) } th.number { (l.say("此前", "Before")) } th { (l.say("最近报送", "Last")) } th { (l.say("状态", "State")) } } }
                tbody {
                    @for s in sources { (source(s, l)) }
                    @if sources.is_empty() { (pieces::none(6, l.say("九周内没有报送", "Nothing in nine weeks"))) }
                }
            } }
        }
    }
}

fn source(s: &SourceStanding, l: Language) -> Markup {
    let last: String = json::time(s.last_received_at).unwrap_or_default().chars().take(10).collect();
    let week = s.week.unwrap_or_default();
    html! {
        tr {
            td.code { a href=(l.link(&address("/quality", &[("source", &s.source_system)]))) { (s.source_system) } }
            td.number { (thousands(week.received)) } td.number { (share(s.week.as_ref())) } td.number { (share(s.before.as_ref())) } td.time { (or_dash(&last)) }
            td.short {
                @if s.fails_more { span.tag.bad { (l.say("失败增多", "fails more")) } " " }
                @if s.is_silent { span.tag.bad { (l.say("中断", "silent")) } }
                @if !s.fails_more && !s.is_silent { span.tag.good { (l.say("正常", "as usual")) } }
            }
        }
    }
}
