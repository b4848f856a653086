//! A-16 说明、目录文件规范: the three describing documents hold what is prescribed. Documents that are missing are A-17's,
//! unreadable ones U-01's, elements that are missing I-03's.

use std::collections::HashSet;

use dengbei_formats::{BASIC, CONFIG, PROCESS};

use super::{Judged, PackageView, shown};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let package = view.package;
    let is_readable = |name: &str| {
        let path = package.documents.iter().find(|d| d.name == name).and_then(|d| d.path.as_deref());
        path.is_some_and(|path| package.faults.iter().all(|f| f.path != path))
    };
    let mut judged = Judged::new();
    if is_readable(BASIC) {
        basic(view, &mut judged);
    }
    if is_readable(CONFIG) {
        config(view, &mut judged);
    }
    if is_readable(PROCESS) {
        process(view, &mut judged);
    }
    if judged.compared == 0 && judged.faults.is_empty() {
        return Judged::not_applicable("没有可读的说明文件", "there is no describing document that reads");
    }
    judged
}

/// An element once: with two, nobody knows which is meant.
fn basic(view: &PackageView<'_>, judged: &mut Judged) {
    let mut seen = HashSet::new();
    for element in &view.package.elements {
        judged.count();
        if !seen.insert(element) {
            let element = shown(element);
            let found = Finding::new(
                &element,
                format!("基本信息描述中 <{element}> 出现两次"),
                format!("<{element}> stands twice in the basic description"),
            );
            judged
                .fault(found.remedy(format!("只留一个 <{element}>"), format!("leave one <{element}> only")));
        }
    }
}

fn config(view: &PackageView<'_>, judged: &mut Judged) {
    let (table, rows) = (&view.package.table, &view.package.rows);
    let needed = [
        ("servicecode", "权力事项编码", &table.service_code),
        ("retentionperiod", "保管期限", &table.retention),
        ("deptid", "部门编码", &table.dept_code),
        ("eventtype", "权力事项类型", &table.event_type),
    ];
    for (element, name, text) in needed {
        judged.count();
        if text.is_empty() {
            let found = Finding::new(
                element,
                format!("归档配置表缺少 <{element}>（{name}）"),
                format!("the filing table has no <{element}>"),
            );
            judged.fault(found.remedy(
                format!("把 <{element}> 补入归档配置表"),
                format!("add <{element}> to the filing table"),
            ));
        }
    }
    for (number, row) in rows.iter().enumerate() {
        judged.count();
        let (zh, en) = match (row.range.is_empty(), row.file_name.is_empty()) {
            (false, false) => continue,
            (true, _) => ("归档范围没有名称（title）", "a filing range has no title"),
            (_, true) => ("一行没有文件名（filename）", "a row has no file name"),
        };
        let found = Finding::new(format!("filingranges[{number}]"), zh, en);
        judged.fault(found.remedy("把归档配置表的该行补全", "complete that row of the filing table"));
    }
}

fn process(view: &PackageView<'_>, judged: &mut Judged) {
    for (number, step) in view.package.metadata.steps.iter().enumerate() {
        judged.count();
        if step.node.is_empty() {
            let found = Finding::new(
                format!("steps[{number}]"),
                "办理流程的一个环节没有名称（nodename）",
                "a step of the process has no name",
            );
            judged.fault(found.remedy("把环节名称补上", "give the step its name"));
        }
    }
}
