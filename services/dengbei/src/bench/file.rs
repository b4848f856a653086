//! `bench file`: packages in batches of 50 through the door until all are formally filed.
//!
//! Starts a deployment of its own (`up --split`, so that each role's CPU can be told apart), sends generated
//! packages with several senders at once, waits until every one is filed, and lays the floor beside it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;
use tokio::sync::Mutex;

use super::floor::Floor;
use super::usage;
use crate::sample;

/// How much.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct FileArgs {
    /// 件数 / how many items
    #[arg(long, default_value_t = 10_000)]
    items: u32,
    /// 每件文件数 / documents an item
    #[arg(long, default_value_t = 3)]
    files: u32,
    /// 每个文件的大小(KiB) / size of each document, KiB
    #[arg(long, default_value_t = 8)]
    file_kb: u32,
    /// 立档单位数 / units
    #[arg(long, default_value_t = 40)]
    units: u32,
    /// 并发发送数 / senders at once
    #[arg(long, default_value_t = 8)]
    senders: usize,
    /// 临时目录所在 / where to work: a folder on the disk to be measured
    #[arg(long, default_value = "/var/tmp")]
    at: PathBuf,
}

/// Measures.
///
/// # Errors
/// When the deployment does not start or not all items are filed.
pub(crate) async fn run(args: &FileArgs) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("dengbei-bench-").tempdir_in(&args.at)?;
    let batches = generate(args, &folder.path().join("sample"))?;
    let mut mesh = Deployment::start(folder.path()).await?;
    let measured = measure(args, &mesh, folder.path(), batches).await;
    mesh.stop().await;
    print(args, &measured?)
}

struct Measured {
    elapsed: Duration,
    floor: Duration,
    cpu: BTreeMap<String, f64>,
    peaks: BTreeMap<String, u64>,
    disk: Vec<(&'static str, u64)>,
    received: u64,
}

async fn measure(
    args: &FileArgs,
    mesh: &Deployment,
    folder: &Path,
    batches: Vec<PathBuf>,
) -> anyhow::Result<Measured> {
    let matters = std::fs::read(folder.join("sample/matters.json"))?;
    mesh.post("/v1/matters", matters).await?;
    let data = folder.join("data");
    let disk_of = |name: &str| usage::on_disk(&data.join(name));
    let before: Vec<u64> = FOLDERS.iter().map(|(name, _)| disk_of(name)).collect();
    let cpu_before = usage::cpu(&data.join("run"));
    let received = batches.iter().filter_map(|b| b.metadata().ok()).map(|m| m.len()).sum();
    let started = Instant::now();
    send(args.senders, mesh, batches).await?;
    mesh.filed(args.items.into()).await?;
    let elapsed = started.elapsed();
    let cpu_after = usage::cpu(&data.join("run"));
    let cpu = cpu_after
        .iter()
        .map(|(name, s)| (name.clone(), s - cpu_before.get(name).copied().unwrap_or_default()));
    let grown =
        FOLDERS.iter().zip(before).map(|((name, what), was)| (*what, disk_of(name).saturating_sub(was)));
    let (cpu, disk, peaks) = (cpu.collect(), grown.collect(), usage::peaks(&data.join("run")));
    let floor = Floor {
        folder,
        postgres: mesh.place("postgres"),
        nats: mesh.place("nats"),
        item_bytes: (args.files * args.file_kb * 1024 + 8 * 1024) as usize,
    };
    let floor = floor.lay(args.items as usize).await?;
    Ok(Measured { elapsed, floor, cpu, peaks, disk, received })
}

/// Folders of the data folder, and what lies in them.
const FOLDERS: [(&str, &str); 5] = [
    ("sites/primary/packs", "存储包 packs"),
    ("sites/primary/log", "登记簿 log"),
    ("postgres", "数据库 PostgreSQL with WAL"),
    ("nats", "总线 JetStream"),
    ("staging", "暂存 staging left"),
];

/// Zips of 50 packages: a batch is one unit's.
fn generate(args: &FileArgs, out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let sample = sample::SampleArgs {
        count: args.items,
        seed: 1,
        out: out.to_owned(),
        units: args.units,
        area: "330499".into(),
        file_kb: args.file_kb,
        files: Some(args.files),
        zip: false,
        mutants: false,
    };
    sample::write(&sample)?;
    let mut zips = Vec::new();
    let mut folders: Vec<_> =
        std::fs::read_dir(out)?.flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    for folder in folders {
        let zip = folder.with_extension("zip");
        zip_folder(&folder, &zip)?;
        std::fs::remove_dir_all(&folder)?;
        zips.push(zip);
    }
    Ok(zips)
}

fn zip_folder(folder: &Path, to: &Path) -> anyhow::Result<()> {
    let mut zip = zip::ZipWriter::new(std::io::BufWriter::new(std::fs::File::create(to)?));
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next)?.flatten() {
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
                continue;
            }
            let path = entry.path();
            let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
            zip.start_file(name, sample::zip_options())?;
            zip.write_all(&std::fs::read(&path)?)?;
        }
    }
    zip.finish()?.flush()?;
    Ok(())
}

async fn send(senders: usize, mesh: &Deployment, batches: Vec<PathBuf>) -> anyhow::Result<()> {
    let queue = Arc::new(Mutex::new(batches));
    let sending = (0..senders).map(|_| {
        let queue = Arc::clone(&queue);
        async move {
            loop {
                let Some(batch) = queue.lock().await.pop() else { return anyhow::Ok(()) };
                mesh.post("/v1/batches", tokio::fs::read(&batch).await?).await?;
            }
        }
    });
    futures::future::try_join_all(sending).await.map(|_| ())
}

/// A deployment of its own.
struct Deployment {
    process: tokio::process::Child,
    places: Value,
    http: reqwest::Client,
}

impl Deployment {
    async fn start(folder: &Path) -> anyhow::Result<Self> {
        let ready = folder.join("ready.json");
        let process = tokio::process::Command::new(std::env::current_exe()?)
            .args(["up", "--split", "--http", "127.0.0.1:0", "--linger", "2", "--data"])
            .arg(folder.join("data"))
            .arg("--ready-file")
            .arg(&ready)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            if let Some(places) = std::fs::read(&ready).ok().and_then(|b| serde_json::from_slice(&b).ok()) {
                return Ok(Self { process, places, http: reqwest::Client::new() });
            }
            anyhow::ensure!(Instant::now() < deadline, "登备未能启动 / dengbei up did not become ready");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn place(&self, name: &str) -> &str {
        self.places[name].as_str().unwrap_or_default()
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> anyhow::Result<Value> {
        loop {
            let request =
                self.http.post(format!("{}{path}", self.place("http"))).bearer_auth(self.place("token"));
            let response = request.body(body.clone()).send().await?;
            if response.status().as_u16() == 503 {
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
            let status = response.status();
            let text = response.text().await?;
            anyhow::ensure!(
                status.is_success(),
                "{path}: {status} {}",
                text.chars().take(500).collect::<String>()
            );
            return Ok(serde_json::from_str(&text)?);
        }
    }

    /// Waits until `items` items are filed.
    async fn filed(&self, items: u64) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(1800);
        loop {
            let request =
                self.http.get(format!("{}/v1/queues", self.place("http"))).bearer_auth(self.place("token"));
            let queues: Value = request.send().await?.json().await?;
            let filed = queues["filing"]["filed"].as_u64().context("no figure of filed items")?;
            if filed >= items {
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < deadline, "{filed} / {items}: {queues}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn stop(&mut self) {
        if let Some(pid) = self.process.id() {
            let pid = rustix::process::Pid::from_raw(pid.cast_signed());
            if let Some(pid) = pid {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            }
            let _ = self.process.wait().await;
        }
    }
}

fn print(args: &FileArgs, m: &Measured) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let items = f64::from(args.items);
    let (seconds, floor) = (m.elapsed.as_secs_f64(), m.floor.as_secs_f64());
    writeln!(out, "件数 items                 {:>10}  ({} x {} KiB)", args.items, args.files, args.file_kb)?;
    writeln!(out, "归档速度 items/s to filed  {:>10.1}", items / seconds)?;
    writeln!(
        out,
        "底线 floor items/s         {:>10.1}  (same bytes, rows, messages, no logic)",
        items / floor
    )?;
    writeln!(out, "与底线之比 ratio           {:>10.2}", floor / seconds)?;
    writeln!(out, "\nCPU µs 每件 an item")?;
    for (name, seconds) in &m.cpu {
        writeln!(out, "  {name:<14}{:>10.0}", seconds * 1e6 / items)?;
    }
    let total: f64 = m.cpu.values().sum();
    writeln!(
        out,
        "  {:<14}{:>10.0}  (two cores give {:.0} at this speed)",
        "total",
        total * 1e6 / items,
        2e6 * seconds / items
    )?;
    writeln!(out, "\n峰值内存 peak memory, MiB: {:?}", m.peaks)?;
    writeln!(out, "\n落盘字节 每件 durable bytes an item (received {:.0})", m.received as f64 / items)?;
    for (what, bytes) in &m.disk {
        writeln!(out, "  {:>10.0}  {what}", *bytes as f64 / items)?;
    }
    Ok(())
}
