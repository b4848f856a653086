//! A-17 信息包目录结构: the three describing documents at the top, all other files in folders of materials.

use super::{Judged, PackageView};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let package = view.package;
    let mut judged = Judged::of(package.documents.len() + view.files.len());
    for document in package.documents.iter().filter(|d| d.path.is_none()) {
        let name = document.name;
        let found =
            Finding::new(format!("{name}.XML"), format!("缺少{name}.XML"), format!("{name}.XML is missing"));
        judged.fault(found.remedy(
            format!("把{name}.XML 补入信息包顶层目录"),
            format!("add {name}.XML at the top of the package"),
        ));
    }
    let is_document = |path: &str| package.documents.iter().any(|d| d.path.as_deref() == Some(path));
    for file in view.files.iter().filter(|f| !f.path.contains('/') && !is_document(&f.path)) {
        let found = Finding::new(
            &file.path,
            "信息包顶层有不该有的文件",
            "a file that does not belong at the package's top",
        );
        judged.fault(found.remedy(
            "把该文件移入相应的材料目录并列入归档配置表，或删去",
            "move the file into the folder of its materials and list it, or take it out",
        ));
    }
    judged
}
