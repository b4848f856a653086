//! A-07 元数据项长度: characters, not bytes.

use super::{Judged, PackageView};
use crate::{FIELDS, Finding, Parameters};

/// Steps and rows of the filing table: (key, characters).
const STEP: [(&str, usize); 3] = [("steps.node", 16), ("steps.actor", 64), ("steps.opinion", 2_000)];
const MATERIAL: usize = 256;

pub(super) fn run(view: &PackageView<'_>, with: &Parameters) -> Judged {
    let metadata = &view.package.metadata;
    let mut judged = Judged::new();
    for field in FIELDS {
        let max = with.a07.max_lengths.get(field.key).copied().unwrap_or(field.max);
        measure(&mut judged, (field.key, field.name), (field.get)(metadata), max);
    }
    for step in &metadata.steps {
        for ((key, max), text) in STEP.iter().zip([&step.node, &step.actor, &step.opinion]) {
            measure(&mut judged, (key, "办理流程"), text, *max);
        }
    }
    for row in &view.package.rows {
        measure(&mut judged, (&row.path, "归档材料名称"), &row.material, MATERIAL);
    }
    judged
}

fn measure(judged: &mut Judged, (key, name): (&str, &str), text: &str, max: usize) {
    judged.count();
    // Most texts are shorter in bytes already.
    let length = if text.len() <= max { 0 } else { text.chars().count() };
    if length > max {
        let found = Finding::new(
            key,
            format!("{name}有 {length} 个字符，至多 {max} 个"),
            format!("{key} has {length} characters, at most {max}"),
        );
        judged.fault(found.remedy(
            format!("把{name}换成不超过 {max} 个字符的写法"),
            format!("write {key} in at most {max} characters"),
        ));
    }
}
