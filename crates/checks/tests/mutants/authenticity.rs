//! Mutants of 真实性 that only what the door knows can tell.

use dengbei_checks::facts::{EvidenceKind, NamedDigest, Standing};
use dengbei_checks::{Duplicate, Stage};
use dengbei_records::{Sha256, Sha512};

use crate::mutant::{Mutant, mutant, signed};
use crate::support::{FORM, hash, known};

/// What the door knows that the package cannot say: 真实性.
pub(crate) fn authenticity() -> Vec<Mutant> {
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
