//! I-11 包内容数量: as many content files as the filing table records.

use super::{Judged, PackageView};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let package = view.package;
    let recorded = package.rows.iter().filter(|r| r.wants_file()).count();
    let described = package.documents.iter().filter(|d| d.path.is_some()).count();
    let real = view.files.len().saturating_sub(described);
    let mut judged = Judged::of(1);
    if recorded != real {
        let found = Finding::new(
            "归档配置表",
            format!("归档配置表记 {recorded} 个文件，包内实有 {real} 个"),
            format!("{recorded} files are recorded, {real} are in the package"),
        );
        judged.fault(found.remedy(
            "把归档配置表与包内文件核对一致",
            "make the filing table and the files of the package agree",
        ));
    }
    if recorded == 0 {
        let found = Finding::new("归档配置表", "没有任何电子文件", "there is no electronic file at all");
        judged.fault(
            found.remedy(
                "把材料补入信息包和归档配置表",
                "add the materials to the package and the filing table",
            ),
        );
    }
    judged
}
