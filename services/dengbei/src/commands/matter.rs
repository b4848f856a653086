//! `dengbei matter publish FILE`: matters with scope and retention, from JSON or CSV. All or none.
//!
//! A CSV has one row a material; rows with the same matter code and scope version are one matter.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use dengbei_records::{FilingForm, Matter, Retention, ScopeRow};
use serde::Deserialize;
use serde_json::Value;

use super::door::{Door, DoorArgs};

const WITHIN: Duration = Duration::from_secs(120);

/// Matters / 事项
#[derive(Debug, clap::Args)]
pub(crate) struct MatterArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Publish matters with their filing scopes / 发布事项及归档范围
    Publish {
        /// JSON (an array or one object) or CSV
        file: PathBuf,
        #[command(flatten)]
        door: DoorArgs,
        /// JSON output / JSON输出
        #[arg(long)]
        json: bool,
    },
}

/// Publishes.
///
/// # Errors
/// When the file is none, or the door says no.
pub(crate) async fn run(args: MatterArgs) -> anyhow::Result<bool> {
    let What::Publish { file, door, json } = args.what;
    let door = Door::new(&door)?;
    let body = if is_csv(&file) { serde_json::to_vec(&read(&file)?)? } else { json_of(&file)? };
    let post = || Ok(door.post("/v1/matters").header("content-type", "application/json").body(body.clone()));
    let answer = door.json(WITHIN, post).await?;
    let count = |key: &str| answer.get(key).and_then(Value::as_u64).unwrap_or_default();
    let text = format!("已发布 published {}，未变 unchanged {}", count("published"), count("unchanged"));
    super::say(if json { answer.to_string() } else { text })?;
    Ok(true)
}

/// The file's bytes, if they are JSON; the server reads what they say.
fn json_of(file: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = std::fs::read(file).with_context(|| format!("{}", file.display()))?;
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).to_vec();
    serde_json::from_slice::<serde::de::IgnoredAny>(&text)
        .with_context(|| format!("{}: 不是 JSON / not JSON", file.display()))?;
    Ok(text)
}

fn is_csv(file: &Path) -> bool {
    file.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"))
}

/// Reads matters from a file.
///
/// # Errors
/// When a matter in it does not read.
pub(crate) fn read(file: &Path) -> anyhow::Result<Vec<Matter>> {
    let told = || format!("{}", file.display());
    if is_csv(file) {
        return from_csv(&std::fs::read(file).with_context(told)?).with_context(told);
    }
    let value: Value = serde_json::from_slice(&json_of(file)?)?;
    if value.is_array() {
        return serde_json::from_value(value).with_context(told);
    }
    Ok(vec![serde_json::from_value(value).with_context(told)?])
}

#[derive(Deserialize)]
struct Row {
    #[serde(alias = "权力事项编码", alias = "事项编码")]
    matter_code: String,
    #[serde(alias = "权力事项名称", alias = "事项名称")]
    matter_name: String,
    #[serde(alias = "权力事项类型", alias = "事项类型")]
    event_type: String,
    #[serde(alias = "立档单位名称", alias = "立档单位")]
    unit_name: String,
    #[serde(alias = "统一社会信用代码")]
    unit_uscc: String,
    #[serde(alias = "保管期限")]
    retention: String,
    #[serde(alias = "归档范围版本")]
    scope_version: String,
    #[serde(alias = "生效日期")]
    in_force_from: String,
    #[serde(alias = "产生阶段")]
    phase: String,
    #[serde(alias = "归档范围")]
    range: String,
    #[serde(alias = "归档材料名称", alias = "归档材料")]
    material: String,
    #[serde(alias = "必要")]
    necessary: String,
    #[serde(alias = "归档形式")]
    form: String,
}

fn from_csv(bytes: &[u8]) -> anyhow::Result<Vec<Matter>> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut matters: BTreeMap<(String, String), Matter> = BTreeMap::new();
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    for (number, row) in reader.deserialize::<Row>().enumerate() {
        let line = || format!("第 {} 行 / row {}", number + 2, number + 2);
        let row = row.with_context(line)?;
        let scope = scope_row(&row).with_context(line)?;
        let key = (row.matter_code.clone(), row.scope_version.clone());
        let matter = match matters.entry(key) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => new.insert(matter(row).with_context(line)?),
        };
        matter.scope.extend(scope);
    }
    anyhow::ensure!(!matters.is_empty(), "没有事项 / no matters");
    Ok(matters.into_values().collect())
}

fn matter(row: Row) -> anyhow::Result<Matter> {
    Ok(Matter {
        matter_code: row.matter_code.parse()?,
        matter_name: row.matter_name,
        event_type: row.event_type,
        unit_name: row.unit_name,
        unit_uscc: row.unit_uscc.parse()?,
        retention: Retention::from_source(&row.retention)?,
        scope_version: row.scope_version,
        in_force_from: row.in_force_from,
        scope: Vec::new(),
    })
}

/// A row without a material states a matter alone.
fn scope_row(row: &Row) -> anyhow::Result<Option<ScopeRow>> {
    if row.material.is_empty() {
        return Ok(None);
    }
    let necessary = match row.necessary.as_str() {
        "true" | "1" | "是" | "必要" => true,
        "false" | "0" | "否" | "非必要" | "" => false,
        other => anyhow::bail!("necessary 必要: {other}"),
    };
    let form = match row.form.as_str() {
        "electronic" | "电子归档" | "电子" => FilingForm::Electronic,
        "paper" | "纸质归档" | "纸质" => FilingForm::Paper,
        "both" | "双套" => FilingForm::Both,
        other => anyhow::bail!("form 归档形式: {other}"),
    };
    let (phase, range, material) = (row.phase.clone(), row.range.clone(), row.material.clone());
    Ok(Some(ScopeRow { phase, range, material, necessary, form }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_matter_are_its_scope() {
        let text = "\u{feff}事项编码,事项名称,事项类型,立档单位,统一社会信用代码,保管期限,归档范围版本,生效日期,产生阶段,归档范围,归档材料,必要,归档形式\n\
            M-1,备案,10,区经信局,11511301008778183N,定期30年,2026-01,2026-01-01,01,申请材料,申请表,是,电子归档\n\
            M-1,备案,10,区经信局,11511301008778183N,定期30年,2026-01,2026-01-01,04,结果材料,\"决定书, 正本\",是,双套\n";
        let matters = from_csv(text.as_bytes()).unwrap();
        assert_eq!(matters.len(), 1);
        assert_eq!((matters[0].retention, matters[0].scope.len()), (Retention::ThirtyYears, 2));
        assert_eq!(matters[0].scope[1].material, "决定书, 正本");
    }

    #[test]
    fn a_row_that_does_not_read_is_named() {
        let text = "matter_code,matter_name,event_type,unit_name,unit_uscc,retention,scope_version,in_force_from,phase,range,material,necessary,form\n\
            M-1,n,10,u,11511301008778183N,five years,1,2026-01-01,01,r,m,true,paper\n";
        let error = format!("{:#}", from_csv(text.as_bytes()).unwrap_err());
        assert!(error.contains("row 2") && error.contains("five years"), "{error}");
    }
}
