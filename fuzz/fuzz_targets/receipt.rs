//! An evidence receipt (存证回执) from a stranger. As it comes it is never believed; then its checkpoint and proof are made
//! to fit, so that the fuzzer gets past the signature and reaches the events, their links and the story they tell.
#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use dengbei_evidence::{Receipt, papers, verify};
use dengbei_records::canonical;
use dengbei_register::{Checkpoint, Signer, leaf_hash};
use libfuzzer_sys::fuzz_target;

static KEY: LazyLock<Signer> =
    LazyLock::new(|| Signer::from_seed("dengbei/330382".parse().expect("a name"), &[9; 32]));

/// The receipt with its last event alone in a log that is signed.
fn fitted(mut receipt: Receipt) -> Option<Vec<u8>> {
    receipt.inclusion.event = u32::try_from(receipt.events.len()).ok()?.checked_sub(1)?;
    receipt.inclusion.index = 0;
    receipt.inclusion.path.clear();
    let last = base64::engine::general_purpose::STANDARD.decode(receipt.events.last()?).ok()?;
    let note = Checkpoint::new("dengbei/330382", 1, leaf_hash(&last)).ok()?.sign(&KEY).ok()?;
    receipt.checkpoint = String::from_utf8(note.to_vec()).ok()?;
    canonical::to_vec(&receipt).ok()
}

fuzz_target!(|bytes: &[u8]| {
    let key = KEY.verifier();
    let _ = verify(bytes, key, true);
    let _ = papers::verify(bytes, None);
    if let Ok(receipt) = serde_json::from_slice::<Receipt>(bytes)
        && let Some(fitted) = fitted(receipt)
    {
        let _ = verify(&fitted, key, false);
    }
});
