//! Units' rules in the demonstration: who signs for whom, and the few units that decide at the desk.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::commands::door::Door;
use crate::sample::{Unit, Year};

const WITHIN: Duration = Duration::from_secs(60);
const SURNAMES: [&str; 20] = [
    "沈", "陆", "顾", "严", "费", "姚", "邵", "汪", "戴", "魏", "陶", "姜", "范", "方", "石", "任", "袁",
    "柳", "鲍", "史",
];
const GIVEN: [&str; 8] = ["文清", "晓梅", "志远", "雅琴", "国平", "丽华", "思源", "建明"];

/// What is special about a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Everything goes by itself.
    ByItself,
    /// Registration waits at the desk (登记台).
    Desk,
    /// Handed over when a person says so, or later: certified is as far as it gets today.
    Later(TransferRule),
}

/// When a unit hands over, other than at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransferRule {
    ByHand,
    Monthly,
    AfterFiveYears,
}

/// Which kind a unit is.
pub(super) const fn kind(unit: u32) -> Kind {
    match unit {
        3 | 17 => Kind::Desk,
        9 => Kind::Later(TransferRule::ByHand),
        21 => Kind::Later(TransferRule::Monthly),
        30 => Kind::Later(TransferRule::AfterFiveYears),
        _ => Kind::ByItself,
    }
}

/// Sets every unit's rule: the area's default with people's names.
pub(super) async fn set(door: &Door, year: &Year) -> anyhow::Result<()> {
    let reply = door.json(WITHIN, || Ok(door.get("/v1/policies"))).await.context("/v1/policies")?;
    let default = reply.get("policy").cloned().unwrap_or_default();
    for unit in year.units() {
        let path = format!("/v1/policies/{}", unit.uscc);
        let rule = rule(&unit, &default);
        let put = || Ok(door.put(&path).json(&rule));
        door.json(WITHIN, put).await.with_context(|| path.clone())?;
    }
    Ok(())
}

fn rule(unit: &Unit, default: &Value) -> Value {
    let mut rule = default.clone();
    let (transfer, registration) = match kind(unit.index) {
        Kind::ByItself => (json!("at_once"), "automatic"),
        Kind::Desk => (json!("at_once"), "desk"),
        Kind::Later(TransferRule::ByHand) => (json!("by_hand"), "automatic"),
        Kind::Later(TransferRule::Monthly) => (json!("monthly"), "automatic"),
        Kind::Later(TransferRule::AfterFiveYears) => (json!({"after_years": 5}), "automatic"),
    };
    rule["registration"] = json!(registration);
    rule["transfer"] = transfer;
    rule["unit"] = json!({"filled_by": name(unit.index, 0), "reviewed_by": name(unit.index, 1)});
    rule["archive"] = json!({"filled_by": "周敏", "reviewed_by": "孔维新"});
    rule["registrar"] = json!("吕静");
    rule["reviewer"] = json!("施洋");
    rule
}

/// Who fills in a unit's forms.
pub(super) fn clerk(unit: u32) -> String {
    name(unit, 0)
}

/// Two different people for every unit.
fn name(unit: u32, which: u32) -> String {
    let surname = SURNAMES[(unit * 2 + which) as usize % SURNAMES.len()];
    let given = GIVEN[(unit / 10 + unit + which * 3) as usize % GIVEN.len()];
    format!("{surname}{given}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: u32 = 40;

    #[test]
    fn nobody_reviews_their_own_work() {
        for unit in 0..UNITS {
            assert_ne!(name(unit, 0), name(unit, 1));
        }
    }

    #[test]
    fn a_rule_is_one_that_holds() {
        let default = serde_json::to_value(dengbei_records::policy::UnitPolicy::default_rule()).unwrap();
        for index in 0..UNITS {
            let unit = Unit { index, uscc: String::new() };
            let rule: dengbei_records::policy::UnitPolicy =
                serde_json::from_value(rule(&unit, &default)).unwrap();
            rule.check().unwrap();
        }
    }
}
