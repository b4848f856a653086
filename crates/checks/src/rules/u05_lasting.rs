//! U-05 长期格式适用: formats that the register of risks names should be migrated in time; so should content that acts or
//! that lies elsewhere, because nobody will run or fetch it in fifty years.

use dengbei_formats::FileFacts;
use dengbei_formats::content::Active;

use super::{Judged, PackageView};
use crate::{Finding, Parameters};

pub(super) fn run(view: &PackageView<'_>, with: &Parameters) -> Judged {
    let mut judged = Judged::new();
    for (_, file) in view.listed() {
        judged.count();
        if let Some((zh, en)) = risk(file, view, with) {
            let full = file.inspection.format.to_string();
            let found = Finding::new(
                &file.path,
                format!("格式 {full} 不宜长期保存：{zh}"),
                format!("the format {full} will not last: {en}"),
            );
            judged.fault(
                found.remedy("列入格式转换计划，转换后保留原件", "plan its migration, and keep the original"),
            );
        }
        for active in &file.inspection.reading.active {
            let Some((zh, en)) = word(*active) else { continue };
            let found = Finding::new(
                &file.path,
                format!("含{zh}，长期保存后将失效"),
                format!("holds {en}, which will not last"),
            );
            judged.fault(found.remedy(
                "归档一份不含活动内容的 OFD 或 PDF/A",
                "file an OFD or PDF/A without active content",
            ));
        }
    }
    judged
}

/// By PRONOM id, by format with version, by format.
fn risk(file: &FileFacts, view: &PackageView<'_>, with: &Parameters) -> Option<(String, String)> {
    let format = &file.inspection.format;
    let full = format.to_string();
    let puid = file.inspection.identification.puid.as_deref();
    let names = puid.into_iter().chain([full.as_str(), format.kind.name()]);
    let known = view.context.environment.as_ref();
    for name in names {
        if let Some(told) = known.and_then(|e| e.risks.get(name)) {
            return Some(told.clone());
        }
        if with.u05.at_risk.iter().any(|f| f == name) {
            return Some(("列入格式风险登记".to_owned(), "it is in the register of risks".to_owned()));
        }
    }
    None
}

/// A program itself is U-03's, attachments are files of their own.
const fn word(active: Active) -> Option<(&'static str, &'static str)> {
    match active {
        Active::Macros => Some(("宏", "macros")),
        Active::Scripts => Some(("脚本", "scripts")),
        Active::ExternalLinks => Some(("外部链接", "links to content elsewhere")),
        Active::EmbeddedObjects => Some(("嵌入对象", "embedded objects")),
        Active::Attachments | Active::Program => None,
    }
}
