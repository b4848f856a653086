//! The four XML files of the layout (domain: DB33 存档信息包), as platforms write them.

use super::Item;

/// 基本信息描述
pub(crate) const BASIC: &str = "基本信息描述.XML";
/// 办理流程
pub(crate) const PROCESS: &str = "办理流程.XML";
/// 归档配置表
pub(crate) const CONFIG: &str = "归档配置表.XML";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn elements(rows: &[(&str, &str, String)]) -> String {
    rows.iter()
        .map(|(name, title, text)| format!("  <{name} title=\"{title}\">{}</{name}>\n", escape(text)))
        .collect()
}

fn time(t: chrono::NaiveDateTime) -> String {
    t.format("%Y-%m-%d %H:%M:%S").to_string()
}

fn filed(item: &Item) -> String {
    time(item.closed + chrono::TimeDelta::minutes(30))
}

/// 基本信息描述.XML
pub(crate) fn basic(item: &Item) -> String {
    let m = &item.matter.published;
    let rows = [
        ("deptname", "立档单位名称", m.unit_name.clone()),
        ("documentnumber", "电子文件号", item.record_no.clone()),
        ("retentionperiod", "保管期限", item.retention().into()),
        ("archivetime", "归档时间", filed(item)),
        ("eventtype", "权力事项类型", item.matter.event_type.word().into()),
        ("applyname", "行政相对人名称", item.applicant.clone()),
        ("mobile", "手机", item.mobile.clone()),
        ("address", "地址", "样例路1号".into()),
        ("contactidcard", "证件号码", item.id_no.clone()),
        ("projectname", "办件名称", item.title.clone()),
        ("receivedepartmentname", "承办单位", m.unit_name.clone()),
        ("applytime", "申请时间", time(item.applied)),
        ("receivetime", "受理（立案）时间", time(item.accepted)),
        ("transacttime", "办结时间", time(item.closed)),
        ("projid", "业务流水号", item.proj_id.clone()),
        ("projectpassword", "查询密码", item.password.clone()),
        ("servicetype", "事项类型", item.kind.into()),
        ("servicecode", "权力事项编码", m.matter_code.to_string()),
        ("servicename", "权力事项名称", m.matter_name.clone()),
        ("deptid", "部门编码", item.dept.clone()),
        ("organizationcode", "统一社会信用代码", m.unit_uscc.to_string()),
        ("areacode", "行政区划", item.area.clone()),
        ("result", "办理结果", item.result.into()),
    ];
    format!("{HEAD}<description title=\"基本信息描述\">\n{}</description>\n", elements(&rows))
}

/// 归档配置表.XML
pub(crate) fn config(item: &Item) -> String {
    let m = &item.matter.published;
    let rows = [
        ("servicecode", "权力事项编码", m.matter_code.to_string()),
        ("servicename", "权力事项名称", m.matter_name.clone()),
        ("deptname", "立档单位名称", m.unit_name.clone()),
        ("retentionperiod", "保管期限", item.retention().into()),
        ("deptid", "部门编码", item.dept.clone()),
        ("eventtype", "权力事项类型", item.matter.event_type.word().into()),
    ];
    let mut ranges: Vec<(&str, String)> = Vec::new();
    let mut add = |range: &'static str, row: String| match ranges.iter_mut().find(|r| r.0 == range) {
        Some(found) => found.1.push_str(&row),
        None => ranges.push((range, row)),
    };
    let row = |file: &str, need: &str, form: &str| {
        format!(
            "      <file><filename>{}</filename><auxiliaryone>{need}</auxiliaryone><auxiliarytwo>{form}</auxiliarytwo></file>\n",
            escape(file)
        )
    };
    for material in &item.materials {
        add(range_name(&material.range), row(&material.file, "必要", "电子归档"));
    }
    if item.matter.has_paper {
        add("申请材料", row("营业执照副本", "非必要", "纸质归档"));
    }
    let ranges: String = ranges
        .iter()
        .map(|(range, rows)| format!("    <filingrange title=\"{range}\">\n{rows}    </filingrange>\n"))
        .collect();
    format!(
        "{HEAD}<description title=\"归档配置表\">\n{}  <filingranges>\n{ranges}  </filingranges>\n</description>\n",
        elements(&rows)
    )
}

fn range_name(range: &str) -> &'static str {
    ["申请材料", "受理材料", "审批材料", "结果材料"].into_iter().find(|r| *r == range).unwrap_or("证明材料")
}

/// 办理流程.XML
pub(crate) fn process(item: &Item) -> String {
    let steps: String = item
        .steps
        .iter()
        .map(|(node, actor, opinion, at)| {
            format!(
                "  <Opinion nodename=\"{node}\"><Author>{}</Author><Type>意见</Type><Body>{}</Body><Modified>{}</Modified></Opinion>\n",
                escape(actor),
                escape(opinion),
                time(*at)
            )
        })
        .collect();
    format!("{HEAD}<Opinions>\n{steps}</Opinions>\n")
}

/// 存档信息包目录清单 of batch `n`.
pub(crate) fn catalogue(n: usize, items: &[&Item]) -> String {
    let rows: String = items
        .iter()
        .map(|item| {
            format!(
                "    <directorie><documentnumber>{}</documentnumber><projectname>{}</projectname><archivetime>{}</archivetime><deptname>{}</deptname></directorie>\n",
                escape(&item.record_no),
                escape(&item.title),
                filed(item),
                escape(&item.matter.published.unit_name)
            )
        })
        .collect();
    format!(
        "{HEAD}<description title=\"存档信息包目录清单\">\n  <systemcode>ZWFW</systemcode>\n  <batchname>{n:04}</batchname>\n  <sendtime>2026-11-02 08:00:00</sendtime>\n  <sendnumber>{}</sendnumber>\n  <directories>\n{rows}  </directories>\n</description>\n",
        items.len()
    )
}
