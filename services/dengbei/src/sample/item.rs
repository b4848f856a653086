//! One invented service item (办件), from application to closing.

use chrono::{Datelike as _, Days, NaiveDate, NaiveDateTime, TimeDelta, Weekday};
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

use super::matters::SampleMatter;
use super::{SampleArgs, Tree, documents, people, xml};

/// How the items of a run are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Making<'a> {
    /// 行政区划
    pub(crate) area: &'a str,
    /// Size of each document, KiB.
    pub(crate) file_kb: u32,
    /// The first day on which somebody applies.
    pub(crate) since: NaiveDate,
    /// Applications are spread over so many days; closings over three weeks more.
    pub(crate) days: u64,
}

impl<'a> Making<'a> {
    /// As `dengbei sample` makes them: from 5 January 2026 to the end of October.
    pub(crate) fn of(args: &'a SampleArgs) -> Self {
        let since = NaiveDate::from_ymd_opt(2026, 1, 5).unwrap_or_default();
        Self { area: &args.area, file_kb: args.file_kb, since, days: 280 }
    }
}

/// A material with its file.
#[derive(Debug, Clone)]
pub(crate) struct Material {
    /// 归档范围名
    pub(crate) range: String,
    /// File name
    pub(crate) file: String,
    /// Content
    pub(crate) data: Vec<u8>,
}

/// Everything a package says.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// Its matter.
    pub(crate) matter: SampleMatter,
    /// 部门编码
    pub(crate) dept: String,
    /// 行政区划
    pub(crate) area: String,
    /// 电子文件号
    pub(crate) record_no: String,
    /// 业务流水号, 21 digits
    pub(crate) proj_id: String,
    /// 行政相对人名称
    pub(crate) applicant: String,
    /// 证件号码
    pub(crate) id_no: String,
    /// 查询密码, which must never be stored
    pub(crate) password: String,
    /// 手机
    pub(crate) mobile: String,
    /// 办件名称
    pub(crate) title: String,
    /// 承诺件 or 即办件
    pub(crate) kind: &'static str,
    /// 办理结果
    pub(crate) result: &'static str,
    /// 申请时间
    pub(crate) applied: NaiveDateTime,
    /// 受理时间
    pub(crate) accepted: NaiveDateTime,
    /// 办结时间
    pub(crate) closed: NaiveDateTime,
    /// 办理流程: node, actor, opinion, time
    pub(crate) steps: Vec<(&'static str, String, String, NaiveDateTime)>,
    /// Files
    pub(crate) materials: Vec<Material>,
}

impl Item {
    /// Invents item number `n`.
    pub(crate) fn invent(rng: &mut StdRng, n: u32, making: &Making<'_>, matters: &[SampleMatter]) -> Self {
        // `county` makes at least one matter for any number of units; index 0 exists.
        let matter = matters.choose(rng).unwrap_or(&matters[0]).clone();
        let at_once = rng.random_bool(0.3);
        let (applied, accepted, closed) = times(rng, at_once, making);
        let (applicant, id_no) = if rng.random_bool(0.4) {
            people::company(rng, making.area)
        } else {
            people::citizen(rng, making.area)
        };
        let (result, opinion) = outcome(rng);
        let retention = source_words(&matter);
        let record_no = format!(
            "{}-{}-{:05}-{:03}-{}-{retention}-{n:07}",
            matter.dept,
            matter.event_type.class(),
            n % 100_000,
            n % 1000,
            closed.year()
        );
        let materials = matter
            .published
            .scope
            .iter()
            .filter(|row| row.form == dengbei_records::FilingForm::Electronic)
            .map(|row| {
                let (ending, data) = documents::document(rng, &row.material, making.file_kb);
                Material { range: row.range.clone(), file: format!("{}.{ending}", row.material), data }
            })
            .collect();
        let mut steps = vec![
            ("申请", applicant.clone(), "提交申请".to_owned(), applied),
            ("受理", format!("窗口{}", people::given(rng)), "材料齐全，予以受理".to_owned(), accepted),
        ];
        if !at_once {
            let between = accepted + (closed - accepted) / 2;
            steps.push((
                "审核",
                format!("科室{}", people::given(rng)),
                format!("经审核，{opinion}"),
                between,
            ));
        }
        steps.push(("决定", format!("分管{}", people::given(rng)), opinion.to_owned(), closed));
        Self {
            dept: matter.dept.clone(),
            area: making.area.to_owned(),
            proj_id: format!("{}{}{n:07}", matter.dept, closed.format("%y%m%d")),
            title: format!("{applicant}{}", matter.published.matter_name),
            password: format!("{:06}", rng.random_range(0..1_000_000)),
            mobile: format!("1990000{:04}", rng.random_range(0..10_000)),
            kind: if at_once { "即办件" } else { "承诺件" },
            matter,
            record_no,
            applicant,
            id_no,
            result,
            applied,
            accepted,
            closed,
            steps,
            materials,
        }
    }

    /// 保管期限 as the sender writes it.
    pub(crate) fn retention(&self) -> &'static str {
        source_words(&self.matter)
    }

    /// The package's files.
    pub(crate) fn render(&self) -> Tree {
        let mut tree = Tree::from([
            (xml::CONFIG.to_owned(), xml::config(self).into_bytes()),
            (xml::BASIC.to_owned(), xml::basic(self).into_bytes()),
            (xml::PROCESS.to_owned(), xml::process(self).into_bytes()),
        ]);
        for material in &self.materials {
            tree.insert(format!("{}/{}", material.range, material.file), material.data.clone());
        }
        tree
    }
}

fn source_words(matter: &SampleMatter) -> &'static str {
    match matter.published.retention {
        dengbei_records::Retention::Permanent => "永久",
        dengbei_records::Retention::ThirtyYears => "30年",
        dengbei_records::Retention::TenYears => "10年",
    }
}

fn outcome(rng: &mut StdRng) -> (&'static str, &'static str) {
    match rng.random_range(0..100) {
        0..86 => ("准予", "同意"),
        86..93 => ("不予许可", "不符合条件，不予许可"),
        93..98 => ("退件", "申请人撤回，退件"),
        _ => ("作废办结", "重复申请，作废"),
    }
}

fn times(
    rng: &mut StdRng,
    at_once: bool,
    making: &Making<'_>,
) -> (NaiveDateTime, NaiveDateTime, NaiveDateTime) {
    let first = making.since.and_hms_opt(9, 0, 0).unwrap_or_default();
    let applied = workday(
        first + Days::new(rng.random_range(0..making.days)) + TimeDelta::minutes(rng.random_range(0..400)),
    );
    let accepted = applied + TimeDelta::minutes(rng.random_range(5..40));
    let closed = if at_once {
        accepted + TimeDelta::minutes(rng.random_range(10..60))
    } else {
        workday(accepted + Days::new(rng.random_range(1..20)))
    };
    (applied, accepted, closed)
}

fn workday(mut day: NaiveDateTime) -> NaiveDateTime {
    while matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
        day += TimeDelta::days(1);
    }
    day
}
