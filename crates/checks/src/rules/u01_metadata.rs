//! U-01 包内元数据可读: well-formed XML, no DTD or entities, in the encoding that it declares.

use dengbei_formats::{XmlFault, XmlFaultKind};

use super::{Judged, PackageView};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let package = view.package;
    let mut judged = Judged::of(package.documents.iter().filter(|d| d.path.is_some()).count());
    for fault in &package.faults {
        let zh = format!("元数据文件不可读：{}", fault.message);
        let [mend, mend_en] = remedy(fault);
        judged.fault(Finding::new(&fault.path, zh, &fault.message_en).remedy(mend, mend_en));
    }
    judged
}

fn remedy(fault: &XmlFault) -> [String; 2] {
    let path = &fault.path;
    match fault.kind {
        XmlFaultKind::NotWellFormed => [
            format!("把“{path}”换成完整、合语法的 XML"),
            format!("replace \"{path}\" by whole, well-formed XML"),
        ],
        XmlFaultKind::WrongEncoding => [
            format!("把“{path}”的编码声明换成实际编码，或按所声明的编码重新保存"),
            format!("declare the encoding that \"{path}\" really has, or save it in the declared one"),
        ],
        XmlFaultKind::UnknownEncoding => {
            [format!("把“{path}”换成 UTF-8 编码"), format!("save \"{path}\" in UTF-8")]
        }
        XmlFaultKind::Dtd => [
            format!("把“{path}”中的 DOCTYPE 和实体删去"),
            format!("take DOCTYPE and entities out of \"{path}\""),
        ],
        XmlFaultKind::TooLarge => {
            [format!("把“{path}”换成只含元数据的 XML"), format!("put metadata only into \"{path}\"")]
        }
    }
}
