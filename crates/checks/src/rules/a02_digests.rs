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
            judged.fault(
                Finding::new(path, "清单所列文件不存在", "a file of the manifest is missing")
                    .remedy("把缺少的文件补入信息包"),
            );
            continue;
        };
        if file.sha512 != *expected && file.received_sha512 != *expected {
            let found = Finding::new(
                path,
                format!(
                    "文件摘要（SHA-512）不符：应为 {:.16}…，实为 {:.16}…",
                    expected.to_string(),
                    file.sha512.to_string()
                ),
                format!(
                    "SHA-512 differs: expected {:.16}…, found {:.16}…",
                    expected.to_string(),
                    file.sha512.to_string()
                ),
            );
            judged.fault(found.remedy("把该文件换成与清单一致的原件"));
        }
    }
    for file in view.files.iter().filter(|f| !manifest.contains_key(&f.path)) {
        judged.fault(
            Finding::new(&file.path, "文件不在清单内", "a file is not in the manifest")
                .remedy("把多余的文件删去，或补入清单"),
        );
    }
    judged
}
