//! Any file: identification and every reader. The first byte chooses the name's ending.
#![no_main]

use dengbei_formats::content::Probe;
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 16] = [
    "a.doc", "a.csv", "a.xml", "a.tif", "a.png", "a.mp4", "a.wav", "a.zip", "a.rtf", "a.eml", "a.dxf", "a.jp2", "a.mp3",
    "a.ceb", "a", "a.html",
];

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let mut probe = Probe::new().named(NAMES[usize::from(*choice) % NAMES.len()]);
    for piece in bytes.chunks(777) {
        if probe.update(piece).is_err() {
            return;
        }
    }
    let found = probe.finish();
    assert!(found.reading.unverified.len() < 100);
});
