//! Stages, severities and aliases of a document against what may be loosened.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::read::{Faults, both};
use super::{SERVICE_ITEM, Scheme};
use crate::{CheckId, Freedom, Rule, Severity, Stage};

/// `/stages`, `/unverified_blocks`, `/aliases`.
pub(super) fn judge(tree: &Map<String, Value>, base: Option<&Scheme>, faults: &mut Faults) {
    let mut said: BTreeMap<(Stage, CheckId), Option<Rule>> = BTreeMap::new();
    each(tree, "stages", faults, |stage, check, value, faults| {
        let place = format!("/stages/{}/{check}", stage.as_str());
        match value.as_str() {
            Some("-") => {
                said.insert((stage, check), None);
            }
            Some(letters) if letters.parse::<Rule>().is_ok() => {
                said.insert((stage, check), letters.parse().ok());
            }
            _ => {
                let texts = both("应为B、W、M、Bs、Ws或-", "must be B, W, M, Bs, Ws or -");
                faults.add("bad_severity", &place, texts, ["改成其中之一", "write one of these"]);
            }
        }
    });
    each(tree, "aliases", faults, |stage, check, value, faults| {
        if value.as_str().is_none_or(|a| a.is_empty() || a.chars().count() > 40) {
            let place = format!("/aliases/{}/{check}", stage.as_str());
            let texts = both("编号应为1至40字", "a number has 1 to 40 characters");
            faults.add("bad_alias", &place, texts, ["改短", "make it shorter"]);
        }
    });
    unverified(tree, faults);
    freedom(&said, base, tree.contains_key("extends"), faults);
}

/// Every (stage, check, value) of a part that names both rightly.
fn each(
    tree: &Map<String, Value>,
    part: &str,
    faults: &mut Faults,
    mut take: impl FnMut(Stage, CheckId, &Value, &mut Faults),
) {
    let Some(stages) = tree.get(part) else { return };
    let Some(stages) = stages.as_object() else { return not_an_object(&format!("/{part}"), faults) };
    for (name, checks) in stages {
        let place = format!("/{part}/{name}");
        let Some(stage) = stage_of(name, &place, faults) else { continue };
        let Some(checks) = checks.as_object() else {
            not_an_object(&place, faults);
            continue;
        };
        for (id, value) in checks {
            if let Some(check) = check_of(id, &format!("{place}/{id}"), faults) {
                take(stage, check, value, faults);
            }
        }
    }
}

fn not_an_object(place: &str, faults: &mut Faults) {
    faults.add("bad_field", place, both("应为对象", "must be an object"), ["写成{…}", "write {…}"]);
}

fn stage_of(name: &str, place: &str, faults: &mut Faults) -> Option<Stage> {
    let stage = Stage::from_name(name);
    if stage.is_none() {
        let texts = [format!("没有环节“{name}”"), format!("there is no stage \"{name}\"")];
        faults.add("unknown_stage", place, texts, ["用P、G、Y或C", "use P, G, Y or C"]);
    }
    stage
}

pub(super) fn check_of(id: &str, place: &str, faults: &mut Faults) -> Option<CheckId> {
    let check = id.parse().ok();
    if check.is_none() {
        let texts = [format!("没有检测项“{id}”"), format!("there is no check \"{id}\"")];
        faults.add("unknown_check", place, texts, ["照docs/checks.md改正", "see docs/checks.md"]);
    }
    check
}

fn unverified(tree: &Map<String, Value>, faults: &mut Faults) {
    let Some(stages) = tree.get("unverified_blocks") else { return };
    let Some(stages) = stages.as_object() else { return not_an_object("/unverified_blocks", faults) };
    for (name, ids) in stages {
        let place = format!("/unverified_blocks/{name}");
        stage_of(name, &place, faults);
        let Some(ids) = ids.as_array() else {
            faults.add(
                "bad_field",
                &place,
                both("应为一列检测项", "must be a list of checks"),
                ["写成[…]", "write […]"],
            );
            continue;
        };
        for id in ids {
            check_of(id.as_str().unwrap_or_default(), &place, faults);
        }
    }
}

/// Nothing is weaker than allowed; machines do not sign, and persons are not replaced by machines. A document that
/// extends nothing must itself name what may not be left out.
fn freedom(
    said: &BTreeMap<(Stage, CheckId), Option<Rule>>,
    base: Option<&Scheme>,
    has_base: bool,
    faults: &mut Faults,
) {
    let root = base.map_or(SERVICE_ITEM, |b| b.root);
    let Some(root) = Scheme::shipped(root) else { return };
    let mut wanted: BTreeSet<(Stage, CheckId)> = said.keys().copied().collect();
    if !has_base {
        wanted.extend(
            Stage::ALL.into_iter().flat_map(|stage| root.lines(stage).iter().map(move |l| (stage, l.check))),
        );
    }
    for (stage, check) in wanted {
        let built_in = root.line(stage, check).map(|l| l.rule);
        let now = said.get(&(stage, check)).copied().flatten();
        let place = format!("/stages/{}/{check}", stage.as_str());
        let is_signed = |rule: Option<Rule>| rule.is_some_and(|r| r.severity == Severity::Signed);
        let was_ever_signed = check.declared().stages.iter().any(|s| s.starts_with('M'));
        if now.is_some() && is_signed(now) != was_ever_signed {
            let texts = match was_ever_signed {
                true => both("该项由人工检测，只能是M", "a person does this check: only M"),
                false => both("该项自动检测，不能是M", "this check is automatic: not M"),
            };
            faults.add("manual", &place, texts, ["改成相符的级别", "choose a severity that fits"]);
        } else if is_weaker(now, built_in, check.declared().freedom) {
            let built_in = built_in.map_or_else(|| "-".to_owned(), |r| r.to_string());
            let texts = [
                format!("{check} 不得低于内置方案的 {built_in}（{}）", check.declared().freedom.word()),
                format!("{check} may not be weaker than {built_in} ({})", check.declared().freedom.word_en()),
            ];
            faults.add("too_weak", &place, texts, ["改为不低于内置方案的级别", "make it at least as strict"]);
        }
    }
}

fn is_weaker(now: Option<Rule>, built_in: Option<Rule>, freedom: Freedom) -> bool {
    let strength = |rule: Option<Rule>| match rule {
        None => 0,
        Some(r) => 4 * (1 + u8::from(r.severity == Severity::Blocks)) - u8::from(r.is_sampled),
    };
    let is_below = strength(now) < strength(built_in);
    match freedom {
        Freedom::Fixed => is_below,
        Freedom::MayWarn => is_below && now.is_none(),
        Freedom::MayRest => false,
    }
}
