//! `dengbei item ID` and `dengbei receipt ID`: what the door says of one item.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use dengbei_records::ItemId;
use serde_json::Value;
use tokio::time::Instant;

use super::door::{Door, DoorArgs, accepted};

const WITHIN: Duration = Duration::from_secs(30);

/// Show an item and its history / 查看一件及其办理过程
#[derive(Debug, clap::Args)]
pub(crate) struct ItemArgs {
    /// 件标识
    id: ItemId,
    #[command(flatten)]
    door: DoorArgs,
    /// JSON output / JSON输出
    #[arg(long)]
    json: bool,
}

/// Shows it.
///
/// # Errors
/// When the door says no.
pub(crate) async fn run(args: ItemArgs) -> anyhow::Result<bool> {
    let door = Door::new(&args.door)?;
    let path = format!("/v1/items/{}", args.id);
    let item = door.json(WITHIN, || Ok(door.get(&path))).await?;
    super::say(if args.json { item.to_string() } else { for_people(&item) })?;
    Ok(true)
}

fn for_people(item: &Value) -> String {
    let get = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
    let mut text = format!(
        "{}\n  状态 state      {}\n  档号 code       {}\n  事项 matter     {}\n  单位 unit       {}\n  期限 retention  {}",
        get("/item"),
        get("/state/custody"),
        get("/archival_code"),
        get("/matter/name"),
        get("/unit/name"),
        get("/retention"),
    );
    for event in item.get("history").and_then(Value::as_array).into_iter().flatten() {
        let get = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
        let hash = get("hash").get(..10).unwrap_or_default().to_owned();
        text.push_str(&format!("\n  {}  {hash}  {:<18} {}", get("recorded_at"), get("fact"), get("summary")));
    }
    text
}

/// Fetch an item's evidence receipt / 取存证回执
#[derive(Debug, clap::Args)]
pub(crate) struct ReceiptArgs {
    /// 件标识
    id: ItemId,
    #[command(flatten)]
    door: DoorArgs,
    /// Where to; standard output without it / 输出文件
    #[arg(short, long, value_name = "F")]
    output: Option<PathBuf>,
    /// 数据版本; the newest without it
    #[arg(long)]
    data_version: Option<u32>,
}

/// Fetches it, byte for byte.
///
/// # Errors
/// When the door says no, or the file cannot be written.
pub(crate) async fn receipt(args: ReceiptArgs) -> anyhow::Result<bool> {
    let door = Door::new(&args.door)?;
    let version = args.data_version.map(|v| format!("?data_version={v}")).unwrap_or_default();
    let path = format!("/v1/items/{}/receipt{version}", args.id);
    let response = accepted(door.insist(Instant::now() + WITHIN, || Ok(door.get(&path))).await?).await?;
    let receipt = response.bytes().await?;
    match &args.output {
        Some(file) => std::fs::write(file, &receipt).with_context(|| format!("{}", file.display()))?,
        None => std::io::stdout().lock().write_all(&receipt)?,
    }
    Ok(true)
}
