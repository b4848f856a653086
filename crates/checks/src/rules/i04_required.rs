//! I-04 必填项: what is required at this stage is not empty (domain.md 8b).

use super::{Judged, PackageView};
use crate::fields::Need;
use crate::{FIELDS, Finding, Stage};

pub(super) fn run(view: &PackageView<'_>, stage: Stage) -> Judged {
    let m = &view.package.metadata;
    let mut judged = Judged::new();
    for field in FIELDS {
        let is_needed = match field.need {
            Need::Always => true,
            Need::Filing => stage != Stage::P,
            Need::Optional => false,
        };
        // What was never accepted has no time of acceptance.
        let is_excused = field.key == "accept_time" && m.result.starts_with("不予受理");
        if !is_needed || is_excused {
            continue;
        }
        judged.count();
        if (field.get)(m).is_empty() {
            let name = field.name;
            let found = Finding::new(field.key, format!("{name}为空"), format!("{} is empty", field.key));
            judged.fault(found.remedy(
                format!("把 <{}>（{name}）填上", field.element),
                format!("fill in <{}>", field.element),
            ));
        }
    }
    judged.count();
    if m.steps.len() < 2 {
        let found = Finding::new(
            "steps",
            format!("办理流程只有 {} 个环节", m.steps.len()),
            "the process has fewer than two steps",
        );
        judged.fault(found.remedy("把办理流程的各环节补全", "add the missing steps to the process"));
    }
    judged
}
