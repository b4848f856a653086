//! The packages of `../shared/samples`: all good ones pass, each mutant is caught by its check, dirty ones as expected.
//! Skipped in one line when that folder is not beside the checkout.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use dengbei_checks::{CheckId, Checked, Context, Report, Scheme, Stage, Verdict, read_and_check};
use dengbei_formats::{Batch, Discard, Limits, PackageSource};
use dengbei_records::{Matter, Timestamp};

/// 2026-11-22 08:00 Beijing time: after every sample.
const NOW: Timestamp = Timestamp::from_millis(1_795_305_600_000);

struct Samples {
    folder: tempfile::TempDir,
    matters: HashMap<String, Matter>,
}

fn samples() -> Option<Samples> {
    let maker = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/make_packages.py");
    if !maker.exists() {
        println!("skipped: {} is not there", maker.display());
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("python3");
    command.arg(maker).arg("--out").arg(folder.path()).args(["--count", "200", "--mutants", "--dirty"]);
    assert!(
        command.stdout(std::process::Stdio::null()).status().unwrap().success(),
        "make_packages.py failed"
    );
    let text = std::fs::read_to_string(folder.path().join("matters.json")).unwrap();
    let matters: Vec<Matter> = serde_json::from_str(&text).unwrap();
    let matters = matters.into_iter().map(|m| (m.matter_code.to_string(), m)).collect();
    Some(Samples { folder, matters })
}

fn open(path: &Path) -> Batch {
    let spool = std::env::temp_dir();
    if path.is_dir() {
        return Batch::open_folder(path, Limits::BATCH, &spool).unwrap();
    }
    let file = std::fs::File::open(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    Batch::open(std::sync::Arc::new(file), &name, Limits::BATCH, &spool).unwrap()
}

impl Samples {
    fn check(&self, source: &dyn PackageSource, stage: Stage) -> Checked {
        let package = dengbei_formats::read_package(source).unwrap();
        let mut context = Context::at(NOW);
        context.area = Some("511602".parse().unwrap());
        context.matter = self.matters.get(&package.metadata.service_code).cloned();
        read_and_check(source, &mut Discard, &context, stage, &Scheme::builtin()).unwrap()
    }

    /// The run at the door, and the one before filing.
    fn both(&self, path: &Path) -> (Checked, Checked) {
        let mut batch = open(path);
        assert_eq!(batch.len(), 1, "{}", path.display());
        let source = batch.package(0).unwrap().source.unwrap();
        (self.check(&*source, Stage::P), self.check(&*source, Stage::G))
    }
}

fn findings(report: &Report) -> String {
    let line = |c: &dengbei_checks::CheckOutcome| format!("{} {:?} {:?}", c.id, c.result, c.findings);
    report.notable().map(line).collect::<Vec<_>>().join("\n")
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
    folders.sort();
    folders
}

fn expected(case: &Path) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(case.join("expected.json")).unwrap()).unwrap()
}

fn package_of(case: &Path) -> PathBuf {
    let zip = case.join("package.zip");
    if zip.exists() { zip } else { case.join("package") }
}

#[test]
fn good_packages_pass_mutants_and_dirty_ones_are_told() {
    let Some(samples) = samples() else { return };
    let root = samples.folder.path().to_owned();
    let mut seen = 0;
    for folder in
        folders(&root).into_iter().filter(|p| p.file_name().unwrap().to_string_lossy().starts_with("batch-"))
    {
        let mut batch = open(&folder);
        let catalogue = batch.catalogue.clone().unwrap();
        assert_eq!(batch.catalogue_fault, None);
        assert_eq!(catalogue.count(), Some(batch.len()));
        for package in batch.packages() {
            let source = package.source.unwrap();
            for stage in [Stage::P, Stage::G, Stage::Y] {
                let checked = samples.check(&*source, stage);
                assert_eq!(
                    checked.report.verdict,
                    Verdict::Passed,
                    "{} {stage:?}: {}",
                    package.name,
                    findings(&checked.report)
                );
                assert_eq!(
                    checked.report.notable_ids(),
                    [],
                    "{}: {}",
                    package.name,
                    findings(&checked.report)
                );
                assert!(catalogue.entry(&checked.package.metadata.record_no).is_some());
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 200);
    mutants(&samples, &root);
    dirty(&samples, &root);
}

fn mutants(samples: &Samples, root: &Path) {
    let mut caught = 0;
    for case in folders(&root.join("mutants")) {
        let id: String = expected(&case)["must_fail"].as_str().unwrap().to_owned();
        let (door, filing) = samples.both(&package_of(&case));
        if id == "S-02" {
            continue; // the scanner's
        }
        let id: CheckId = id.parse().unwrap();
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        println!(
            "{name}: P {:?} {:?}, G {:?} {:?}",
            door.report.verdict,
            ids(&door.report),
            filing.report.verdict,
            ids(&filing.report)
        );
        // What is refused at the door is never checked again: its report must name the check.
        let decisive = if door.report.verdict == Verdict::Failed { &door.report } else { &filing.report };
        assert_eq!(decisive.verdict, Verdict::Failed, "{name}");
        assert!(decisive.notable_ids().contains(&id), "{name}: {id} not in {}", findings(decisive));
        assert!(
            decisive.notable().all(|c| c
                .findings
                .iter()
                .all(|f| !f.remedy.is_empty() && !f.remedy_en.is_empty() && !f.message_en.is_empty())),
            "{name}"
        );
        caught += 1;
    }
    println!("mutants caught: {caught}");
    assert_eq!(caught, 19);
}

fn dirty(samples: &Samples, root: &Path) {
    for case in folders(&root.join("dirty")) {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let expected = expected(&case);
        let (door, filing) = samples.both(&package_of(&case));
        println!(
            "{name}: P {:?} {:?}, G {:?} {:?}",
            door.report.verdict,
            ids(&door.report),
            filing.report.verdict,
            ids(&filing.report)
        );
        if expected["outcome"] == "filed" {
            assert_eq!(filing.report.verdict, Verdict::Passed, "{name}: {}", findings(&filing.report));
            assert_eq!(door.report.verdict, Verdict::Passed, "{name}: {}", findings(&door.report));
        } else {
            let id: CheckId = expected["check"].as_str().unwrap().parse().unwrap();
            let decisive = if door.report.verdict == Verdict::Failed { &door.report } else { &filing.report };
            assert_eq!(decisive.verdict, Verdict::Failed, "{name}");
            assert!(decisive.notable_ids().contains(&id), "{name}: {id} not in {}", findings(decisive));
        }
    }
}

fn ids(report: &Report) -> Vec<&'static str> {
    report.notable_ids().into_iter().map(CheckId::as_str).collect()
}
