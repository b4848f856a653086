//! How answers read as JSON: names are a contract (design.md 8), scripts rely on them.

use dengbei_proto::v1;
use dengbei_records::{Access, Custody, ItemState, Preservation, Registration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

/// One package as decided at the door.
pub(crate) fn package(reply: &v1::PackageReply) -> Value {
    json!({
        "item": id(&reply.item),
        "outcome": reply.outcome,
        "checks": reply.checks.iter().filter(|c| is_finding(c)).map(check).collect::<Vec<_>>(),
        "state": state_of(reply),
        "submission": id(&reply.submission),
        "data_version": reply.data_version,
        "name": reply.name,
        "problem": reply.problem.as_ref().map(trouble),
    })
}

/// Where the item stands: as a script reads it, there are always four regions. What was never kept is `refused`.
fn state_of(reply: &v1::PackageReply) -> Value {
    match Custody::from_name(&reply.custody) {
        Some(custody) => json!(ItemState::of(custody)),
        None => json!({
            "custody": if reply.custody.is_empty() { "refused" } else { &reply.custody },
            "registration": Registration::default(),
            "preservation": Preservation::default(),
            "access": Access::default(),
        }),
    }
}

/// Whether a check says something that someone should do or know.
pub(crate) fn is_finding(check: &v1::CheckResult) -> bool {
    !matches!(check.result.as_str(), "passed" | "not_applicable")
}

/// One check.
pub(crate) fn check(c: &v1::CheckResult) -> Value {
    json!({
        "id": c.id,
        "severity": c.severity,
        "result": c.result,
        "message": c.message,
        "message_en": c.message_en,
        "place": c.place,
        "remedy": c.remedy,
    })
}

/// A problem that a role states about one package.
pub(crate) fn trouble(t: &v1::Trouble) -> Value {
    json!({ "code": t.code, "message": t.message, "message_en": t.message_en, "remedy": t.remedy })
}

/// The four regions, as the read model has them.
pub(crate) fn state(s: &v1::ItemSummary) -> Value {
    json!({
        "custody": s.custody,
        "registration": s.registration,
        "preservation": s.preservation,
        "access": s.access,
    })
}

/// One item in a list.
pub(crate) fn summary(s: &v1::ItemSummary) -> Value {
    json!({
        "item": id(&s.item),
        "data_version": s.data_version,
        "state": state(s),
        "archival_code": or_null(&s.archival_code),
        "pack": (s.pack > 0).then_some(s.pack),
        "matter": { "code": s.matter_code, "name": s.matter_name },
        "unit": { "uscc": s.unit_uscc, "name": s.unit_name },
        "retention": or_null(&s.retention),
        "source_system": s.source_system,
        "submission": id(&s.submission),
        "failed": s.failed,
        "changed_at": time(s.changed_at),
    })
}

/// One submission.
pub(crate) fn attempt(a: &v1::Attempt) -> Value {
    json!({
        "submission": id(&a.submission),
        "item": id(&a.item),
        "data_version": a.data_version,
        "custody": a.custody,
        "failed": a.failed,
        "changed_at": time(a.changed_at),
    })
}

/// One event of a history; its bytes in base64, so that anybody can hash them.
pub(crate) fn event(e: &v1::HistoryEvent) -> Value {
    use base64::Engine as _;
    json!({
        "hash": hex::encode(&e.hash),
        "fact": e.fact,
        "recorded_at": time(e.recorded_at),
        "causes": e.causes.iter().map(hex::encode).collect::<Vec<_>>(),
        "by_membership": e.by_membership,
        "subject": e.subject,
        "summary": e.summary,
        "id": id(&e.id),
        "traceparent": or_null(&e.traceparent),
        "event": base64::engine::general_purpose::STANDARD.encode(&e.event),
    })
}

/// An id as text, or null where there is none.
pub(crate) fn id(bytes: &[u8]) -> Option<String> {
    Uuid::from_slice(bytes).ok().map(|id| id.to_string())
}

/// Milliseconds as RFC 3339 in Beijing time, or null for none.
pub(crate) fn time(millis: i64) -> Option<String> {
    (millis > 0).then(|| Timestamp::from_millis(millis).rfc3339())
}

fn or_null(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
