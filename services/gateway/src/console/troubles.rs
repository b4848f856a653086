//! `GET /troubles`: copies that are not as they should be, and those that were repaired.

use axum::response::{IntoResponse, Response};
use dengbei_proto::v1::PackTrouble;
use maud::{Markup, html};

use super::pieces::{self, bilingual, moment, or_dash};
use super::view::View;
use super::words::{self, Of};
use super::{Language, asked};

const MOST: u32 = 200;

/// The page.
pub(super) async fn show(view: View) -> Response {
    let l = view.l;
    match asked::troubles(view.peers(), MOST).await {
        Ok(found) => view
            .page(l.say("副本异常", "Copies in trouble"), "/troubles")
            .render(&list(&found, l))
            .into_response(),
        Err(problem) => view.refused(problem, "/troubles"),
    }
}

/// Troubles, newest first, open ones marked.
pub(super) fn list(found: &[PackTrouble], l: Language) -> Markup {
    let open = found.iter().filter(|t| !t.repaired).count();
    html! {
        section.card.list {
            h2 { (l.say("副本异常", "Copies in trouble")) span.unit { (l.say("未修复 ", "open: ")) (open) } }
            table {
                thead { tr {
                    th { (l.say("发现时间", "Found")) } th { (l.say("备份点", "Site")) } th { (l.say("存储包", "Pack")) } th { (l.say("代", "Generation")) }
                    th { (l.say("情形", "What")) } th { (l.say("说明", "Detail")) } th { (l.say("修复", "Repair")) } th { (l.say("修复时间", "Repaired")) }
                } }
                tbody {
                    @for t in found { (row(t, l)) }
                    @if found.is_empty() { (pieces::none(8, l.say("全部副本完好", "Every copy is intact"))) }
                }
            }
        }
    }
}

fn row(t: &PackTrouble, l: Language) -> Markup {
    html! {
        tr {
            td.time { (moment(t.since)) } td.short { (t.site) } td.code { (pieces::pack(t.pack, l)) } td.short { (t.generation) }
            td { (words::tag(Of::Trouble, &t.kind, l)) } td { (or_dash(bilingual(&t.detail, l))) }
            td { @if t.repaired { span.tag.good { (l.say("已修复", "repaired")) } } @else { span.tag.bad { (l.say("未修复", "open")) } } } td.time { (moment(t.repaired_at)) }
        }
    }
}
