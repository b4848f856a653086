//! One upload and the door's answer to it, as lines.

use std::collections::HashMap;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use super::super::door::{Door, DoorError, refused};
use super::line::Line;
use super::parts::{Kind, Part};
use super::{SubmitArgs, body};

/// Sends a part and reads what became of its packages, in their order.
///
/// # Errors
/// [`DoorError`] when there is no answer, or one that concerns more than this part (a wrong token).
pub(super) async fn send(
    door: &Door,
    args: &SubmitArgs,
    part: &Part,
    deadline: Instant,
) -> Result<Vec<Line>, DoorError> {
    if let [parcel] = &part.parcels[..]
        && let Some(fault) = &parcel.fault
    {
        return Ok(vec![Line::unsent(&parcel.name, fault)]);
    }
    let response = door.insist(deadline, || request(door, args, part)).await?;
    let status = response.status();
    if status.is_success() || is_outcome(status) {
        let answer: Value = response.json().await.map_err(|e| DoorError::Unreachable(e.into()))?;
        if status.is_success() || answer["outcome"].is_string() || answer["packages"].is_array() {
            return Ok(lines(part, answer));
        }
        let problem = serde_json::from_value(answer).map_err(|e| DoorError::Unreachable(e.into()))?;
        return Ok(part.parcels.iter().map(|parcel| Line::refused(&parcel.name, &problem)).collect());
    }
    match refused(response).await {
        DoorError::Refused(status, problem) if is_of_this_part(status) => {
            Ok(part.parcels.iter().map(|parcel| Line::refused(&parcel.name, &problem)).collect())
        }
        error => Err(error),
    }
}

/// Refused and conflicting packages come with their outcome.
fn is_outcome(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNPROCESSABLE_ENTITY | StatusCode::CONFLICT)
}

/// Not: no token, no such path, a fault of theirs.
fn is_of_this_part(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 408 | 409 | 413 | 415 | 422)
}

fn request(door: &Door, args: &SubmitArgs, part: &Part) -> anyhow::Result<RequestBuilder> {
    let path = if part.kind == Kind::Package { "/v1/packages" } else { "/v1/batches" };
    // A batch's catalogue speaks for itself; a package that leaves its batch takes the batch's word along.
    let said = if part.kind == Kind::Package { part.source.as_str() } else { "" };
    let source = args.source.as_deref().unwrap_or(said);
    let mut query: Vec<(&str, String)> = Vec::new();
    if !source.is_empty() {
        query.push(("source", source.to_owned()));
    }
    if let [parcel] = &part.parcels[..] {
        query.push(("name", parcel.name.clone()));
    }
    if let Some(version) = args.data_version {
        query.push(("data_version", version.to_string()));
    }
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    Ok(door.post(&format!("{path}?{}", pairs.join("&"))).body(body::of(part)?))
}

fn escaped(value: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    value.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn lines(part: &Part, answer: Value) -> Vec<Line> {
    let Some(packages) = answer.get("packages").and_then(Value::as_array) else {
        let name = part.parcels.first().map(|p| p.name.clone()).unwrap_or_default();
        return vec![Line { name, ..read(answer) }];
    };
    let lines: Vec<Line> = packages.iter().cloned().map(read).collect();
    if part.kind == Kind::BatchZip {
        return lines;
    }
    let mut by_name: HashMap<String, Line> =
        lines.into_iter().map(|line| (line.name.clone(), line)).collect();
    part.parcels
        .iter()
        .map(|parcel| by_name.remove(&parcel.name).unwrap_or_else(|| unanswered(&parcel.name)))
        .collect()
}

fn read(package: Value) -> Line {
    serde_json::from_value(package).unwrap_or_else(|_| unanswered(""))
}

/// The door gave no answer for a package that was sent: never taken for kept.
fn unanswered(name: &str) -> Line {
    let problem = super::super::door::Refused {
        code: "submit.unanswered".into(),
        message: "门户未答复该信息包".into(),
        message_en: "the door did not answer for this package".into(),
        remedy: "请再次报送 / send it again".into(),
        checks: Vec::new(),
    };
    Line::refused(name, &problem)
}
