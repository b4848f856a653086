//! `dengbei validate …`: the crates' validators behind one verdict. Exit 0 when it is valid, warnings included.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dengbei_formats::Limits;
use dengbei_formats::archive::validate_archive;
use dengbei_ocfl::{PackReader, validate_object, validate_root};
use dengbei_register::proof_json::{MAX_FILE, check_proof_file};
use serde_json::{Value, json};

use super::verdict;

/// Validate without a server / 离线校验
#[derive(Debug, clap::Args)]
pub(crate) struct ValidateArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// A zip or tar: may it be taken in / zip、tar 能否安全接收
    Archive(Place),
    /// An OCFL object / OCFL对象
    Ocfl(Place),
    /// An OCFL storage root / OCFL存储根
    OcflRoot(Place),
    /// A pack / 存储包
    Pack(Place),
    /// A proof file of transparency-dev/merkle / 日志证明文件
    Proof(Place),
}

#[derive(Debug, clap::Args)]
struct Place {
    path: PathBuf,
    /// JSON output / JSON输出
    #[arg(long)]
    json: bool,
}

/// Judges and prints; true when it is valid or valid with warnings.
///
/// # Errors
/// When the path cannot be read at all.
pub(crate) fn run(args: &ValidateArgs) -> anyhow::Result<bool> {
    let (place, judge): (&Place, fn(&Path) -> anyhow::Result<Value>) = match &args.what {
        What::Archive(place) => (place, archive),
        What::Ocfl(place) => (place, object),
        What::OcflRoot(place) => (place, root),
        What::Pack(place) => (place, pack),
        What::Proof(place) => (place, proof),
    };
    let verdict = judge(&place.path).with_context(|| format!("{}", place.path.display()))?;
    verdict::print(&verdict, place.json)
}

fn archive(path: &Path) -> anyhow::Result<Value> {
    Ok(serde_json::to_value(validate_archive(path, &Limits::BATCH))?)
}

fn object(path: &Path) -> anyhow::Result<Value> {
    Ok(serde_json::to_value(validate_object(path)?)?)
}

fn root(path: &Path) -> anyhow::Result<Value> {
    Ok(serde_json::to_value(validate_root(path)?.verdict)?)
}

fn pack(path: &Path) -> anyhow::Result<Value> {
    let verified = PackReader::open(BufReader::new(File::open(path)?)).and_then(|mut pack| pack.verify());
    Ok(match verified {
        Ok(report) => serde_json::to_value(report.verdict())?,
        // Not even its catalogue reads.
        Err(error) => {
            json!({ "verdict": "invalid", "codes": ["pack.unreadable"], "detail": [format!("{:#}", anyhow::Error::from(error))] })
        }
    })
}

fn proof(path: &Path) -> anyhow::Result<Value> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(serde_json::to_value(check_proof_file(&bytes))?)
}
