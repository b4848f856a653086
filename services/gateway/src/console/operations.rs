//! `GET /operations`: how every role's queues stand, what intake and filing hold, how large the log is.

use axum::response::{IntoResponse, Response};
use dengbei_proto::v1::{LogFileRequest, QueuesReply, ScannerStanding};
use dengbei_records::{Clock as _, Problem, SystemClock, Timestamp};
use maud::{Markup, html};

use super::pieces::moment;
use super::view::{View, away};
use super::words;
use super::{Language, figure, thousands};
use crate::api::operations::{Standing, standing};
use crate::peers::{answered, question};

/// The page.
pub(super) async fn show(view: View) -> Response {
    let (l, peers) = (view.l, view.peers());
    let mut register = peers.register();
    let checkpoint = LogFileRequest { path: "checkpoint".into() };
    let (standing, checkpoint) = tokio::join!(standing(peers), register.log_file(question(checkpoint)));
    let body = html! {
        section.card.list { h2 { (l.say("服务与队列", "Roles and queues")) } (services(&standing, SystemClock.now(), l)) }
        div.columns.even {
            div { (intake(&standing, l)) (filing(&standing, l)) }
            @match answered(checkpoint) {
                Ok(file) => (log(&String::from_utf8_lossy(&file.body), l)),
                Err(problem) => (away(l.say("登记簿", "Log"), &problem, l)),
            }
        }
    };
    view.page(l.say("运行状态", "Status"), "/operations").render(&body).into_response()
}

fn services(s: &Standing, now: Timestamp, l: Language) -> Markup {
    html! {
        table {
            thead { tr {
                th { (l.say("服务", "Role")) } th { (l.say("状态", "State")) }
                th.number { (l.say("发件箱未发布", "Not published")) } th.number { (l.say("未封存", "Not sealed")) } th { (l.say("最早未封存", "Oldest unsealed")) }
                th.number { (l.say("待因", "Pending")) } th.number { (l.say("滞留", "Dead letters")) }
                th.number { (l.say("登记簿位置", "Log position")) } th { (l.say("消费者", "Consumer")) }
            } }
            tbody { @for (name, reply) in &s.roles { (service(name, reply, now, l)) } }
        }
    }
}

fn service(name: &str, reply: &Result<QueuesReply, Problem>, now: Timestamp, l: Language) -> Markup {
    html! {
        tr {
            td.short { (words::service(name, l)) }
            @match reply {
                Ok(q) => {
                    td { span.tag.good { (l.say("正常", "well")) } }
                    td.number { (thousands(q.outbox_unpublished)) } td.number { (thousands(q.outbox_unsealed)) }
                    td.time { @if q.oldest_unsealed_at > 0 { span title=(Timestamp::from_millis(q.oldest_unsealed_at)) { (words::lasting(now.millis() - q.oldest_unsealed_at)) } } @else { "–" } }
                    td.number { (thousands(q.pending)) }
                    td.number { @if q.dead_letters > 0 { a.tag.bad href=(l.link("/dead-letters")) { (thousands(q.dead_letters)) } } @else { "0" } }
                    td.number { (figure((q.log_index > 0).then_some(q.log_index))) } td.code { (super::pieces::or_dash(&q.consumer)) }
                },
                Err(problem) => {
                    td { span.tag.bad { (l.say("无应答", "away")) } }
                    td.quiet colspan="7" { (l.say(&problem.message, &problem.message_en)) }
                },
            }
        }
    }
}

fn scanner(s: &ScannerStanding, l: Language) -> Markup {
    html! {
        @if !s.configured { span.tag.wait { (l.say("未配置", "not configured")) } }
        @else if !s.up { span.tag.bad { (l.say("无应答", "away")) } }
        @else {
            (s.engine)
            @if s.signatures > 0 { (l.say("，病毒库 ", ", signatures ")) (s.signatures) }
            @if s.signatures_at > 0 { (l.say("，", ", ")) (moment(s.signatures_at)) }
        }
    }
}

fn intake(s: &Standing, l: Language) -> Markup {
    match &s.ingest {
        Err(problem) => away(l.say("接收", "Intake"), problem, l),
        Ok(i) => html! {
            section.card {
                h2 { (l.say("接收", "Intake")) }
                dl.facts {
                    dt { (l.say("未定", "Undecided")) } dd { (thousands(i.undecided)) (l.say(" 件，", " items, ")) (words::size(i.undecided_bytes)) }
                    dt { (l.say("待配置", "Parked")) } dd { a href=(l.link("/parked")) { (thousands(i.parked)) } }
                    dt { (l.say("杀毒服务", "Virus scanner")) } dd { (scanner(&i.scanner.clone().unwrap_or_default(), l)) }
                    dt { (l.say("来源系统", "Sources")) } dd { @if i.knows_senders { (l.say("已登记，各持令牌", "registered, each with its token")) } @else { (l.say("未登记，无法验证报送方（A-06）", "none registered: who sends is not verified (A-06)")) } }
                    dt { (l.say("暂存可用空间", "Free in staging")) } dd { (words::size(i.free_bytes)) }
                }
            }
        },
    }
}

fn filing(s: &Standing, l: Language) -> Markup {
    match &s.filing {
        Err(problem) => away(l.say("归档", "Filing"), problem, l),
        Ok(f) => html! {
            section.card {
                h2 { (l.say("归档", "Filing")) }
                dl.facts {
                    dt { (l.say("未定", "Undecided")) } dd { (thousands(f.undecided)) }
                    dt { (l.say("待归档", "Ready")) } dd { (thousands(f.ready)) @if f.oldest_ready > 0 { (l.say("，最早 ", ", oldest of ")) (moment(f.oldest_ready)) } }
                    dt { (l.say("归档计划", "Open plans")) } dd { (thousands(f.open_plans)) }
                    dt { (l.say("已归档", "Filed")) } dd { (thousands(f.filed)) (l.say(" 件，", " items in ")) a href=(l.link("/filing")) { (thousands(f.packs)) (l.say(" 包", " packs")) } }
                    dt { (l.say("已退回", "Returned")) } dd { (thousands(f.returned)) }
                    dt { (l.say("事项", "Matters")) } dd { (thousands(f.matters)) }
                }
            }
        },
    }
}

/// The log by its newest checkpoint: origin, size, root, then the signatures (C2SP).
fn log(checkpoint: &str, l: Language) -> Markup {
    let mut lines = checkpoint.lines();
    let (origin, size, root) = (lines.next(), lines.next(), lines.next());
    let size = size.and_then(|size| size.parse::<u64>().ok());
    html! {
        section.card {
            h2 { (l.say("登记簿", "Log")) }
            dl.facts {
                dt { (l.say("名称", "Origin")) } dd.mono { (origin.unwrap_or("–")) }
                dt { (l.say("事件数", "Events")) } dd { (figure(size)) }
                dt { (l.say("根", "Root")) } dd { span.mono.break { (root.unwrap_or("–")) } }
            }
            h3 { (l.say("检查点", "Checkpoint")) " " a href="/log/checkpoint" { "/log/checkpoint" } }
            pre { (checkpoint) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_line_by_line() {
        let shown =
            log("dengbei/330402\n12408\nAbC=\n\n— dengbei/330402 sig\n", Language::Chinese).into_string();
        assert!(
            shown.contains("12,408") && shown.contains("dengbei/330402") && shown.contains("AbC="),
            "{shown}"
        );
        assert!(log("", Language::Chinese).into_string().contains("–"));
    }
}
