//! `GET /`: where items stand, what waits, how every service is, what changed last.

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use dengbei_proto::v1;
use dengbei_records::{Problem, Timestamp};
use maud::{Markup, html};

use super::{Language, Page, Spoken, figure, items, words};
use crate::api::operations::{Standing, standing};
use crate::peers::{answered, question};
use crate::service::Gateway;

/// How many of the last changes are shown.
const LAST: u32 = 12;

/// The page.
pub(crate) async fn show(State(gateway): State<Gateway>, Query(spoken): Query<Spoken>) -> Response {
    let language = spoken.language();
    let mut query = gateway.peers.query();
    let last = question(v1::ItemsRequest { limit: LAST, ..Default::default() });
    let (standing, last) = tokio::join!(standing(&gateway.peers), query.items(last));
    let last = answered(last).map(|reply| reply.items).unwrap_or_default();
    let body = html! {
        (stages(&standing, language))
        div.columns {
            section.card {
                h2 { (language.say("最近变动", "Last changes")) }
                (items::table(&last, language))
            }
            section.card {
                h2 { (language.say("服务", "Services")) }
                (services(&standing, language))
            }
        }
    };
    Page::new(language, language.say("总览", "Overview")).at(&gateway.area, "/").render(&body).into_response()
}

fn stages(s: &Standing, l: Language) -> Markup {
    let custody = |name: &str| s.figures.as_ref().ok().map(|f| f.custody.get(name).copied().unwrap_or(0));
    let filing = |pick: fn(&v1::FilingReply) -> u64| s.filing.as_ref().ok().map(pick);
    let parked = s.ingest.as_ref().ok().map(|i| i.parked).or_else(|| custody("parked"));
    let dead: Option<u64> = s.roles.iter().map(|(_, q)| q.as_ref().ok().map(|q| q.dead_letters)).sum();
    let tiles = [
        (l.say("待配置", "Parked"), "/items?custody=parked", parked, false),
        (l.say("已预归档", "Pre-filed"), "/items?custody=prefiled", custody("prefiled"), false),
        (l.say("待归档", "Ready"), "/items?custody=planned", filing(|f| f.ready), false),
        (l.say("归档计划", "Open plans"), "/items?custody=planned", filing(|f| f.open_plans), false),
        (l.say("已归档", "Filed"), "/items?custody=filed", custody("filed"), false),
        (l.say("已退回", "Returned"), "/items?custody=returned", custody("returned"), false),
        (l.say("滞留消息", "Dead letters"), "/dead-letters", dead, dead.is_some_and(|n| n > 0)),
    ];
    html! {
        section.card {
            dl.figures {
                @for (word, path, count, is_bad) in tiles {
                    div.bad[is_bad] { dt { (word) } dd { a href=(l.link(path)) { (figure(count)) } } }
                }
                div { dt { (l.say("最早未封存", "Oldest unsealed")) } dd { (oldest(s)) } }
            }
        }
    }
}

/// How long ago the oldest event that is not in a published checkpoint was recorded.
fn oldest(s: &Standing) -> Markup {
    use dengbei_records::{Clock as _, SystemClock};
    let times = s.roles.iter().filter_map(|(_, q)| q.as_ref().ok()).map(|q| q.oldest_unsealed_at);
    let oldest = times.filter(|at| *at > 0).min();
    html! {
        @match oldest {
            Some(at) => span title=(Timestamp::from_millis(at)) { (words::lasting(SystemClock.now().millis() - at)) },
            None => "–",
        }
    }
}

fn services(s: &Standing, l: Language) -> Markup {
    html! {
        table {
            thead { tr {
                th { (l.say("服务", "Service")) } th { (l.say("状态", "State")) }
                th.number title=(l.say("发件箱：未发布 / 未封存", "outbox: not published / not sealed")) { (l.say("发件箱", "Outbox")) }
                th.number { (l.say("待因", "Pending")) } th.number { (l.say("滞留", "Dead")) }
                th.number { (l.say("登记簿位置", "Log")) }
            } }
            tbody { @for (name, reply) in &s.roles { (service(name, reply, l)) } }
        }
    }
}

fn service(name: &str, reply: &Result<v1::QueuesReply, Problem>, l: Language) -> Markup {
    html! {
        tr {
            td.short { (words::service(name, l)) }
            @match reply {
                Ok(q) => {
                    td { span.tag.good { (l.say("正常", "well")) } }
                    td.number { (q.outbox_unpublished) " / " (q.outbox_unsealed) }
                    td.number { (q.pending) }
                    td.number { (q.dead_letters) }
                    td.number { (figure((q.log_index > 0).then_some(q.log_index))) }
                },
                Err(problem) => {
                    td { span.tag.bad title=(problem.message_en) { (l.say("无应答", "away")) } }
                    td.quiet colspan="4" { (l.say(&problem.message, &problem.message_en)) }
                },
            }
        }
    }
}
