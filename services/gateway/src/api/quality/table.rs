//! One table of the quality monitor as CSV, for office programs.

use axum::response::Response;
use dengbei_proto::v1;
use dengbei_records::{ErrorClass, Problem};

use crate::api::files;
use crate::problem::Refusal;
use crate::quality::{self, Monitor};

/// The table of this name; without one, what was closed beside what was filed.
pub(super) fn csv(m: &Monitor, name: &str) -> Result<Response, Refusal> {
    let name = if name.is_empty() { "closings" } else { name };
    let (head, rows) = table(m, name).ok_or_else(no_table)?;
    let named = format!("quality-{name}-{}-{}.csv", m.period.from, m.period.to);
    Ok(files::saved("text/csv; charset=utf-8", &named, written(&head, &rows)))
}

fn no_table() -> Refusal {
    let (zh, en) = ("没有这张表", "there is no such table");
    let problem = Problem::new("quality.table", ErrorClass::Invalid, zh, en);
    problem.with_remedy("closings matters units departments weeks days failed sources").into()
}

/// Head and rows.
fn table(m: &Monitor, name: &str) -> Option<(String, Vec<Vec<String>>)> {
    let c = &m.counted;
    let flow = "接收,拒收,退回,归档";
    Some(match name {
        "closings" => (
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
        _ => return None,
    })
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
fn written(head: &str, rows: &[Vec<String>]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_opens_in_office_programs_and_starts_no_formula() {
        let rows = vec![vec!["=cmd()".to_owned(), "许可,一".to_owned(), "引\"号".to_owned()]];
        assert_eq!(written("一,二,三", &rows), "\u{feff}一,二,三\r\n'=cmd(),\"许可,一\",\"引\"\"号\"\r\n");
    }
}
