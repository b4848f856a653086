//! `GET /policies`: by which rule each unit's work goes on by itself.

use axum::response::{IntoResponse, Response};
use dengbei_records::policy::{Mode, TransferRule, UnitPolicy};
use dengbei_records::{Problem, Retention};
use maud::{Markup, html};

use super::view::View;
use super::{Language, asked, words};

/// The area's default, as the address names it.
pub(super) const DEFAULT: &str = "default";

/// A unit with its rule, and whether that is the area's.
type Ruled = ((String, String), Result<(UnitPolicy, bool), Problem>);

/// The page.
pub(super) async fn show(view: View) -> Response {
    let l = view.l;
    let everybody = (DEFAULT.to_owned(), l.say("全区默认规则", "The area's default").to_owned());
    let units = std::iter::once(everybody).chain(asked::units(view.peers()).await);
    let asked = units.map(|unit| async { (rule(&view, &unit.0).await, unit) });
    let ruled = futures::future::join_all(asked).await.into_iter().map(|(rule, unit)| (unit, rule));
    let ruled: Vec<Ruled> = ruled.collect();
    let body = html! {
        section.card.notice.calm { p { (l.say("规则由立档单位一次批准，之后归档、登记、移交自动进行；任何一步都可以人工办理。", "A unit approves its rule once; from then on its work goes on by itself. Every step can be taken by hand.")) } }
        section.card.list { (table(&ruled, l)) }
    };
    view.page(l.say("单位规则", "Unit rules"), "/policies").render(&body).into_response()
}

/// A unit's rule; `true` beside the area's.
pub(super) async fn rule(view: &View, unit: &str) -> Result<(UnitPolicy, bool), Problem> {
    let unit = if unit == DEFAULT { "" } else { unit };
    let reply = asked::policy(view.peers(), unit).await?;
    let policy = serde_json::from_slice(&reply.policy).map_err(|_| super::policy::unreadable())?;
    Ok((policy, reply.is_default))
}

fn table(ruled: &[Ruled], l: Language) -> Markup {
    html! {
        table {
            thead { tr {
                th { (l.say("立档单位", "Unit")) } th { (l.say("版本", "Version")) } th { (l.say("登记", "Registration")) } th { (l.say("移交", "Transfer")) }
                th { (l.say("进馆范围", "Archive takes")) } th { (l.say("单位签字", "Unit's signatories")) } th { (l.say("档案馆签字", "Archive's signatories")) } th { (l.say("操作", "Action")) }
            } }
            tbody { @for (unit, rule) in ruled { (row(unit, rule, l)) } }
        }
    }
}

fn row(unit: &(String, String), rule: &Result<(UnitPolicy, bool), Problem>, l: Language) -> Markup {
    let path = l.link(&format!("/policies/{}", unit.0));
    html! {
        tr {
            td { (unit.1) @if unit.0 != DEFAULT { br; span.mono.quiet { (unit.0) } } }
            @match rule {
                Ok((p, is_default)) => {
                    td.short { @if *is_default && unit.0 != DEFAULT { span.quiet { (l.say("默认", "default")) } } @else { (p.version) } }
                    td { (mode(p.registration, l)) } td { (transfer(p.transfer, l)) } td { (range(&p.archive_range, l)) }
                    td { (p.unit.filled_by) br; (p.unit.reviewed_by) } td { (p.archive.filled_by) br; (p.archive.reviewed_by) }
                },
                Err(problem) => td.quiet colspan="6" { (l.say(&problem.message, &problem.message_en)) },
            }
            td.short { a href=(path) { (l.say("修改", "Change")) } }
        }
    }
}

/// By itself, or by hand.
pub(super) fn mode(mode: Mode, l: Language) -> &'static str {
    match mode {
        Mode::Automatic => l.say("自动申请办理", "by itself"),
        Mode::Desk => l.say("登记台办理", "at the desk"),
    }
}

/// When what is in the archive's range is handed over.
pub(super) fn transfer(rule: TransferRule, l: Language) -> String {
    match rule {
        TransferRule::AtOnce => l.say("发证后即移交", "as soon as certified").into(),
        TransferRule::Monthly => l.say("按月移交", "every month").into(),
        TransferRule::AfterYears(n) => l.say(format!("满 {n} 年移交"), format!("after {n} years")),
        TransferRule::ByHand => l.say("人工移交", "by hand").into(),
    }
}

fn range(range: &[Retention], l: Language) -> String {
    let words: Vec<String> = range.iter().map(|r| words::retention(r.code(), l)).collect();
    if words.is_empty() { "–".into() } else { words.join(l.say("、", ", ")) }
}
