//! A batch's catalogue.
#![no_main]

use dengbei_formats::Catalogue;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (catalogue, _) = Catalogue::parse("存档信息包目录清单.xml", data);
    let _ = catalogue.count();
    for entry in &catalogue.directories {
        let _ = catalogue.entry(&entry.record_no);
    }
});
