//! Compound files (OLE2): the header is mended, so that the fuzzer reaches tables and directory.
#![no_main]

use dengbei_formats::content::Probe;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut bytes = data.to_vec();
    bytes.resize(bytes.len().max(1536), 0);
    bytes[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    let shift = if bytes[30] & 1 == 0 { 9 } else { 12 };
    bytes[30..34].copy_from_slice(&[shift, 0, 6, 0]);
    let mut probe = Probe::new().named("a.doc");
    if probe.update(&bytes).is_ok() {
        let _ = probe.finish();
    }
});
