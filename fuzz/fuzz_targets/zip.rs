//! A zip from outside, and the archives inside it: refused with a code, or every entry gives what was declared.
#![no_main]

use std::io::Read as _;
use std::sync::Arc;

use bytes::Bytes;
use dengbei_formats::archive::judge_nested;
use dengbei_formats::{Limits, ReadAt, ZipArchive};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { total_bytes: 8 << 20, entry_bytes: 4 << 20, ..Limits::PACKAGE };

fuzz_target!(|data: &[u8]| {
    let source: Arc<dyn ReadAt> = Arc::new(Bytes::copy_from_slice(data));
    if let Ok(archive) = ZipArchive::open(Arc::clone(&source), &LIMITS) {
        for (index, entry) in archive.entries().iter().enumerate() {
            assert!(!entry.path.starts_with('/') && !entry.path.split('/').any(|part| part == ".."));
            let mut bytes = Vec::new();
            if archive.read(index).read_to_end(&mut bytes).is_ok() {
                assert_eq!(bytes.len() as u64, entry.bytes);
            }
        }
    }
    let _ = judge_nested(&source, &LIMITS);
});
