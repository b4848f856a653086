//! `GET /`: what waits for a person, how far records have come, how much of what was closed is filed, by unit and day.

use axum::response::{IntoResponse, Response};
use dengbei_proto::v1;
use dengbei_records::Problem;
use maud::{Markup, html};

use super::view::{View, away};
use super::{Language, asked, chart, figure, thousands, words};
use crate::api::operations::{Standing, standing};

/// Reasons of returns that are shown.
const REASONS: usize = 5;
/// Days that are shown.
const DAYS: usize = 14;

/// What the page is made of. What a role does not tell is its problem.
struct Known {
    standing: Standing,
    batches: Result<v1::BatchesReply, Problem>,
    transfers: Result<v1::TransfersReply, Problem>,
    sites: Result<Vec<v1::SiteStanding>, Problem>,
}

/// The page.
pub(super) async fn show(view: View) -> Response {
    let peers = view.peers();
    let (standing, batches, transfers, sites) = tokio::join!(
        standing(peers),
        asked::batches(peers, v1::BatchesRequest { limit: 1, ..Default::default() }),
        asked::transfers(peers, v1::TransfersRequest { limit: 1, ..Default::default() }),
        asked::sites(peers),
    );
    let (l, known) = (view.l, Known { standing, batches, transfers, sites });
    let body = html! {
        (unscanned(&known.standing, l))
        (waiting(&known, l))
        @match &known.standing.figures {
            Ok(figures) => {
                (funnel(figures, l))
                div.columns {
                    section.card { (units(figures, l)) }
                    div { section.card { (days(figures, l)) } (reasons(figures, l)) }
                }
            },
            Err(problem) => (away(l.say("数字", "Figures"), problem, l)),
        }
    };
    view.page(l.say("概览", "Overview"), "/").render(&body).into_response()
}

/// Nothing is scanned, or nothing can be: said before everything else.
fn unscanned(standing: &Standing, l: Language) -> Markup {
    let scanner = standing.ingest.as_ref().ok().map(|ingest| ingest.scanner.clone().unwrap_or_default());
    let said = match scanner.map(|scanner| (scanner.configured, scanner.up)) {
        Some((false, _)) => Some(l.say(
            "未配置杀毒服务：收到的文件未经杀毒，病毒检测（S-02）无法验证。",
            "No virus scanner is configured: nothing that arrives is scanned, and check S-02 cannot be verified.",
        )),
        Some((true, false)) => Some(l.say(
            "杀毒服务无应答：暂停接收，已预归档的件等待检测，恢复后自动继续。",
            "The virus scanner does not answer: nothing is taken in, and what is pre-filed waits; all goes on by itself.",
        )),
        _ => None,
    };
    html! { @if let Some(said) = said { section.card.notice role="alert" { p { (said) } } } }
}

/// A thing that waits: its word, where it is dealt with, how many, whether any is bad.
type Tile = (&'static str, &'static str, Option<u64>, bool);

fn waiting(known: &Known, l: Language) -> Markup {
    let s = &known.standing;
    let custody = |name: &str| s.figures.as_ref().ok().map(|f| f.custody.get(name).copied().unwrap_or(0));
    let parked = s.ingest.as_ref().ok().map(|i| i.parked).or_else(|| custody("parked"));
    let desk =
        known.batches.as_ref().ok().map(|b| sum(&b.counts, &["applied", "accepted", "received", "checked"]));
    let due = known.transfers.as_ref().ok().map(|t| sum(&t.counts, &["packed", "submitted", "verified"]));
    let dead: Option<u64> = s.roles.iter().map(|(_, q)| q.as_ref().ok().map(|q| q.dead_letters)).sum();
    let damaged = known.sites.as_ref().ok().map(|sites| sites.iter().map(|s| s.damaged).sum());
    let roles = s.roles.iter().filter(|(_, q)| q.is_err()).count() as u64;
    let sites = known.sites.as_ref().map_or(0, |sites| sites.iter().filter(|s| !s.answers).count() as u64);
    let tiles: [Tile; 7] = [
        (l.say("待配置", "Parked"), "/parked", parked, false),
        (l.say("退回", "Returned"), "/returns", custody("returned"), false),
        (l.say("登记台在办", "At the desk"), "/registrations", desk, false),
        (l.say("移交待签", "Transfers to sign"), "/transfers", due, false),
        (l.say("副本异常", "Damaged copies"), "/troubles", damaged, true),
        (l.say("滞留消息", "Dead letters"), "/dead-letters", dead, true),
        (l.say("无应答", "Away"), "/operations", Some(roles + sites), true),
    ];
    html! {
        section.card aria-labelledby="waiting" {
            h2 id="waiting" { (l.say("待人办理", "Waits for a person")) }
            ul.tiles {
                @for (word, path, count, is_bad) in tiles {
                    li.some[count.is_some_and(|n| n > 0)] .bad[is_bad] { a href=(l.link(path)) { span { (word) } b { (figure(count)) } } }
                }
            }
        }
    }
}

fn sum(counts: &std::collections::HashMap<String, u64>, states: &[&str]) -> u64 {
    states.iter().filter_map(|state| counts.get(*state)).sum()
}

/// How many records have come at least so far.
fn funnel(f: &v1::FiguresReply, l: Language) -> Markup {
    let of = |names: &[&str]| sum(&f.registration, names);
    let received = f.units.iter().map(|u| u.prefiled).sum::<u64>();
    let filed = sum(&f.custody, &["filed", "accessioned"]);
    let today = f.days.last().cloned().unwrap_or_default();
    let stages = [
        (l.say("预归档", "Pre-filed"), received.max(filed), Some(today.prefiled), "/items"),
        (l.say("正式归档", "Filed"), filed, Some(today.filed), "/filing"),
        (l.say("登记", "Registered"), of(&["registered", "backed_up", "certified"]), None, "/registrations"),
        (l.say("备份达标", "Backed up"), of(&["backed_up", "certified"]), None, "/sites"),
        (l.say("发证", "Certified"), of(&["certified"]), None, "/certificates"),
        (
            l.say("进馆", "Accessioned"),
            sum(&f.custody, &["accessioned"]),
            Some(today.accessioned),
            "/transfers",
        ),
    ];
    let all = stages[0].1;
    html! {
        section.card aria-labelledby="funnel" {
            h2 id="funnel" { (l.say("从预归档到进馆", "From pre-filing to the archive")) span.unit { (l.say("单位：件", "items")) } }
            ol.funnel {
                @for (word, count, today, path) in stages {
                    li {
                        a href=(l.link(path)) { (word) }
                        b { (thousands(count)) }
                        (chart::bar(chart::share(count, all)))
                        small { (chart::percent(count, all)) @if let Some(today) = today { span { (l.say(format!("今日 {} 件次", thousands(today)), format!("today {}", thousands(today)))) } } }
                    }
                }
            }
        }
    }
}

fn units(f: &v1::FiguresReply, l: Language) -> Markup {
    html! {
        h2 { (l.say("各单位电子归档实现率", "Filed of what was closed, by unit")) span.unit { (l.say("单位：件", "items")) } }
        table {
            thead { tr {
                th { (l.say("立档单位", "Unit")) } th.number { (l.say("应归", "In scope")) } th.number { (l.say("已归", "Filed")) }
                th.number { (l.say("退回", "Returned")) } th.number { (l.say("已发证", "Certified")) } th.number { (l.say("已进馆", "Accessioned")) }
                th.rate { (l.say("实现率", "Share")) }
            } }
            tbody {
                @for u in &f.units { (unit(u, l)) }
                @if f.units.is_empty() { (super::pieces::none(7, l.say("尚无归档", "Nothing yet"))) }
            }
        }
    }
}

fn unit(u: &v1::UnitFigures, l: Language) -> Markup {
    let list = |custody: &str| {
        l.link(&super::pieces::address("/items", &[("unit", &u.unit_uscc), ("custody", custody)]))
    };
    html! {
        tr {
            td title=(u.unit_uscc) { a href=(list("")) { (super::pieces::or_code(&u.unit_name, &u.unit_uscc)) } }
            td.number { (thousands(u.prefiled)) } td.number { (thousands(u.filed)) }
            td.number { @if u.returned > 0 { a href=(list("returned")) { (thousands(u.returned)) } } @else { "0" } }
            td.number { (thousands(u.certified)) } td.number { (thousands(u.accessioned)) }
            td.rate { (chart::bar(chart::share(u.filed, u.prefiled))) span { (chart::percent(u.filed, u.prefiled)) } }
        }
    }
}

fn days(f: &v1::FiguresReply, l: Language) -> Markup {
    let last = &f.days[f.days.len().saturating_sub(DAYS)..];
    html! {
        h2 { (l.say("近日归档", "By day")) span.unit { (l.say("单位：件", "items")) } }
        (chart::days(last, l))
    }
}

fn reasons(f: &v1::FiguresReply, l: Language) -> Markup {
    let mut failed: Vec<(&String, &u64)> = f.failed.iter().collect();
    failed.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let most = failed.first().map_or(0, |(_, n)| **n);
    html! {
        @if most > 0 {
            section.card {
                h2 { (l.say("退回与拒收的原因", "Why items came back")) }
                table.plain { tbody {
                    @for (check, n) in failed.iter().take(REASONS) {
                        tr { td.code { (check) } td.short { (words::property(check, l)) } td.wide { (chart::bar(chart::share(**n, most))) } td.number { (thousands(**n)) } }
                    }
                } }
            }
        }
    }
}
