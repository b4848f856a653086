//! How answers read as JSON: names are a contract (design.md 8), scripts rely on them. The same types describe the
//! interface in `/openapi.json`.

use dengbei_proto::v1;
use dengbei_records::{Access, Custody, ItemState, Preservation, Registration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::findings::Finding;

/// The four regions of an item's state.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct State {
    /// 保管权: parked, prefiled, planned, filed, returned, superseded, accessioned; refused for what was never kept
    pub(crate) custody: String,
    /// 登记: unregistered, applied, registered, backed_up, certified
    pub(crate) registration: String,
    /// 保存: none, stored, secured, suspect
    pub(crate) preservation: String,
    /// 利用: closed, open, controlled
    pub(crate) access: String,
}

/// Why a package was not taken, where no check says it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Trouble {
    code: String,
    message: String,
    message_en: String,
    remedy: String,
}

impl From<&v1::Trouble> for Trouble {
    fn from(t: &v1::Trouble) -> Self {
        let (code, message) = (t.code.clone(), t.message.clone());
        Self { code, message, message_en: t.message_en.clone(), remedy: t.remedy.clone() }
    }
}

impl From<&dengbei_records::Problem> for Trouble {
    fn from(p: &dengbei_records::Problem) -> Self {
        let (code, message) = (p.code.clone(), p.message.clone());
        Self { code, message, message_en: p.message_en.clone(), remedy: p.remedy.clone() }
    }
}

/// One package as decided at the door.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Package {
    /// null where it could not be read
    item: Option<String>,
    /// prefiled, refused, parked, duplicate, conflict
    pub(crate) outcome: String,
    /// What did not pass
    checks: Vec<Finding>,
    state: State,
    submission: Option<String>,
    data_version: u32,
    name: String,
    problem: Option<Trouble>,
}

impl From<&v1::PackageReply> for Package {
    fn from(reply: &v1::PackageReply) -> Self {
        Self {
            item: id(&reply.item),
            outcome: reply.outcome.clone(),
            checks: findings(&reply.checks),
            state: state_of(reply),
            submission: id(&reply.submission),
            data_version: reply.data_version,
            name: reply.name.clone(),
            problem: reply.problem.as_ref().map(Trouble::from),
        }
    }
}

/// The checks that say something that someone should do or know.
pub(crate) fn findings(checks: &[v1::CheckResult]) -> Vec<Finding> {
    let is_finding = |check: &&v1::CheckResult| !matches!(check.result.as_str(), "passed" | "not_applicable");
    checks.iter().filter(is_finding).map(Finding::from).collect()
}

/// Where the item stands: as a script reads it, there are always four regions. What was never kept is `refused`.
fn state_of(reply: &v1::PackageReply) -> State {
    let state = match Custody::from_name(&reply.custody) {
        Some(custody) => ItemState::of(custody),
        None => ItemState {
            custody: Custody::Parked,
            registration: Registration::default(),
            preservation: Preservation::default(),
            access: Access::default(),
        },
    };
    let custody = if reply.custody.is_empty() { "refused" } else { &reply.custody };
    State {
        custody: custody.to_owned(),
        registration: name(&state.registration),
        preservation: name(&state.preservation),
        access: name(&state.access),
    }
}

/// The name that a state has in JSON.
fn name(state: &impl Serialize) -> String {
    let value = serde_json::to_value(state).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// 事项
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MatterName {
    code: String,
    name: String,
}

/// 立档单位
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Unit {
    /// 统一社会信用代码
    pub(crate) uscc: String,
    pub(crate) name: String,
}

/// One item in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Summary {
    item: Option<String>,
    data_version: u32,
    state: State,
    /// 档号
    archival_code: Option<String>,
    /// 存储包
    pack: Option<u64>,
    matter: MatterName,
    unit: Unit,
    /// 保管期限: Y, D30, D10
    retention: Option<String>,
    source_system: String,
    submission: Option<String>,
    /// Ids of the checks that failed
    failed: Vec<String>,
    changed_at: Option<String>,
    /// 登记批
    batch: Option<String>,
    /// 登记号
    registration_no: Option<String>,
    /// 证书号
    certificate_no: Option<String>,
    /// 移交号
    transfer_no: Option<String>,
    /// 进馆范围: whether the archive takes it; else it ends at certified
    in_archive_range: bool,
    /// 备份点 that signed for its pack
    copies: Vec<String>,
}

impl From<&v1::ItemSummary> for Summary {
    fn from(s: &v1::ItemSummary) -> Self {
        Self {
            item: id(&s.item),
            data_version: s.data_version,
            state: State {
                custody: s.custody.clone(),
                registration: s.registration.clone(),
                preservation: s.preservation.clone(),
                access: s.access.clone(),
            },
            archival_code: or_null(&s.archival_code),
            pack: (s.pack > 0).then_some(s.pack),
            matter: MatterName { code: s.matter_code.clone(), name: s.matter_name.clone() },
            unit: Unit { uscc: s.unit_uscc.clone(), name: s.unit_name.clone() },
            retention: or_null(&s.retention),
            source_system: s.source_system.clone(),
            submission: id(&s.submission),
            failed: s.failed.clone(),
            changed_at: time(s.changed_at),
            batch: id(&s.batch),
            registration_no: or_null(&s.registration_no),
            certificate_no: or_null(&s.certificate_no),
            transfer_no: or_null(&s.transfer_no),
            in_archive_range: s.in_archive_range,
            copies: s.copies.clone(),
        }
    }
}

/// One submission.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Attempt {
    submission: Option<String>,
    item: Option<String>,
    data_version: u32,
    custody: String,
    registration: String,
    preservation: String,
    access: String,
    retention: Option<String>,
    in_archive_range: bool,
    failed: Vec<String>,
    changed_at: Option<String>,
}

impl From<&v1::Attempt> for Attempt {
    fn from(a: &v1::Attempt) -> Self {
        Self {
            submission: id(&a.submission),
            item: id(&a.item),
            data_version: a.data_version,
            custody: a.custody.clone(),
            registration: a.registration.clone(),
            preservation: a.preservation.clone(),
            access: a.access.clone(),
            retention: or_null(&a.retention),
            in_archive_range: a.in_archive_range,
            failed: a.failed.clone(),
            changed_at: time(a.changed_at),
        }
    }
}

/// One event of a history; its bytes in base64, so that anybody can hash them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Event {
    /// SHA-256(0x00 ‖ bytes), hex
    hash: String,
    fact: String,
    recorded_at: Option<String>,
    causes: Vec<String>,
    /// Whether it speaks for many, this item among them
    by_membership: bool,
    subject: String,
    summary: String,
    id: Option<String>,
    traceparent: Option<String>,
    /// The event as it was encoded, base64
    event: String,
}

impl From<&v1::HistoryEvent> for Event {
    fn from(e: &v1::HistoryEvent) -> Self {
        Self {
            hash: hex::encode(&e.hash),
            fact: e.fact.clone(),
            recorded_at: time(e.recorded_at),
            causes: e.causes.iter().map(hex::encode).collect(),
            by_membership: e.by_membership,
            subject: e.subject.clone(),
            summary: e.summary.clone(),
            id: id(&e.id),
            traceparent: or_null(&e.traceparent),
            event: base64(&e.event),
        }
    }
}

/// Bytes as JSON carries them.
pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// An id as text, or null where there is none.
pub(crate) fn id(bytes: &[u8]) -> Option<String> {
    Uuid::from_slice(bytes).ok().map(|id| id.to_string())
}

/// Milliseconds as RFC 3339 in Beijing time, or null for none.
pub(crate) fn time(millis: i64) -> Option<String> {
    (millis > 0).then(|| Timestamp::from_millis(millis).rfc3339())
}

/// Text, or null where there is none.
pub(crate) fn or_null(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
