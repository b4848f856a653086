//! A-14 电子属性一致: a file is what its ending says.

use dengbei_formats::content::Kind;

use super::{Judged, PackageView, ending};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let mut judged = Judged::new();
    for (_, file) in view.listed() {
        let kind = file.inspection.format.kind;
        if kind == Kind::Empty {
            continue; // I-07's
        }
        judged.count();
        if let Some(stopped) = &file.inspection.reading.stopped {
            judged.open(Finding::new(&file.path, &stopped.message, &stopped.message_en));
            continue;
        }
        let said = ending(&file.path);
        if kind.fits(said) {
            continue;
        }
        let is = file.inspection.format.to_string();
        if kind == Kind::Unknown && Kind::promised_by(said).is_empty() {
            continue; // nothing is promised: U-03 judges it
        }
        let better = kind.endings().first();
        let zh = better.map(|e| format!("把扩展名换成“.{e}”，或")).unwrap_or_default();
        let en = better.map(|e| format!("name it .{e}, or ")).unwrap_or_default();
        let found = Finding::new(
            &file.path,
            format!("扩展名为“.{said}”，内容实为 {is}"),
            format!("named .{said}, but its content is {is}"),
        );
        judged.fault(found.remedy(
            format!("{zh}把文件换成真正的 {said} 文件"),
            format!("{en}replace the file by a real {said} file"),
        ));
    }
    judged
}
