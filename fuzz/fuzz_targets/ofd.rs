//! An OFD as it arrives: never a panic, never a signature that is valid without anybody trusted.
#![no_main]

use std::sync::Arc;

use dengbei_formats::content::{Probe, ofd_text};
use dengbei_formats::signature::SignatureState;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut probe = Probe::new();
    if probe.update(bytes).is_ok() {
        let found = probe.finish();
        assert!(found.signatures.iter().all(|s| s.state != SignatureState::Valid));
    }
    let _ = ofd_text(Arc::new(bytes::Bytes::copy_from_slice(bytes)), 1 << 16);
});
