//! Third-party cases of `../shared/suites`: the score is printed, a case that differs is listed.
//! Skipped in one line when that folder is not beside the checkout.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod shared;

use dengbei_formats::Limits;
use dengbei_formats::archive::validate_archive;
use dengbei_formats::content::{inspect_file, inspect_ofd, inspect_pdf};
use shared::{rows, suite};

#[test]
fn archives_are_refused_or_read_whole() {
    let Some(folder) = suite("archives.tar.xz") else { return };
    let rows = rows(folder.path());
    let mut wrong = Vec::new();
    for row in &rows {
        let verdict = validate_archive(&folder.path().join("visible").join(&row[0]), &Limits::PACKAGE);
        let is_expected = if row[4] == "ACCEPT" { verdict.is_valid() } else { verdict.verdict == "invalid" };
        println!("{:52} {:28} {} {:?}", row[0], row[4], verdict.verdict, verdict.codes);
        if !is_expected {
            wrong.push(format!("{} expected {}: {verdict:?}", row[0], row[4]));
        }
    }
    println!("archives: {}/{}", rows.len() - wrong.len(), rows.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn ofd_files_open_as_the_suite_says() {
    let Some(folder) = suite("ofd.tar.xz") else { return };
    let rows = rows(folder.path());
    let mut wrong = Vec::new();
    for row in &rows {
        let got = inspect_ofd(&folder.path().join("visible").join(&row[0])).unwrap();
        let is_sound = got.broken.is_none() && got.unreadable.is_none() && !got.is_encrypted;
        if !is_sound || got.pages.map(|p| p.to_string()).as_deref() != Some(&row[3]) {
            wrong.push(format!("{} {} pages {}: {got:?}", row[0], row[3], row[7]));
        }
    }
    println!("ofd: {}/{}", rows.len() - wrong.len(), rows.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn pdfs_open_or_not_as_qpdf_says() {
    let Some(folder) = suite("pdf.tar.xz") else { return };
    let rows = rows(folder.path());
    let (mut wrong, mut mended) = (Vec::new(), 0);
    for row in &rows {
        let got = inspect_pdf(&folder.path().join("visible").join(&row[0])).unwrap();
        let facts = got.pdf.clone().unwrap_or_default();
        let opens = got.unreadable.is_none();
        let is_usable = opens && got.broken.is_none() && !got.is_encrypted;
        mended += usize::from(facts.repaired.is_some());
        let is_expected = match row[1].as_str() {
            // A file that is locked with an empty password opens there; here it is told and not entered.
            "OPENS" => {
                opens && (got.is_encrypted || got.pages.map(|p| p.to_string()).as_ref() == Some(&row[2]))
            }
            "PASSWORD" => got.is_encrypted,
            _ => !is_usable,
        };
        // What opens there without a word is not called mended here.
        let is_clean = row[1] == "OPENS" && row[3] == "0" && row[4] == "-";
        let flags = [
            (row[4] == "encrypted") == got.is_encrypted,
            row[5] == "-" || !facts.scripts.is_empty(),
            row[6] == "-" || !facts.embedded_files.is_empty(),
            !is_clean || is_usable,
        ];
        if !is_expected || flags.contains(&false) {
            let finding = got.unreadable.or(got.broken).map(|f| f.message);
            wrong.push(format!("{row:?} {flags:?} {finding:?} pages {:?} {:?}", got.pages, facts.repaired));
        }
    }
    println!("pdf: {}/{}, {mended} of them mended", rows.len() - wrong.len(), rows.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn skeleton_files_never_make_the_inspector_fail() {
    let Some(folder) = suite("formats.tar.xz") else { return };
    let rows = rows(folder.path());
    let mut counted = std::collections::BTreeMap::new();
    for row in &rows {
        let got = inspect_file(&folder.path().join("visible").join(&row[0])).unwrap();
        *counted.entry(got.format.kind.name()).or_insert(0) += 1;
    }
    println!("formats: {} read, as {counted:?}", rows.len());
}
