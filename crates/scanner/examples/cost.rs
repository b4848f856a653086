//! What the scanner costs a small package: the one pass over its files with and without clamd, in turns.
//!
//! `cargo run --release -p dengbei-scanner --example cost [clamd's address]`; without an address a clamd of its own is
//! started, with one signature.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement prints and may stop")]

use std::time::{Duration, Instant};

use dengbei_formats::package::MemorySource;
use dengbei_formats::{Discard, ReadError, examine};
use dengbei_records::Timestamp;
use dengbei_scanner::{Guard, Scanner, past};
use dengbei_testkit::Clamd;

const ROUNDS: usize = 400;
const FILES: usize = 3;
const BYTES: usize = 8 << 10;

fn package() -> MemorySource {
    let file = |n: usize| {
        let text: Vec<u8> = (0..BYTES).map(|at| b'a' + ((at * 31 + n * 7) % 26) as u8).collect();
        (format!("材料/{n}.txt"), text.into())
    };
    MemorySource::new("p", (0..FILES).map(file).collect())
}

fn one(package: &MemorySource, guard: Option<&Guard>) -> Duration {
    let began = Instant::now();
    let work = |sink: &mut dyn dengbei_formats::Sink| -> Result<_, ReadError> { examine(package, sink) };
    past(guard, &mut Discard, Timestamp::from_millis(0), work).unwrap();
    began.elapsed()
}

fn told(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_micros();
    println!("{name}: median {} µs, 95 % {} µs, of {} packages", at(50), at(95), times.len());
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let given = std::env::args().nth(1);
    let own = if given.is_none() { Clamd::start().await? } else { None };
    let addresses = match (&given, &own) {
        (Some(address), _) => vec![address.clone()],
        (None, Some(clamd)) => vec![clamd.unix(), clamd.tcp()],
        (None, None) => return Ok(()),
    };
    println!("{FILES} files of {BYTES} bytes");
    let package = package();
    for address in addresses {
        let guard = Guard::new("cost", Scanner::at(address.parse()?));
        let engine = guard.look(Timestamp::from_millis(0))?.name();
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            with.push(one(&package, Some(&guard)));
            without.push(one(&package, None));
        }
        println!("{engine} at {address}");
        told("  with", with);
        told("  without", without);
    }
    Ok(())
}
