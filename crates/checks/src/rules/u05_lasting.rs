//! U-05 长期格式适用: formats that the register of risks names should be migrated in time; so should content that acts or
//! that lies elsewhere, because nobody will run or fetch it in fifty years.

use dengbei_formats::FileFacts;
use dengbei_formats::content::Active;
use dengbei_formats::risk::{self, Suitability, risk_of};

use super::{Judged, PackageView};
use crate::{Finding, Parameters};

pub(super) fn run(view: &PackageView<'_>, with: &Parameters) -> Judged {
    let mut judged = Judged::new();
    judged.evidence("register", risk::VERSION.to_string());
    for (_, file) in view.listed() {
        judged.count();
        if let Some((zh, en, target)) = risk(file, view, with) {
            let full = file.inspection.format.to_string();
            let found = Finding::new(
                &file.path,
                format!("格式 {full} 不宜长期保存：{zh}"),
                format!("the format {full} will not last: {en}"),
            );
            let target = if target.is_empty() { "OFD、PDF/A" } else { target };
            judged.fault(found.remedy(
                format!("列入格式转换计划，转换为{target}，保留原件"),
                format!("plan its migration to {target}, and keep the original"),
            ));
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

/// By what the caller knows, by the scheme's list, by the register of `formats`: reason in both languages, and what to
/// change it into.
fn risk(
    file: &FileFacts,
    view: &PackageView<'_>,
    with: &Parameters,
) -> Option<(String, String, &'static str)> {
    let format = &file.inspection.format;
    let full = format.to_string();
    let told = &file.inspection.identification;
    let names = told.puid.as_deref().into_iter().chain([full.as_str(), format.kind.name()]);
    let known = view.context.environment.as_ref();
    for name in names {
        if let Some((zh, en)) = known.and_then(|e| e.risks.get(name)) {
            return Some((zh.clone(), en.clone(), ""));
        }
        if with.u05.at_risk.iter().any(|f| f == name) {
            return Some((
                "列入检测方案的风险格式".to_owned(),
                "the scheme lists it as at risk".to_owned(),
                "",
            ));
        }
    }
    let risk = risk_of(format.kind, told).filter(|r| r.suitability != Suitability::LongTerm)?;
    let zh = format!("{}，{}", risk.suitability.word(), risk.reason);
    Some((zh, risk.reason_en.to_owned(), risk.target))
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
