//! The official OCFL fixtures, with upstream's verdicts: `../shared/suites/ocfl.tar.xz` beside the checkout.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dengbei_ocfl::{Outcome, validate_object};

fn suite() -> Option<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/ocfl.tar.xz");
    file.exists().then_some(file)
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Valid => "VALID",
        Outcome::Warning => "VALID_WITH_WARNING",
        Outcome::Invalid => "INVALID",
        Outcome::Unverifiable => "UNVERIFIABLE",
    }
}

#[test]
fn the_official_fixtures_get_their_verdicts() {
    let Some(suite) = suite() else {
        eprintln!("skipped: ../shared/suites/ocfl.tar.xz is not beside the checkout");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar").arg("xJf").arg(suite).arg("-C").arg(folder.path()).status().unwrap();
    assert!(unpacked.success());
    let root = folder.path().join("visible");
    let table = fs::read_to_string(root.join("expected.tsv")).unwrap();
    let (mut cases, mut right, mut same_codes, mut wrong) = (0, 0, 0, Vec::new());
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let verdict = validate_object(&root.join(columns[0])).unwrap();
        cases += 1;
        if word(verdict.verdict) == columns[1] {
            right += 1;
        } else {
            wrong.push(format!(
                "{}: {:?}, expected {}: {:?}",
                columns[0], verdict.verdict, columns[1], verdict.detail
            ));
        }
        let meets =
            columns[2] == "-" || columns[2].split(',').any(|code| verdict.codes.iter().any(|c| c == code));
        same_codes += u32::from(meets);
        if !meets {
            eprintln!("{}: {:?}, upstream names {}", columns[0], verdict.codes, columns[2]);
        }
    }
    eprintln!("OCFL fixtures: {right}/{cases} verdicts, {same_codes}/{cases} with one of upstream's codes");
    assert!(wrong.is_empty() && cases == 156, "{cases} cases\n{}", wrong.join("\n"));
}
