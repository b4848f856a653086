//! Every automatic check of one item has a mutant: one fault, and exactly these checks fail or warn, nothing else. The package
//! that they are made of passes every check of every stage with everything known.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::collections::BTreeSet;

use dengbei_checks::facts::{EvidenceKind, NamedDigest, ScanOutcome, Standing, Suspect};
use dengbei_checks::{CheckId, CheckResult, Duplicate, Scheme, Scope, Severity, Stage, Verdict};
use dengbei_records::{Sha256, Sha512, Timestamp};
use support::{BASIC_XML, CONFIG_XML, DECISION, FORM, PDF, PROCESS_XML, Sample, hash, ids, known, scheme};

/// One fault: its name, the check that it is made for, the stage, what must fail or warn, the package.
struct Mutant {
    name: &'static str,
    check: &'static str,
    stage: Stage,
    expected: &'static [&'static str],
    sample: Sample,
    scheme: Scheme,
}

fn mutant(
    name: &'static str,
    check: &'static str,
    expected: &'static [&'static str],
    sample: Sample,
) -> Mutant {
    Mutant { name, check, stage: Stage::G, expected, sample, scheme: Scheme::builtin() }
}

impl Mutant {
    fn at(self, stage: Stage) -> Self {
        Self { stage, ..self }
    }
    fn by(self, parts: &str) -> Self {
        Self { scheme: scheme(parts), ..self }
    }
}

fn signed(kind: EvidenceKind, standing: Standing) -> Sample {
    known().knowing(|c| {
        c.signed.as_mut().unwrap().iter_mut().filter(|s| s.kind == kind).for_each(|s| s.standing = standing);
    })
}

/// What the door knows that the package cannot say: 真实性.
fn authenticity() -> Vec<Mutant> {
    let digests = |hex: &str| NamedDigest { algorithm: "SHA-512".into(), hex: hex.into() };
    vec![
        mutant(
            "package digest differs",
            "A-01",
            &["A-01"],
            known().knowing(|c| {
                let known = c.digests.as_mut().unwrap();
                known.stated.push(digests("00"));
                known.found.push(digests("01"));
            }),
        ),
        mutant(
            "a file is another one",
            "A-02",
            &["A-02"],
            known().knowing(|c| {
                c.manifest.as_mut().unwrap().insert(FORM.into(), Sha512::of(b"other"));
            }),
        ),
        mutant("signature changed", "A-03", &["A-03"], signed(EvidenceKind::Signature, Standing::Invalid)),
        mutant("seal changed", "A-04", &["A-04"], signed(EvidenceKind::Seal, Standing::Invalid)),
        mutant("time stamp changed", "A-05", &["A-05"], signed(EvidenceKind::TimeStamp, Standing::Invalid)),
        mutant(
            "certificate ends soon",
            "A-05",
            &["A-05"],
            known().knowing(|c| {
                c.signed.as_mut().unwrap()[2].certificate_ends = Some(c.now);
            }),
        )
        .at(Stage::C),
        mutant(
            "somebody else's credentials",
            "A-06",
            &["A-06"],
            known().knowing(|c| {
                c.sender.as_mut().unwrap().bound_system = Some("other".into());
            }),
        ),
        mutant(
            "a unit it may not speak for",
            "A-06",
            &["A-06"],
            known().knowing(|c| {
                c.sender.as_mut().unwrap().bound_units = vec!["91330000000000000X".into()];
            }),
        ),
        mutant(
            "number taken",
            "A-13",
            &["A-13"],
            known().knowing(|c| {
                c.duplicates =
                    Some(vec![Duplicate { what: "电子文件号".into(), with: "另一件".into() }]);
            }),
        ),
        mutant(
            "chain broken",
            "A-18",
            &["A-18"],
            known().knowing(|c| {
                c.events.as_mut().unwrap()[1].causes = vec![hash(9)];
            }),
        ),
        mutant(
            "chain forked",
            "A-18",
            &["A-18"],
            known().knowing(|c| {
                let events = c.events.as_mut().unwrap();
                let mut twin = events[2].clone();
                twin.hash = hash(8);
                events.push(twin);
            }),
        ),
        mutant(
            "cited document changed",
            "A-18",
            &["A-18"],
            known().knowing(|c| {
                c.events.as_mut().unwrap()[0].documents[0].1 = Some(Sha256::of(b"other"));
            }),
        ),
    ]
}

fn metadata() -> Vec<Mutant> {
    let basic = |from: &str, to: &str| known().basic(from, to).settled();
    vec![
        mutant(
            "title too long",
            "A-07",
            &["A-07"],
            basic(">韩氏科技有限公司供水报装<", &format!(">{}<", "超".repeat(600))),
        ),
        mutant(
            "minutes in the month",
            "A-08",
            &["A-08"],
            basic("2026-03-31 09:36:00", "2026-47-31 09:36:00"),
        ),
        mutant("no such result", "A-09", &["A-09"], basic("<result>准予", "<result>神秘")),
        mutant(
            "accepted before applied",
            "A-10",
            &["A-10"],
            basic("2026-03-16 09:36:00", "2026-03-15 09:36:00"),
        ),
        mutant(
            "private character",
            "A-11",
            &["A-11"],
            basic("供水报装</projectname>", "供水\u{e000}报装</projectname>"),
        ),
        mutant("number of six parts", "A-12", &["A-12"], basic("-GG-51201", "-GG51201")),
        mutant(
            "element twice",
            "A-16",
            &["A-16"],
            basic("<result>准予</result>", "<result>准予</result><result>准予</result>"),
        ),
        mutant("table without its matter", "A-16", &["A-16"], {
            let code = "<servicecode>512017439001-511602000000-000-11511301008778255F-1-00</servicecode>";
            known().replace(CONFIG_XML, code, "").settled()
        }),
        mutant(
            "element missing",
            "I-03",
            &["I-03", "I-04"],
            basic("<servicename>供水报装</servicename>", ""),
        ),
        mutant(
            "applicant empty",
            "I-04",
            &["I-04"],
            basic("<applyname>韩氏科技有限公司</applyname>", "<applyname/>"),
        ),
        mutant("no review", "I-05", &["I-05"], known().replace(PROCESS_XML, "审核", "备注").settled()),
        mutant(
            "database tells another title",
            "I-10",
            &["I-10"],
            known().knowing(|c| {
                c.recorded.as_mut().unwrap().metadata.title = "别的".into();
            }),
        ),
        mutant(
            "gap without a reason",
            "I-06",
            &["I-06"],
            known().knowing(|c| {
                c.classes.as_mut().unwrap().values_mut().for_each(|n| n.given = vec![1, 3]);
            }),
        )
        .at(Stage::Y),
        mutant("secret", "S-08", &["S-08"], basic("<result>", "<security>机密</security><result>")),
        mutant(
            "mark in the title",
            "S-08",
            &["S-08"],
            basic("供水报装</projectname>", "供水报装 机密★10年</projectname>"),
        ),
        mutant(
            "citizen's number in the title",
            "S-08",
            &["S-08"],
            basic("供水报装</projectname>", "11010519491231002X</projectname>"),
        ),
        mutant(
            "restricted on the public network",
            "S-08",
            &["S-08"],
            basic("<result>", "<security>限制</security><result>"),
        )
        .by(r#""parameters":{"S-08":{"public_zone":1}}"#),
    ]
}

fn content() -> Vec<Mutant> {
    let with = |path: &str, bytes: &[u8]| known().with(path, bytes).settled();
    let dtd = "<!DOCTYPE o [<!ENTITY x \"y\">]><Opinions>";
    let row = "<file><filename>决定书.pdf</filename><auxiliaryone>必要</auxiliaryone><auxiliarytwo>电子归档</auxiliarytwo></file>";
    vec![
        mutant("pdf named txt", "A-14", &["A-14"], with(FORM, PDF.as_bytes())),
        mutant("file not listed", "A-15", &["A-15", "I-11", "S-03"], with("申请材料/别的.txt", b"x")),
        mutant("file at the top", "A-17", &["A-15", "A-17", "I-11", "S-03"], with("readme.txt", b"x")),
        mutant(
            "no process document",
            "A-17",
            &["A-17", "I-04", "I-05"],
            known().without(PROCESS_XML).settled(),
        ),
        mutant("empty file", "I-07", &["I-07"], with(FORM, b"")),
        mutant("listed, absent", "I-08", &["A-15", "I-08", "I-11"], known().without(DECISION).settled()),
        mutant(
            "necessary material not listed",
            "I-09",
            &["I-09"],
            known().without(DECISION).replace(CONFIG_XML, row, "").settled(),
        ),
        mutant("no file at all", "I-11", &["I-09", "I-11"], {
            let paper = known().without(DECISION).without(FORM).replace(CONFIG_XML, "电子归档", "纸质归档");
            paper.settled()
        }),
        mutant("entities", "U-01", &["U-01"], known().replace(PROCESS_XML, "<Opinions>", dtd).settled()),
        mutant("program", "U-03", &["U-03"], {
            let exe = known().without(FORM).replace(CONFIG_XML, "申请表.txt", "申请表.exe");
            exe.with("申请材料/申请表.exe", *b"MZ\x90\0").settled()
        }),
        mutant("no page", "U-04", &["U-04"], with(DECISION, PDF.replace("/Kids [3 0 R]", "").as_bytes())),
        mutant(
            "format at risk",
            "U-05",
            &["U-05"],
            known().knowing(|c| {
                let risks = &mut c.environment.as_mut().unwrap().risks;
                risks.insert("pdf".into(), ("无人维护".into(), "nobody maintains it".into()));
            }),
        )
        .at(Stage::Y),
        mutant("program not on record", "U-06", &["U-06"], known())
            .by(r#""parameters":{"U-06":{"applications":["永中"]}}"#),
        mutant("too many files", "U-07", &["U-07"], known()).by(r#""parameters":{"U-07":{"max_files":4}}"#),
        mutant(
            "password",
            "U-08",
            &["U-08"],
            with(DECISION, PDF.replace("/Root 1 0 R", "/Root 1 0 R /Encrypt 9 0 R").as_bytes()),
        ),
        mutant(
            "restored differently",
            "U-09",
            &["U-09"],
            known().knowing(|c| {
                c.restored.as_mut().unwrap().differing.push("v1/content/files/0001.pdf".into());
            }),
        )
        .at(Stage::C),
        mutant(
            "drill overdue",
            "U-09",
            &["U-09"],
            known().knowing(|c| {
                c.restored.as_mut().unwrap().at = Timestamp::from_millis(c.now.millis() - 93 * 86_400_000);
            }),
        )
        .at(Stage::C),
        mutant(
            "infected",
            "S-02",
            &["S-02"],
            known().knowing(|c| {
                c.scan.as_mut().unwrap().files.insert(FORM.into(), ScanOutcome::Infected("Eicar".into()));
            }),
        ),
        mutant(
            "recognised without a scanner",
            "S-02",
            &["S-02"],
            known().knowing(|c| {
                c.scan = None;
                c.suspects.push(Suspect { path: FORM.into(), what: "EICAR".into() });
            }),
        ),
        mutant(
            "thumbnails",
            "S-03",
            &["A-15", "I-11", "S-03"],
            with("申请材料/Thumbs.db", b"\xd0\xcf\x11\xe0"),
        ),
        mutant("device name", "S-09", &["S-09"], {
            let device = known()
                .without(FORM)
                .replace(CONFIG_XML, "申请表.txt", "CON.txt")
                .with("申请材料/CON.txt", *b"x");
            device.knowing(|c| c.matter.as_mut().unwrap().scope[0].material = "CON".into()).settled()
        }),
    ]
}

fn all() -> Vec<Mutant> {
    let mut all = authenticity();
    all.extend(metadata());
    all.extend(content());
    all
}

#[test]
fn the_good_package_passes_every_check_of_every_stage() {
    for stage in Stage::ALL {
        let report = known().check(stage);
        for check in &report.checks {
            let is_alone =
                matches!(check.id, CheckId::U05 | CheckId::U06) && check.result == CheckResult::NotApplicable;
            assert!(check.result == CheckResult::Passed || is_alone, "{stage:?} {check:#?}");
        }
        assert_eq!(report.verdict, Verdict::Passed);
    }
}

#[test]
fn each_mutant_fails_exactly_what_it_must() {
    for m in all() {
        let report = m.sample.check_by(m.stage, &m.scheme);
        let notable = ids(report.notable_ids());
        assert_eq!(notable, m.expected, "{}: {:#?}", m.name, report.notable().collect::<Vec<_>>());
        let id: CheckId = m.check.parse().unwrap();
        assert!(notable.contains(&m.check), "{}", m.name);
        let blocks = m.scheme.severity(m.stage, id) == Some(Severity::Blocks);
        let outcome = report.checks.iter().find(|c| c.id == id).unwrap();
        if blocks && outcome.result == CheckResult::Failed {
            assert_eq!(report.verdict, Verdict::Failed, "{}", m.name);
        }
        for finding in report.notable().flat_map(|c| &c.findings).filter(|f| !f.remedy.is_empty()) {
            assert!(
                !finding.remedy_en.is_empty() && !finding.message_en.is_empty(),
                "{}: {finding:?}",
                m.name
            );
        }
        assert!(
            outcome.findings.iter().any(|f| !f.remedy.is_empty()),
            "{}: nothing says how to mend it",
            m.name
        );
    }
}

#[test]
fn every_automatic_check_of_an_item_has_a_mutant() {
    let made: BTreeSet<&str> = all().iter().map(|m| m.check).collect();
    let wanted: BTreeSet<&str> =
        CheckId::all().filter(|id| id.scope() == Scope::Item).map(CheckId::as_str).collect();
    assert_eq!(made, wanted);
}

#[test]
fn what_a_service_does_not_know_is_never_a_pass() {
    let strip: Vec<(&str, Stage, Sample)> = vec![
        ("A-01", Stage::G, known().knowing(|c| c.digests = None)),
        ("A-02", Stage::G, known().knowing(|c| c.manifest = None)),
        ("A-06", Stage::G, known().knowing(|c| c.sender = None)),
        ("A-13", Stage::G, known().knowing(|c| c.duplicates = None)),
        ("A-18", Stage::G, known().knowing(|c| c.events = None)),
        ("I-06", Stage::Y, known().knowing(|c| c.classes = None)),
        ("I-09", Stage::G, known().knowing(|c| c.matter = None)),
        ("I-10", Stage::G, known().knowing(|c| c.recorded = None)),
        ("U-09", Stage::C, known().knowing(|c| c.restored = None)),
        ("S-02", Stage::G, known().knowing(|c| c.scan = None)),
    ];
    for (id, stage, sample) in strip {
        let report = sample.check(stage);
        let outcome = report.checks.iter().find(|c| c.id.as_str() == id).unwrap();
        assert!(
            matches!(outcome.result, CheckResult::NotApplicable | CheckResult::Unverifiable),
            "{id}: {outcome:?}"
        );
        assert!(
            !outcome.findings[0].message.is_empty() && !outcome.findings[0].message_en.is_empty(),
            "{id}"
        );
    }
}

#[test]
fn evidence_that_cannot_be_told_is_unverifiable_and_does_not_block() {
    for (kind, id) in [
        (EvidenceKind::Signature, CheckId::A03),
        (EvidenceKind::Seal, CheckId::A04),
        (EvidenceKind::TimeStamp, CheckId::A05),
    ] {
        for standing in [Standing::Intact, Standing::Unknown] {
            let report = signed(kind, standing).check(Stage::G);
            let outcome = report.checks.iter().find(|c| c.id == id).unwrap();
            assert_eq!(
                (outcome.result, report.verdict),
                (CheckResult::Unverifiable, Verdict::Passed),
                "{id}"
            );
            assert!(report.kept().any(|c| c.id == id), "{id} is worth keeping");
        }
    }
}

#[test]
fn a_weak_digest_alone_proves_nothing_and_a_wrong_one_is_a_fault() {
    let md5 = |hex: &str| NamedDigest { algorithm: "MD5".into(), hex: hex.into() };
    let with = |found: &str| {
        known().knowing(|c| {
            let digests = c.digests.as_mut().unwrap();
            (digests.stated, digests.found) = (vec![md5("aa")], vec![md5(found)]);
        })
    };
    let result = |s: Sample| s.check(Stage::G).checks[0].result;
    assert_eq!((result(with("AA")), result(with("bb"))), (CheckResult::Unverifiable, CheckResult::Failed));
}

#[test]
fn what_looks_at_the_sample_only_rests_for_the_others() {
    let spoilt = known().with(FORM, *b"").settled();
    let sampled = spoilt.check(Stage::C);
    assert_eq!(ids(sampled.failing_ids()), ["I-07"]);
    let other = spoilt.knowing(|c| c.is_in_sample = false).check(Stage::C);
    assert_eq!(ids(other.failing_ids()), [""; 0]);
    let outcome = other.checks.iter().find(|c| c.id == CheckId::I07).unwrap();
    assert_eq!(outcome.result, CheckResult::NotApplicable);
}

#[test]
fn a_document_is_read_as_it_is_whatever_case_its_ending_has() {
    let mut lower = known();
    let bytes = lower.files.remove(BASIC_XML).unwrap();
    lower.files.insert("基本信息描述.xml".into(), bytes);
    assert_eq!(lower.settled().check(Stage::G).verdict, Verdict::Passed);
}
