//! `dengbei dead-letters list|show|retry`: what could not be handled (滞留消息), why, and sending it again.

use std::time::Duration;

use dengbei_records::EventHash;
use serde_json::{Value, json};

use super::door::{Door, DoorArgs};

const WITHIN: Duration = Duration::from_secs(30);

/// Dead letters / 滞留消息
#[derive(Debug, clap::Args)]
pub(crate) struct DeadLettersArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List them / 列出
    List {
        #[command(flatten)]
        door: DoorArgs,
        /// JSON output / JSON输出
        #[arg(long)]
        json: bool,
    },
    /// Show one with its event / 查看一条
    Show {
        /// The event's hash / 事件哈希
        hash: EventHash,
        #[command(flatten)]
        door: DoorArgs,
    },
    /// Send them again / 重送
    Retry {
        /// The events' hashes / 事件哈希
        #[arg(required_unless_present = "all")]
        hashes: Vec<EventHash>,
        /// All of them / 全部
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        door: DoorArgs,
    },
}

/// Does it.
///
/// # Errors
/// When the door says no.
pub(crate) async fn run(args: DeadLettersArgs) -> anyhow::Result<bool> {
    match args.what {
        What::List { door, json } => list(&Door::new(&door)?, json).await,
        What::Show { hash, door } => show(&Door::new(&door)?, &hash).await,
        What::Retry { hashes, all, door } => retry(&Door::new(&door)?, &hashes, all).await,
    }
}

async fn list(door: &Door, json: bool) -> anyhow::Result<bool> {
    let answer = door.json(WITHIN, || Ok(door.get("/v1/dead-letters?limit=1000"))).await?;
    for letter in letters(&answer) {
        let get = |key: &str| letter.get(key).and_then(Value::as_str).unwrap_or_default();
        let line = format!(
            "{}  {}  {}  {}  {}  {}",
            get("since"),
            get("service"),
            get("hash"),
            get("fact"),
            get("subject"),
            get("reason")
        );
        super::say(if json { letter.to_string() } else { line })?;
    }
    let away: Vec<&str> = answer
        .get("unavailable")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    anyhow::ensure!(away.is_empty(), "无应答 / away: {}", away.join(", "));
    Ok(true)
}

async fn show(door: &Door, hash: &EventHash) -> anyhow::Result<bool> {
    let path = format!("/v1/dead-letters?hash={hash}");
    let answer = door.json(WITHIN, || Ok(door.get(&path))).await?;
    let found = letters(&answer);
    for letter in found {
        super::say(serde_json::to_string_pretty(letter)?)?;
    }
    anyhow::ensure!(!found.is_empty(), "没有这条滞留消息 / no such dead letter: {hash}");
    Ok(true)
}

async fn retry(door: &Door, hashes: &[EventHash], all: bool) -> anyhow::Result<bool> {
    let body = json!({ "hashes": hashes, "all": all });
    let answer = door.json(WITHIN, || Ok(door.post("/v1/dead-letters:retry").json(&body))).await?;
    let retried = answer.get("retried").and_then(Value::as_u64).unwrap_or_default();
    super::say(format!("已重送 sent again {retried}"))?;
    Ok(all || retried > 0)
}

fn letters(answer: &Value) -> &[Value] {
    answer.get("dead_letters").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
