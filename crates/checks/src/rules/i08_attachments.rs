//! I-08 附件数据完整: every electronic material that the filing table lists is there.

use super::{Judged, PackageView};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let mut judged = Judged::new();
    for row in view.package.rows.iter().filter(|r| r.wants_file()) {
        judged.count();
        if row.entry.is_none() {
            let zh = format!("缺少材料“{}”的文件", row.material);
            let found = Finding::new(&row.path, zh, "a listed material has no file");
            judged.fault(found.remedy(
                format!("把“{}”补入信息包；如系纸质材料，把归档形式换成“纸质归档”", row.path),
                format!("add \"{}\" to the package; if it is on paper, write its form as 纸质归档", row.path),
            ));
        }
    }
    judged
}
