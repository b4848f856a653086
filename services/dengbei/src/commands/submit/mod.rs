//! `dengbei submit PATH…`: hands packages to a door and says of each what became of it.
//!
//! Uploads go four at a time in the order in which they were found; following what was taken holds up no upload.
//! Sending again is harmless, so everything that breaks off is sent again.

mod body;
mod find;
mod follow;
mod line;
mod parts;
mod send;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::door::{Door, DoorArgs, DoorError};
use follow::{Follower, Seen};
use line::{Line, Target, has_reached};
use parts::Part;

/// Uploads at the same time.
const UPLOADS: usize = 4;
/// How long what is parked has to be released, when it was sent before and is sent again.
const RELEASE: Duration = Duration::from_secs(15);
/// Parts that are followed at the same time.
const FOLLOWED: usize = 100_000;

/// Submit packages / 提交存档信息包
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SubmitArgs {
    /// Package folders or zips, batch folders with their catalogue, folders of these / 信息包、批次目录
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    door: DoorArgs,
    /// How far to follow each item / 等到哪一步
    #[arg(long, value_enum, default_value_t = Target::Prefiled)]
    wait: Target,
    /// One JSON line per item / 每件一行 JSON
    #[arg(long)]
    json: bool,
    /// The source system, instead of the catalogue's / 来源系统
    #[arg(long)]
    source: Option<String>,
    /// The data version, instead of the packages' / 数据版本
    #[arg(long)]
    data_version: Option<u32>,
    /// Seconds to go on trying one upload, and then to wait for its items / 超时秒数
    #[arg(long, default_value_t = 1800, value_name = "S")]
    timeout: u64,
}

/// What a part left for those that come after it: submissions in flight.
type InFlight = watch::Sender<Option<Vec<(String, String)>>>;

struct Run {
    args: SubmitArgs,
    door: Door,
    follower: Follower,
    left: Vec<InFlight>,
}

/// Submits; true when every item got where it should.
///
/// # Errors
/// When a path holds nothing to send, or the door gives no answer.
pub(crate) async fn run(args: SubmitArgs) -> anyhow::Result<bool> {
    let door = Door::new(&args.door)?;
    let paths = args.paths.clone();
    let found = tokio::task::spawn_blocking(move || {
        paths.iter().map(|path| find::at(path)).collect::<anyhow::Result<Vec<_>>>()
    });
    let parts = parts::cut(found.await??.into_iter().flatten().collect());
    let bar = bar(parts.iter().map(|part| part.parcels.len() as u64).sum());
    let left = parts.iter().map(|_| watch::Sender::new(None)).collect();
    let run = Run { follower: Follower::new(door.clone()), args, door, left };
    tokio::select! {
        well = run.all(parts, &bar) => {
            bar.finish_and_clear();
            well
        }
        () = run.follower.poll() => anyhow::bail!("polling ended"),
    }
}

impl Run {
    async fn all(&self, parts: Vec<Part>, bar: &ProgressBar) -> anyhow::Result<bool> {
        let mut decided = stream::iter(parts.into_iter().enumerate())
            .map(|(index, part)| self.upload(index, part))
            .buffered(UPLOADS)
            .map(|lines| self.follow(lines))
            .buffered(FOLLOWED);
        let mut is_well = true;
        while let Some(lines) = decided.next().await {
            for (line, got_there) in lines? {
                is_well &= got_there;
                bar.inc(1);
                bar.suspend(|| self.print(&line, got_there))?;
            }
        }
        Ok(is_well)
    }

    async fn upload(&self, index: usize, part: Part) -> Result<Vec<Line>, DoorError> {
        self.wait_for_earlier(&part).await;
        let sent = send::send(&self.door, &self.args, &part, self.deadline()).await;
        let lines = sent.as_deref().unwrap_or_default();
        let in_flight = lines.iter().filter(|line| line.is_followed());
        let in_flight =
            in_flight.filter_map(|line| Some((line.item.clone()?, line.submission.clone()?))).collect();
        self.left[index].send_replace(Some(in_flight));
        sent
    }

    /// Earlier packages of the same items are decided first: else a later one collides with them.
    async fn wait_for_earlier(&self, part: &Part) {
        for earlier in &part.after {
            let mut left = self.left[*earlier].subscribe();
            let in_flight = match left.wait_for(Option::is_some).await {
                Ok(left) => left.clone().unwrap_or_default(),
                Err(_) => continue,
            };
            for (item, submission) in in_flight {
                self.follower.until(&item, &submission, self.deadline(), Seen::is_decided).await;
            }
        }
    }

    async fn follow(&self, lines: Result<Vec<Line>, DoorError>) -> Result<Vec<(Line, bool)>, DoorError> {
        Ok(futures::future::join_all(lines?.into_iter().map(|line| self.follow_one(line))).await)
    }

    async fn follow_one(&self, mut line: Line) -> (Line, bool) {
        let target = self.args.wait;
        let (Some(item), Some(submission)) = (line.item.clone(), line.submission.clone()) else {
            return (line, false);
        };
        if !line.is_followed() || target == Target::Prefiled {
            let got_there = line.got_to(target, true);
            return (line, got_there);
        }
        let deadline = self.deadline();
        let is_done = |seen: &Seen| has_ended(seen) || is_there(seen, target);
        let mut seen = self.follower.until(&item, &submission, deadline, is_done).await;
        if seen.as_ref().is_some_and(is_parked) {
            // Sent again after its matter was published, it is released about now.
            let soon = deadline.min(Instant::now() + RELEASE);
            seen = self.follower.until(&item, &submission, soon, |seen| !is_parked(seen)).await;
            if !seen.as_ref().is_some_and(is_parked) {
                seen = self.follower.until(&item, &submission, deadline, is_done).await;
            }
        }
        let Some(seen) = seen else { return (line, false) };
        line.state = seen.state.clone().or(line.state);
        if seen.custody == "returned" {
            line.outcome = "returned".into();
            line.checks = self.why(&item, &seen.failed).await;
        }
        let got_there = line.got_to(target, seen.is_for_archive) && is_there(&seen, target);
        (line, got_there)
    }

    /// The failing checks of the report; their bare ids where it cannot be had.
    async fn why(&self, item: &str, failed: &[String]) -> Vec<Value> {
        let path = format!("/v1/items/{item}");
        let known = self.door.json(Duration::from_secs(10), || Ok(self.door.get(&path))).await;
        let checks = known.ok().and_then(|known| known.get("checks").and_then(Value::as_array).cloned());
        let checks = checks.unwrap_or_default();
        let is_told =
            |id: &String| checks.iter().any(|check| check.get("id").and_then(Value::as_str) == Some(id));
        if !failed.is_empty() && failed.iter().all(is_told) {
            return checks;
        }
        let bare = |id: &String| json!({"id": id, "severity": "block", "result": "failed", "message": "", "message_en": ""});
        failed.iter().map(bare).collect()
    }

    fn deadline(&self) -> Instant {
        Instant::now() + Duration::from_secs(self.args.timeout)
    }

    fn print(&self, line: &Line, got_there: bool) -> std::io::Result<()> {
        let text =
            if self.args.json { serde_json::to_string(line)? } else { line::for_people(line, got_there) };
        writeln!(std::io::stdout().lock(), "{text}")
    }
}

/// Nothing more comes of the submission by itself.
fn has_ended(seen: &Seen) -> bool {
    matches!(seen.custody.as_str(), "returned" | "superseded") || is_parked(seen)
}

fn is_parked(seen: &Seen) -> bool {
    seen.custody == "parked"
}

/// The submission is filed, and its item at the target.
fn is_there(seen: &Seen, target: Target) -> bool {
    let is_filed = matches!(seen.custody.as_str(), "filed" | "accessioned");
    is_filed && seen.state.as_ref().is_some_and(|state| has_reached(state, target, seen.is_for_archive))
}

fn bar(packages: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} 件  {per_sec}  {eta}");
    ProgressBar::new(packages).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
