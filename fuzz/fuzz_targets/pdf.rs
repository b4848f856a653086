//! A PDF as it arrives: opened, looked through, its text taken; never a panic, never valid without anybody trusted.
#![no_main]

use dengbei_formats::content::{Probe, pdf_text};
use dengbei_formats::signature::SignatureState;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // What is a PDF by its header is inspected as one.
    let bytes = [b"%PDF-1.7\n", bytes].concat();
    let mut probe = Probe::new();
    if probe.update(&bytes).is_ok() {
        let found = probe.finish();
        assert!(found.signatures.iter().all(|s| s.state != SignatureState::Valid));
    }
    let _ = pdf_text(&bytes, 1 << 16);
});
