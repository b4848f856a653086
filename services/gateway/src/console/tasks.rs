//! `/tasks` (人工检测): what persons are asked to look at, open ones first, signed in place. What is signed is never changed.

use axum::Form;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use dengbei_proto::v1::{self, CheckTask};
use dengbei_records::{Clock as _, SystemClock};
use maud::{Markup, html};

use super::pieces::{self, address, moment, or_dash};
use super::view::{View, Wanted};
use super::words::{self, Of};
use super::{Language, thousands};
use crate::api::tasks::{Signing, TaskFilters, page_of_tasks, sign};
use crate::json;

/// Items of a sample that are linked from the list; the report has all.
const SHOWN: usize = 6;
/// `2026-11`
const MONTH: usize = 7;
/// Tasks of a page.
const PAGE: u32 = 20;

/// The page.
pub(super) async fn show(view: View, Wanted(mut f): Wanted<TaskFilters>) -> Response {
    let l = view.l;
    f.limit = Some(PAGE);
    match page_of_tasks(&view.gateway, &f).await {
        Ok((reply, next)) => {
            let body = html! {
                ul.tabs {
                    (pieces::tab("/tasks?state=open", l.say("待签", "Open"), Some(reply.open), f.state == "open", l))
                    (pieces::tab("/tasks?state=done", l.say("已签", "Signed"), None, f.state == "done", l))
                    (pieces::tab("/tasks", l.say("全部", "All"), None, f.state.is_empty(), l))
                }
                (list(&f, &reply, (next, view.person()), l))
            };
            view.page(l.say("人工检测", "Checks by persons"), "/tasks").render(&body).into_response()
        }
        Err(refusal) => view.refused(refusal, "/tasks"),
    }
}

fn list(
    f: &TaskFilters,
    reply: &v1::TasksReply,
    (next, person): (Option<String>, &str),
    l: Language,
) -> Markup {
    let at = |after: &str| {
        address(
            "/tasks",
            &[("state", &f.state), ("scope", &f.scope), ("number", &f.number), ("after", after)],
        )
    };
    let open = thousands(reply.open);
    let count = l.say(format!("待签 {open} 项 · 每页 {PAGE} 项"), format!("{open} open · {PAGE} a page"));
    html! {
        section.card.list {
            (table(&reply.tasks, person, l))
            (pieces::pager(&count, (!f.after.is_empty()).then(|| at("")), next.map(|n| at(&n)), l))
        }
    }
}

/// Tasks with what was signed of them, and the form to sign.
pub(super) fn table(tasks: &[CheckTask], person: &str, l: Language) -> Markup {
    html! {
        table.tasks {
            thead { tr {
                th { (l.say("检测项", "Check")) } th { (l.say("对象", "Of what")) } th { (l.say("要做什么", "What to do")) }
                th { (l.say("签字", "Signed")) } th { (l.say("期限", "Due")) } th { (l.say("状态", "State")) } th { (l.say("操作", "Action")) }
            } }
            tbody {
                @for t in tasks { (row(t, person, l)) }
                @if tasks.is_empty() { (pieces::none(7, l.say("没有人工检测任务", "No tasks"))) }
            }
        }
    }
}

fn row(t: &CheckTask, person: &str, l: Language) -> Markup {
    let is_late = t.state == "open" && t.due_at > 0 && t.due_at < SystemClock.now().millis();
    let has_signed = !person.is_empty() && t.signatures.iter().any(|s| s.person == person);
    html! {
        tr id={ "t-" (t.id) } {
            td { span.mono { (t.check) } br; (l.say(&t.check_name, &t.check_name_en)) }
            td { (of_what(&t.scope, &t.number, l)) br; span.quiet { (words::stage(&t.stage, l)) } }
            td { (l.say(&t.task, &t.task_en)) (sample(t, l)) }
            td { (signatures(t, l)) }
            td.time { (moment(t.due_at)) @if is_late { br; span.tag.bad { (l.say("逾期", "late")) } } }
            td { (words::tag(Of::Task, &t.state, l)) }
            td { @if has_signed { span.quiet { (l.say("本人已签", "you signed")) } } @else { (form(t, person, l)) } }
        }
    }
}

/// A batch, carrier or the system, with the way to it.
pub(super) fn of_what(scope: &str, number: &str, l: Language) -> Markup {
    let is_month = number.len() == MONTH && scope == "batch";
    let word = if is_month { l.say("工作期", "session") } else { words::scope(scope, l) };
    html! {
        (word) " "
        @if number.starts_with("YJ-") { (pieces::transfer(number, l)) }
        @else if let (false, Ok(pack)) = (is_month, number.parse::<u64>()) { (pieces::pack(pack, l)) }
        @else if let Ok(batch) = number.parse::<uuid::Uuid>() { (pieces::batch(batch.as_bytes(), "", l)) }
        @else { span.mono { (number) } }
    }
}

/// Who signs: whoever is signed in, else by name.
pub(super) fn signer(person: &str, l: Language) -> Markup {
    html! {
        label { (l.say("签字人", "Signed by"))
            @if person.is_empty() { input name="by" required maxlength="64" autocomplete="name"; }
            @else { input name="by" value=(person) readonly; }
        }
    }
}

fn sample(t: &CheckTask, l: Language) -> Markup {
    let whole = hex::encode(&t.whole);
    html! {
        @if !t.items.is_empty() {
            p.quiet {
                (l.say("抽中：", "drawn: "))
                @for (i, id) in t.items.iter().take(SHOWN).filter_map(|item| json::id(item)).enumerate() { @if i > 0 { " " } (item(&id, l)) }
                @if t.items.len() > SHOWN { " … " (thousands(t.items.len() as u64)) (l.say(" 件", " items")) }
            }
        }
        p { a href=(l.link(&format!("/wholes/{whole}"))) { (l.say("检测报告", "Report")) } }
    }
}

/// An item, by the end of its id.
pub(super) fn item(id: &str, l: Language) -> Markup {
    html! { a.mono href=(l.link(&format!("/items/{id}"))) title=(id) { (id.get(24..).unwrap_or(id)) } }
}

fn signatures(t: &CheckTask, l: Language) -> Markup {
    html! {
        span.count { (t.signatures.len()) "/" (t.persons) (l.say(" 人", " persons")) }
        @for s in &t.signatures {
            div {
                b { (or_dash(&s.person)) } " "
                @if s.in_order { span.tag.good { (l.say("合格", "in order")) } } @else { span.tag.bad { (l.say("不合格", "wrong")) } }
                br; span.quiet { (moment(s.at)) } @if !s.note.is_empty() { br; (s.note) }
            }
        }
    }
}

fn form(t: &CheckTask, person: &str, l: Language) -> Markup {
    html! {
        details {
            summary { @if t.state == "open" { (l.say("签字", "Sign")) } @else { (l.say("另签", "Sign beside")) } }
            form.stack method="post" action=(l.link(&format!("/tasks/{}", t.id))) {
                div {
                    label.choice { input type="radio" name="in_order" value="yes" required; (l.say("合格", "In order")) }
                    label.choice { input type="radio" name="in_order" value="no" required; (l.say("不合格", "Wrong")) }
                }
                label { (l.say("所见（不合格必填）", "What was seen (asked for when wrong)")) textarea name="note" rows="2" maxlength="2000" {} }
                (signer(person, l))
                button { (l.say("签字，不得更改", "Sign for good")) }
            }
        }
    }
}

/// Signs, and shows the task among the others.
pub(super) async fn save(
    view: View,
    Path(id): Path<String>,
    fields: Form<Vec<(String, String)>>,
) -> Response {
    let one = |name: &str| fields.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.trim());
    let in_order = one("in_order") == "yes";
    let signing = Signing { in_order, note: one("note").into(), person: one("by").into() };
    match sign(&view.gateway, &view.who, &id, signing).await {
        Ok(_) => Redirect::to(&view.l.link(&format!("/tasks#t-{id}"))).into_response(),
        Err(refusal) => view.refused(refusal, "/tasks"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> CheckTask {
        let signature =
            v1::Signature { person: "林梅".into(), in_order: true, at: 1, ..Default::default() };
        CheckTask {
            id: "ab".into(),
            check: "S-06".into(),
            check_name: "操作过程安全".into(),
            check_name_en: "safe procedure".into(),
            scope: "batch".into(),
            stage: "G".into(),
            number: "00000001".into(),
            persons: 2,
            state: "open".into(),
            due_at: 2,
            signatures: vec![signature],
            items: vec![vec![7; 16].into()],
            ..CheckTask::default()
        }
    }

    #[test]
    fn a_task_shows_who_signed_and_asks_another_person_alone() {
        let shown = |person: &str, l| table(&[task()], person, l).into_string();
        let other = shown("王强", Language::English);
        assert!(
            other.contains("1/2 persons") && other.contains("Sign for good") && other.contains("late"),
            "{other}"
        );
        assert!(other.contains(r#"value="王强" readonly"#), "{other}");
        let same = shown("林梅", Language::Chinese);
        assert!(same.contains("本人已签") && !same.contains("<form"), "{same}");
        assert!(shown("", Language::Chinese).contains("name=\"by\" required"));
    }
}
