//! What a reader process takes from itself before it sees a file: most of the address space, files, core dumps, endless
//! processor time. A process that goes over dies, and only itself.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

/// Address space beyond what the program has when it begins: the largest PDF, what it unpacks, and its objects.
const SPACE: u64 = 1 << 30;
/// Standard streams, the socket, the file at hand, and a few that the program holds while it reads `/proc`.
const FILES: u64 = 16;
/// All its life; it is replaced long before ([`crate::Terms::life`]).
const PROCESSOR: u64 = 120;

/// Takes on the limits.
///
/// # Errors
/// When the system refuses: the process must not go on then.
pub(crate) fn take_on() -> io::Result<()> {
    let space = held().unwrap_or(SPACE).saturating_add(SPACE);
    let limits = [
        (Resource::As, space),
        (Resource::Nofile, FILES),
        (Resource::Cpu, PROCESSOR),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ];
    for (resource, most) in limits {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}

/// Address space held now.
fn held() -> Option<u64> {
    pages("/proc/self/statm", Held::Space)
}

/// Memory that a process really has.
pub(crate) fn resident(process: u32) -> Option<u64> {
    pages(&format!("/proc/{process}/statm"), Held::Memory)
}

/// Which number of `statm` is meant, by its place.
#[derive(Clone, Copy)]
enum Held {
    Space = 0,
    Memory = 1,
}

/// Bytes from a line of numbers of pages: asked after every file, it must not take longer than a small one.
fn pages(statm: &str, held: Held) -> Option<u64> {
    let text = std::fs::read_to_string(statm).ok()?;
    let pages: u64 = text.split(' ').nth(held as usize)?.parse().ok()?;
    Some(pages.saturating_mul(rustix::param::page_size() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_holds_more_space_than_memory_and_some_of_both() {
        let (space, memory) = (held().unwrap(), resident(std::process::id()).unwrap());
        assert!(space > memory && memory > 1 << 20, "{space} {memory}");
        assert_eq!(resident(u32::MAX), None);
    }
}
