//! What it costs to have a file read in a process of its own: `cargo run --release -p dengbei-worker --example cost
//! [ROUNDS]`. A small PDF, read here and there; wall-clock time of the caller, and processor time of both together.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example speaks to its user")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use dengbei_formats::content::{Collected, Here, Probe, Readers};
use dengbei_worker::{Pool, Program, Terms, serve};

fn collected(bytes: &[u8]) -> Collected {
    let mut probe = Probe::new().named("a.pdf");
    probe.update(bytes).unwrap();
    probe.collected()
}

/// Processor time of a process so far, all of its threads.
fn cpu(process: &str) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let of = |task: std::fs::DirEntry| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)
    };
    Duration::from_nanos(tasks.flatten().map(of).sum())
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("worker") {
        return serve().unwrap();
    }
    let rounds: u32 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(5_000);
    let program = Program { path: PathBuf::from("/proc/self/exe"), args: vec!["worker".into()] };
    let pool = Pool::new("cost", program, Terms { life: Duration::MAX, ..Terms::default() });
    pool.warm();
    let reader = pool.idle()[0].to_string();
    for kib in [1, 8, 128, 4096] {
        let body = format!(
            "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%{}\n\
             trailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF\n",
            "x".repeat(kib << 10)
        );
        let rounds = rounds / (1 + u32::try_from(kib).unwrap() / 64);
        for (name, readers) in [("here", &Here as &dyn Readers), ("apart", &pool)] {
            let (begun, ours, theirs) = (Instant::now(), cpu("self"), cpu(&reader));
            for _ in 0..rounds {
                std::hint::black_box(readers.inspect(collected(body.as_bytes())).unwrap());
            }
            let wall = begun.elapsed() / rounds;
            let spent = (cpu("self") - ours + cpu(&reader) - theirs) / rounds;
            println!("{kib} KiB read {name}: {wall:.1?} a file, {spent:.1?} of processor time");
        }
    }
}
