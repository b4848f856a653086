//! Parameters of a document against what is described of them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::letters::check_of;
use super::read::{Faults, both};
use crate::parameters::{Kind, SPECS, Spec, Strictness};
use crate::{FIELDS, Parameters};

/// `/parameters`.
pub(super) fn judge(tree: &Map<String, Value>, faults: &mut Faults) {
    let Some(groups) = tree.get("parameters") else { return };
    let Some(groups) = groups.as_object() else {
        faults.add(
            "bad_field",
            "/parameters",
            both("应为对象", "must be an object"),
            ["写成{…}", "write {…}"],
        );
        return;
    };
    let defaults = serde_json::to_value(Parameters::default()).unwrap_or_default();
    for (id, values) in groups {
        let place = format!("/parameters/{id}");
        let Some(check) = check_of(id, &place, faults) else { continue };
        for (key, value) in values.as_object().into_iter().flatten() {
            let place = format!("{place}/{key}");
            match SPECS.iter().find(|s| s.check == check && s.key == key) {
                Some(spec) => one(spec, value, &defaults[id][key], &place, faults),
                None => {
                    let texts =
                        [format!("{check} 没有参数“{key}”"), format!("{check} has no parameter \"{key}\"")];
                    faults.add(
                        "unknown_parameter",
                        &place,
                        texts,
                        ["照docs/checks.md改正", "see docs/checks.md"],
                    );
                }
            }
        }
        if !values.is_object() {
            faults.add("bad_field", &place, both("应为对象", "must be an object"), ["写成{…}", "write {…}"]);
        }
    }
}

fn one(spec: &Spec, value: &Value, built_in: &Value, place: &str, faults: &mut Faults) {
    let (unit, unit_en) = (spec.unit, spec.unit_en);
    match spec.kind {
        Kind::Number(least, most) => match value.as_u64() {
            Some(n) if (least..=most).contains(&n) => {
                let built_in = built_in.as_u64().unwrap_or_default();
                let is_weak = spec.strictness == Strictness::NotAbove && n > built_in
                    || spec.strictness == Strictness::NotBelow && n < built_in;
                if is_weak {
                    let texts = [
                        format!("不得宽于内置的 {built_in} {unit}"),
                        format!("not looser than {built_in} {unit_en}"),
                    ];
                    faults.add(
                        "parameter_too_weak",
                        place,
                        texts,
                        ["改成更严的值", "choose a stricter value"],
                    );
                }
            }
            _ => {
                let texts = [
                    format!("应为 {least} 至 {most} 的整数（{unit}）"),
                    format!("a whole number from {least} to {most} ({unit_en})"),
                ];
                faults.add(
                    "bad_parameter",
                    place,
                    texts,
                    ["改成范围内的整数", "choose a number in the range"],
                );
            }
        },
        Kind::Words => match words_of(value) {
            Some(words) if spec.strictness == Strictness::KeepsWords => {
                let missing: Vec<String> =
                    words_of(built_in).unwrap_or_default().difference(&words).cloned().collect();
                if !missing.is_empty() {
                    let list = missing.join("、");
                    let texts =
                        [format!("内置的词不得减少：{list}"), format!("built-in words must stay: {list}")];
                    faults.add("parameter_too_weak", place, texts, ["把缺的词补上", "add the missing words"]);
                }
            }
            Some(_) => {}
            None => {
                let texts = both(
                    "应为一列不重复的文字，每个不超过100字",
                    "a list of different texts, each at most 100 characters",
                );
                faults.add("bad_parameter", place, texts, ["写成[\"…\"]", "write [\"…\"]"]);
            }
        },
        Kind::Lengths => lengths(value, place, faults),
    }
}

fn words_of(value: &Value) -> Option<BTreeSet<String>> {
    let list = value.as_array()?;
    let words: BTreeSet<String> =
        list.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<BTreeSet<String>>>()?;
    let is_fine = words.iter().all(|w| !w.is_empty() && w.chars().count() <= 100);
    (is_fine && words.len() == list.len() && list.len() <= 10_000).then_some(words)
}

fn lengths(value: &Value, place: &str, faults: &mut Faults) {
    let remedy = ["照docs/checks.md改正", "see docs/checks.md"];
    let Some(lengths) = value.as_object() else {
        return faults.add("bad_parameter", place, both("应为对象", "must be an object"), remedy);
    };
    for (key, length) in lengths {
        let is_fine = FIELDS.iter().any(|f| f.key == key)
            && length.as_u64().is_some_and(|n| (1..=100_000).contains(&n));
        if !is_fine {
            let texts = both(
                "应为元数据项的键和1至100000的整数",
                "a key of the metadata and a number from 1 to 100000",
            );
            faults.add("bad_parameter", &format!("{place}/{key}"), texts, remedy);
        }
    }
}

/// `base`, changed as a document says; lengths are changed one by one.
pub(super) fn over(base: Parameters, groups: &Map<String, Value>) -> Result<Parameters, String> {
    let mut tree = serde_json::to_value(base).map_err(|e| e.to_string())?;
    for (id, values) in groups {
        for (key, value) in values.as_object().into_iter().flatten() {
            let place = &mut tree[id.as_str()][key.as_str()];
            match (place.as_object_mut(), value.as_object()) {
                (Some(here), Some(there)) => here.extend(there.iter().map(|(k, v)| (k.clone(), v.clone()))),
                _ => *place = value.clone(),
            }
        }
    }
    serde_json::from_value(tree).map_err(|e| e.to_string())
}
