//! Every check on a small package built here: the good one passes, one fault is named by its check.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use dengbei_checks::{
    CheckId, CheckResult, Duplicate, Report, Rule, Scheme, Severity, Stage, Verdict, refusal,
};
use dengbei_records::{ErrorClass, Problem, Timestamp, canonical};
use support::{PDF, Sample, sample};

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
            [&finding.message, &finding.message_en, &finding.remedy, &finding.remedy_en]
                .iter()
                .all(|text| !text.is_empty()),
            "{finding:?}"
        );
    }
}

#[test]
fn a_sound_package_passes_every_stage() {
    for stage in Stage::ALL {
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
fn what_a_scheme_lets_warn_does_not_block() {
    let lenient =
        Scheme::builtin().with(Stage::G, CheckId::A09, Rule { severity: Severity::Warns, is_sampled: false });
    let report = sample().basic("准予", "神秘").check_by(Stage::G, &lenient);
    assert_eq!((report.verdict, result(&report, CheckId::A09)), (Verdict::Passed, CheckResult::Warning));
    assert_ne!(lenient.digest, Scheme::builtin().digest);
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
    let good = sample();
    let manifest = good.manifest();
    assert_eq!(
        good.clone().knowing(|c| c.manifest = Some(manifest.clone())).check(Stage::G).verdict,
        Verdict::Passed
    );
    let changed = good.clone().with("申请材料/申请表.txt", *b"other");
    fails(&changed.knowing(|c| c.manifest = Some(manifest.clone())), &["A-02"]);

    let duplicate = Duplicate { what: "电子文件号".into(), with: "另一件".into() };
    fails(&good.knowing(|c| c.duplicates = Some(vec![duplicate])), &["A-13"]);
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
    assert_eq!(result(&filing, CheckId::A01), CheckResult::NotApplicable);
    // No scanner: never a pass.
    for id in [CheckId::S02, CheckId::A06, CheckId::A18, CheckId::I10] {
        assert_eq!(result(&filing, id), CheckResult::Unverifiable, "{id}");
    }
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
