//! Checks an evidence receipt, and a package against it. The proof itself is in `crates/evidence`; this reads the
//! files: a folder of logical files, or an exported OCFL object, which is validated first.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use dengbei_evidence::{Files, Finding, Proven, verify_package};
use dengbei_ocfl::{Inventory, Outcome};
use dengbei_register::Verifier;
use serde_json::json;

use super::VerifyArgs;

/// Checks and prints. `Ok(false)`: something does not hold.
///
/// # Errors
/// When a file or the key cannot be read.
pub(super) fn check(bytes: &[u8], args: &VerifyArgs) -> anyhow::Result<bool> {
    let key = read_key(&args.key)?;
    let checked = dengbei_evidence::verify(bytes, &key, args.ignore_unknown_signatures);
    let (proven, findings) = match checked {
        Ok(proven) => {
            let findings = match &args.package {
                Some(folder) => check_package(&proven, folder)?,
                None => Vec::new(),
            };
            (Some(proven), findings)
        }
        Err(findings) => (None, findings),
    };
    report(args.json, proven.as_ref(), &findings)?;
    Ok(findings.is_empty())
}

/// The register's key: the text itself, its file, or the folder of the deployment's keys.
fn read_key(key: &str) -> anyhow::Result<Verifier> {
    let path = Path::new(key);
    let text = match path {
        file if file.is_file() => std::fs::read_to_string(file)?,
        folder if folder.is_dir() => std::fs::read_to_string(folder.join("register.pub"))?,
        _ => key.to_owned(),
    };
    text.trim().parse().map_err(|e| anyhow::anyhow!("公钥无法读取 / the key cannot be read: {e}"))
}

fn check_package(proven: &Proven, folder: &Path) -> anyhow::Result<Vec<Finding>> {
    anyhow::ensure!(folder.is_dir(), "不是文件夹 / not a folder: {}", folder.display());
    if !folder.join("0=ocfl_object_1.1").is_file() {
        return Ok(verify_package(proven, &Folder::of(folder)?));
    }
    let mut findings = ocfl_findings(folder)?;
    match Object::of(folder, proven) {
        Ok(object) => {
            if object.inventory_sha512() != Some(&proven.filed.inventory) {
                findings.push(Finding::new(
                    "package.inventory",
                    "inventory.json",
                    "对象清单与事件不符",
                    "the inventory is not the one that was filed",
                ));
            }
            findings.extend(verify_package(proven, &object));
        }
        Err(e) => findings.push(Finding::new(
            "package.inventory",
            "inventory.json",
            "对象清单无法读取",
            format!("the inventory cannot be read: {e}"),
        )),
    }
    Ok(findings)
}

fn ocfl_findings(folder: &Path) -> anyhow::Result<Vec<Finding>> {
    let verdict = dengbei_ocfl::validate_object(folder)?;
    if verdict.verdict != Outcome::Invalid {
        return Ok(Vec::new());
    }
    let findings = verdict
        .detail
        .iter()
        .map(|line| Finding::new("package.ocfl", line.clone(), "OCFL对象无效", "the OCFL object is invalid"));
    Ok(findings.collect())
}

fn report(as_json: bool, proven: Option<&Proven>, findings: &[Finding]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let is_valid = findings.is_empty();
    if as_json {
        let codes: Vec<_> = findings.iter().map(|f| f.code).collect();
        let verdict = if is_valid { "valid" } else { "invalid" };
        let detail = json!({
            "verdict": verdict, "codes": codes, "detail": findings,
            "item": proven.map(|p| p.filed.item), "data_version": proven.map(|p| p.filed.data_version),
            "archival_code": proven.map(|p| p.filed.archival_code.to_string()), "pack": proven.map(|p| p.filed.pack.get()),
            "stage": proven.map(|p| p.stage().name()),
            "registration_no": proven.and_then(|p| p.registered.as_ref()).map(|f| f.registration_no.to_string()),
            "certificate_no": proven.and_then(|p| p.certificate.as_ref()).map(|f| f.certificate_no.to_string()),
            "transfer_no": proven.and_then(|p| p.accepted.as_ref()).map(|f| f.transfer_no.to_string()),
            "origin": proven.map(|p| p.origin.as_str()), "log_size": proven.map(|p| p.log_size),
        });
        return writeln!(out, "{detail}");
    }
    if let Some(p) = proven {
        writeln!(out, "对象标识 item       {} v{}", p.filed.item, p.filed.data_version)?;
        writeln!(out, "档号     code       {}", p.filed.archival_code)?;
        writeln!(out, "存储包   pack       {}", p.filed.pack)?;
        writeln!(out, "进程     stage      {} {}", p.stage().word(), p.stage().name())?;
        if let Some(secured) = &p.secured {
            let sites: Vec<&str> = secured.receipts.iter().map(|r| r.site.as_str()).collect();
            writeln!(out, "备份点   sites      {}", sites.join(", "))?;
        }
        if let Some(certificate) = &p.certificate {
            writeln!(out, "证书     certificate {}", certificate.certificate_no)?;
        }
        writeln!(out, "登记簿   register   {} ({} 条/entries)", p.origin, p.log_size)?;
        for event in &p.events {
            let word = event.fact.as_ref().map_or("未知", |f| f.kind().word());
            writeln!(out, "  {}  {word} {}  {}", event.recorded_at, event.fact_name(), event.hash)?;
        }
    }
    for f in findings {
        writeln!(out, "不符 {}  {}  {} / {}", f.code, f.place, f.message, f.message_en)?;
    }
    writeln!(out, "{}", if is_valid { "核验通过 / verified" } else { "核验不通过 / not verified" })
}

/// A folder of logical files.
struct Folder {
    root: PathBuf,
    paths: Vec<String>,
}

impl Folder {
    fn of(root: &Path) -> io::Result<Self> {
        let (mut paths, mut open) = (Vec::new(), vec![String::new()]);
        while let Some(prefix) = open.pop() {
            for entry in std::fs::read_dir(root.join(&prefix))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
                if entry.file_type()?.is_dir() { open.push(path) } else { paths.push(path) }
            }
        }
        paths.sort();
        Ok(Self { root: root.to_owned(), paths })
    }
}

impl Files for Folder {
    fn paths(&self) -> Vec<String> {
        self.paths.clone()
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        let path = self.root.join(path);
        if !path.symlink_metadata()?.is_file() {
            return Err(io::Error::other("不是普通文件 / not a regular file"));
        }
        Ok(Box::new(File::open(path)?))
    }
}

/// An exported OCFL object: logical paths of the receipt's version, through the inventory.
struct Object {
    root: PathBuf,
    inventories: BTreeMap<u32, (dengbei_records::Sha512, Inventory)>,
    version: u32,
}

impl Object {
    /// Reads every version's inventory and picks the one that the receipt tells of, else the newest.
    fn of(root: &Path, proven: &Proven) -> anyhow::Result<Self> {
        let mut inventories = BTreeMap::new();
        let head = Inventory::from_slice(&std::fs::read(root.join("inventory.json"))?)?.head.get();
        for version in 1..=head {
            let bytes = std::fs::read(root.join(format!("v{version}/inventory.json")))?;
            inventories
                .insert(version, (dengbei_records::Sha512::of(&bytes), Inventory::from_slice(&bytes)?));
        }
        let told = inventories.iter().find(|(_, (digest, _))| *digest == proven.filed.inventory);
        let version = told.map_or(head, |(version, _)| *version);
        Ok(Self { root: root.to_owned(), inventories, version })
    }

    fn inventory_sha512(&self) -> Option<&dengbei_records::Sha512> {
        self.inventories.get(&self.version).map(|(digest, _)| digest)
    }

    fn inventory(&self) -> Option<&Inventory> {
        self.inventories.get(&self.version).map(|(_, inventory)| inventory)
    }
}

impl Files for Object {
    fn paths(&self) -> Vec<String> {
        let versions = self.inventory().and_then(|i| i.versions.get(&i.head));
        versions
            .map_or_else(Vec::new, |v| v.state.values().flatten().map(|p| p.as_str().to_owned()).collect())
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let inventory = self.inventory().ok_or_else(missing)?;
        let (_, place) = inventory.locate(inventory.head, path).ok_or_else(missing)?;
        Ok(Box::new(File::open(self.root.join(place))?))
    }
}
