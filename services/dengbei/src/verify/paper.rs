//! Checks a sealed paper: every seal, by whom the paper names, with keys that the reader trusts.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context as _;
use dengbei_evidence::Finding;
use dengbei_evidence::papers::{Keys, Paper};
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use serde_json::{Value, json};
use sm2::elliptic_curve::sec1::ToSec1Point as _;

use super::VerifyArgs;

/// Whether the bytes claim to be a sealed paper.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Value>(bytes).is_ok_and(|v| v.get("paper").is_some() && v.get("seals").is_some())
}

/// Checks and prints. `Ok(false)`: something does not hold.
///
/// # Errors
/// When the keys cannot be read.
pub(super) fn check(bytes: &[u8], args: &VerifyArgs) -> anyhow::Result<bool> {
    let keys = trusted(Path::new(&args.key))?;
    let checked = dengbei_evidence::papers::verify(bytes, Some(&keys));
    report(args.json, &checked, &keys)?;
    Ok(checked.is_ok())
}

/// Public keys of a `.pub` file, or of every such file below a folder.
fn trusted(path: &Path) -> anyhow::Result<Keys> {
    let (mut keys, mut open) = (Keys::new(), vec![path.to_owned()]);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).with_context(|| format!("{}", path.display()))?;
            open.extend(entries.flatten().map(|entry| entry.path()));
        } else if path.extension().is_some_and(|e| e == "pub") {
            let text = std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
            // The register's own key is a note's and seals no papers.
            if let Some(key) = public_key(&text) {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                keys.insert(key, name);
            }
        }
    }
    anyhow::ensure!(!keys.is_empty(), "没有签章公钥 / no public keys of seals: {}", path.display());
    Ok(keys)
}

fn public_key(pem: &str) -> Option<String> {
    if let Ok(key) = VerifyingKey::from_public_key_pem(pem) {
        return Some(hex::encode(key.to_bytes()));
    }
    let key: sm2::PublicKey = sm2::pkcs8::DecodePublicKey::from_public_key_pem(pem).ok()?;
    Some(hex::encode(key.to_sec1_point(false).as_bytes()))
}

fn report(as_json: bool, checked: &Result<Paper, Vec<Finding>>, keys: &Keys) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let findings = checked.as_ref().err().map_or(&[][..], Vec::as_slice);
    if as_json {
        let codes: Vec<_> = findings.iter().map(|f| f.code).collect();
        let verdict = if checked.is_ok() { "valid" } else { "invalid" };
        let paper = checked.as_ref().ok();
        let detail = json!({
            "verdict": verdict, "codes": codes, "detail": findings, "paper": paper.map(|p| p.paper.as_str()),
            "seals": paper.map(|p| &p.seals), "body": paper.map(|p| &p.body),
        });
        return writeln!(out, "{detail}");
    }
    if let Ok(paper) = checked {
        writeln!(out, "文件 paper  {}", paper.paper)?;
        for seal in &paper.seals {
            let key = keys.get(&seal.key).map_or("-", String::as_str);
            writeln!(out, "  {}  {}  {} {}  ({key})", seal.at, seal.role, seal.algorithm, seal.name)?;
        }
    }
    for f in findings {
        writeln!(out, "不符 {}  {}  {} / {}", f.code, f.place, f.message, f.message_en)?;
    }
    writeln!(out, "{}", if checked.is_ok() { "核验通过 / verified" } else { "核验不通过 / not verified" })
}
