//! The matters (事项) of an invented county: units, what they do, retention and filing scope.

use dengbei_records::{EventType, FilingForm, Matter, Retention, ScopeRow};
use rand::RngExt as _;
use rand::rngs::StdRng;

use super::people::credit_code;

const UNITS: [&str; 40] = [
    "县发展和改革局",
    "县经济和信息化局",
    "县教育局",
    "县公安局",
    "县民政局",
    "县司法局",
    "县财政局",
    "县人力资源和社会保障局",
    "县自然资源和规划局",
    "县住房和城乡建设局",
    "县交通运输局",
    "县水利局",
    "县农业农村局",
    "县文化和广电旅游体育局",
    "县卫生健康局",
    "县应急管理局",
    "县市场监督管理局",
    "县综合行政执法局",
    "县医疗保障局",
    "县档案局",
    "县统计局",
    "县审计局",
    "县退役军人事务局",
    "县林业局",
    "县气象局",
    "县税务局",
    "县消防救援大队",
    "县烟草专卖局",
    "县残疾人联合会",
    "县住房公积金管理中心",
    "县政务服务管理局",
    "城关镇人民政府",
    "临江镇人民政府",
    "石桥镇人民政府",
    "望海镇人民政府",
    "青溪乡人民政府",
    "云峰乡人民政府",
    "东湖街道办事处",
    "南门街道办事处",
    "经济开发区管理委员会",
];
const DEEDS: [(&str, &str); 8] = [
    ("01", "食品经营许可"),
    ("01", "建筑工程施工许可"),
    ("05", "临时救助给付"),
    ("07", "婚姻登记"),
    ("07", "不动产转移登记"),
    ("08", "见义勇为奖励"),
    ("10", "企业投资项目备案"),
    ("20", "社会保险参保登记"),
];

/// A matter with what its packages need to know.
#[derive(Debug, Clone)]
pub(crate) struct SampleMatter {
    /// As `matter publish` reads it.
    pub(crate) published: Matter,
    /// 部门编码: area and a number.
    pub(crate) dept: String,
    /// 事项类型
    pub(crate) event_type: EventType,
    /// Whether a paper material belongs to the scope.
    pub(crate) has_paper: bool,
}

/// Three matters a unit.
pub(crate) fn county(rng: &mut StdRng, area: &str, units: u32, files: Option<u32>) -> Vec<SampleMatter> {
    (0..units)
        .flat_map(|unit| (0..3).map(move |n| (unit, n)))
        .filter_map(|(unit, n)| matter(rng, area, (unit, n), files))
        .collect()
}

fn matter(rng: &mut StdRng, area: &str, (unit, n): (u32, u32), files: Option<u32>) -> Option<SampleMatter> {
    let (kind, deed) = DEEDS[(unit * 3 + n) as usize % DEEDS.len()];
    let base = UNITS[unit as usize % UNITS.len()];
    let round = unit as usize / UNITS.len();
    let unit_name = if round == 0 { base.to_owned() } else { format!("{base}第{}分局", round) };
    let uscc = credit_code(&format!("11{area}0{unit:08}"));
    let retention =
        [Retention::Permanent, Retention::ThirtyYears, Retention::TenYears][(unit + n) as usize % 3];
    let has_paper = files.is_none() && rng.random_bool(0.2);
    let published = Matter {
        matter_code: format!("{area}Z{unit:03}{n:03}-{uscc}").parse().ok()?,
        matter_name: deed.to_owned(),
        event_type: kind.to_owned(),
        unit_name,
        unit_uscc: uscc.parse().ok()?,
        retention,
        scope_version: "2026-01".into(),
        in_force_from: "2026-01-01".into(),
        scope: scope(rng, files, has_paper),
    };
    Some(SampleMatter {
        published,
        dept: format!("{area}{:02}", unit + 1),
        event_type: kind.parse().ok()?,
        has_paper,
    })
}

fn scope(rng: &mut StdRng, files: Option<u32>, has_paper: bool) -> Vec<ScopeRow> {
    let row = |phase: &str, range: &str, material: &str, necessary, form| ScopeRow {
        phase: phase.into(),
        range: range.into(),
        material: material.into(),
        necessary,
        form,
    };
    let electronic = |phase, range, material| row(phase, range, material, true, FilingForm::Electronic);
    let all = [
        electronic("01", "申请材料", "申请表"),
        electronic("01", "申请材料", "身份证明"),
        electronic("02", "受理材料", "受理通知书"),
        electronic("03", "审批材料", "审查意见"),
        electronic("04", "结果材料", "决定书"),
    ];
    let count = files.map_or_else(|| rng.random_range(3..=5), |n| n.clamp(1, 5));
    // The application first, the decision last, the rest between.
    let mut rows: Vec<ScopeRow> = all[..count as usize - 1].to_vec();
    rows.push(all[4].clone());
    if has_paper {
        rows.push(row("01", "申请材料", "营业执照副本", false, FilingForm::Paper));
    }
    rows
}
