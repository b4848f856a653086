//! What reading and checking one small package costs one core (CPU time), beside the digests of the same bytes:
//! `cargo run --release -p dengbei-checks --example speed [PACKAGES]`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example speaks to its user")]

#[path = "../tests/support/mod.rs"]
mod support;

use dengbei_checks::{PackageView, Scheme, Stage, check_package};
use dengbei_formats::{Discard, examine, read_package};
use sha2::Digest as _;

/// CPU nanoseconds of this thread so far.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

fn main() {
    let rounds: u32 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(5_000);
    let padding = format!("%%EOF\n%{}\n%%EOF\n", "x".repeat(16 << 10));
    let big = support::known()
        .with(support::FORM, "申请供水报装\n".repeat(430))
        .with(support::DECISION, support::PDF.replace("%%EOF\n", &padding))
        .settled();
    let (source, scheme) = (big.source(), Scheme::builtin());
    let bytes: usize = big.files.values().map(Vec::len).sum();
    let per = |begun: u64| (cpu() - begun) as f64 / 1e3 / f64::from(rounds);
    let begun = cpu();
    for _ in 0..rounds {
        for body in big.files.values() {
            std::hint::black_box((sha2::Sha512::digest(body), sm3::Sm3::digest(body)));
        }
    }
    println!("{} files, {bytes} bytes; floor (SHA-512 + SM3): {:.1} µs", big.files.len(), per(begun));
    let begun = cpu();
    for _ in 0..rounds {
        std::hint::black_box(read_package(&source).unwrap());
    }
    println!("read the describing documents: {:.1} µs", per(begun));
    let begun = cpu();
    for _ in 0..rounds {
        std::hint::black_box(examine(&source, &mut Discard).unwrap());
    }
    println!("one pass, digests and inspectors: {:.1} µs", per(begun));
    let (package, files) = (read_package(&source).unwrap(), examine(&source, &mut Discard).unwrap());
    let view = PackageView { package: &package, files: &files, context: &big.context };
    let begun = cpu();
    for _ in 0..rounds {
        std::hint::black_box(check_package(&view, Stage::G, &scheme));
    }
    println!("the checks of stage G: {:.1} µs", per(begun));
    assert!(check_package(&view, Stage::G, &scheme).is_passed());
}
