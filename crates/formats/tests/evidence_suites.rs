//! Third-party cases of `../shared/suites` about signatures, seals, timestamps and the Chinese algorithms: the score is
//! printed, a case that differs is listed. Skipped in one line when that folder is not beside the checkout.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod shared;

use std::path::Path;
use std::process::Command;

use dengbei_formats::content::{inspect_ofd, inspect_ofd_trusting, ofd_text};
use dengbei_formats::signature::{
    Certificate, DigestMethod, Expected, SignatureState, Trust, check_timestamp,
};
use shared::{rows, suite};

#[test]
fn ofd_pages_types_signatures_digests_and_structure_are_as_the_suite_says() {
    let Some(folder) = suite("ofd.tar.xz") else { return };
    let rows = rows(folder.path());
    let mut wrong = Vec::new();
    for row in &rows {
        let path = folder.path().join("visible").join(&row[0]);
        let got = inspect_ofd(&path).unwrap();
        let facts = got.ofd.clone().unwrap_or_default();
        let digests = match &got.signatures[..] {
            [] => "UNSIGNED",
            all if all.iter().any(|s| s.reason.code == "signature.digest") => "PROTECTED_FILE_CHANGED",
            _ => "DIGESTS_MATCH",
        };
        let structure: Vec<&str> = [
            (facts.has_other_namespace, "NONSTANDARD_NAMESPACE"),
            (!facts.missing.is_empty(), "DANGLING_REF"),
        ]
        .iter()
        .filter_map(|(is_so, word)| is_so.then_some(*word))
        .collect();
        let structure = if structure.is_empty() { "OK".to_owned() } else { structure.join("+") };
        let found = [
            got.pages.unwrap_or(0).to_string(),
            facts.doc_type.clone(),
            got.signatures.len().to_string(),
            digests.to_owned(),
            structure,
        ];
        let expected = [&row[3], &row[4], &row[5], &row[6], &row[7]];
        let states: Vec<_> = got.signatures.iter().map(|s| (s.state, s.reason.code.as_str())).collect();
        println!("{:50} {found:?} {states:?}", row[0]);
        let text = ofd_text(std::sync::Arc::new(std::fs::File::open(&path).unwrap()), 1 << 20);
        let is_open = got.broken.is_none() && got.unreadable.is_none() && text.is_some();
        if !is_open || found.iter().ne(expected) {
            wrong.push(format!("{} expected {expected:?}: {found:?} {facts:?} {:?}", row[0], got.unreadable));
        }
        // Nobody is trusted here, so nothing may be called valid.
        assert!(got.signatures.iter().all(|s| s.state != SignatureState::Valid));
    }
    println!("ofd: {}/{}", rows.len() - wrong.len(), rows.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn certificates(pem: &Path) -> Vec<Certificate> {
    let mut all = Trust::nobody();
    all.add(&std::fs::read(pem).unwrap());
    all.anchors().to_vec()
}

/// Trusts the roots of a chain only: the rest is what a sender might enclose.
fn roots(pem: &Path) -> Trust {
    let mut trust = Trust::nobody();
    let all = certificates(pem);
    // Anchors are added in DER one by one; what signs itself is a root.
    for certificate in all.iter().filter(|c| c.is_self_issued()) {
        trust.add(certificate.der());
    }
    trust
}

#[test]
fn timestamps_are_valid_or_refused_as_the_suite_and_openssl_say() {
    let Some(folder) = suite("rfc3161.tar.xz") else { return };
    let visible = folder.path().join("visible");
    let rows = rows(folder.path());
    let mut wrong = Vec::new();
    for row in &rows {
        let reply = visible.join(&row[0]);
        let home = reply.parent().unwrap().to_owned();
        let request = row[1].ends_with(".der").then(|| std::fs::read(home.join(&row[1])).unwrap());
        let data = row[1].starts_with("data").then_some(&b"hello"[..]);
        let enclosed = certificates(&home.join("ts_chain.pem"));
        let is_own_given = row[2].contains("untrusted");
        // The authority's own certificate must come with the token, unless the row says that it is given.
        let given: Vec<Certificate> =
            enclosed.into_iter().filter(|c| is_own_given || c.is_authority()).collect();
        let bytes = std::fs::read(&reply).unwrap();
        let expected = Expected { data, request: request.as_deref(), certificates: &given, policies: &[] };
        let got = check_timestamp(&bytes, &row[0], &expected, &roots(&home.join("ts_chain.pem")));
        let is_right = if row[3].starts_with("VALID") {
            got.state == SignatureState::Valid && got.authority.as_deref() != Some("Spoofed TSA")
        } else {
            got.state != SignatureState::Valid
        };
        println!("{:44} {:?} {} {:?}", row[0], got.state, got.reason.code, got.authority);
        if !is_right {
            wrong.push(format!("{row:?}: {got:?}"));
        }
        // What openssl takes must be valid here too; it also asks today's date, so not the other way round.
        let agrees = openssl_takes(&home, &reply, row, is_own_given);
        println!("{:44} openssl: {agrees:?}", "");
        assert!(agrees != Some(true) || got.state == SignatureState::Valid, "openssl takes {row:?}");
        let alone = check_timestamp(&bytes, &row[0], &expected, &Trust::nobody());
        assert!(alone.state != SignatureState::Valid);
    }
    println!("rfc3161: {}/{}", rows.len() - wrong.len(), rows.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// `openssl ts -verify`; `None` without openssl.
fn openssl_takes(home: &Path, reply: &Path, row: &[String], is_own_given: bool) -> Option<bool> {
    let chain = home.join("ts_chain.pem");
    let mut command = Command::new("openssl");
    command.args(["ts", "-verify", "-in"]).arg(reply).arg("-CAfile").arg(&chain);
    if is_own_given {
        command.arg("-untrusted").arg(&chain);
    }
    let data = home.join("hello");
    std::fs::write(&data, "hello").unwrap();
    if row[1].ends_with(".der") {
        command.arg("-queryfile").arg(home.join(&row[1]));
    } else {
        command.arg("-data").arg(&data);
    }
    Some(command.output().ok()?.status.success())
}

#[test]
fn sm3_vectors_come_out_right() {
    let Some(folder) = suite("sm.tar.xz") else { return };
    let text = std::fs::read_to_string(folder.path().join("visible/evpmd_sm3.txt")).unwrap();
    let (mut right, mut count) = (0, 0);
    for block in text.split("\n\n") {
        let field = |name: &str| {
            block.lines().find_map(|l| l.strip_prefix(name)?.trim_start().strip_prefix('=').map(str::trim))
        };
        let (Some("SM3"), Some(input), Some(output)) = (field("Digest"), field("Input"), field("Output"))
        else {
            continue;
        };
        let input = match input.strip_prefix('"') {
            Some(text) => text.trim_end_matches('"').as_bytes().to_vec(),
            None => hex::decode(input).unwrap_or_default(),
        };
        count += 1;
        right += usize::from(hex::encode(DigestMethod::Sm3.digest(&[&input])) == output.to_lowercase());
    }
    println!("sm3: {right}/{count}");
    assert!(count > 0 && right == count);
}

#[test]
fn an_anchor_that_signed_nothing_here_changes_nothing() {
    let Some(folder) = suite("ofd.tar.xz") else { return };
    let Some(stamps) = suite("rfc3161.tar.xz") else { return };
    let mut trust = Trust::nobody();
    trust.add(&std::fs::read(stamps.path().join("visible/test_tsa/ts_chain.pem")).unwrap());
    for row in rows(folder.path()) {
        let got = inspect_ofd_trusting(&folder.path().join("visible").join(&row[0]), &trust).unwrap();
        assert!(got.signatures.iter().all(|s| s.state != SignatureState::Valid), "{}", row[0]);
    }
}
