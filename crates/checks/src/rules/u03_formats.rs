//! U-03 内容格式合规: formats of the allow-list (GB/T 18894, GB/T 33190), by content.

use dengbei_formats::content::Kind;

use super::{Judged, PackageView};
use crate::{Finding, Parameters};

pub(super) fn run(view: &PackageView<'_>, with: &Parameters) -> Judged {
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
        let name = kind.name();
        if with.u03.allowed.iter().any(|f| f == name) {
            continue;
        }
        if with.u03.warned.iter().any(|f| f == name) {
            let zh = format!("格式 {name} 需专用软件打开");
            judged.remark(
                Finding::new(&file.path, zh, format!("{name} needs its own viewer"))
                    .remedy("同时归档一份 OFD 或 PDF", "file an OFD or PDF of it beside"),
            );
            continue;
        }
        let word = if kind == Kind::Unknown { "未知格式".to_owned() } else { format!("格式 {name} ") };
        let found = Finding::new(
            &file.path,
            format!("{word}不在可归档格式内"),
            format!("the format {name} is not filed"),
        );
        judged.fault(found.remedy(
            "把文件换成 OFD 或 PDF（图像用 JPEG、TIFF、PNG，音像用 WAV、MP3、MP4、AVI）",
            "replace it by an OFD or PDF (pictures: JPEG, TIFF, PNG; sound and film: WAV, MP3, MP4, AVI)",
        ));
    }
    judged
}
