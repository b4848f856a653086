//! I-07 内容数据完整: files are not empty, have their end marker, their parts' checksums fit.

use super::{Judged, PackageView};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let mut judged = Judged::new();
    for (_, file) in view.listed() {
        judged.count();
        if let Some(stopped) = &file.inspection.reading.stopped {
            judged.open(Finding::new(&file.path, &stopped.message, &stopped.message_en));
        }
        if let Some(broken) = &file.inspection.broken {
            let found = Finding::new(&file.path, &broken.message, &broken.message_en);
            judged.fault(found.remedy(
                format!("把“{}”换成完整的文件", file.path),
                format!("replace \"{}\" by the whole file", file.path),
            ));
        }
    }
    judged
}
