//! The describing documents of a filing package: redaction never panics and leaves no password, the reader goes on as far
//! as it can.
#![no_main]

use bytes::Bytes;
use dengbei_formats::{BASIC, CONFIG, MemorySource, PROCESS, read_package, redact};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for path in [BASIC, CONFIG, PROCESS] {
        let redacted = redact(path, data);
        let again = redact(path, &redacted.bytes);
        assert!(again.redactions.is_empty(), "a second redaction found more");
        let source = MemorySource::new("号", vec![(path.to_owned(), Bytes::copy_from_slice(data))]);
        let _ = read_package(&source);
    }
});
