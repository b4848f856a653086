//! `/wholes` (整体检测): checks of batches, carriers and the system; `/wholes/{id}`: one with its report, tasks and sample.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use dengbei_checks::{CheckOutcome, Report, Sample};
use dengbei_proto::v1::{self, WholeSummary};
use maud::{Markup, html};

use super::pieces::{self, address, choice, hash, moment, or_dash};
use super::view::{View, Wanted};
use super::words::{self, Of};
use super::{Language, tasks, thousands};
use crate::api::wholes::{WholeFilters, check_now, find_whole, page_of_wholes};

/// Runs of a page.
const PAGE: u32 = 20;

/// The list.
pub(super) async fn show(view: View, Wanted(mut f): Wanted<WholeFilters>) -> Response {
    let l = view.l;
    f.limit = Some(PAGE);
    match page_of_wholes(&view.gateway, &f).await {
        Ok((reply, next)) => {
            let body = html! { section.card { (filters_of(&f, l)) } (list(&f, &reply.wholes, next, l)) };
            let now = html! { form method="post" action=(l.link("/wholes")) { button { (l.say("立即检测系统", "Check the system now")) } } };
            let title = l.say("整体检测", "Batches and system");
            view.page(title, "/wholes").beside(now).render(&body).into_response()
        }
        Err(refusal) => view.refused(refusal, "/wholes"),
    }
}

fn filters_of(f: &WholeFilters, l: Language) -> Markup {
    let scopes = ["batch", "carrier", "system"].map(|scope| (scope, words::scope(scope, l)));
    let stages = ["G", "Y", "C"].map(|stage| (stage, words::stage(stage, l)));
    let fields = html! {
        (choice(("scope", l.say("对象", "Of what")), &f.scope, scopes, l))
        (choice(("stage", l.say("环节", "Stage")), &f.stage, stages, l))
        (choice(("verdict", l.say("结论", "Verdict")), &f.verdict, words::states(Of::Verdict, l), l))
        (pieces::text("number", l.say("编号", "Number"), &f.number, 20))
    };
    pieces::filters("/wholes", &fields, l)
}

fn list(f: &WholeFilters, wholes: &[WholeSummary], next: Option<String>, l: Language) -> Markup {
    let at = |after: &str| {
        let narrowed =
            [("scope", &*f.scope), ("stage", &*f.stage), ("verdict", &*f.verdict), ("number", &*f.number)];
        address("/wholes", &[narrowed.as_slice(), &[("after", after)]].concat())
    };
    let count = l.say(format!("每页 {PAGE} 次"), format!("{PAGE} a page"));
    html! {
        section.card.list {
            table {
                thead { tr {
                    th { (l.say("时间", "When")) } th { (l.say("对象", "Of what")) } th { (l.say("环节", "Stage")) } th { (l.say("检测结论", "Found")) }
                    th { (l.say("现结论", "Holds")) } th.number { (l.say("待签", "To sign")) } th { (l.say("方案", "Scheme")) } th { (l.say("报告", "Report")) }
                } }
                tbody {
                    @for w in wholes { (row(w, l)) }
                    @if wholes.is_empty() { (pieces::none(8, l.say("没有整体检测", "No runs"))) }
                }
            }
            (pieces::pager(&count, (!f.after.is_empty()).then(|| at("")), next.map(|n| at(&n)), l))
        }
    }
}

fn row(w: &WholeSummary, l: Language) -> Markup {
    html! {
        tr {
            td.time { (moment(w.began_at)) } td { (tasks::of_what(&w.scope, &w.number, l)) } td.short { (words::stage(&w.stage, l)) }
            td { (words::tag(Of::Verdict, &w.verdict, l)) } td { (words::tag(Of::Verdict, &w.holds, l)) } td.number { (w.open_tasks) }
            td.code { (w.scheme) } td.short { a href=(l.link(&format!("/wholes/{}", hex::encode(&w.id)))) { (l.say("查看", "Open")) } }
        }
    }
}

/// Has the system checked now.
pub(super) async fn check(view: View) -> Response {
    match check_now(&view.gateway, &view.who).await {
        Ok(_) => Redirect::to(&view.l.link("/wholes?scope=system")).into_response(),
        Err(refusal) => view.refused(refusal, "/wholes"),
    }
}

/// One run.
pub(super) async fn one(view: View, Path(id): Path<String>) -> Response {
    let l = view.l;
    match find_whole(&view.gateway, &id).await {
        Ok(reply) => {
            let w = reply.whole.clone().unwrap_or_default();
            let title = format!("{} {}", words::scope(&w.scope, l), w.number);
            let data = html! { a.button href={ "/v1/wholes/" (id) } { "JSON" } };
            let body = body(&w, &reply, view.person(), l);
            view.page(&title, "/wholes").under("", &title).beside(data).render(&body).into_response()
        }
        Err(refusal) => view.refused(refusal, "/wholes"),
    }
}

fn body(w: &WholeSummary, reply: &v1::WholeReply, person: &str, l: Language) -> Markup {
    let report: Option<Report> = serde_json::from_slice(&reply.report).ok();
    html! {
        section.card { (facts(w, report.as_ref(), l)) }
        @if !reply.tasks.is_empty() { section.card.list { h2 { (l.say("人工检测", "By persons")) } (tasks::table(&reply.tasks, person, l)) } }
        @match &report {
            Some(report) => {
                section.card.list { h2 { (l.say("检测项", "Checks")) } (checks(&report.checks, l)) }
                @if let Some(sample) = &report.sample { (drawn(sample, l)) }
            },
            None => section.card.notice { p { (l.say("检测报告无法读取。", "The report cannot be read.")) } },
        }
    }
}

fn facts(w: &WholeSummary, report: Option<&Report>, l: Language) -> Markup {
    let is_intact = report.is_some_and(Report::is_intact);
    html! {
        dl.facts {
            dt { (l.say("检测结论", "Found")) } dd { (words::tag(Of::Verdict, &w.verdict, l)) }
            dt { (l.say("现结论", "Holds")) } dd { (words::tag(Of::Verdict, &w.holds, l)) " " span.quiet { (l.say("（含人工签字）", "(with what persons signed)")) } }
            dt { (l.say("环节", "Stage")) } dd { (words::stage(&w.stage, l)) }
            dt { (l.say("开始、结束", "Began, ended")) } dd { (moment(w.began_at)) " – " (moment(w.ended_at)) }
            dt { (l.say("方案、引擎", "Scheme, engine")) } dd.mono { (w.scheme) " · " (w.engine) }
            dt { (l.say("报告摘要", "Digest")) }
            dd {
                (hash(&w.report)) " "
                @if is_intact { span.tag.good { (l.say("完好", "intact")) } } @else { span.tag.bad { (l.say("不符", "not intact")) } }
            }
        }
    }
}

fn checks(checks: &[CheckOutcome], l: Language) -> Markup {
    html! {
        table {
            thead { tr {
                th { (l.say("检测项", "Check")) } th { (l.say("名称", "Name")) } th { (l.say("结果", "Result")) } th.number { (l.say("比对数", "Compared")) }
                th { (l.say("依据", "What with what")) } th { (l.say("说明", "What was found")) }
            } }
            tbody { @for c in checks { (check_row(c, l)) } }
        }
    }
}

fn check_row(c: &CheckOutcome, l: Language) -> Markup {
    html! {
        tr {
            td.code { (c.id) } td { (l.say(c.name.as_ref(), c.name_en.as_ref())) } td { (words::tag(Of::Result, words::result(c.result), l)) } td.number { (c.compared) }
            td { (or_dash(l.say(c.basis.as_ref(), c.basis_en.as_ref()))) }
            td {
                @for f in &c.findings { div { @if !f.place.is_empty() { span.mono { (f.place) } " " } (l.say(&f.message, &f.message_en)) } }
                @for e in &c.evidence { div.quiet { (e.what) " " span.mono { (e.value) } } }
            }
        }
    }
}

fn drawn(sample: &Sample, l: Language) -> Markup {
    let (taken, of) = (thousands(sample.items.len() as u64), thousands(sample.of));
    html! {
        section.card {
            h2 { (l.say("抽样", "Sample")) span.unit { (l.say(format!("{of} 件抽 {taken} 件（{}%）", sample.percent), format!("{taken} of {of} items ({}%)", sample.percent))) } }
            p.quiet { (l.say("种子为本批事件的摘要，凭种子和件标识可重抽同一样本：", "The seed is the hash of the batch's event: with it and the ids anybody draws the same again: ")) span.mono { (sample.seed) } }
            ul.codes { @for id in &sample.items { li { (tasks::item(&id.to_string(), l)) } } }
        }
    }
}
