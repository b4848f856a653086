//! `dengbei inspect …`: what a file is and what its evidence says, behind one verdict. Exit 0 when it is valid, warnings
//! included. Nothing is asked of the network and nothing is believed: without `--trust` no signature is valid.

mod format;
mod ofd;
mod pdf;
mod signatures;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use dengbei_formats::content::Inspection;
use dengbei_formats::signature::Trust;
use serde_json::{Value, json};

use super::verdict;

/// Inspect a file without a server / 离线检视文件
#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// An OFD: structure, seals, signatures / OFD：结构、印章、签名
    Ofd(Place),
    /// A PDF: structure, what it does and claims, signatures / PDF：结构、脚本、声明、签名
    Pdf(Place),
    /// Any file: its format by content, with PRONOM's id / 任何文件：按内容识别格式（PRONOM标识）
    Format(format::FormatArgs),
}

#[derive(Debug, clap::Args)]
struct Place {
    path: PathBuf,
    /// JSON output / JSON输出
    #[arg(long)]
    json: bool,
    /// Certificates that are trusted, PEM or DER; may be given again / 信任的证书（PEM或DER），可多次给出
    #[arg(long, value_name = "FILE")]
    trust: Vec<PathBuf>,
    /// The text inside instead of a verdict / 只输出其中的文字
    #[arg(long)]
    text: bool,
}

/// Text that is printed at most.
const MOST_TEXT: usize = 64 << 20;

/// Judges and prints; true when it is valid or valid with warnings.
///
/// # Errors
/// When the file cannot be read, or a file of certificates holds none.
pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<bool> {
    let (place, is_ofd) = match &args.what {
        What::Ofd(place) => (place, true),
        What::Pdf(place) => (place, false),
        What::Format(args) => {
            let verdict = format::judge(args)?;
            return verdict::print(&verdict, args.json);
        }
    };
    let path = &place.path;
    let at = || format!("{}", path.display());
    if place.text {
        let text = if is_ofd { ofd::text(path, MOST_TEXT) } else { pdf::text(path, MOST_TEXT) };
        let text = text.with_context(at)?;
        std::io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(true);
    }
    let trust = trusted(&place.trust)?;
    let (inspection, remarks) =
        if is_ofd { ofd::judge(path, &trust) } else { pdf::judge(path, &trust) }.with_context(at)?;
    let verdict = remarks.verdict(&inspection)?;
    verdict::print(&verdict, place.json)
}

fn trusted(files: &[PathBuf]) -> anyhow::Result<Trust> {
    let mut trust = Trust::nobody();
    for file in files {
        let bytes = std::fs::read(file).with_context(|| format!("{}", file.display()))?;
        if trust.add(&bytes) == 0 {
            anyhow::bail!("{} 中没有证书 / holds no certificate", file.display());
        }
    }
    Ok(trust)
}

/// How bad a remark is; the worst makes the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Note,
    Warning,
    Unverifiable,
    Invalid,
}

/// What was found, in order.
#[derive(Debug, Default)]
struct Remarks(Vec<(Level, String, String)>);

impl Remarks {
    fn add(&mut self, level: Level, code: &str, text: impl Into<String>) {
        self.0.push((level, code.to_owned(), text.into()));
    }

    /// Whether it opens at all: the same for every kind of document.
    fn opening(&mut self, kind: &str, inspection: &Inspection) {
        let findings = [("broken", &inspection.broken), ("unreadable", &inspection.unreadable)];
        for (what, finding) in findings {
            if let Some(finding) = finding {
                let text = format!("{} / {}", finding.message, finding.message_en);
                self.add(Level::Invalid, &format!("{kind}.{what}"), text);
            }
        }
        if inspection.is_encrypted {
            let text = "已加密，内容无法检视 / it is encrypted: nothing inside can be looked at";
            self.add(Level::Unverifiable, &format!("{kind}.encrypted"), text);
        }
        if let Some(pages) = inspection.pages {
            self.add(Level::Note, "", format!("{pages} 页 / pages"));
        }
    }

    /// Lines of a list, as one remark.
    fn list(&mut self, level: Level, code: &str, (zh, en): (&str, &str), items: &[String]) {
        if !items.is_empty() {
            self.add(level, code, format!("{zh} / {en}: {}", items.join(", ")));
        }
    }

    fn verdict(&self, inspection: &Inspection) -> anyhow::Result<Value> {
        let worst = self.0.iter().map(|remark| remark.0).max().unwrap_or(Level::Note);
        let word = match worst {
            Level::Note => "valid",
            Level::Warning => "warning",
            Level::Unverifiable => "unverifiable",
            Level::Invalid => "invalid",
        };
        let mut codes: Vec<&str> =
            self.0.iter().map(|r| r.1.as_str()).filter(|code| !code.is_empty()).collect();
        codes.dedup();
        let detail: Vec<&str> = self.0.iter().map(|remark| remark.2.as_str()).collect();
        let inspection = serde_json::to_value(inspection)?;
        Ok(json!({ "verdict": word, "codes": codes, "detail": detail, "inspection": inspection }))
    }
}

/// A file's bytes up to `most`; more is an error.
fn whole(path: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    anyhow::ensure!(bytes.len() as u64 <= most, "文件过大 / too large: over {most} bytes");
    Ok(bytes)
}
