//! Real reader processes and files that are bad for them. This program is its own reader: started with `worker` it
//! serves with a reader that spins, allocates, aborts or grows where the file's first bytes say so; started with
//! `parent` it hands out a file that spins and waits to be killed.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it does"
)]

use std::io::{self, BufRead as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dengbei_formats::content::{Collected, Inspection, Probe, Reach, Readers};
use dengbei_formats::signature::Trust;
use dengbei_formats::{Discard, MemorySource, examine_with};
use dengbei_worker::{Pool, Program, Terms, serve_by};

/// Longer than any of this takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("worker") => serve_by(by_its_first_bytes).unwrap(),
        Some("parent") => hand_out_a_spinning_file(),
        _ => all(),
    }
}

/// Runs every test whose name holds the filter, as `cargo test` gives it.
fn all() {
    let tests: [(&str, fn()); 8] = [
        ("a_file_is_read_as_in_this_process", a_file_is_read_as_in_this_process),
        ("a_reader_that_spins_is_stopped_in_time", a_reader_that_spins_is_stopped_in_time),
        ("a_reader_that_allocates_without_end_dies_alone", a_reader_that_allocates_without_end_dies_alone),
        ("a_reader_that_aborts_is_replaced", a_reader_that_aborts_is_replaced),
        ("a_reader_that_grew_is_replaced", a_reader_that_grew_is_replaced),
        ("a_reader_killed_while_idle_costs_no_file", a_reader_killed_while_idle_costs_no_file),
        ("a_package_goes_on_after_a_bad_file", a_package_goes_on_after_a_bad_file),
        (
            "readers_end_with_their_parent_even_while_they_spin",
            readers_end_with_their_parent_even_while_they_spin,
        ),
    ];
    let filter = std::env::args().nth(1).filter(|word| !word.starts_with('-')).unwrap_or_default();
    for (name, test) in tests.iter().filter(|(name, _)| name.contains(&filter)) {
        test();
        println!("test {name} ... ok");
    }
}

fn by_its_first_bytes(file: Collected) -> io::Result<Inspection> {
    let parts = file.into_parts();
    let mut kept: Vec<Vec<u8>> = Vec::new();
    match parts.head.get(9..13).unwrap_or_default() {
        b"spin" => loop {
            std::hint::spin_loop();
        },
        b"take" => loop {
            kept.push(vec![1; 64 << 20]);
            std::hint::black_box(&kept);
        },
        b"end!" => std::process::abort(),
        b"grow" => std::mem::forget(vec![1_u8; 300 << 20]),
        _ => {}
    }
    Collected::new(parts).inspect_apart(&Trust::nobody())
}

fn program() -> Program {
    Program { path: PathBuf::from("/proc/self/exe"), args: vec!["worker".into()] }
}

fn pool() -> Pool {
    // Time enough for an honest file on a busy machine, and little for one that never ends.
    let terms = Terms { least_time: Duration::from_secs(3), ..Terms::default() };
    Pool::new("test", program(), terms)
}

fn pdf(does: &str) -> Collected {
    let text = format!("%PDF-1.4\n{does}\ntrailer<</Root 1 0 R>>\n%%EOF\n");
    let mut probe = Probe::new().named("a.pdf");
    probe.update(text.as_bytes()).unwrap();
    probe.collected()
}

fn is_there(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}

fn stopped(pool: &Pool, does: &str) -> String {
    let told = pool.inspect(pdf(does)).unwrap();
    assert_eq!(told.reading.reach, Reach::None, "{told:?}");
    assert!(!told.is_evidence_checked && !told.is_structure_checked);
    told.reading.stopped.unwrap().message_en
}

fn good(pool: &Pool) {
    let told = pool.inspect(pdf("good")).unwrap();
    assert!(told.reading.stopped.is_none() && told.reading.is_apart, "{told:?}");
}

fn a_file_is_read_as_in_this_process() {
    let pool = pool();
    let mut apart = pool.inspect(pdf("good")).unwrap();
    assert!(std::mem::take(&mut apart.reading.is_apart));
    assert_eq!(apart, pdf("good").inspect(&Trust::nobody()));
    let mut text = Probe::new().named("a.txt");
    text.update("申请".as_bytes()).unwrap();
    assert!(!pool.inspect(text.collected()).unwrap().reading.is_apart, "text is read here");
}

fn a_reader_that_spins_is_stopped_in_time() {
    let pool = pool();
    pool.warm();
    let bad = pool.idle();
    let begun = Instant::now();
    assert!(stopped(&pool, "spin").contains("too long"));
    assert!(begun.elapsed() < PATIENCE);
    assert!(bad.iter().all(|process| !is_there(*process)), "it is gone");
    good(&pool);
    assert_ne!(pool.idle(), bad);
}

fn a_reader_that_allocates_without_end_dies_alone() {
    let pool = pool();
    assert!(stopped(&pool, "take").contains("did not survive"));
    good(&pool);
}

fn a_reader_that_aborts_is_replaced() {
    let pool = pool();
    good(&pool);
    let first = pool.idle();
    assert!(stopped(&pool, "end!").contains("did not survive"));
    good(&pool);
    assert_ne!(pool.idle(), first);
}

fn a_reader_that_grew_is_replaced() {
    let pool = pool();
    assert!(pool.inspect(pdf("grow")).unwrap().reading.stopped.is_none());
    assert!(pool.idle().is_empty());
    good(&pool);
}

fn a_reader_killed_while_idle_costs_no_file() {
    let pool = pool();
    good(&pool);
    let idle = pool.idle();
    assert!(Command::new("kill").arg("-KILL").arg(idle[0].to_string()).status().unwrap().success());
    good(&pool);
    assert_ne!(pool.idle(), idle);
}

fn a_package_goes_on_after_a_bad_file() {
    let body = |does: &str| format!("%PDF-1.4\n{does}\ntrailer<</Root 1 0 R>>\n%%EOF\n").into();
    let files = vec![
        ("申请材料/坏.pdf".to_owned(), body("end!")),
        ("申请材料/好.pdf".to_owned(), body("good")),
        ("申请材料/文.txt".to_owned(), "文".into()),
    ];
    let facts = examine_with(&MemorySource::new("p", files), &mut Discard, &pool()).unwrap();
    let stopped: Vec<bool> = facts.iter().map(|f| f.inspection.reading.stopped.is_some()).collect();
    assert_eq!(stopped, [true, false, false]);
}

/// Another process of this program with a reader of its own, which spins; that process says the reader's number.
fn hand_out_a_spinning_file() {
    let pool = Arc::new(Pool::new(
        "test",
        program(),
        Terms { least_time: PATIENCE, most_time: PATIENCE, ..Terms::default() },
    ));
    pool.warm();
    println!("{}", pool.idle()[0]);
    io::stdout().flush().unwrap();
    let _ = pool.inspect(pdf("spin"));
}

fn readers_end_with_their_parent_even_while_they_spin() {
    let mut parent = Command::new("/proc/self/exe").arg("parent").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    io::BufReader::new(parent.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let reader: u32 = line.trim().parse().unwrap();
    let until = Instant::now() + PATIENCE;
    while !is_busy(reader) {
        assert!(Instant::now() < until, "it never began");
        std::thread::yield_now();
    }
    parent.kill().unwrap();
    parent.wait().unwrap();
    while is_there(reader) {
        assert!(Instant::now() < until, "it outlived its parent");
        std::thread::yield_now();
    }
}

/// Whether a process has used a twentieth of a second: fields 14 and 15 of `stat`, in hundredths.
fn is_busy(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let used: u64 = after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    used >= 5
}
