//! U-04 内容可读: a file's structure holds, so that a viewer opens it. What no reader here knows, or could look into only in
//! part, is 无法验证. Locked files are U-08's, empty and cut ones I-07's.

use dengbei_formats::FileFacts;
use dengbei_formats::content::Reach;

use super::{Judged, PackageView};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let mut judged = Judged::new();
    for (_, file) in view.listed().filter(|(_, f)| !f.inspection.is_encrypted) {
        judged.count();
        match &file.inspection.unreadable {
            Some(unreadable) => {
                let found = Finding::new(&file.path, &unreadable.message, &unreadable.message_en);
                judged.fault(found.remedy(
                    format!("把“{}”换成能打开的文件", file.path),
                    format!("replace \"{}\" by a file that opens", file.path),
                ));
            }
            None if file.inspection.broken.is_none() => how_far(file, &mut judged),
            None => {}
        }
    }
    judged
}

fn how_far(file: &FileFacts, judged: &mut Judged) {
    let reading = &file.inspection.reading;
    if reading.reach == Reach::Whole {
        return;
    }
    let found = match reading.unverified.first() {
        Some(why) => Finding::new(&file.path, &why.message, &why.message_en),
        None => Finding::new(&file.path, "没有能读该格式的程序", "no reader here knows the format"),
    };
    judged.open(found);
}
