//! `dengbei inspect pdf FILE`: structure, scripts and files inside, what it claims, fonts, signatures, text.

use std::path::Path;

use anyhow::Context as _;
use dengbei_formats::content::{Inspection, PdfFacts, inspect_pdf_trusting, pdf_text};
use dengbei_formats::signature::Trust;

use super::{Level, Remarks, signatures, whole};

/// A PDF is held whole to take its text out.
const MOST: u64 = 256 << 20;

/// Inspects and remarks.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn judge(path: &Path, trust: &Trust) -> anyhow::Result<(Inspection, Remarks)> {
    let inspection = inspect_pdf_trusting(path, trust)?;
    let mut remarks = Remarks::default();
    remarks.opening("pdf", &inspection);
    match &inspection.pdf {
        Some(facts) => remark(facts, &mut remarks),
        None if inspection.unreadable.is_none() && !inspection.is_encrypted => {
            let text = "文件过大，只看了首尾 / too large: only its ends were looked at";
            remarks.add(Level::Unverifiable, "pdf.partial", text);
        }
        None => {}
    }
    signatures::remark(&inspection, &mut remarks);
    Ok((inspection, remarks))
}

fn remark(facts: &PdfFacts, remarks: &mut Remarks) {
    use Level::{Note, Warning};
    if let Some(repaired) = &facts.repaired {
        remarks.add(Warning, "pdf.repaired", format!("{} / {}", repaired.message, repaired.message_en));
    }
    remarks.list(Warning, "pdf.script", ("含脚本", "JavaScript"), &facts.scripts);
    remarks.list(Warning, "pdf.launch", ("含启动或外发动作", "starts or sends something"), &facts.launches);
    remarks.list(Warning, "pdf.embedded", ("内嵌文件", "files inside"), &facts.embedded_files);
    remarks.list(Warning, "pdf.font", ("未嵌入的字体", "fonts that are not inside"), &facts.fonts_missing);
    let flags = [
        (facts.has_open_action, "pdf.open_action", "打开时执行动作 / it acts when it is opened"),
        (facts.has_xfa, "pdf.xfa", "XFA 动态表单 / an XFA form"),
        (facts.has_media, "pdf.media", "含音视频或三维内容 / film, sound or 3D"),
    ];
    for (_, code, text) in flags.iter().filter(|flag| flag.0) {
        remarks.add(Warning, code, *text);
    }
    if let Some(claim) = &facts.pdf_a {
        remarks.add(
            Note,
            "",
            format!("声明为 PDF/A-{claim}，未核验 / claims PDF/A-{claim}, which was not checked"),
        );
    }
    if facts.revisions > 1 {
        remarks.add(
            Note,
            "",
            format!(
                "增量保存 {} 次 / saved by appending, {} revisions",
                facts.revisions - 1,
                facts.revisions
            ),
        );
    }
}

/// The text inside.
///
/// # Errors
/// When the file cannot be read, or is no PDF that opens without a password.
pub(super) fn text(path: &Path, most: usize) -> anyhow::Result<String> {
    let bytes = whole(path, MOST)?;
    Ok(pdf_text(&bytes, most).context("PDF 打不开 / the PDF does not open")?.text)
}
