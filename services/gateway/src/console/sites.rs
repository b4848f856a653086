//! `GET /sites`: every site with its key, what it holds, when it last signed and was last read again.

use axum::response::{IntoResponse, Response};
use dengbei_proto::v1::{PolicyRequest, SiteStanding};
use maud::{Markup, html};

use super::pieces::{hash, moment};
use super::view::View;
use super::words::{self, Of};
use super::{Language, asked, thousands, troubles};
use crate::peers::{answered, question};

/// Troubles shown here; the rest a link away.
const TROUBLES: u32 = 10;

/// The page.
pub(super) async fn show(view: View) -> Response {
    let (l, peers) = (view.l, view.peers());
    let (sites, found, policy) =
        tokio::join!(asked::sites(peers), asked::troubles(peers, TROUBLES), policy(&view));
    let body = match sites {
        Ok(sites) => html! {
            section.card.list { (table(&sites, l)) }
            @if let Some(policy) = &policy { section.card { details { summary { h2 { (l.say("备份策略", "Backup policy")) } } pre { (policy) } } } }
            @if let Ok(found) = &found { (troubles::list(found, l)) }
        },
        Err(problem) => return view.refused(problem, "/sites"),
    };
    view.page(l.say("备份点", "Sites"), "/sites").render(&body).into_response()
}

/// The policy in force, as text.
async fn policy(view: &View) -> Option<String> {
    let request = question(PolicyRequest {});
    let reply = answered(view.peers().replication().ok()?.policy(request).await).ok()?;
    let value: serde_json::Value = serde_json::from_slice(&reply.policy).ok()?;
    serde_json::to_string_pretty(&value).ok()
}

fn table(sites: &[SiteStanding], l: Language) -> Markup {
    html! {
        table {
            thead { tr {
                th { (l.say("备份点", "Site")) } th { (l.say("类别", "Class")) } th { (l.say("状态", "State")) } th { (l.say("公钥", "Key")) }
                th.number { (l.say("存储包", "Packs")) } th.number { (l.say("数据量", "Size")) } th.number { (l.say("可用", "Free")) }
                th.number { (l.say("待存", "Due")) } th.number { (l.say("异常", "Bad")) } th.number title=(l.say("留作证据的坏副本", "bad copies kept as evidence")) { (l.say("隔离", "Kept")) }
                th { (l.say("最近回执", "Last receipt")) } th { (l.say("最近巡检", "Inspected")) } th.number { (l.say("登记簿", "Log")) }
            } }
            tbody {
                @for s in sites { (row(s, l)) }
                @if sites.is_empty() { (super::pieces::none(13, l.say("没有备份点", "No sites"))) }
            }
        }
    }
}

fn row(s: &SiteStanding, l: Language) -> Markup {
    html! {
        tr {
            td.short { b { (s.site) } } td.short { (words::state(Of::Class, &s.class, l)) }
            td { @if s.answers { span.tag.good { (l.say("正常", "well")) } } @else { span.tag.bad title=(s.trouble) { (l.say("无应答", "away")) } } }
            td.code { (hash(&s.key)) } td.number { (thousands(s.packs)) } td.number { (words::size(s.bytes)) } td.number { @if s.free_unknown { "—" } @else { (words::size(s.free_bytes)) } }
            td.number { (thousands(s.waiting)) } td.number { @if s.damaged > 0 { span.tag.bad { (thousands(s.damaged)) } } @else { "0" } } td.number { (thousands(s.quarantined)) }
            td.time { (moment(s.last_receipt_at)) } td.time { (moment(s.last_inspected_at)) } td.number { (thousands(s.log_size)) }
        }
        @if !s.answers && !s.trouble.is_empty() { tr { td {} td.quiet colspan="12" { (super::pieces::bilingual(&s.trouble, l)) } } }
    }
}
