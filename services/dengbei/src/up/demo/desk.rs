//! What waits at the desk of the demonstration: an application for a unit whose registration a person decides.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::follow::{self, Goal, Sent};
use super::rules;
use crate::commands::door::{Door, DoorError};
use crate::sample::Year;

/// The unit that applies; the other one's packs wait for their unit.
const UNIT: u32 = 3;
/// Packs in one application.
const MOST: usize = 8;
const WITHIN: Duration = Duration::from_secs(30);

/// Applies for what the unit has filed. What was applied for before the last stop is left as it is.
pub(super) async fn apply(door: &Door, year: &Year, sent: &[Sent]) -> anyhow::Result<()> {
    let Some(unit) = year.units().into_iter().find(|unit| unit.index == UNIT) else { return Ok(()) };
    let waiting: Vec<Sent> = sent.iter().filter(|sent| sent.goal == Goal::Filed).cloned().collect();
    let states = follow::states(door, &waiting).await?;
    let is_filed = |state: &&Value| {
        let uscc = state.get("unit").and_then(|unit| unit.get("uscc")).and_then(Value::as_str);
        uscc == Some(&unit.uscc) && state.get("batch").is_none_or(Value::is_null)
    };
    let packs = states.iter().filter(is_filed).filter_map(|state| state.get("pack")?.as_u64());
    let packs: Vec<u64> = packs.collect::<BTreeSet<u64>>().into_iter().take(MOST).collect();
    if packs.is_empty() {
        return Ok(());
    }
    let body = json!({"packs": packs, "by": rules::clerk(UNIT), "note": "年度登记"});
    match door.json(WITHIN, || Ok(door.post("/v1/registrations").json(&body))).await {
        Err(DoorError::Refused(status, _)) if status.as_u16() == 409 => Ok(()),
        answer => answer.map(|_| ()).context("/v1/registrations"),
    }
}
