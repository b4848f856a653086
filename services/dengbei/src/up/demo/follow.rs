//! Waiting until everything that was sent got as far as its unit's rule lets it.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::rules::Kind;
use super::show::Show;
use crate::commands::door::Door;

/// Items asked about at once.
const AT_ONCE: usize = 400;
const WITHIN: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(1);

/// How far an item gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// 已归档: its unit's registration waits at the desk.
    Filed,
    /// 已发证: it is handed over another day.
    Certified,
    /// 已进馆, or 已发证 when it is not in the archive's range.
    Archived,
}

impl Goal {
    pub(super) const fn of(kind: Kind) -> Self {
        match kind {
            Kind::ByItself => Self::Archived,
            Kind::Desk => Self::Filed,
            Kind::Later(_) => Self::Certified,
        }
    }
}

/// An item that the door took.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) goal: Goal,
    pub(super) item: String,
}

/// Waits for all; how many are in the archive then.
pub(super) async fn all(door: &Door, sent: &[Sent], bar: &Show, deadline: Instant) -> anyhow::Result<usize> {
    loop {
        let (mut there, mut archived) = (0, 0);
        for chunk in sent.chunks(AT_ONCE) {
            let states = states(door, chunk).await?;
            there += chunk.iter().filter(|sent| is_there(sent, &states)).count();
            archived += states.iter().filter(|state| region(state, "custody") == "accessioned").count();
        }
        bar.at(there);
        if there == sent.len() {
            return Ok(archived);
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "{there}/{} 件办结 / only {there} items got where they should",
            sent.len()
        );
        sleep(PAUSE).await;
    }
}

/// Whether nothing is to be decided about these submissions any more.
pub(super) async fn are_decided(door: &Door, submissions: &[String]) -> anyhow::Result<bool> {
    let body = json!({ "submissions": submissions });
    let answer = ask(door, &body).await?;
    let known = answer.get("submissions").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_open = |one: &Value| matches!(custody(one), "prefiled" | "planned" | "");
    Ok(known.len() == submissions.len() && !known.iter().any(is_open))
}

/// How these items stand; at most [`AT_ONCE`].
pub(super) async fn states(door: &Door, chunk: &[Sent]) -> anyhow::Result<Vec<Value>> {
    let items: Vec<&str> = chunk.iter().map(|sent| sent.item.as_str()).collect();
    let answer = ask(door, &json!({ "items": items })).await?;
    Ok(answer.get("items").and_then(Value::as_array).cloned().unwrap_or_default())
}

async fn ask(door: &Door, body: &Value) -> anyhow::Result<Value> {
    door.json(WITHIN, || Ok(door.post("/v1/items:states").json(body))).await.context("/v1/items:states")
}

fn is_there(sent: &Sent, states: &[Value]) -> bool {
    let is_it = |state: &&Value| state.get("item").and_then(Value::as_str) == Some(&sent.item);
    states.iter().find(is_it).is_some_and(|state| has_reached(sent.goal, state))
}

fn has_reached(goal: Goal, state: &Value) -> bool {
    let custody = region(state, "custody");
    let is_certified = region(state, "registration") == "certified";
    let is_for_archive = state.get("in_archive_range").and_then(Value::as_bool).unwrap_or(true);
    match goal {
        Goal::Filed => matches!(custody, "filed" | "accessioned"),
        Goal::Certified => is_certified,
        Goal::Archived => custody == "accessioned" || (is_certified && !is_for_archive),
    }
}

fn region<'a>(item: &'a Value, name: &str) -> &'a str {
    item.get("state").and_then(|state| state.get(name)).and_then(Value::as_str).unwrap_or_default()
}

fn custody(submission: &Value) -> &str {
    submission.get("custody").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(custody: &str, registration: &str, is_for_archive: bool) -> Value {
        json!({"item": "a", "in_archive_range": is_for_archive,
            "state": {"custody": custody, "registration": registration}})
    }

    #[test]
    fn ten_years_end_at_certified_and_the_rest_in_the_archive() {
        assert!(has_reached(Goal::Archived, &item("filed", "certified", false)));
        assert!(!has_reached(Goal::Archived, &item("filed", "certified", true)));
        assert!(has_reached(Goal::Archived, &item("accessioned", "certified", true)));
    }

    #[test]
    fn what_waits_at_the_desk_is_filed() {
        assert!(has_reached(Goal::of(Kind::Desk), &item("filed", "applied", true)));
        assert!(!has_reached(Goal::of(Kind::Desk), &item("prefiled", "unregistered", true)));
    }
}
