//! `bench file` and `bench e2e`: packages in batches of 50 through the door until all are formally filed, or until
//! each is where its retention says: certified, and in the archive.
//!
//! Several senders at once; the floor is laid beside it, in the same run.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;
use tokio::sync::Mutex;

use super::batches::{Load, generate};
use super::deployment::Deployment;
use super::floor::Floor;
use super::usage;

/// How much.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LifeArgs {
    /// 件数 / how many items
    #[arg(long, default_value_t = 10_000)]
    pub(super) items: u32,
    /// 每件文件数 / documents an item
    #[arg(long, default_value_t = 3)]
    pub(super) files: u32,
    /// 每个文件的大小(KiB) / size of each document, KiB
    #[arg(long, default_value_t = 8)]
    pub(super) file_kb: u32,
    /// 立档单位数 / units
    #[arg(long, default_value_t = 40)]
    pub(super) units: u32,
    /// 并发发送数 / senders at once
    #[arg(long, default_value_t = 8)]
    senders: usize,
    /// 存储包等待时间（秒，正式部署为900） / how long a pack waits to fill, seconds; 900 in production
    #[arg(long, default_value_t = 2)]
    linger: u64,
    /// 登记与移交等待时间（秒） / how long a batch of packs waits, seconds
    #[arg(long, default_value_t = 1)]
    batch_linger: u64,
    /// 临时目录所在 / where to work: a folder on the disk to be measured
    #[arg(long, default_value = "/var/tmp")]
    at: PathBuf,
}

/// How far each item is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// 已归档
    Filed,
    /// 已发证; 已进馆 where the retention says so.
    Accessioned,
}

impl Goal {
    const fn word(self) -> &'static str {
        match self {
            Self::Filed => "归档速度 items/s to filed ",
            Self::Accessioned => "全程速度 items/s to end   ",
        }
    }

    /// How often the bytes of an item are written: on the primary site, or on three.
    const fn copies(self) -> usize {
        match self {
            Self::Filed => 1,
            Self::Accessioned => 3,
        }
    }
}

/// Measures.
///
/// # Errors
/// When the deployment does not start or not all items get to the goal.
pub(crate) async fn run(args: &LifeArgs, goal: Goal) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("dengbei-bench-").tempdir_in(&args.at)?;
    let load = generate(args, &folder.path().join("sample"))?;
    let mut mesh = Deployment::start(folder.path(), (args.linger, args.batch_linger)).await?;
    let measured = measure((args, goal), &mesh, folder.path(), load).await;
    mesh.stop().await;
    print(args, goal, &measured?)
}

struct Measured {
    elapsed: Duration,
    half: Duration,
    floor: Duration,
    cpu: BTreeMap<String, f64>,
    peaks: BTreeMap<String, u64>,
    disk: Vec<(&'static str, u64)>,
    received: u64,
}

async fn measure(
    (args, goal): (&LifeArgs, Goal),
    mesh: &Deployment,
    folder: &Path,
    load: Load,
) -> anyhow::Result<Measured> {
    let Load { zips: batches, staying } = load;
    let matters = std::fs::read(folder.join("sample/matters.json"))?;
    mesh.post("/v1/matters", matters).await?;
    let data = folder.join("data");
    let disk_of = |name: &str| usage::on_disk(&data.join(name));
    let before: Vec<u64> = FOLDERS.iter().map(|(name, _)| disk_of(name)).collect();
    let cpu_before = usage::cpu(&data.join("run"));
    let received = batches.iter().filter_map(|b| b.metadata().ok()).map(|m| m.len()).sum();
    let started = Instant::now();
    let (sent, half) = tokio::join!(
        send(args.senders, mesh, batches),
        reached(mesh, (goal, staying), u64::from(args.items) / 2)
    );
    sent?;
    half?;
    let half = started.elapsed();
    reached(mesh, (goal, staying), args.items.into()).await?;
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
        copies: goal.copies(),
    };
    let floor = floor.lay(args.items as usize).await?;
    Ok(Measured { elapsed, half, floor, cpu, peaks, disk, received })
}

/// Folders of the data folder, and what lies in them.
const FOLDERS: [(&str, &str); 7] = [
    ("sites/primary/packs", "存储包 packs"),
    ("sites/archive", "档案馆备份点 archive site"),
    ("sites/remote", "异地备份点 remote site"),
    ("sites/primary/log", "登记簿 log"),
    ("postgres", "数据库 PostgreSQL with WAL"),
    ("nats", "总线 JetStream"),
    ("staging", "暂存 staging left"),
];

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

/// Waits until so many items are at the goal.
async fn reached(mesh: &Deployment, goal: (Goal, u64), items: u64) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(3600);
    loop {
        let (there, seen) = at_goal(mesh, goal).await?;
        if there >= items {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < deadline, "{there} / {items}: {seen}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// How many are there; of those that stay with their unit, being certified is enough.
async fn at_goal(mesh: &Deployment, (goal, staying): (Goal, u64)) -> anyhow::Result<(u64, Value)> {
    if goal == Goal::Filed {
        let queues = mesh.get("/v1/queues").await?;
        let filed = queues["filing"]["filed"].as_u64().context("no figure of filed items")?;
        return Ok((filed, queues));
    }
    let figures = mesh.get("/v1/figures").await?;
    let of = |region: &str, state: &str| figures[region][state].as_u64().unwrap_or_default();
    let certified = of("registration", "certified");
    Ok((certified.min(of("custody", "accessioned") + staying.min(certified)), figures))
}

fn print(args: &LifeArgs, goal: Goal, m: &Measured) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let items = f64::from(args.items);
    let (seconds, floor) = (m.elapsed.as_secs_f64(), m.floor.as_secs_f64());
    writeln!(out, "件数 items                 {:>10}  ({} x {} KiB)", args.items, args.files, args.file_kb)?;
    writeln!(out, "{} {:>10.1}", goal.word(), items / seconds)?;
    let (first, second) = (m.half.as_secs_f64(), seconds - m.half.as_secs_f64());
    writeln!(
        out,
        "前半/后半 by halves        {:>10.1} / {:.1}  in {seconds:.0} s",
        items / 2.0 / first,
        items / 2.0 / second
    )?;
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
