//! What processes and folders use: CPU time from /proc, bytes on disk.

use std::collections::BTreeMap;
use std::path::Path;

/// Clock ticks a second in /proc/PID/stat on every Linux that we run on.
const TICKS: f64 = 100.0;

/// CPU seconds so far of each named process with its descendants.
pub(super) fn cpu(run: &Path) -> BTreeMap<String, f64> {
    let processes = processes();
    let files = std::fs::read_dir(run).into_iter().flatten().flatten().map(|e| e.path());
    let pids = files.filter(|p| p.extension().is_some_and(|e| e == "pid")).filter_map(|p| {
        let text = std::fs::read_to_string(&p).ok()?;
        Some((p.file_stem()?.to_string_lossy().into_owned(), text.split_whitespace().next()?.parse().ok()?))
    });
    pids.map(|(name, pid)| (name, of_tree(pid, &processes))).collect()
}

/// Peak resident memory of each named process, MiB.
pub(super) fn peaks(run: &Path) -> BTreeMap<String, u64> {
    let files = std::fs::read_dir(run).into_iter().flatten().flatten().map(|e| e.path());
    let pids = files.filter(|p| p.extension().is_some_and(|e| e == "pid")).filter_map(|p| {
        let text = std::fs::read_to_string(&p).ok()?;
        let pid = text.split_whitespace().next()?.to_owned();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find(|l| l.starts_with("VmHWM:"))?.to_owned();
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some((p.file_stem()?.to_string_lossy().into_owned(), kib / 1024))
    });
    pids.collect()
}

/// pid → (parent, ticks of itself and its waited-for children).
fn processes() -> BTreeMap<u32, (u32, u64)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
            let ticks = |n: usize| fields.get(n).and_then(|f| f.parse::<u64>().ok()).unwrap_or_default();
            Some((pid, (ticks(1) as u32, (11..=14).map(ticks).sum())))
        })
        .collect()
}

fn of_tree(root: u32, processes: &BTreeMap<u32, (u32, u64)>) -> f64 {
    let is_below = |mut pid: u32| {
        while pid > 1 {
            if pid == root {
                return true;
            }
            pid = processes.get(&pid).map_or(0, |(parent, _)| *parent);
        }
        false
    };
    let ticks: u64 = processes.iter().filter(|(pid, _)| is_below(**pid)).map(|(_, (_, ticks))| ticks).sum();
    ticks as f64 / TICKS
}

/// Bytes that a folder takes on disk.
pub(super) fn on_disk(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let (mut bytes, mut open) = (0, vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => open.push(entry.path()),
                Ok(metadata) => bytes += metadata.blocks() * 512,
                Err(_) => {}
            }
        }
    }
    bytes
}
