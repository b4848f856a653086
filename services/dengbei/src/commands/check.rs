//! `dengbei check PACKAGE`: the self-check before sending: the same checks, nothing kept, no server.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dengbei_checks::{
    CheckOutcome, Context, Finding, Report, Scheme, Severity, Stage, Verdict, read_and_check, refusal,
};
use dengbei_formats::{Discard, FolderSource, Limits, PackageSource, ReadError, ZipSource, read_package};
use dengbei_papers::report::Fact;
use dengbei_records::{Clock as _, Matter, Metadata, SystemClock};
use serde_json::{Value, json};

use super::{matter, scheme};

/// Check a package before sending it / 报送前自检
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// A package folder or zip / 存档信息包
    package: PathBuf,
    /// P at the door, G filing, Y transfer, C keeping / 阶段：P 预归档，G 归档，Y 移交，C 长期保存
    #[arg(long, default_value = "G", value_parser = stage)]
    stage: Stage,
    /// Matters with their scopes, JSON or CSV / 事项文件
    #[arg(long, value_name = "FILE")]
    matters: Option<PathBuf>,
    /// A checking scheme's document; otherwise the built-in one / 检测方案文件
    #[arg(long, value_name = "FILE")]
    scheme: Option<PathBuf>,
    /// JSON output / JSON输出
    #[arg(long)]
    json: bool,
    /// Also the report as PDF / 另存检测报告
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
}

fn stage(text: &str) -> Result<Stage, String> {
    Stage::from_name(text).ok_or_else(|| "P, G, Y, C".to_owned())
}

/// Checks and prints; false when a blocking check fails.
///
/// # Errors
/// When the package, the matters or the scheme cannot be read from the disk.
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<bool> {
    let matters = args.matters.as_deref().map(matter::read).transpose()?.unwrap_or_default();
    let scheme = scheme::of(args.scheme.as_deref(), &[])?;
    let report = match judge(&args.package, args.stage, &matters, &scheme) {
        Ok(report) => report,
        Err(ReadError::Refused(problem)) => refusal(&problem, args.stage, &scheme),
        Err(ReadError::Io(error)) => {
            return Err(error).with_context(|| format!("{}", args.package.display()));
        }
    };
    let (report, _) = report.ended(SystemClock.now()).sealed(String::new())?;
    if let Some(file) = &args.pdf {
        let about = vec![Fact::new("存档信息包", "package", args.package.display().to_string())];
        let drawn = dengbei_papers::check_report(&report, &[], about)?;
        std::fs::write(file, drawn).with_context(|| format!("{}", file.display()))?;
    }
    print(args, &report)?;
    Ok(report.verdict != Verdict::Failed)
}

fn judge(path: &Path, stage: Stage, matters: &[Matter], scheme: &Scheme) -> Result<Report, ReadError> {
    let source: Box<dyn PackageSource> = if path.is_dir() {
        Box::new(FolderSource::open(path, &Limits::PACKAGE)?)
    } else {
        Box::new(ZipSource::open_path(path, &Limits::PACKAGE)?)
    };
    let metadata = read_package(&source)?.metadata;
    let mut context = Context::at(SystemClock.now());
    context.matter = in_force(matters, &metadata).cloned();
    Ok(read_and_check(&source, &mut Discard, &context, stage, scheme)?.report)
}

/// The version of the item's matter in force on the day it was closed; the newest where that day does not read.
fn in_force<'a>(matters: &'a [Matter], metadata: &Metadata) -> Option<&'a Matter> {
    let day = metadata.close_time.get(..10).filter(|d| d.bytes().filter(|b| *b == b'-').count() == 2);
    let of_it = matters.iter().filter(|m| m.matter_code.as_str() == metadata.service_code);
    of_it.filter(|m| day.is_none_or(|day| m.in_force_from.as_str() <= day)).max_by_key(|m| &m.in_force_from)
}

fn print(args: &CheckArgs, report: &Report) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let checks: Vec<Value> = report.notable().flat_map(findings).collect();
    if args.json {
        let answer = json!({
            "package": args.package,
            "stage": report.stage,
            "verdict": report.verdict,
            "checks": checks,
            "report": report,
        });
        writeln!(out, "{answer}")?;
        return Ok(());
    }
    let word = match report.verdict {
        Verdict::Passed => "通过 passed",
        Verdict::Failed => "不通过 failed",
        Verdict::Unverifiable => {
            "无阻断问题，部分项无法验证 nothing blocks, some checks could not be verified"
        }
        Verdict::Unsigned => "待人工检测 waits for persons",
    };
    writeln!(out, "{word}")?;
    for check in &checks {
        let get = |key: &str| check.get(key).and_then(Value::as_str).unwrap_or_default();
        writeln!(out, "  {} {} {} {}", get("id"), get("severity"), get("message"), get("place"))?;
        if !get("remedy").is_empty() {
            writeln!(out, "    → {} / {}", get("remedy"), get("remedy_en"))?;
        }
    }
    Ok(())
}

/// As `submit` prints them; a check without a detail still says its name.
fn findings(check: &CheckOutcome) -> Vec<Value> {
    let severity = match check.severity {
        Severity::Blocks => "block",
        Severity::Warns => "warn",
        Severity::Signed => "sign",
    };
    let finding = |found: &Finding| {
        json!({
            "id": check.id, "severity": severity, "result": check.result,
            "message": found.message, "message_en": found.message_en, "place": found.place,
            "remedy": found.remedy, "remedy_en": found.remedy_en, "office": check.office,
        })
    };
    if check.findings.is_empty() {
        return vec![finding(&Finding {
            place: String::new(),
            message: check.name.to_string(),
            message_en: check.name_en.to_string(),
            remedy: String::new(),
            remedy_en: String::new(),
        })];
    }
    check.findings.iter().map(finding).collect()
}
