//! U-01 包内元数据可读: well-formed XML, no DTD or entities, in the encoding that it declares.

use dengbei_formats::{XmlFault, XmlFaultKind};

use super::{Judged, PackageView};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let package = view.package;
    let mut judged = Judged::of(package.documents.iter().filter(|d| d.path.is_some()).count());
    for fault in &package.faults {
        let zh = format!("元数据文件不可读：{}", fault.message);
        judged.fault(Finding::new(&fault.path, zh, &fault.message_en).remedy(remedy(fault)));
    }
    judged
}

fn remedy(fault: &XmlFault) -> String {
    let path = &fault.path;
    match fault.kind {
        XmlFaultKind::NotWellFormed => format!("把“{path}”换成完整、合语法的 XML"),
        XmlFaultKind::WrongEncoding => format!("把“{path}”的编码声明换成实际编码，或按所声明的编码重新保存"),
        XmlFaultKind::UnknownEncoding => format!("把“{path}”换成 UTF-8 编码"),
        XmlFaultKind::Dtd => format!("把“{path}”中的 DOCTYPE 和实体删去"),
        XmlFaultKind::TooLarge => format!("把“{path}”换成只含元数据的 XML"),
    }
}
