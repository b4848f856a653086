//! `dengbei bench checks`: what reading and checking one small package (stage G) costs one core, beside the digests of the
//! same bytes alone. No server, no disk, no virus scan; CPU time of this thread.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::{Context as _, ensure};
use dengbei_checks::facts::{ManagementEvent, Recorded};
use dengbei_checks::{Context, PackageView, Scheme, Stage, check_package};
use dengbei_formats::{Discard, MemorySource, examine, read_package};
use dengbei_records::{EventHash, Matter, Sha512, Timestamp};
use sha2::Digest as _;

use crate::sample::{self, Item, SampleArgs};

/// How many packages.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ChecksArgs {
    /// Packages / 件数
    #[arg(long, default_value_t = 2_000)]
    items: u32,
    /// Files of each / 每件的文件数
    #[arg(long, default_value_t = 3)]
    files: u32,
    /// KiB of each file / 每个文件的KiB
    #[arg(long, default_value_t = 8)]
    file_kb: u32,
}

/// After every sample.
const NOW: Timestamp = Timestamp::from_millis(1_795_305_600_000);

/// CPU nanoseconds of each part, over all packages.
#[derive(Debug, Default)]
struct Spent {
    digests: u64,
    read: u64,
    examine: u64,
    check: u64,
}

/// Measures and prints.
///
/// # Errors
/// When a package does not pass: then it is not what was to be measured.
pub(super) fn run(args: &ChecksArgs) -> anyhow::Result<()> {
    let sample = SampleArgs {
        count: args.items,
        seed: 7,
        out: std::path::PathBuf::new(),
        units: 40,
        area: "330499".to_owned(),
        file_kb: args.file_kb,
        files: Some(args.files),
        zip: false,
        mutants: false,
    };
    let items = sample::items(&sample);
    let scheme = Scheme::builtin();
    for item in items.iter().take(50) {
        one(item, &scheme, &mut Spent::default())?;
    }
    let mut spent = Spent::default();
    let mut bytes = 0;
    for item in &items {
        bytes += one(item, &scheme, &mut spent)?;
    }
    print(args, &spent, bytes / u64::from(args.items.max(1)))
}

fn one(item: &Item, scheme: &Scheme, spent: &mut Spent) -> anyhow::Result<u64> {
    let tree = item.render();
    let bytes = tree.values().map(|b| b.len() as u64).sum();
    let begun = cpu()?;
    for body in tree.values() {
        std::hint::black_box((sha2::Sha512::digest(body), sm3::Sm3::digest(body)));
    }
    let digested = cpu()?;
    let source = MemorySource::new(&item.record_no, tree.into_iter().map(|(p, b)| (p, b.into())).collect());
    let ready = cpu()?;
    let package = read_package(&source)?;
    let read = cpu()?;
    let files = examine(&source, &mut Discard)?;
    let examined = cpu()?;
    let manifest: BTreeMap<String, Sha512> = files.iter().map(|f| (f.path.clone(), f.sha512)).collect();
    let context = context(item, &package.metadata, manifest);
    let known = cpu()?;
    let report =
        check_package(&PackageView { package: &package, files: &files, context: &context }, Stage::G, scheme);
    let checked = cpu()?;
    ensure!(report.is_passed(), "{}: {:?}", item.record_no, report.failing_ids());
    spent.digests += digested - begun;
    spent.read += read - ready;
    spent.examine += examined - read;
    spent.check += checked - known;
    Ok(bytes)
}

/// What fixity knows at filing.
fn context(item: &Item, metadata: &dengbei_records::Metadata, manifest: BTreeMap<String, Sha512>) -> Context {
    let matter: Matter = item.matter.published.clone();
    let arrival = ManagementEvent {
        hash: EventHash::from_bytes([1; 32]),
        what: "item.prefiled".to_owned(),
        causes: Vec::new(),
        is_once: true,
        documents: Vec::new(),
    };
    Context {
        matter: Some(matter),
        duplicates: Some(Vec::new()),
        manifest: Some(manifest),
        events: Some(vec![arrival]),
        recorded: Some(Recorded { metadata: metadata.clone(), archival_code: None }),
        ..Context::at(NOW)
    }
}

/// CPU nanoseconds of this thread so far.
fn cpu() -> anyhow::Result<u64> {
    let text =
        std::fs::read_to_string("/proc/thread-self/schedstat").context("/proc/thread-self/schedstat")?;
    text.split_whitespace().next().and_then(|n| n.parse().ok()).context("/proc/thread-self/schedstat")
}

fn print(args: &ChecksArgs, spent: &Spent, bytes: u64) -> anyhow::Result<()> {
    let items = f64::from(args.items.max(1));
    let micros = |nanos: u64| nanos as f64 / 1_000.0 / items;
    let whole = spent.read + spent.examine + spent.check;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} packages of {} files of {} KiB, {bytes} bytes each",
        args.items, args.files, args.file_kb
    )?;
    writeln!(out, "floor: SHA-512 + SM3 of the same bytes  {:8.1} µs CPU", micros(spent.digests))?;
    writeln!(out, "read the describing documents           {:8.1} µs CPU", micros(spent.read))?;
    writeln!(out, "one pass: digests and inspectors        {:8.1} µs CPU", micros(spent.examine))?;
    writeln!(out, "the checks of stage G                   {:8.1} µs CPU", micros(spent.check))?;
    writeln!(out, "together                                {:8.1} µs CPU (goal: < 500)", micros(whole))?;
    Ok(())
}
