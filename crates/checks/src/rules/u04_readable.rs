//! U-04 内容可读: a file's structure holds, so that a viewer opens it. What no reader here knows, or could look into only in
//! part, is 无法验证. Locked files are U-08's, empty and cut ones I-07's. What was read where, and how many pages were
//! counted, is evidence.

use dengbei_formats::FileFacts;
use dengbei_formats::content::Reach;

use super::{Judged, PackageView};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let mut judged = Judged::new();
    let (mut apart, mut counted, mut pages) = (0_u32, 0_u32, 0_u64);
    for (_, file) in view.listed().filter(|(_, f)| !f.inspection.is_encrypted) {
        judged.count();
        apart += u32::from(file.inspection.reading.is_apart);
        if let Some(more) = file.inspection.pages {
            (counted, pages) = (counted + 1, pages + u64::from(more));
        }
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
    if counted > 0 {
        judged.evidence("页数 pages", format!("{counted} 个文件共 {pages} 页 {pages} in {counted} files"));
    }
    if judged.compared > 0 {
        let here = judged.compared - apart;
        judged.evidence(
            "读取 readers",
            format!("独立进程 {apart}，服务进程 {here} apart {apart}, in the service {here}"),
        );
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
