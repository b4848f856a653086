//! Handing over: batches of a unit, packages with a fault and the same mended, packages whose matter nobody published.

use std::time::Duration;

use anyhow::Context as _;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::follow::{self, Goal, Sent};
use super::rules;
use crate::commands::door::{Door, DoorError, refused};
use crate::sample::{Parcel, Year};

const PAUSE: Duration = Duration::from_millis(500);

/// Sends what a unit closed; the items that the door took, now or earlier.
pub(super) async fn unit(
    door: &Door,
    year: &Year,
    unit: u32,
    deadline: Instant,
) -> anyhow::Result<Vec<String>> {
    // A year is made of plain numbers and short texts: cheap to copy, and another thread may have it.
    let made = year.clone();
    let parcels = tokio::task::spawn_blocking(move || made.batches(unit)).await??;
    let mut items = Vec::new();
    for parcel in &parcels {
        let (wanted, answers) = (parcel.packages, post(door, "/v1/batches", parcel, deadline).await?);
        let taken: Vec<String> = answers.iter().filter_map(taken).collect();
        anyhow::ensure!(taken.len() == wanted, "{} / {wanted}: {}", taken.len(), first_refusal(&answers));
        items.extend(taken);
    }
    Ok(items)
}

/// Sends what will be parked; how many were.
pub(super) async fn parked(door: &Door, year: &Year, deadline: Instant) -> anyhow::Result<usize> {
    let mut count = 0;
    for parcel in year.parked()? {
        count += post(door, "/v1/batches", &parcel, deadline).await?.len();
    }
    Ok(count)
}

/// Sends faulty packages and, when they were turned down, some of them mended; how many were faulty, and what was
/// mended.
pub(super) async fn faulty(
    door: &Door,
    year: &Year,
    deadline: Instant,
) -> anyhow::Result<(usize, Vec<Sent>)> {
    let made = year.clone();
    let parcels = tokio::task::spawn_blocking(move || made.faulty()).await??;
    let mut submissions = Vec::new();
    for faulty in &parcels {
        let answers = post(door, "/v1/packages", &faulty.parcel, deadline).await?;
        submissions.extend(answers.iter().filter_map(undecided));
    }
    let is_decided = || follow::are_decided(door, &submissions);
    while !is_decided().await? {
        anyhow::ensure!(Instant::now() < deadline, "有缺陷的信息包未办结 / faulty packages are not decided");
        sleep(PAUSE).await;
    }
    let mut all = Vec::new();
    for faulty in &parcels {
        let Some(mended) = &faulty.mended else { continue };
        let answers = post(door, "/v1/batches", mended, deadline).await?;
        let goal = Goal::of(rules::kind(faulty.unit));
        all.extend(answers.iter().filter_map(taken).map(|item| Sent { goal, item }));
    }
    Ok((parcels.len(), all))
}

/// One upload; what became of each package.
async fn post(door: &Door, path: &str, parcel: &Parcel, deadline: Instant) -> anyhow::Result<Vec<Value>> {
    let make = || Ok(door.post(path).header("content-type", "application/zip").body(parcel.zip.clone()));
    let response = door.insist(deadline, make).await.with_context(|| path.to_owned())?;
    let status = response.status();
    if !status.is_success() && !matches!(status, StatusCode::UNPROCESSABLE_ENTITY | StatusCode::CONFLICT) {
        return Err(refused(response).await).with_context(|| path.to_owned());
    }
    let answer: Value = response.json().await.map_err(|error| DoorError::Unreachable(error.into()))?;
    match answer.get("packages").and_then(Value::as_array) {
        Some(packages) => Ok(packages.clone()),
        None => Ok(vec![answer]),
    }
}

/// The item, when the door has it: now, or since an earlier start.
fn taken(package: &Value) -> Option<String> {
    let outcome = package.get("outcome")?.as_str()?;
    let is_taken = matches!(outcome, "prefiled" | "duplicate");
    package.get("item")?.as_str().filter(|_| is_taken).map(str::to_owned)
}

/// The submission, when somebody still has to decide about it.
fn undecided(package: &Value) -> Option<String> {
    taken(package)?;
    package.get("submission")?.as_str().map(str::to_owned)
}

fn first_refusal(answers: &[Value]) -> Value {
    answers.iter().find(|package| taken(package).is_none()).cloned().unwrap_or_else(|| json!(null))
}
