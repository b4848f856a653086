//! `dengbei inspect ofd FILE`: structure, seals, signatures, text.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use dengbei_formats::content::{Inspection, inspect_ofd_trusting, ofd_text};
use dengbei_formats::signature::Trust;

use super::{Level, Remarks, signatures};

/// Inspects and remarks.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn judge(path: &Path, trust: &Trust) -> anyhow::Result<(Inspection, Remarks)> {
    let inspection = inspect_ofd_trusting(path, trust)?;
    let mut remarks = Remarks::default();
    remarks.opening("ofd", &inspection);
    if let Some(facts) = &inspection.ofd {
        remarks.list(
            Level::Warning,
            "ofd.missing",
            ("引用的部件缺失", "referred to and missing"),
            &facts.missing,
        );
        let unreferenced = ("未被引用的部件", "referred to by nothing");
        remarks.list(Level::Note, "ofd.unreferenced", unreferenced, &facts.unreferenced);
        if facts.has_other_namespace {
            remarks.add(Level::Warning, "ofd.namespace", "命名空间不合标准 / not the standard's namespace");
        }
        remarks.list(Level::Note, "ofd.attachments", ("附件", "attachments"), &facts.attachments);
    }
    signatures::remark(&inspection, &mut remarks);
    Ok((inspection, remarks))
}

/// The text inside.
///
/// # Errors
/// When the file cannot be read or is no OFD that opens.
pub(super) fn text(path: &Path, most: usize) -> anyhow::Result<String> {
    let file = std::fs::File::open(path)?;
    Ok(ofd_text(Arc::new(file), most).context("OFD 打不开 / the OFD does not open")?.text)
}
