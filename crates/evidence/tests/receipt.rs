//! A receipt proves one history and nothing else: any byte changed in it fails, and so does any step that does not
//! rest on the one before.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod life;

use dengbei_evidence::{Receipt, Stage, verify};
use dengbei_records::PackNumber;
use dengbei_register::Signer;
use life::{Life, Sizes, Spoil, item, stranger, verifier};

const STAGES: [Stage; 7] = [
    Stage::Filed,
    Stage::Applied,
    Stage::Registered,
    Stage::Secured,
    Stage::Certified,
    Stage::Accepted,
    Stage::Accessioned,
];

fn receipt(stage: Stage) -> Vec<u8> {
    Receipt::build(&Life::new(&Sizes::SMALL, Spoil::Nothing).parts(stage)).unwrap()
}

fn fault(parts: &dengbei_evidence::Parts) -> &'static str {
    verify(&Receipt::build(parts).unwrap(), &verifier(), false).unwrap_err()[0].code
}

fn assert_every_byte_counts(receipt: &[u8]) {
    let key = verifier();
    for at in 0..receipt.len() {
        let mut changed = receipt.to_vec();
        changed[at] ^= 1;
        let Err(findings) = verify(&changed, &key, false) else {
            panic!("byte {at} changed and still verified")
        };
        assert!(!findings[0].place.is_empty());
    }
}

#[test]
fn a_receipt_proves_how_far_the_item_had_come() {
    for stage in STAGES {
        let proven = verify(&receipt(stage), &verifier(), false).unwrap();
        assert_eq!(proven.stage(), stage);
        assert_eq!(proven.filed.pack, PackNumber::new(120_003));
        assert_eq!(proven.registered.is_some(), stage >= Stage::Registered);
        let sites = proven.secured.as_ref().map_or(0, |s| s.receipts.len());
        assert_eq!(sites, if stage >= Stage::Secured { 3 } else { 0 });
        assert_eq!(proven.certificate.is_some(), stage >= Stage::Certified);
        assert_eq!(proven.accessioned.is_some(), stage == Stage::Accessioned);
    }
}

#[test]
fn any_changed_byte_fails_at_early_stages_too() {
    for stage in [Stage::Filed, Stage::Secured] {
        assert_every_byte_counts(&receipt(stage));
    }
}

#[test]
fn the_longest_life_that_the_rules_allow_stays_under_ten_kibibytes_and_every_byte_counts() {
    let life = Life::new(&Sizes::LARGEST, Spoil::Nothing);
    let sizes = STAGES.map(|stage| Receipt::build(&life.parts(stage)).unwrap().len());
    eprintln!("largest receipts, bytes by stage: {sizes:?}");
    let longest = Receipt::build(&life.parts(Stage::Accessioned)).unwrap();
    assert!(longest.len() < 10 * 1024, "{}", longest.len());
    let proven = verify(&longest, &verifier(), false).unwrap();
    assert_eq!((proven.log_size, proven.stage().word()), (1 << 25, "已进馆"));
    assert_every_byte_counts(&longest);
}

#[test]
fn every_signature_and_every_link_is_checked() {
    let cases = [
        (Spoil::UnitOfBatch, Stage::Filed, "receipt.unit_signature"),
        (Spoil::UnitOfApplication, Stage::Applied, "receipt.unit_signature"),
        (Spoil::Registration, Stage::Registered, "receipt.administration_signature"),
        (Spoil::Site, Stage::Secured, "receipt.site_signature"),
        (Spoil::SiteOfOtherBytes, Stage::Secured, "receipt.story"),
        (Spoil::SiteTwice, Stage::Secured, "receipt.story"),
        (Spoil::Certificate, Stage::Certified, "receipt.administration_signature"),
        (Spoil::CertificateOfOtherBatch, Stage::Certified, "receipt.story"),
        (Spoil::HandoverUnit, Stage::Accepted, "receipt.unit_signature"),
        (Spoil::HandoverArchive, Stage::Accepted, "receipt.archive_signature"),
        (Spoil::AccessionOfOtherItems, Stage::Accessioned, "receipt.membership"),
        (Spoil::AccessionUncaused, Stage::Accessioned, "receipt.unconnected"),
    ];
    for (spoil, stage, code) in cases {
        assert_eq!(fault(&Life::new(&Sizes::SMALL, spoil).parts(stage)), code, "{code}");
        if stage < Stage::Accepted && stage != Stage::Applied {
            let long = Life::new(&Sizes::SMALL, spoil).parts(Stage::Accessioned);
            assert_eq!(fault(&long), code, "{code}, in a longer receipt");
        }
    }
}

#[test]
fn a_step_that_is_left_out_leaves_the_rest_unconnected_or_unproven() {
    let life = Life::new(&Sizes::SMALL, Spoil::Nothing);
    let mut parts = life.parts(Stage::Registered);
    parts.memberships.pop();
    assert_eq!(fault(&parts), "receipt.story", "the registered root covers nothing");
    let mut parts = life.parts(Stage::Accessioned);
    parts.memberships.pop();
    assert_eq!(fault(&parts), "receipt.story", "the transfer covers nothing");
    // Of the accepted transfer instead of the accession: the same root, and yet not what is asked for.
    let mut parts = life.parts(Stage::Accessioned);
    let last = parts.included;
    parts.memberships.last_mut().unwrap().1 = last - 1;
    assert_eq!(fault(&parts), "receipt.story");
}

#[test]
fn an_event_that_hangs_on_nothing_is_refused() {
    let mut parts = Life::new(&Sizes::SMALL, Spoil::Nothing).parts(Stage::Filed);
    parts.events.push(stranger().bytes.to_vec());
    assert_eq!(fault(&parts), "receipt.unconnected");
}

#[test]
fn another_items_events_do_not_prove_this_one() {
    let mut parts = Life::new(&Sizes::SMALL, Spoil::Nothing).parts(Stage::Certified);
    parts.item = item(2);
    assert_eq!(fault(&parts), "receipt.story");
}

#[test]
fn another_key_is_refused() {
    let other = Signer::from_seed("dengbei/330382".parse().unwrap(), &[8; 32]);
    let findings = verify(&receipt(Stage::Filed), other.verifier(), false).unwrap_err();
    assert_eq!(findings[0].code, "receipt.checkpoint");
}
