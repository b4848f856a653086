//! `dengbei scheme show|validate`: checking schemes (检测方案) as documents, without a server.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dengbei_checks::{Scheme, SchemeFault, Stage};
use serde_json::json;

/// Checking schemes / 检测方案
#[derive(Debug, clap::Subcommand)]
pub(crate) enum SchemeCommand {
    /// Show a scheme / 显示方案
    Show(ShowArgs),
    /// Every problem of a scheme's document at once / 校验方案文件
    Validate(ValidateArgs),
}

/// What to show.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// A scheme's document; without: the built-in one / 方案文件，不指定则为内置方案
    file: Option<PathBuf>,
    /// The built-in scheme of transfers / 内置的移交方案
    #[arg(long, conflicts_with = "file")]
    transfer: bool,
    /// Schemes that the document extends / 被继承的方案文件
    #[arg(long, value_name = "FILE")]
    base: Vec<PathBuf>,
    /// Canonical JSON with its digest / 规范JSON
    #[arg(long)]
    json: bool,
    /// Tables, as docs/checks.md shows them / Markdown表格
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

/// What to validate.
#[derive(Debug, clap::Args)]
pub(crate) struct ValidateArgs {
    /// A scheme's document / 方案文件
    file: PathBuf,
    /// Schemes that it extends / 被继承的方案文件
    #[arg(long, value_name = "FILE")]
    base: Vec<PathBuf>,
    /// JSON output / JSON输出
    #[arg(long)]
    json: bool,
}

/// Shows or validates; false when the document has problems.
///
/// # Errors
/// When a file cannot be read from the disk, or a scheme to be shown is none.
pub(crate) fn run(command: &SchemeCommand) -> anyhow::Result<bool> {
    match command {
        SchemeCommand::Show(args) => show(args).map(|()| true),
        SchemeCommand::Validate(args) => validate(args),
    }
}

/// Reads a document and what it extends, in the order given.
fn read(file: &Path, bases: &[PathBuf]) -> anyhow::Result<Result<Scheme, Vec<SchemeFault>>> {
    let mut known: Vec<Scheme> = Vec::new();
    for base in bases {
        match Scheme::read(&bytes(base)?, &known) {
            Ok(scheme) => known.push(scheme),
            Err(faults) => return Ok(Err(faults)),
        }
    }
    Ok(Scheme::read(&bytes(file)?, &known))
}

fn bytes(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("{}", file.display()))
}

/// The scheme of a file; the built-in one without.
///
/// # Errors
/// When the file cannot be read, or is no scheme: then every problem of it.
pub(super) fn of(file: Option<&Path>, bases: &[PathBuf]) -> anyhow::Result<Scheme> {
    let Some(file) = file else { return Ok(Scheme::builtin()) };
    read(file, bases)?.map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}: 方案无效 / no valid scheme:\n{}", file.display(), lines.join("\n"))
    })
}

fn show(args: &ShowArgs) -> anyhow::Result<()> {
    let scheme = if args.transfer { Scheme::transfer() } else { of(args.file.as_deref(), &args.base)? };
    let mut out = std::io::stdout().lock();
    if args.json {
        out.write_all(&scheme.to_bytes())?;
        writeln!(out)?;
        return Ok(());
    }
    if args.markdown {
        write!(out, "{}", scheme.markdown())?;
        return Ok(());
    }
    let document = scheme.document();
    writeln!(out, "{} / {}", document.title, document.title_en)?;
    writeln!(out, "{} {}  SHA-256 {}", scheme.id, scheme.version, scheme.digest)?;
    for stage in Stage::ALL {
        for line in scheme.lines(stage) {
            let (id, rule) = (line.check, line.rule.to_string());
            let (scope, name, name_en) = (id.scope().word(), id.name(), id.name_en());
            writeln!(out, "{} {id} {rule:2} {scope} {name} / {name_en} {}", stage.as_str(), line.alias)?;
        }
    }
    Ok(())
}

fn validate(args: &ValidateArgs) -> anyhow::Result<bool> {
    let read = read(&args.file, &args.base)?;
    let mut out = std::io::stdout().lock();
    let is_valid = read.is_ok();
    if args.json {
        let answer = match read {
            Ok(scheme) => json!({
                "verdict": "valid", "codes": [], "detail": [],
                "id": scheme.id, "version": scheme.version, "digest": scheme.digest,
            }),
            Err(faults) => {
                let codes: Vec<&str> = faults.iter().map(|f| f.code.as_str()).collect();
                json!({ "verdict": "invalid", "codes": codes, "detail": faults })
            }
        };
        writeln!(out, "{answer}")?;
        return Ok(is_valid);
    }
    match read {
        Ok(scheme) => {
            writeln!(out, "有效 valid: {} {}  SHA-256 {}", scheme.id, scheme.version, scheme.digest)?;
        }
        Err(faults) => {
            for fault in faults {
                writeln!(out, "{fault}")?;
                writeln!(out, "  → {} / {}", fault.remedy, fault.remedy_en)?;
            }
        }
    }
    Ok(is_valid)
}
