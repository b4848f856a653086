//! S-03 多余文件: thumbnails, lock files, hidden files, and whatever nothing lists.

use super::{Judged, PackageView};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let mut judged = Judged::of(view.files.len());
    for file in view.loose() {
        let kind =
            if is_left_over(&file.path) { "系统或软件遗留的文件" } else { "清单之外的文件" };
        let found = Finding::new(&file.path, format!("多余文件：{kind}"), "a left-over file");
        judged.fault(found.remedy(format!("把“{}”删去", file.path), format!("take \"{}\" out", file.path)));
    }
    judged
}

/// What Windows, macOS and Office leave behind.
fn is_left_over(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    path.starts_with("__MACOSX/")
        || name.starts_with('.')
        || name.starts_with("~$")
        || matches!(name.as_str(), "thumbs.db" | "desktop.ini")
        || [".tmp", ".bak", ".lnk", ".swp", "~"].iter().any(|end| name.ends_with(end))
}
