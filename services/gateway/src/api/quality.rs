//! `GET /v1/quality`: what arrives and how it fares, as JSON or as a table (CSV); `PUT /v1/expectations`: what sources
//! state they closed.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dengbei_proto::v1;
use dengbei_records::{ErrorClass, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::files;
use super::problems::Problems;
use super::{not_a_query, not_json};
use crate::accounts::Entry;
use crate::door::Who;
use crate::json;
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::quality::{self, Monitor, Period};
use crate::service::Gateway;

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

/// How it is written.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Written {
    /// csv, json; else by Accept
    #[serde(default)]
    format: String,
    /// Of CSV: closings, matters, units, departments, weeks, days, failed, sources
    #[serde(default)]
    table: String,
}

/// The quality monitor: what arrives against what was closed, and how it fares
#[utoipa::path(get, path = "/v1/quality", operation_id = "getQuality", tag = "quality", params(Period, Written),
    responses((status = 200, description = "by matter, unit, office, source, week, day and check; or one of the tables as CSV", body = QualityFigures), Problems))]
pub(crate) async fn quality(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    period: Result<Query<Period>, QueryRejection>,
    written: Result<Query<Written>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(period) = period.map_err(|e| not_a_query(&e))?;
    let Query(written) = written.map_err(|e| not_a_query(&e))?;
    let monitor = quality::of(&gateway.peers, &period).await?;
    let accepted = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let is_csv = match written.format.as_str() {
        "" => accepted.starts_with("text/csv"),
        format => format == "csv",
    };
    if is_csv {
        table(&monitor, &written.table)
    } else {
        Ok(Json(QualityFigures::from(&monitor)).into_response())
    }
}

fn table(m: &Monitor, name: &str) -> Result<Response, Refusal> {
    let c = &m.counted;
    let flow = "接收,拒收,退回,归档";
    let (head, rows): (String, Vec<Vec<String>>) = match name {
        "" | "closings" => (
            "办结日,来源系统,事项编码,应归,已到,已归,退回,拒收,未到".into(),
            m.closings.iter().map(closing_cells).collect(),
        ),
        "matters" => (
            format!("来源系统,事项编码,事项名称,{flow}"),
            c.matters.iter().map(|r| cells(&[&r.key, &r.second, &r.name], r)).collect(),
        ),
        "units" => (
            format!("统一社会信用代码,立档单位,{flow}"),
            c.units.iter().map(|r| cells(&[&r.key, &r.name], r)).collect(),
        ),
        "departments" => (
            format!("统一社会信用代码,立档单位,承办单位,{flow}"),
            c.departments.iter().map(|r| cells(&[&r.key, &r.name, &r.second], r)).collect(),
        ),
        "weeks" => (
            format!("周一,来源系统,{flow}"),
            c.weeks.iter().map(|r| cells(&[&r.key, &r.second], r)).collect(),
        ),
        "days" => (
            format!("日期,来源系统,事项编码,{flow}"),
            c.days.iter().map(|r| cells(&[&r.key, &r.second, &r.third], r)).collect(),
        ),
        "failed" => (
            "检测项,来源系统,件次".into(),
            c.failed
                .iter()
                .map(|r| vec![r.check.clone(), r.source_system.clone(), r.submissions.to_string()])
                .collect(),
        ),
        "sources" => (
            "来源系统,近7日接收,近7日拒收,近7日退回,失败增多,中断,工作日".into(),
            c.sources.iter().map(source_cells).collect(),
        ),
        _ => {
            let (zh, en) = ("没有这张表", "there is no such table");
            let problem = Problem::new("quality.table", ErrorClass::Invalid, zh, en)
                .with_remedy("closings matters units departments weeks days failed sources");
            return Err(problem.into());
        }
    };
    let name = if name.is_empty() { "closings" } else { name };
    let named = format!("quality-{name}-{}-{}.csv", m.period.from, m.period.to);
    Ok(files::saved("text/csv; charset=utf-8", &named, csv(&head, &rows)))
}

fn cells(keys: &[&String], r: &v1::FlowRow) -> Vec<String> {
    let f = r.flow.unwrap_or_default();
    let numbers = [f.received, f.refused, f.returned, f.filed].map(|n| n.to_string());
    keys.iter().map(|key| (*key).clone()).chain(numbers).collect()
}

fn closing_cells(c: &quality::Closing) -> Vec<String> {
    let expected = c.expected.map(|n| n.to_string()).unwrap_or_default();
    let numbers = [c.received, c.filed, c.returned, c.refused, c.missing()].map(|n| n.to_string());
    let names = [c.day.clone(), c.source_system.clone(), c.matter_code.clone(), expected];
    names.into_iter().chain(numbers).collect()
}

fn source_cells(s: &v1::SourceStanding) -> Vec<String> {
    let week = s.week.unwrap_or_default();
    let yes = |is: bool| if is { "是".to_owned() } else { "否".to_owned() };
    let numbers = [week.received, week.refused, week.returned].map(|n| n.to_string());
    let flags = [yes(s.fails_more), yes(s.is_silent), s.silent_days.to_string()];
    std::iter::once(s.source_system.clone()).chain(numbers).chain(flags).collect()
}

/// As office programs open it: a mark of UTF-8 first, lines ended by CR LF, and no cell that begins a formula.
fn csv(head: &str, rows: &[Vec<String>]) -> String {
    let mut text = format!("\u{feff}{head}\r\n");
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| quoted(cell)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

/// What a source states it closed on a day.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    /// 来源系统; empty: the one that the token is bound to
    #[serde(default)]
    source_system: String,
    /// 权力事项编码
    matter_code: String,
    /// 办结日, YYYY-MM-DD
    day: String,
    /// 办结件数
    count: u32,
}

/// Statements; a later one about the same source, matter and day replaces.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectations {
    /// 1 to 10,000
    expectations: Vec<Expectation>,
}

/// What became of statements.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stated {
    stated: u32,
    replaced: u32,
    unchanged: u32,
}

/// State how many items of a matter were closed on a day (应归)
#[utoipa::path(put, path = "/v1/expectations", operation_id = "putExpectations", tag = "quality",
    request_body(content = Expectations, description = "by source, matter and day"),
    responses((status = 200, description = "kept", body = Stated), Problems))]
pub(crate) async fn expect(
    State(gateway): State<Gateway>,
    who: Who,
    body: Result<Json<Expectations>, JsonRejection>,
) -> Result<Json<Stated>, Refusal> {
    let Json(body) = body.map_err(|e| not_json(&e))?;
    let expectations =
        body.expectations.into_iter().map(|e| in_its_name(e, who.source())).collect::<Result<Vec<_>, _>>()?;
    let detail = expectations.len().to_string();
    gateway
        .audit
        .does(&who, Entry { action: "quality.expect", object: "expectations", detail: &detail })
        .await?;
    let request = question(v1::ExpectRequest { expectations });
    let v1::ExpectReply { stated, replaced, unchanged } =
        answered(gateway.peers.intake().expect(request).await)?;
    Ok(Json(Stated { stated, replaced, unchanged }))
}

/// A system's own token speaks for that system alone.
fn in_its_name(e: Expectation, bound: &str) -> Result<v1::Expectation, Refusal> {
    let named = e.source_system.trim();
    if !bound.is_empty() && !named.is_empty() && named != bound {
        let zh = format!("此令牌属于来源系统 {bound}，不能代 {named} 填报");
        let en = format!("this token is the one of {bound}: it cannot state for {named}");
        let problem = Problem::new("expectation.other_source", ErrorClass::Invalid, zh, en);
        return Err(Refusal::with_status(StatusCode::FORBIDDEN, problem));
    }
    let source_system = if named.is_empty() { bound } else { named };
    Ok(v1::Expectation {
        source_system: source_system.to_owned(),
        matter_code: e.matter_code,
        day: e.day,
        count: e.count,
        stated_at: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_opens_in_office_programs_and_starts_no_formula() {
        let rows = vec![vec!["=cmd()".to_owned(), "许可,一".to_owned(), "引\"号".to_owned()]];
        assert_eq!(csv("一,二,三", &rows), "\u{feff}一,二,三\r\n'=cmd(),\"许可,一\",\"引\"\"号\"\r\n");
    }

    #[test]
    fn a_systems_token_states_for_that_system_alone() {
        let stated = |source: &str| Expectation {
            source_system: source.into(),
            matter_code: "m".into(),
            day: "2026-11-02".into(),
            count: 1,
        };
        assert_eq!(in_its_name(stated(""), "ZWFW").unwrap().source_system, "ZWFW");
        assert_eq!(in_its_name(stated("OA"), "").unwrap().source_system, "OA");
        assert_eq!(in_its_name(stated("OA"), "ZWFW").unwrap_err().status(), StatusCode::FORBIDDEN);
    }
}
