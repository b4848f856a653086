//! A-15 元数据与内容双向关联: every row leads to a file, every file has a row.

use super::{Judged, PackageView};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let package = view.package;
    let mut judged = Judged::of(package.rows.len());
    for row in package.rows.iter().filter(|r| r.wants_file() && r.entry.is_none()) {
        let found =
            Finding::new(&row.path, "归档配置表所列文件在包内找不到", "a listed file is not in the package");
        judged.fault(found.remedy(
            format!("把“{}”补入包内，或从归档配置表删去该行", row.path),
            format!("add \"{}\" to the package, or take its row out of the filing table", row.path),
        ));
    }
    for file in view.loose() {
        judged.count();
        let found =
            Finding::new(&file.path, "包内文件未列入归档配置表", "a file of the package is not listed");
        judged.fault(found.remedy(
            format!("把“{}”删去，或在归档配置表中列出", file.path),
            format!("take \"{}\" out, or list it in the filing table", file.path),
        ));
    }
    judged
}
