//! I-05 过程信息完整: 申请, 受理, (审核,) 决定 or 办结, each with person and time. 即办件 may lack 审核;
//! what was not accepted, withdrawn or voided only needs its beginning and its end.

use dengbei_records::Metadata;

use super::{Judged, PackageView, shown};
use crate::{Finding, Parameters};

pub(super) fn run(view: &PackageView<'_>, with: &Parameters) -> Judged {
    let m = &view.package.metadata;
    let mut judged = Judged::of(m.steps.len());
    let is_short = ["不予受理", "退件", "作废", "撤回"].iter().any(|word| m.result.starts_with(word));
    let at_once = matches!(m.handle_kind.as_str(), "即办件" | "2");
    let wanted: [(&str, &[String], bool); 4] = [
        ("申请", &with.i05.apply, true),
        ("受理", &with.i05.accept, !is_short),
        ("审核", &with.i05.review, !is_short && !at_once),
        ("决定或办结", &with.i05.decide, true),
    ];
    for (name, words, is_wanted) in wanted {
        if is_wanted && !has_step(m, words) {
            let found = Finding::new(
                "steps",
                format!("办理流程缺少{name}环节"),
                format!("the process lacks the step {name}"),
            );
            judged.fault(found.remedy(
                format!("把{name}环节（人、意见、时间）补入办理流程.XML"),
                format!("add the step {name} with person, opinion and time to the process document"),
            ));
        }
    }
    for (number, step) in m.steps.iter().enumerate() {
        let missing: Vec<&str> = [("人", &step.actor), ("时间", &step.time)]
            .iter()
            .filter(|(_, t)| t.is_empty())
            .map(|(n, _)| *n)
            .collect();
        if !missing.is_empty() {
            let node = shown(&step.node);
            let zh = format!("{node}环节缺{}", missing.join("、"));
            let found = Finding::new(format!("steps[{number}]"), zh, "a step lacks its person or time");
            judged.fault(found.remedy(
                format!("把{node}环节的{}补上", missing.join("、")),
                format!("add person and time to the step {node}"),
            ));
        }
    }
    judged
}

fn has_step(m: &Metadata, words: &[String]) -> bool {
    m.steps.iter().any(|step| words.iter().any(|word| step.node.starts_with(word.as_str())))
}
