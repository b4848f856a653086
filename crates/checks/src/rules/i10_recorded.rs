//! I-10 包元数据完整: the package tells the same as the system recorded at reception, key by key.

use dengbei_records::Metadata;

use super::{Judged, PackageView};
use crate::{FIELDS, Finding};

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let Some(recorded) = &view.context.recorded else {
        return Judged::unverifiable("没有取得系统所记的元数据", "what the system recorded is not at hand");
    };
    let (here, there) = (&view.package.metadata, &recorded.metadata);
    let mut judged = Judged::of(FIELDS.len() + there.steps.len() + there.other.len());
    for field in FIELDS.iter().filter(|f| (f.get)(here) != (f.get)(there)) {
        differs(&mut judged, field.key, field.name);
    }
    if here.steps != there.steps {
        differs(&mut judged, "steps", "办理流程");
    }
    if others(here) != others(there) {
        differs(&mut judged, "other", "其他元数据项");
    }
    judged
}

/// Elements without a key, in any order.
fn others(metadata: &Metadata) -> Vec<&(String, String)> {
    let mut all: Vec<_> = metadata.other.iter().collect();
    all.sort();
    all
}

fn differs(judged: &mut Judged, key: &str, name: &str) {
    let found = Finding::new(
        key,
        format!("{name}与系统所记的不同"),
        format!("{key} differs from what the system recorded"),
    );
    judged
        .fault(found.remedy("由系统运维核对暂存与数据库", "have the operator compare staging and database"));
}
