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
    line("/proc/self/status", "VmSize:")
}

/// Memory that a process really has.
pub(crate) fn resident(process: u32) -> Option<u64> {
    line(&format!("/proc/{process}/status"), "VmRSS:")
}

fn line(path: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}
