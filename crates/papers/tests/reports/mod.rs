//! Reports to draw: every check of the built-in scheme at a stage, some of them failing.
#![allow(dead_code, reason = "each test binary uses what it needs")]

use dengbei_checks::{
    CheckId, CheckOutcome, CheckResult, ENGINE, Evidence, Finding, Report, Scheme, SchemeName, Scope, Stage,
    Subject, Task, Verdict,
};
use dengbei_papers::report::Fact;
use dengbei_records::{Sha256, Timestamp};

/// What is wrong with one check.
pub(crate) fn finding(n: u32) -> Finding {
    Finding {
        place: format!("files/受理/第{n}份.pdf"),
        message: format!("第{n}份文件摘要与清单不符，含䶮、㛃、𬭎"),
        message_en: format!("file {n}: its digest differs from the list"),
        remedy: format!("把第{n}份文件换成可打开的PDF后重新报送"),
        remedy_en: format!("replace file {n} by a PDF that opens and send it again"),
    }
}

/// A sealed report with `failing` findings of A-02 and one warning.
pub(crate) fn report(failing: u32) -> Report {
    let scheme = Scheme::builtin();
    let outcome = |line: &dengbei_checks::Line| {
        let declared = line.check.declared();
        let (result, findings) = match line.check {
            CheckId::A02 if failing > 0 => (CheckResult::Failed, (1..=failing).map(finding).collect()),
            CheckId::A04 => (CheckResult::Unverifiable, vec![finding(0)]),
            CheckId::S03 => (CheckResult::Warning, vec![finding(99)]),
            CheckId::I08 => (CheckResult::NotApplicable, Vec::new()),
            _ => (CheckResult::Passed, Vec::new()),
        };
        let evidence = match line.check {
            CheckId::A02 => vec![Evidence { what: "stated.sm3".into(), value: Sha256::of(b"x").to_string() }],
            CheckId::S02 => {
                vec![Evidence { what: "scanner".into(), value: "ClamAV 1.4.3/27800".into() }]
            }
            _ => Vec::new(),
        };
        CheckOutcome {
            id: line.check,
            alias: line.alias.clone().into(),
            name: line.check.name().into(),
            name_en: line.check.name_en().into(),
            property: line.check.property(),
            severity: line.rule.severity,
            result,
            compared: if result == CheckResult::NotApplicable { 0 } else { 3 },
            findings,
            basis: declared.basis.into(),
            basis_en: declared.basis_en.into(),
            evidence,
            office: (result == CheckResult::Failed).then_some(declared.office),
            blocks_unverified: false,
        }
    };
    let of_items = scheme.lines(Stage::G).iter().filter(|l| l.check.scope() == Scope::Item);
    let report = Report {
        stage: Stage::G,
        scheme: SchemeName {
            id: scheme.id.clone(),
            version: scheme.version.clone(),
            digest: Some(scheme.digest),
        },
        engine: ENGINE.into(),
        verdict: if failing > 0 { Verdict::Failed } else { Verdict::Passed },
        checks: of_items.map(outcome).collect(),
        subject: None,
        began_at: Some(Timestamp::from_millis(1_793_000_000_000)),
        ended_at: Some(Timestamp::from_millis(1_793_000_001_000)),
        tasks: Vec::new(),
        sample: None,
        salt: String::new(),
        digest: None,
    };
    report.sealed("5a".repeat(32)).unwrap().0
}

/// A report of a batch, with what persons signed.
pub(crate) fn of_batch() -> Report {
    let mut report = report(0);
    report.subject = Some(Subject { scope: Scope::Batch, number: "2026-Q4-0007".into() });
    report.tasks = vec![Task {
        check: CheckId::I12,
        scope: Scope::Batch,
        of: "2026-Q4-0007".into(),
        task: "核对移交目录与登记表".into(),
        task_en: "compare the catalogue with the form".into(),
        persons: 2,
        signed_by: vec!["审核甲".into()],
        items: Vec::new(),
    }];
    report.digest = None;
    report.sealed("5b".repeat(32)).unwrap().0
}

/// What the item is.
pub(crate) fn about() -> Vec<Fact> {
    vec![
        Fact::new("档号", "archival code", "J021-ZY·XK·2026-Y-00042"),
        Fact::new("题名", "title", "#panic(\"x\") $y^2$ 关于核发建设工程规划许可证的办件"),
        Fact::new("立档单位", "unit", "秀洲区自然资源和规划局"),
        Fact::new("对象标识", "id", "01234567-89ab-8def-8123-456789abcdef"),
    ]
}
