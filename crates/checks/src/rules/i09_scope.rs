//! I-09 归档范围: every necessary material of the matter's table in force, none that the table does not know.

use dengbei_formats::FilingRow;
use dengbei_records::{FilingForm, Matter, ScopeRow};

use super::{Judged, PackageView};
use crate::Finding;
use crate::times;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let Some(matter) = &view.context.matter else {
        return Judged::unverifiable(
            "事项没有可比对的归档范围",
            "there is no filing scope of the matter to compare with",
        );
    };
    let rows = &view.package.rows;
    let mut judged = Judged::of(matter.scope.len() + rows.len());
    for wanted in matter.scope.iter().filter(|s| s.necessary) {
        if !rows.iter().any(|row| is_that(row, wanted)) {
            let name = format!("{}/{}", wanted.range, wanted.material);
            let found = Finding::new(
                &name,
                format!("缺少必要材料“{name}”"),
                "a necessary material of the scope is not listed",
            );
            judged.fault(found.remedy(
                format!("把“{name}”补入归档配置表和信息包"),
                format!("add \"{name}\" to the filing table and the package"),
            ));
        }
    }
    for row in rows.iter().filter(|row| !matter.scope.iter().any(|s| is_that(row, s))) {
        let zh = format!("“{}/{}”不在该事项的归档范围内", row.range, row.material);
        let found = Finding::new(&row.path, zh, "a material outside the matter's scope");
        judged.fault(found.remedy(
            "把该材料从归档配置表删去，或请立档单位修订归档范围",
            "take the material out of the filing table, or have the unit amend the scope",
        ));
    }
    in_force(view, matter, &mut judged);
    judged
}

fn in_force(view: &PackageView<'_>, matter: &Matter, judged: &mut Judged) {
    let closed = times::parse(&view.package.metadata.close_time);
    let from = times::parse(&matter.in_force_from);
    if let (Ok(closed), Ok(from)) = (closed, from)
        && closed.is_before(&from)
    {
        let zh =
            format!("归档范围 {} 自 {} 起施行，本件办结在前", matter.scope_version, matter.in_force_from);
        judged.fault(
            Finding::new("close_time", zh, "the scope was not in force at closing")
                .remedy("把办结当时施行的归档范围补发布", "publish the scope that was in force at closing"),
        );
    }
}

/// The same range and material; senders number several files of one material (申请表2, 申请表（1）).
/// A scope that wants both forms or an electronic one is not served by paper.
fn is_that(row: &FilingRow, scope: &ScopeRow) -> bool {
    let is_form = scope.form == FilingForm::Paper || row.wants_file();
    row.range == scope.range
        && is_form
        && (row.material == scope.material || unnumbered(&row.material) == scope.material)
}

fn unnumbered(material: &str) -> &str {
    let inner = material.strip_suffix(['）', ')']).unwrap_or(material);
    let cut = inner.trim_end_matches(|c: char| c.is_ascii_digit());
    if cut.len() == inner.len() { material } else { cut.trim_end_matches(['（', '(', '-', '_', ' ']) }
}

#[cfg(test)]
mod tests {
    use super::unnumbered;

    #[test]
    fn numbers_of_several_files_are_taken_off() {
        for name in ["申请表", "申请表2", "申请表（1）", "申请表(12)", "申请表-3"] {
            assert_eq!(unnumbered(name), "申请表");
        }
        assert_eq!(unnumbered("承诺书（空白）"), "承诺书（空白）");
    }
}
