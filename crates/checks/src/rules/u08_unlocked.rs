//! U-08 无加密、无私有压缩: what asks for a password cannot be kept for a century.

use dengbei_formats::content::Kind;

use super::{Judged, PackageView};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let mut judged = Judged::new();
    for (_, file) in view.listed() {
        judged.count();
        let kind = file.inspection.format.kind;
        if let Some(stopped) = &file.inspection.reading.stopped {
            judged.open(Finding::new(&file.path, &stopped.message, &stopped.message_en));
        } else if file.inspection.is_encrypted {
            let zh = format!("{} 文件已加密", kind.name());
            let found = Finding::new(&file.path, zh, "the file is encrypted");
            judged.fault(found.remedy(
                format!("把“{}”换成不加密的文件（去除打开密码和权限密码）", file.path),
                format!("replace \"{}\" by a file without passwords", file.path),
            ));
        } else if matches!(kind, Kind::Zip | Kind::Rar | Kind::SevenZip | Kind::Gzip | Kind::Tar) {
            let zh = format!("材料是 {} 压缩包", kind.name());
            let found = Finding::new(&file.path, zh, "the material is an archive");
            judged.fault(
                found.remedy("把压缩包解开，逐个文件归档", "unpack the archive and file what is inside"),
            );
        } else if kind == Kind::Pdf && !file.inspection.is_structure_checked {
            judged.remark(Finding::new(
                &file.path,
                "文件过大，未能确认是否加密",
                "too large to tell whether it is encrypted",
            ));
        }
    }
    judged
}
