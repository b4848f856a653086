//! REST: parse → call a role → render. No decisions of its own.

pub(crate) mod accounts;
mod copies;
pub(crate) mod docs;
pub(crate) mod download;
mod expectations;
mod figures;
mod files;
pub(crate) mod health;
pub(crate) mod items;
pub(crate) mod log;
pub(crate) mod matters;
pub(crate) mod operations;
pub(crate) mod packages;
mod papers;
pub(crate) mod policies;
mod problems;
mod quality;
pub(crate) mod rechecks;
pub(crate) mod registrations;
mod reports;
mod stated;
pub(crate) mod tasks;
pub(crate) mod transfers;
mod upload;
mod verify;
pub(crate) mod wholes;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use dengbei_records::ItemId;

use crate::problem::Refusal;

/// The item that a path names.
pub(crate) fn item_id(text: &str) -> Result<ItemId, Refusal> {
    text.parse().map_err(|_| Refusal::invalid("item.id", "不是有效的件标识", "not a valid item id"))
}

/// A UUID that a path or a parameter names, as its bytes.
pub(crate) fn uuid(text: &str) -> Result<bytes::Bytes, Refusal> {
    let id: uuid::Uuid = text
        .trim()
        .parse()
        .map_err(|_| Refusal::invalid("request.id", "不是有效的标识", "not a valid id"))?;
    Ok(bytes::Bytes::copy_from_slice(id.as_bytes()))
}

/// The same; no text is no id.
pub(crate) fn uuid_or_none(text: &str) -> Result<bytes::Bytes, Refusal> {
    if text.trim().is_empty() { Ok(bytes::Bytes::new()) } else { uuid(text) }
}

/// What stands before `:verb` in the last segment of a path, which a route cannot tell apart by itself.
pub(crate) fn with_verb<'a>(segment: &'a str, verb: &str) -> Result<&'a str, Refusal> {
    let before = segment.strip_suffix(verb).and_then(|before| before.strip_suffix(':'));
    before.ok_or_else(crate::problem::no_route)
}

/// A number that a form leaves empty is none.
pub(crate) fn number_or_none<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr,
{
    let text = <String as serde::Deserialize>::deserialize(from)?;
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| serde::de::Error::custom("not a number")),
    }
}

/// A body that is no JSON of the wanted shape.
pub(crate) fn not_json(error: &JsonRejection) -> Refusal {
    Refusal::invalid("request.not_json", "请求体不是所需的 JSON", error.body_text())
}

/// A query string that does not read.
pub(crate) fn not_a_query(error: &QueryRejection) -> Refusal {
    Refusal::invalid("request.parameters", "请求参数无效", error.body_text())
}
