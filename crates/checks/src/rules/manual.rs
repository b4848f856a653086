//! What a machine cannot check becomes a task for persons; what they sign becomes its result.

use super::{Judged, s04_speed, s05_carrier, s06_session, s07_system};
use crate::signing::{self, Signed, Task};
use crate::{CheckId, Finding, Parameters, Sample, Scope};

/// The task of a manual check.
pub(crate) fn task(check: CheckId, of: &str, signed_by: Vec<String>, with: &Parameters) -> Task {
    let ((task, task_en), persons) = match check {
        CheckId::S04 => (s04_speed::TASK, 1),
        CheckId::S05 => (s05_carrier::TASK, 1),
        CheckId::S06 => (s06_session::TASK, with.s06.persons),
        CheckId::S07 => (s07_system::TASK, 1),
        _ => (("由人查看并签字", "a person looks at it and signs"), 1),
    };
    let (task, task_en) = (task.to_owned(), task_en.to_owned());
    Task {
        check,
        scope: check.scope(),
        of: of.to_owned(),
        task,
        task_en,
        persons,
        signed_by,
        items: Vec::new(),
    }
}

/// U-04 of the sample: a person opens every file of these items and looks at it.
pub(crate) fn look_at(sample: &Sample, of: &str, signed: &[Signed]) -> Task {
    let (signed_by, _) = signing::of(CheckId::U04, signed);
    Task {
        check: CheckId::U04,
        scope: Scope::Batch,
        of: of.to_owned(),
        task: format!("打开抽出的 {} 件的每个文件，逐页查看是否清晰、完整、与题名相符", sample.items.len()),
        task_en: format!(
            "open every file of the {} items drawn: every page is clear, whole and what its title says",
            sample.items.len()
        ),
        persons: 1,
        signed_by,
        items: sample.items.clone(),
    }
}

/// S-06 of a batch: persons sign the session of work that it was part of.
pub(crate) fn signed_with_session(session: &str) -> Judged {
    Judged::not_applicable(
        &format!("不逐批签字，随 {session} 的工作时段一并签字"),
        &format!("not signed batch by batch: signed with the session of {session}"),
    )
}

/// What persons found wrong.
pub(crate) fn signed_wrong(wrong: &[&Signed]) -> Judged {
    let mut judged = Judged::of(wrong.len());
    for signed in wrong {
        let note = if signed.note.is_empty() { "不合格" } else { &signed.note };
        let zh = format!("{}认为不合格：{note}", signed.person);
        let found = Finding::new(&signed.person, zh, format!("found wrong by {}: {note}", signed.person));
        judged.fault(found.remedy("按所述改正后再次检测", "mend what is named, then have it checked again"));
    }
    judged
}
