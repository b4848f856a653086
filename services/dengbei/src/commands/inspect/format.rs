//! `dengbei inspect format FILE`: which format a file is, by content, with PRONOM's id; how far it can be read.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dengbei_formats::content::{Finding, Inspection, inspect_file};
use dengbei_formats::identify::{Identification, Signatures};
use serde_json::{Value, json};

/// More than the official files have.
const MOST_SIGNATURES: u64 = 64 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct FormatArgs {
    path: PathBuf,
    /// JSON output / JSON输出
    #[arg(long)]
    pub(super) json: bool,
    /// PRONOM's signature file (DROID) and its container file, instead of our own table; may be given again /
    /// 改用PRONOM签名文件（DROID及其container文件），可多次给出
    #[arg(long, value_name = "FILE", env = "DENGBEI_DROID_SIGNATURES", value_delimiter = ',')]
    signatures: Vec<PathBuf>,
}

/// Tells the format.
///
/// # Errors
/// When the file or the signatures cannot be read.
pub(super) fn judge(args: &FormatArgs) -> anyhow::Result<Value> {
    let at = || format!("{}", args.path.display());
    let inspection = inspect_file(&args.path).with_context(at)?;
    if args.signatures.is_empty() {
        return Ok(verdict(&inspection, &inspection.identification, Signatures::builtin().source()));
    }
    let signatures = official(&args.signatures)?;
    let told = signatures.identify_path(&args.path, inspection.format.kind.is_text()).with_context(at)?;
    Ok(verdict(&inspection, &told, signatures.source()))
}

/// The signature file, then what it says about containers, in whichever order they were given.
fn official(files: &[PathBuf]) -> anyhow::Result<Signatures> {
    let (mut signatures, mut containers) = (None, Vec::new());
    for file in files {
        let bytes = super::whole(file, MOST_SIGNATURES).with_context(|| format!("{}", file.display()))?;
        if is_of_containers(&bytes) {
            containers.push((file, bytes));
        } else {
            signatures = Some(Signatures::from_droid(&bytes).map_err(|problem| refused(file, &problem))?);
        }
    }
    let mut signatures = signatures.context("没有DROID签名文件 / no DROID signature file was given")?;
    for (file, bytes) in containers {
        signatures = signatures.with_containers(&bytes).map_err(|problem| refused(file, &problem))?;
    }
    Ok(signatures)
}

fn is_of_containers(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
    head.contains("<ContainerSignatureMapping")
}

fn refused(file: &Path, problem: &dengbei_records::Problem) -> anyhow::Error {
    anyhow::anyhow!("{}: {} / {}", file.display(), problem.message, problem.message_en)
}

fn verdict(inspection: &Inspection, told: &Identification, source: &str) -> Value {
    let both = |finding: &Finding| format!("{} / {}", finding.message, finding.message_en);
    let (mut codes, mut detail) = (Vec::new(), Vec::new());
    let version = told.version.as_deref().unwrap_or_default();
    if told.is_known() {
        let puid = told.puid.as_deref().unwrap_or("-");
        detail.push(format!("{} {version} ({puid})", told.name).replace("  ", " "));
    } else {
        codes.push("format.unknown");
        detail.push("不能按内容识别格式 / the format is not told by its content".to_owned());
    }
    for (code, finding) in
        [("format.broken", &inspection.broken), ("format.unreadable", &inspection.unreadable)]
    {
        if let Some(finding) = finding {
            codes.push(code);
            detail.push(both(finding));
        }
    }
    detail.extend(inspection.reading.unverified.iter().map(both));
    json!({
        "verdict": if told.is_known() { "valid" } else { "unverifiable" },
        "codes": codes,
        "detail": detail,
        "puid": told.puid,
        "name": told.name,
        "version": told.version,
        "mime": told.mime,
        "basis": told.basis,
        "alternatives": told.alternatives,
        "signatures": source,
        "kind": inspection.format.kind,
        "readable": inspection.reading.reach,
        "is_encrypted": inspection.is_encrypted,
        "has_scripts_or_macros": inspection.reading.has_scripts_or_macros(),
        "pages": inspection.pages,
        "reading": inspection.reading,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8], name: &str) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        judge(&FormatArgs { path, json: true, signatures: Vec::new() }).unwrap()
    }

    #[test]
    fn a_known_format_is_valid_with_its_id() {
        let verdict =
            told(b"GIF89a\x01\0\x01\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b", "a.bin");
        assert_eq!((&verdict["verdict"], &verdict["puid"]), (&json!("valid"), &json!("fmt/4")));
        assert_eq!((&verdict["basis"], &verdict["readable"]), (&json!("signature"), &json!("whole")));
    }

    #[test]
    fn unknown_bytes_are_unverifiable() {
        let verdict = told(&[1, 2, 3, 0xfe, 0, 9], "a.xyz");
        assert_eq!(
            (&verdict["verdict"], &verdict["codes"]),
            (&json!("unverifiable"), &json!(["format.unknown"]))
        );
        assert_eq!(verdict["puid"], Value::Null);
    }

    #[test]
    fn a_file_that_is_no_signature_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"<a/>").unwrap();
        let args = FormatArgs { path: path.clone(), json: true, signatures: vec![path] };
        assert!(judge(&args).is_err());
    }
}
