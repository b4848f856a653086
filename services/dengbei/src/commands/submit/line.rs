//! What is printed of one item, and whether it got where it should. Names are a contract (design.md 8).

use dengbei_records::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::door::Refused;

/// How far an item is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(super) enum Target {
    /// 已预归档: the door's own answer
    Prefiled,
    /// 已归档
    Filed,
    /// 已登记
    Registered,
    /// 备份达标
    Secured,
    /// 已发证
    Certified,
    /// 已进馆
    Accessioned,
}

/// One item's line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    /// `None`: the package's item could not be read.
    pub(super) item: Option<String>,
    /// `prefiled|refused|returned|parked|duplicate|conflict`
    pub(super) outcome: String,
    #[serde(default)]
    pub(super) checks: Vec<Value>,
    pub(super) state: Option<Value>,
    #[serde(default)]
    pub(super) submission: Option<String>,
    #[serde(default)]
    pub(super) data_version: u32,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<Value>,
}

impl Line {
    /// A package that the door (or this program) did not take, for a reason that is no check.
    pub(super) fn refused(name: &str, problem: &Refused) -> Self {
        let told = json!({
            "code": problem.code,
            "message": problem.message,
            "message_en": problem.message_en,
            "remedy": problem.remedy,
        });
        Self {
            outcome: "refused".into(),
            checks: problem.checks.clone(),
            name: name.into(),
            problem: Some(told),
            ..Self::default()
        }
    }

    /// A package that cannot be sent.
    pub(super) fn unsent(name: &str, problem: &Problem) -> Self {
        let refused = Refused {
            code: problem.code.clone(),
            message: problem.message.clone(),
            message_en: problem.message_en.clone(),
            remedy: problem.remedy.clone(),
            checks: Vec::new(),
        };
        Self::refused(name, &refused)
    }

    /// Whether something is still to be decided about it, so that following it makes sense.
    pub(super) fn is_followed(&self) -> bool {
        matches!(self.outcome.as_str(), "prefiled" | "duplicate")
            && self.submission.is_some()
            && self.item.is_some()
    }

    /// Whether it got to `target`. What is not in the archive's range ends at certified.
    pub(super) fn got_to(&self, target: Target, is_for_archive: bool) -> bool {
        if !matches!(self.outcome.as_str(), "prefiled" | "duplicate") {
            return false;
        }
        self.state.as_ref().is_some_and(|state| has_reached(state, target, is_for_archive))
    }
}

/// Whether a state is at `target` or beyond.
pub(super) fn has_reached(state: &Value, target: Target, is_for_archive: bool) -> bool {
    let region = |name: &str| state.get(name).and_then(Value::as_str).unwrap_or_default();
    let custody = region("custody");
    let is_filed = matches!(custody, "filed" | "accessioned");
    let registration =
        ["registered", "backed_up", "certified"].iter().position(|r| *r == region("registration"));
    match target {
        Target::Prefiled => is_filed || matches!(custody, "prefiled" | "planned"),
        Target::Filed => is_filed,
        Target::Registered => is_filed && registration.is_some(),
        Target::Secured => is_filed && region("preservation") == "secured",
        Target::Certified => is_filed && registration == Some(2),
        Target::Accessioned if !is_for_archive => is_filed && registration == Some(2),
        Target::Accessioned => custody == "accessioned",
    }
}

/// The line for people: a mark, the word, the name, and what is wrong.
pub(super) fn for_people(line: &Line, is_well: bool) -> String {
    let custody =
        line.state.as_ref().and_then(|s| s.get("custody")).and_then(Value::as_str).unwrap_or_default();
    let mark = if is_well { "✓" } else { "✗" };
    let word = word(&line.outcome, custody);
    let item = line.item.as_deref().unwrap_or("-");
    let mut text = format!("{mark} {word}  {}  {item}", line.name);
    let findings = line.checks.iter().chain(&line.problem);
    for finding in findings {
        let get = |key: &str| finding.get(key).and_then(Value::as_str).unwrap_or_default();
        let id = if get("id").is_empty() { get("code") } else { get("id") };
        text.push_str(&format!("\n    {id} {} {}", get("message"), get("place")));
        if !get("remedy").is_empty() {
            text.push_str(&format!("\n      → {}", get("remedy")));
        }
    }
    text
}

fn word(outcome: &str, custody: &str) -> String {
    let chinese = match (outcome, custody) {
        (_, "filed") => "已归档",
        (_, "accessioned") => "已进馆",
        ("prefiled", "planned") => "待归档",
        ("prefiled", "superseded") => "已被替代",
        ("prefiled", _) => "已预归档",
        ("refused", _) => "拒收",
        ("returned", _) => "已退回",
        ("parked", _) => "待配置",
        ("duplicate", _) => "重复",
        ("conflict", _) => "冲突",
        _ => "未知",
    };
    format!("{chinese} {outcome}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(custody: &str, registration: &str, preservation: &str) -> Value {
        json!({"custody": custody, "registration": registration, "preservation": preservation, "access": "closed"})
    }

    #[test]
    fn a_state_at_or_beyond_the_target_is_reached() {
        let filed = state("filed", "unregistered", "stored");
        assert!(has_reached(&filed, Target::Prefiled, true) && has_reached(&filed, Target::Filed, true));
        assert!(
            !has_reached(&filed, Target::Registered, true) && !has_reached(&filed, Target::Secured, true)
        );
        let certified = state("filed", "certified", "secured");
        assert!(
            has_reached(&certified, Target::Registered, true)
                && has_reached(&certified, Target::Secured, true)
        );
        assert!(has_reached(&certified, Target::Accessioned, false));
        assert!(!has_reached(&certified, Target::Accessioned, true));
        assert!(!has_reached(&state("returned", "unregistered", "none"), Target::Prefiled, true));
    }

    #[test]
    fn a_duplicate_of_something_filed_got_where_it_should_and_a_returned_one_did_not() {
        let line = |outcome: &str, custody: &str| Line {
            outcome: outcome.into(),
            state: Some(state(custody, "unregistered", "stored")),
            ..Line::default()
        };
        assert!(line("duplicate", "filed").got_to(Target::Filed, true));
        assert!(!line("returned", "filed").got_to(Target::Filed, true));
        assert!(!line("parked", "parked").got_to(Target::Prefiled, true));
    }

    #[test]
    fn a_line_has_the_names_that_scripts_rely_on() {
        let line: Line = serde_json::from_str(
            r#"{"item":"a","outcome":"prefiled","checks":[],"state":{"custody":"prefiled"},"submission":"s","data_version":1,"name":"n","problem":null}"#,
        )
        .unwrap();
        let text = serde_json::to_string(&line).unwrap();
        assert!(text.starts_with(r#"{"item":"a","outcome":"prefiled","checks":[],"state":"#), "{text}");
        assert!(!text.contains("problem"));
    }
}
