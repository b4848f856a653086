//! A-02 文件摘要一致: each file has the digest that the manifest (批次清单, 接收回执) states.

use super::{Judged, PackageView};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let Some(manifest) = &view.context.manifest else {
        return Judged::not_applicable("没有可比对的文件摘要", "there are no digests to compare with");
    };
    let mut judged = Judged::of(manifest.len());
    for (path, expected) in manifest {
        let Some(file) = view.files.iter().find(|f| f.path == *path) else {
            let found = Finding::new(path, "清单所列文件不存在", "a file of the manifest is missing");
            judged.fault(found.remedy("把缺少的文件补入信息包", "add the missing file to the package"));
            continue;
        };
        if file.sha512 != *expected && file.received_sha512 != *expected {
            let (expected, found) = (expected.to_string(), file.sha512.to_string());
            let found = Finding::new(
                path,
                format!("文件摘要（SHA-512）不符：应为 {expected:.16}…，实为 {found:.16}…"),
                format!("SHA-512 differs: expected {expected:.16}…, found {found:.16}…"),
            );
            judged.fault(found.remedy(
                "把该文件换成与清单一致的原件",
                "replace the file by the original that the manifest names",
            ));
        }
    }
    for file in view.files.iter().filter(|f| !manifest.contains_key(&f.path)) {
        let found = Finding::new(&file.path, "文件不在清单内", "a file is not in the manifest");
        judged.fault(
            found.remedy("把多余的文件删去，或补入清单", "take the file out, or add it to the manifest"),
        );
    }
    judged
}
