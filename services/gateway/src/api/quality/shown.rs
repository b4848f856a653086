//! The quality monitor as JSON.

use dengbei_proto::v1;
use serde::Serialize;
use utoipa::ToSchema;

use crate::json;
use crate::quality::{self, Monitor};

/// 件次 of a period.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FlowFigures {
    /// 接收: taken at the door
    received: u64,
    /// 拒收: refused at the door
    refused: u64,
    /// 退回: returned after the filing checks
    returned: u64,
    /// 归档
    filed: u64,
}

impl From<Option<&v1::Flow>> for FlowFigures {
    fn from(f: Option<&v1::Flow>) -> Self {
        let f = f.copied().unwrap_or_default();
        Self { received: f.received, refused: f.refused, returned: f.returned, filed: f.filed }
    }
}

/// A source's matter.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MatterFlow {
    source_system: String,
    matter_code: String,
    matter_name: String,
    #[serde(flatten)]
    flow: FlowFigures,
}

/// A unit, or an office of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnitFlow {
    unit_uscc: String,
    unit_name: String,
    /// 承办单位（科室）; empty in the list of units
    department: String,
    #[serde(flatten)]
    flow: FlowFigures,
}

/// A week or a day of a source.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DatedFlow {
    /// The day, or the Monday of the week
    day: String,
    source_system: String,
    /// Empty in the list of weeks
    matter_code: String,
    #[serde(flatten)]
    flow: FlowFigures,
}

/// Submissions that a check brought back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailedCheck {
    check: String,
    source_system: String,
    submissions: u64,
}

/// 应归、已到、已归 of a closing day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClosingFigures {
    /// 办结日, by the packages themselves
    day: String,
    source_system: String,
    matter_code: String,
    /// 应归, as the source stated it; null: it stated nothing
    expected: Option<u64>,
    /// 已到: items that arrived, also those that were refused
    received: u64,
    filed: u64,
    returned: u64,
    refused: u64,
    /// 未到: expected and never seen
    missing: u64,
}

/// How a source stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceFigures {
    source_system: String,
    /// The last 7 days
    week: FlowFigures,
    /// The 8 weeks before
    before: FlowFigures,
    /// Much more fails than before
    fails_more: bool,
    /// It usually sends, and has not
    is_silent: bool,
    last_received_on: Option<String>,
    /// Usual interval in working days; 0: it sends too seldom to tell
    usual_days: u32,
    /// Whole working days since the last
    silent_days: u32,
}

/// The quality monitor of a period.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QualityFigures {
    from: String,
    to: String,
    matters: Vec<MatterFlow>,
    units: Vec<UnitFlow>,
    departments: Vec<UnitFlow>,
    weeks: Vec<DatedFlow>,
    days: Vec<DatedFlow>,
    failed: Vec<FailedCheck>,
    closings: Vec<ClosingFigures>,
    sources: Vec<SourceFigures>,
    /// Submissions whose origin is not known yet
    unplaced: u64,
    log_index: u64,
    /// Whether a list was cut: ask for a shorter period
    truncated: bool,
    /// Whether what sources stated could be had
    expectations_known: bool,
}

impl From<&Monitor> for QualityFigures {
    fn from(m: &Monitor) -> Self {
        let c = &m.counted;
        Self {
            from: m.period.from.clone(),
            to: m.period.to.clone(),
            matters: c.matters.iter().map(matter).collect(),
            units: c.units.iter().map(unit).collect(),
            departments: c.departments.iter().map(unit).collect(),
            weeks: c.weeks.iter().map(dated).collect(),
            days: c.days.iter().map(dated).collect(),
            failed: c.failed.iter().map(failed).collect(),
            closings: m.closings.iter().map(closing).collect(),
            sources: c.sources.iter().map(source).collect(),
            unplaced: c.unplaced,
            log_index: c.log_index,
            truncated: c.truncated,
            expectations_known: m.unstated.is_none(),
        }
    }
}

fn matter(r: &v1::FlowRow) -> MatterFlow {
    MatterFlow {
        source_system: r.key.clone(),
        matter_code: r.second.clone(),
        matter_name: r.name.clone(),
        flow: r.flow.as_ref().into(),
    }
}

fn unit(r: &v1::FlowRow) -> UnitFlow {
    UnitFlow {
        unit_uscc: r.key.clone(),
        unit_name: r.name.clone(),
        department: r.second.clone(),
        flow: r.flow.as_ref().into(),
    }
}

fn dated(r: &v1::FlowRow) -> DatedFlow {
    DatedFlow {
        day: r.key.clone(),
        source_system: r.second.clone(),
        matter_code: r.third.clone(),
        flow: r.flow.as_ref().into(),
    }
}

fn failed(r: &v1::FailedRow) -> FailedCheck {
    FailedCheck { check: r.check.clone(), source_system: r.source_system.clone(), submissions: r.submissions }
}

fn closing(c: &quality::Closing) -> ClosingFigures {
    ClosingFigures {
        day: c.day.clone(),
        source_system: c.source_system.clone(),
        matter_code: c.matter_code.clone(),
        expected: c.expected,
        received: c.received,
        filed: c.filed,
        returned: c.returned,
        refused: c.refused,
        missing: c.missing(),
    }
}

fn source(s: &v1::SourceStanding) -> SourceFigures {
    let day = json::time(s.last_received_at).map(|at| at.chars().take(10).collect());
    SourceFigures {
        source_system: s.source_system.clone(),
        week: s.week.as_ref().into(),
        before: s.before.as_ref().into(),
        fails_more: s.fails_more,
        is_silent: s.is_silent,
        last_received_on: day,
        usual_days: s.usual_days,
        silent_days: s.silent_days,
    }
}
