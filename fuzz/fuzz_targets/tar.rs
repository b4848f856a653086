//! A tar from outside. The header's checksum is mended first, so that the fuzzer gets past it.
#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use dengbei_formats::archive::judge_nested;
use dengbei_formats::{Limits, ReadAt};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { total_bytes: 8 << 20, entry_bytes: 4 << 20, ..Limits::PACKAGE };

fuzz_target!(|data: &[u8]| {
    let mut bytes = data.to_vec();
    bytes.resize(bytes.len().max(512), 0);
    let mut at = 0;
    while at + 512 <= bytes.len() && at < 512 * 8 {
        let block = &mut bytes[at..at + 512];
        if block.iter().any(|b| *b != 0) {
            block[257..262].copy_from_slice(b"ustar");
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
        at += 512;
    }
    let source: Arc<dyn ReadAt> = Arc::new(Bytes::from(bytes));
    let _ = judge_nested(&source, &LIMITS);
});
