//! What every process shows of itself: which build, since when, memory, CPU, open files. From /proc; nothing elsewhere.

use std::sync::Once;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Metric;

const MEMORY: &str = "dengbei_process_resident_bytes";
const CPU: &str = "dengbei_process_cpu_seconds_total";
const THREADS: &str = "dengbei_process_threads";
const FILES: &str = "dengbei_process_open_files";
const FILES_LIMIT: &str = "dengbei_process_open_files_limit";
const STARTED: &str = "dengbei_process_start_time_seconds";
const BUILD: &str = "dengbei_build_info";
/// Clock ticks a second, as /proc counts for programs on every Linux.
const TICKS: u64 = 100;

const METRICS: &[Metric] = &[
    Metric::gauge(BUILD, "程序版本，恒为 1", "Which build runs; always 1")
        .by(&[("version", &[]), ("commit", &[])]),
    Metric::gauge(
        "dengbei_config_info",
        "所用配置的摘要，恒为 1",
        "Which configuration a role runs with; always 1",
    )
    .by(&[("role", &[]), ("hash", &[])]),
    Metric::gauge(STARTED, "进程启动时刻（1970 年以来的秒数）", "When the process began, since 1970"),
    Metric::gauge(MEMORY, "进程占用内存", "Memory that the process holds"),
    Metric::counter(CPU, "进程用去的处理器时间", "Processor time used"),
    Metric::gauge(THREADS, "进程的线程数", "Threads of the process"),
    Metric::gauge(FILES, "进程打开的文件数", "Files and connections that the process has open"),
    Metric::gauge(FILES_LIMIT, "进程可打开的文件数上限", "Files and connections that it may have open"),
    Metric::counter(
        "dengbei_task_failures_total",
        "任务失败后重启的次数，按任务",
        "Times that a task failed and was started again",
    )
    .by(&[("task", &[])]),
    Metric::histogram(
        "dengbei_grpc_request_seconds",
        "内部调用到应答开始的时间，按方法与状态",
        "From a call inside the mesh to the beginning of its answer, by method and status",
    )
    .by(&[("method", &[]), ("status", &[])]),
];

/// Says what each is, and what does not change.
pub(crate) fn describe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        super::describe(METRICS, &[]);
        super::database::describe();
        let commit = option_env!("DENGBEI_COMMIT").unwrap_or("unknown");
        metrics::gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION"), "commit" => commit).set(1.0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        metrics::gauge!(STARTED).set(now.as_secs_f64());
        look();
    });
}

/// Reads /proc/self: some microseconds.
#[allow(clippy::cast_precision_loss, reason = "gauges")]
pub(crate) fn look() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(kibibytes) = field(&status, "VmRSS:") {
        metrics::gauge!(MEMORY).set((kibibytes * 1024) as f64);
    }
    if let Some(threads) = field(&status, "Threads:") {
        metrics::gauge!(THREADS).set(threads as f64);
    }
    if let Some(ticks) = std::fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(ticks) {
        metrics::counter!(CPU).absolute(ticks / TICKS);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        metrics::gauge!(FILES).set(files.count() as f64);
    }
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    if let Some(limit) = field(&limits, "Max open files") {
        metrics::gauge!(FILES_LIMIT).set(limit as f64);
    }
}

/// The first number of the line that begins with `name`.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// User and system time of `/proc/self/stat`; the name before them may hold anything but ends with a bracket.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_is_read_as_the_kernel_writes_it() {
        assert_eq!(field("Name:\tx\nVmRSS:\t   1234 kB\n", "VmRSS:"), Some(1234));
        assert_eq!(
            field("Max open files            1024                 4096\n", "Max open files"),
            Some(1024)
        );
        assert_eq!(field("Max open files            unlimited\n", "Max open files"), None);
        assert_eq!(ticks("1 (a) b) S 1 2 3 4 5 6 7 8 9 10 70 30 0 0"), Some(100));
        assert_eq!(ticks(""), None);
    }
}
