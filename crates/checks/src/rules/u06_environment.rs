//! U-06 软硬件环境: a special format has its viewer on record; a recorded program is of the list, where there is one.

use super::{Judged, PackageView, shown};
use crate::{Finding, Parameters};

pub(super) fn run(view: &PackageView<'_>, with: &Parameters) -> Judged {
    let software = &with.u06;
    let recorded = view.context.environment.as_ref().map(|e| &e.applications);
    let mut judged = Judged::new();
    for (_, file) in view.listed() {
        let name = file.inspection.format.kind.name();
        let is = |list: &[String]| list.iter().any(|f| f == name);
        if is(&software.special_formats) {
            judged.count();
            if !is(&software.viewers) {
                let found = Finding::new(
                    &file.path,
                    format!("格式 {name} 需专用软件，登记的软件中没有"),
                    format!("the format {name} needs its own viewer, and none is on record"),
                );
                judged.fault(found.remedy(
                    "登记并保存能打开它的软件，或同时归档一份 OFD 或 PDF",
                    "put a viewer on record and keep it, or file an OFD or PDF beside",
                ));
            }
        }
        let Some(program) = recorded.and_then(|r| r.get(&file.path)) else { continue };
        judged.count();
        let is_known = software.applications.is_empty()
            || software.applications.iter().any(|a| program.starts_with(a.as_str()));
        if !is_known {
            let program = shown(program);
            let found = Finding::new(
                &file.path,
                format!("形成程序“{program}”不在登记的软件内"),
                format!("the program \"{program}\" is not on record"),
            );
            judged.fault(found.remedy("登记该软件及其版本", "put the program and its version on record"));
        }
    }
    if judged.compared == 0 {
        return Judged::not_applicable(
            "没有特殊格式，未记形成程序",
            "no special format, no recorded program",
        );
    }
    judged
}
