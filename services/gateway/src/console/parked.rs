//! `/parked`: items whose matter has no filing scope in force; publishing the scope sets them going.

use std::collections::BTreeMap;

use axum::Form;
use axum::response::{IntoResponse, Redirect, Response};
use dengbei_proto::v1::{self, ItemSummary};
use maud::{Markup, html};
use serde::Deserialize;

use super::pieces::{self, moment, or_code};
use super::view::View;
use super::{Language, asked, items, thousands};
use crate::accounts::Entry;
use crate::peers::{answered, question};
use crate::problem::Refusal;

/// The newest that are shown.
const MOST: u32 = 100;

/// The page.
pub(super) async fn show(view: View) -> Response {
    let l = view.l;
    let request = v1::ItemsRequest { custody: "parked".into(), limit: MOST, ..Default::default() };
    match asked::items(view.peers(), request).await {
        Ok(reply) => {
            let body = html! {
                div.columns { (list(&reply, l)) div { (matters(&reply.items, l)) (form(l)) } }
            };
            view.page(l.say("待配置", "Parked"), "/parked").render(&body).into_response()
        }
        Err(problem) => view.refused(problem, "/parked"),
    }
}

fn list(reply: &v1::ItemsReply, l: Language) -> Markup {
    let (total, shown) = (thousands(reply.total), reply.items.len());
    let count = l.say(
        format!("共 {total} 件，列最近 {shown} 件"),
        format!("{total} items, the newest {shown} are shown"),
    );
    html! {
        section.card.list {
            table {
                thead { tr { th { (l.say("办件", "Item")) } th { (l.say("事项编码", "Matter")) } th { (l.say("来源系统", "Source system")) } th { (l.say("到达时间", "Arrived")) } } }
                tbody {
                    @for item in &reply.items {
                        tr { td.code { (items::link(item, l)) } td.code { (item.matter_code) } td.short { (item.source_system) } td.time { (moment(item.changed_at)) } }
                    }
                    @if reply.items.is_empty() { (pieces::none(4, l.say("没有待配置的办件", "Nothing is parked"))) }
                }
            }
            (pieces::pager(&count, None, None, l))
        }
    }
}

/// Which matters lack a scope, most items first.
fn matters(parked: &[ItemSummary], l: Language) -> Markup {
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for item in parked {
        *counts.entry((&item.matter_code, &item.matter_name)).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    html! {
        @if !counts.is_empty() {
            section.card {
                h2 { (l.say("缺少归档范围的事项", "Matters without a filing scope")) }
                table.plain { tbody { @for ((code, name), n) in counts { tr { td { (or_code(name, code)) } td.number { (thousands(n)) } } } } }
            }
        }
    }
}

fn form(l: Language) -> Markup {
    html! {
        section.card {
            h2 { (l.say("发布事项", "Publish matters")) }
            p.quiet { (l.say("粘贴归档范围和保管期限表（JSON，格式见 docs/matters.md）。发布后待配置的办件自动继续办理。", "Paste matters with their scope and retention (JSON as in docs/matters.md). Parked items go on by themselves.")) }
            form.stack method="post" action=(l.link("/parked")) {
                label { (l.say("事项", "Matters")) textarea name="matters" rows="8" required spellcheck="false" {} }
                div.go { button { (l.say("发布", "Publish")) } }
            }
        }
    }
}

/// What is published.
#[derive(Debug, Deserialize)]
pub(super) struct Matters {
    matters: String,
}

/// Publishes and shows what is still parked.
pub(super) async fn publish(view: View, Form(given): Form<Matters>) -> Response {
    if given.matters.trim().is_empty() {
        let (zh, en) = ("没有事项", "there is no matter");
        return view.refused(Refusal::invalid("matter.empty", zh, en), "/parked");
    }
    let entry = Entry { action: "matter.publish", object: "", detail: "" };
    if let Err(error) = view.gateway.audit.does(&view.who, entry).await {
        return view.refused(error, "/parked");
    }
    let request =
        v1::PublishMattersRequest { body: given.matters.into_bytes().into(), actor: view.who.actor() };
    match answered(view.peers().registration().publish_matters(question(request)).await) {
        Ok(_) => Redirect::to(&view.l.link("/parked")).into_response(),
        Err(problem) => view.refused(problem, "/parked"),
    }
}
