//! Every check on a small package built here: the good one passes, one fault is named by its check.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use bytes::Bytes;
use dengbei_checks::{
    BatchCounts, CheckId, CheckResult, Context, Duplicate, Report, Scheme, Severity, Stage, Verdict,
    read_and_check, refusal,
};
use dengbei_formats::{CatalogueEntry, Discard, MemorySource};
use dengbei_records::{
    ErrorClass, FilingForm, Matter, Problem, Retention, ScopeRow, Sha512, Timestamp, canonical,
};

const NOW: Timestamp = Timestamp::from_millis(1_795_305_600_000);

/// A sound package, to be spoilt.
#[derive(Clone)]
struct Sample {
    files: BTreeMap<String, Vec<u8>>,
    context: Context,
}

const PDF: &str = "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n3 0 obj\n<< /Type /Page >>\nendobj\ntrailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n0\n%%EOF\n";

const BASIC: &[(&str, &str)] = &[
    ("deptname", "区住建局"),
    ("documentnumber", "51160204-GG-51201-001-2026-30年-0000200"),
    ("retentionperiod", "30年"),
    ("archivetime", "2026-03-31 10:06:00"),
    ("eventtype", "公共服务"),
    ("applyname", "韩氏科技有限公司"),
    ("mobile", "19900008990"),
    ("address", "样例路1号"),
    ("contactidcard", "91511602MAXX41776T"),
    ("projectname", "韩氏科技有限公司供水报装"),
    ("receivedepartmentname", "区住建局"),
    ("applytime", "2026-03-16 09:21:00"),
    ("receivetime", "2026-03-16 09:36:00"),
    ("transacttime", "2026-03-31 09:36:00"),
    ("projid", "511602042603310000200"),
    ("projectpassword", "882172"),
    ("servicetype", "承诺件"),
    ("servicecode", "512017439001-511602000000-000-11511301008778255F-1-00"),
    ("servicename", "供水报装"),
    ("deptid", "51160204"),
    ("organizationcode", "11511301008778255F"),
    ("areacode", "511602"),
    ("result", "准予"),
];

fn sample() -> Sample {
    let elements =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| format!("<{k}>{v}</{k}>")).collect::<String>();
    let table: Vec<(&str, &str)> = BASIC
        .iter()
        .filter(|(k, _)| ["servicecode", "retentionperiod", "deptid", "eventtype"].contains(k))
        .copied()
        .collect();
    let row = |f: &str| {
        format!(
            "<file><filename>{f}</filename><auxiliaryone>必要</auxiliaryone><auxiliarytwo>电子归档</auxiliarytwo></file>"
        )
    };
    let config = format!(
        "<description>{}<filingranges><filingrange title=\"申请材料\">{}</filingrange><filingrange title=\"结果材料\">{}</filingrange></filingranges></description>",
        elements(&table),
        row("申请表.txt"),
        row("决定书.pdf")
    );
    let step = |node: &str, time: &str| {
        format!(
            "<Opinion nodename=\"{node}\"><Author>人</Author><Body>同意</Body><Modified>{time}</Modified></Opinion>"
        )
    };
    let steps: String = [
        ("申请", "2026-03-16 09:21:00"),
        ("受理", "2026-03-16 09:36:00"),
        ("审核", "2026-03-23 21:36:00"),
        ("决定", "2026-03-31 09:36:00"),
    ]
    .iter()
    .map(|(n, t)| step(n, t))
    .collect();
    let files = [
        ("基本信息描述.XML", format!("<description>{}</description>", elements(BASIC))),
        ("归档配置表.XML", config),
        ("办理流程.XML", format!("<Opinions>{steps}</Opinions>")),
        ("申请材料/申请表.txt", "申请供水报装".to_owned()),
        ("结果材料/决定书.pdf", PDF.to_owned()),
    ];
    let scope = |phase: &str, range: &str, material: &str| ScopeRow {
        phase: phase.into(),
        range: range.into(),
        material: material.into(),
        necessary: true,
        form: FilingForm::Electronic,
    };
    let matter = Matter {
        matter_code: "512017439001-511602000000-000-11511301008778255F-1-00".parse().unwrap(),
        matter_name: "供水报装".into(),
        event_type: "20".into(),
        unit_name: "区住建局".into(),
        unit_uscc: "11511301008778255F".parse().unwrap(),
        retention: Retention::ThirtyYears,
        scope_version: "2026-01".into(),
        in_force_from: "2026-01-01".into(),
        scope: vec![scope("01", "申请材料", "申请表"), scope("04", "结果材料", "决定书")],
    };
    Sample {
        files: files.into_iter().map(|(path, text)| (path.to_owned(), text.into_bytes())).collect(),
        context: Context { matter: Some(matter), area: Some("511602".parse().unwrap()), ..Context::at(NOW) },
    }
}

impl Sample {
    fn with(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), bytes.into());
        self
    }

    fn replace(mut self, path: &str, from: &str, to: &str) -> Self {
        let text = String::from_utf8(self.files.remove(path).unwrap()).unwrap();
        assert!(text.contains(from), "{from} is not in {path}");
        self.files.insert(path.to_owned(), text.replace(from, to).into_bytes());
        self
    }

    fn basic(self, from: &str, to: &str) -> Self {
        self.replace("基本信息描述.XML", from, to)
    }

    fn knowing(mut self, change: impl FnOnce(&mut Context)) -> Self {
        change(&mut self.context);
        self
    }

    fn source(&self) -> MemorySource {
        MemorySource::new("号", self.files.iter().map(|(p, b)| (p.clone(), Bytes::from(b.clone()))).collect())
    }

    fn check(&self, stage: Stage) -> Report {
        read_and_check(&self.source(), &mut Discard, &self.context, stage, &Scheme::builtin()).unwrap().report
    }
}

fn result(report: &Report, id: CheckId) -> CheckResult {
    report.checks.iter().find(|c| c.id == id).unwrap().result
}

/// The fault fails at G by exactly these checks, and each finding says how to mend it.
fn fails(sample: &Sample, ids: &[&str]) {
    let report = sample.check(Stage::G);
    let failing: Vec<&str> = report.failing_ids().into_iter().map(CheckId::as_str).collect();
    assert_eq!(failing, ids, "{:#?}", report.failing().collect::<Vec<_>>());
    assert_eq!(report.verdict, Verdict::Failed);
    for finding in report.failing().flat_map(|c| &c.findings) {
        assert!(
            !finding.message.is_empty() && !finding.message_en.is_empty() && !finding.remedy.is_empty(),
            "{finding:?}"
        );
    }
}

#[test]
fn a_sound_package_passes_every_stage() {
    for stage in [Stage::P, Stage::G, Stage::Y] {
        let report = sample().check(stage);
        assert_eq!((report.verdict, report.notable_ids()), (Verdict::Passed, vec![]), "{report:#?}");
    }
}

#[test]
fn the_same_package_gives_the_same_report_which_reads_back() {
    let report = sample().basic("准予", "神秘").check(Stage::G);
    let bytes = canonical::to_vec(&report).unwrap();
    assert_eq!(bytes, canonical::to_vec(&sample().basic("准予", "神秘").check(Stage::G)).unwrap());
    assert_eq!(canonical::from_slice::<Report>(&bytes).unwrap(), report);
}

#[test]
fn the_scheme_is_data_that_reads_back() {
    let scheme = Scheme::builtin();
    let bytes = canonical::to_vec(&scheme).unwrap();
    assert_eq!(canonical::from_slice::<Scheme>(&bytes).unwrap(), scheme);
    let mut lenient = scheme;
    lenient.stages.get_mut(&Stage::G).unwrap().insert(CheckId::A09, Severity::Warns);
    let spoilt = sample().basic("准予", "神秘");
    let report =
        read_and_check(&spoilt.source(), &mut Discard, &spoilt.context, Stage::G, &lenient).unwrap().report;
    assert_eq!((report.verdict, result(&report, CheckId::A09)), (Verdict::Passed, CheckResult::Warning));
}

#[test]
fn metadata_faults_are_told_by_their_check() {
    fails(&sample().basic(">韩氏科技有限公司供水报装<", &format!(">{}<", "超".repeat(600))), &["A-07"]);
    fails(&sample().basic("2026-03-31 09:36:00", "2026-47-31 09:36:00"), &["A-08"]);
    fails(&sample().basic("511602042603310000200", "51160204260331000020A"), &["A-08"]);
    fails(&sample().basic("<areacode>", "<dataversion>zwei</dataversion><areacode>"), &["A-08"]);
    fails(&sample().basic("91511602MAXX41776T", "91511602MAXX417760"), &["A-09"]);
    fails(&sample().basic("<result>准予", "<result>神秘"), &["A-09"]);
    fails(&sample().basic("2026-03-16 09:36:00", "2026-03-15 09:36:00"), &["A-10"]);
    fails(&sample().knowing(|c| c.now = Timestamp::from_millis(1_774_000_000_000)), &["A-10"]);
    fails(&sample().knowing(|c| c.area = Some("330102".parse().unwrap())), &["A-10"]);
    fails(&sample().basic("供水报装</projectname>", "供水\u{e000}报装</projectname>"), &["A-11"]);
    fails(&sample().basic("-GG-51201", "-GG51201"), &["A-12"]);
    fails(&sample().basic("<servicename>供水报装</servicename>", ""), &["I-03", "I-04"]);
    fails(&sample().basic("<applyname>韩氏科技有限公司</applyname>", "<applyname/>"), &["I-04"]);
    fails(&sample().replace("办理流程.XML", "<Author>人</Author>", "<Author/>"), &["I-05"]);
    fails(&sample().replace("办理流程.XML", "审核", "备注"), &["I-05"]);
    fails(&sample().basic("<result>", "<security>机密</security><result>"), &["S-08"]);
    fails(&sample().basic("供水报装</projectname>", "11010519491231002X</projectname>"), &["S-08"]);
}

#[test]
fn an_immediate_item_may_lack_the_review() {
    let at_once = sample().replace("办理流程.XML", "审核", "备注").basic("承诺件", "即办件");
    assert_eq!(at_once.check(Stage::G).verdict, Verdict::Passed);
}

#[test]
fn content_faults_are_told_by_their_check() {
    fails(&sample().with("申请材料/申请表.txt", *b"\x89PNG\r\n\x1a\n"), &["A-14", "I-07"]);
    fails(&sample().with("申请材料/申请表.txt", *b""), &["I-07"]);
    fails(&sample().with("申请材料/申请表.txt", *b"MZ\x90\0"), &["A-14", "U-03"]);
    fails(
        &sample().with("结果材料/决定书.pdf", PDF.replace("/Root 1 0 R", "/Root 1 0 R /Encrypt 9 0 R")),
        &["U-08"],
    );
    fails(&sample().with("结果材料/决定书.pdf", PDF.replace("/Kids [3 0 R]", "")), &["U-04"]);
    fails(&sample().with("结果材料/决定书.pdf", PDF.replace("%%EOF", "")), &["I-07"]);
    fails(&sample().with("申请材料/CON.txt", *b"x"), &["A-15", "I-11", "S-09"]);
    fails(&sample().with("readme.txt", *b"x"), &["A-15", "A-17", "I-11"]);
    fails(&sample().with("附加.xml", *b"<a/>"), &["A-15", "A-17", "I-11"]);
    fails(&sample().with("基本信息描述.XML", *b"<d"), &["A-12", "I-03", "I-04", "U-01"]);
    fails(&sample().replace("归档配置表.XML", "申请表.txt", "申请表.pdf"), &["A-15", "I-08"]);
    fails(
        &sample().replace("归档配置表.XML", "title=\"申请材料\"", "title=\"其他材料\""),
        &["A-15", "I-08", "I-09"],
    );
    fails(&sample().replace("归档配置表.XML", "电子归档", "口头归档"), &["A-09"]);
}

#[test]
fn what_the_caller_knows_is_compared() {
    let of = |s: &Sample| s.files.iter().map(|(p, b)| (p.clone(), Sha512::of(b))).collect::<BTreeMap<_, _>>();
    let good = sample();
    let manifest = of(&good);
    assert_eq!(
        good.clone().knowing(|c| c.manifest = Some(manifest.clone())).check(Stage::G).verdict,
        Verdict::Passed
    );
    let changed = good.clone().with("申请材料/申请表.txt", *b"other");
    fails(&changed.knowing(|c| c.manifest = Some(manifest.clone())), &["A-02"]);

    let duplicate = Duplicate { what: "电子文件号".into(), with: "另一件".into() };
    fails(&good.clone().knowing(|c| c.duplicates = Some(vec![duplicate])), &["A-13"]);

    let entry =
        CatalogueEntry { title: "韩氏科技有限公司供水报装".into(), ..CatalogueEntry::default() };
    let counts = BatchCounts { send_number: Some(2), listed: 2, received: 2, entry: Some(entry) };
    assert_eq!(
        good.clone().knowing(|c| c.batch = Some(counts.clone())).check(Stage::G).verdict,
        Verdict::Passed
    );
    let short = BatchCounts { received: 1, ..counts.clone() };
    fails(&good.clone().knowing(|c| c.batch = Some(short)), &["I-01"]);
    let unlisted = BatchCounts { entry: None, ..counts };
    fails(&good.knowing(|c| c.batch = Some(unlisted)), &["I-01"]);
}

#[test]
fn what_cannot_be_compared_is_said_to_be_so() {
    let alone = sample().knowing(|c| c.matter = None);
    let (door, filing) = (alone.check(Stage::P), alone.check(Stage::G));
    // A matter without a scope parks the item; it is no fault at the door, and no pass before filing.
    assert_eq!((door.verdict, result(&door, CheckId::I09)), (Verdict::Passed, CheckResult::Unverifiable));
    assert_eq!(
        (filing.verdict, result(&filing, CheckId::I09)),
        (Verdict::Unverifiable, CheckResult::Unverifiable)
    );
    assert_eq!(result(&filing, CheckId::A02), CheckResult::NotApplicable);
    assert_eq!(result(&filing, CheckId::I01), CheckResult::NotApplicable);
}

#[test]
fn metadata_faults_warn_at_the_door_and_block_before_filing() {
    let spoilt = sample().basic("<result>准予", "<result>神秘");
    let (door, filing) = (spoilt.check(Stage::P), spoilt.check(Stage::G));
    assert_eq!((door.verdict, result(&door, CheckId::A09)), (Verdict::Passed, CheckResult::Warning));
    assert_eq!((filing.verdict, result(&filing, CheckId::A09)), (Verdict::Failed, CheckResult::Failed));
    assert_eq!(filing.failing().next().unwrap().alias, "GD-1-4");
}

#[test]
fn a_package_that_does_not_open_still_has_a_report() {
    for (code, id) in [
        ("archive.path_escape", "S-09"),
        ("archive.bomb", "U-07"),
        ("archive.encrypted", "U-08"),
        ("archive.corrupt", "I-07"),
    ] {
        let problem = Problem::new(code, ErrorClass::Invalid, "坏", "bad").with_remedy("换");
        let report = refusal(&problem, Stage::P, &Scheme::builtin());
        assert_eq!((report.verdict, report.failing_ids()[0].as_str()), (Verdict::Failed, id));
    }
}

#[test]
fn no_report_holds_the_password() {
    let report = sample()
        .basic("<projectpassword>", "<projectpassword title='x'>")
        .basic("</description>", "")
        .check(Stage::P);
    assert_eq!(report.verdict, Verdict::Failed);
    assert!(!String::from_utf8(canonical::to_vec(&report).unwrap()).unwrap().contains("882172"));
}
