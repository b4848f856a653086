//! U-04 内容可读: a file's structure holds, so that a viewer opens it. Locked files are U-08's.

use super::{Judged, PackageView};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let mut judged = Judged::new();
    for (_, file) in view.listed() {
        judged.count();
        if let Some(unreadable) =
            file.inspection.unreadable.as_ref().filter(|_| !file.inspection.is_encrypted)
        {
            let found = Finding::new(&file.path, &unreadable.message, &unreadable.message_en);
            judged.fault(found.remedy(
                format!("把“{}”换成能打开的文件", file.path),
                format!("replace \"{}\" by a file that opens", file.path),
            ));
        }
    }
    judged
}
