//! 10,000 random corruptions of good packages, as zips and as folders: bits flipped, ends cut, stretches swapped and spliced.
//! No panic, no hang, and nothing passes whose bytes are not what was signed for. The seed is printed; `DENGBEI_SEED` and
//! `DENGBEI_CORRUPTIONS` choose others.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dengbei_checks::{Report, Scheme, Stage, Verdict, read_and_check, refusal};
use dengbei_formats::{Discard, Limits, MemorySource, PackageSource, ReadError, ZipSource, read_package};
use dengbei_records::Sha512;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use support::{Sample, known};

/// What counts as a hang.
const HANG: Duration = Duration::from_secs(10);

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// One change of some bytes, which may be none at all.
fn corrupt(rng: &mut StdRng, bytes: &mut Vec<u8>, other: &[u8]) {
    if bytes.is_empty() {
        bytes.push(rng.random());
        return;
    }
    let at = rng.random_range(0..bytes.len());
    let length = rng.random_range(1..=64.min(bytes.len() - at));
    match rng.random_range(0..7) {
        0 => bytes[at] ^= 1 << rng.random_range(0..8),
        1 => bytes[at] = rng.random(),
        2 => bytes.truncate(at),
        3 => {
            bytes.drain(at..at + length);
        }
        4 => {
            let to = rng.random_range(0..=bytes.len() - length);
            let stretch = bytes[at..at + length].to_vec();
            let there = bytes[to..to + length].to_vec();
            bytes[to..to + length].copy_from_slice(&stretch);
            bytes[at..at + length].copy_from_slice(&there);
        }
        5 => {
            let stretch: Vec<u8> = bytes[at..at + length].to_vec();
            bytes.splice(at..at, stretch);
        }
        _ => {
            let from = rng.random_range(0..other.len());
            let end = (from + length).min(other.len());
            bytes.splice(at..at, other[from..end].iter().copied());
        }
    }
}

/// The report of whatever this is.
fn judge(
    source: Result<Box<dyn PackageSource>, ReadError>,
    good: &Sample,
) -> (Report, Option<Vec<(String, Sha512)>>) {
    let scheme = Scheme::builtin();
    let checked = source.and_then(|s| {
        // What the good one's digests say is still asked for: the manifest is the signed one.
        read_package(&*s)?;
        read_and_check(&*s, &mut Discard, &good.context, Stage::G, &scheme)
    });
    match checked {
        Ok(checked) => {
            let found = checked.files.iter().map(|f| (f.path.clone(), f.received_sha512)).collect();
            (checked.report, Some(found))
        }
        Err(ReadError::Refused(problem)) => (refusal(&problem, Stage::G, &scheme), None),
        Err(ReadError::Io(error)) => panic!("bytes in memory cannot fail to be read: {error}"),
    }
}

fn as_zip(
    rng: &mut StdRng,
    zip: &[u8],
    other: &[u8],
    good: &Sample,
) -> (Report, Option<Vec<(String, Sha512)>>) {
    let mut bytes = zip.to_vec();
    for _ in 0..rng.random_range(1..=3) {
        corrupt(rng, &mut bytes, other);
    }
    let source = ZipSource::open(Arc::new(Bytes::from(bytes)), "号", &Limits::PACKAGE);
    judge(source.map(|s| Box::new(s) as Box<dyn PackageSource>), good)
}

fn as_folder(rng: &mut StdRng, good: &Sample, other: &[u8]) -> (Report, Option<Vec<(String, Sha512)>>) {
    let mut files = good.files.clone();
    for _ in 0..rng.random_range(1..=3) {
        let at = rng.random_range(0..files.len());
        let bytes = files.values_mut().nth(at).unwrap();
        corrupt(rng, bytes, other);
    }
    let files = files.into_iter().map(|(path, bytes)| (path, Bytes::from(bytes))).collect();
    judge(Ok(Box::new(MemorySource::new("号", files))), good)
}

#[test]
fn nothing_corrupt_passes_crashes_or_hangs() {
    let (seed, count) = (number("DENGBEI_SEED", 20_261_122), number("DENGBEI_CORRUPTIONS", 10_000));
    println!("seed {seed}, {count} corruptions");
    let mut rng = StdRng::seed_from_u64(seed);
    let good = known();
    let (zip, manifest) = (good.zipped(), good.manifest());
    let other = [zip.clone(), support::PDF.as_bytes().to_vec(), b"PK\x03\x04PK\x05\x06".to_vec()].concat();
    let (mut failed, mut unharmed, mut slowest) = (0_u64, 0_u64, Duration::ZERO);
    for n in 0..count {
        let begun = Instant::now();
        let (report, found) = if n % 2 == 0 {
            as_zip(&mut rng, &zip, &other, &good)
        } else {
            as_folder(&mut rng, &good, &other)
        };
        slowest = slowest.max(begun.elapsed());
        assert!(begun.elapsed() < HANG, "seed {seed}, corruption {n} takes over {HANG:?}");
        if report.verdict != Verdict::Passed {
            assert!(report.blocking().next().is_some(), "seed {seed}, corruption {n}: no check says why");
            failed += 1;
            continue;
        }
        unharmed += 1;
        let found = found.unwrap();
        let is_good = found.len() == manifest.len() && found.iter().all(|(p, d)| manifest.get(p) == Some(d));
        assert!(is_good, "seed {seed}, corruption {n} passes with other bytes than signed for");
    }
    println!(
        "{failed} failed, {unharmed} left every file as it was and passed; the slowest took {slowest:?}"
    );
    assert!(failed > count / 2, "the corruptions corrupt too little to show anything");
}
