//! Certificates, seals, signed data and timestamps: the readers below OFD and PDF, with bytes as they come.
#![no_main]

use dengbei_formats::signature::{
    Certificate, Expected, SignatureState, Trust, check_detached, check_timestamp,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Certificate::from_der(bytes);
    let trust = Trust::nobody();
    let stamp = check_timestamp(bytes, "", &Expected { data: Some(b"x"), request: Some(bytes), ..Expected::default() }, &trust);
    assert!(stamp.state != SignatureState::Valid);
    let (signature, _) = check_detached(b"content", bytes, "", &trust);
    assert!(signature.state != SignatureState::Valid);
});
