//! I-01 总件数相符: sendnumber = rows of the catalogue = packages received; this package is one of them.

use super::{Judged, PackageView};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let Some(batch) = &view.context.batch else {
        return Judged::not_applicable(
            "信息包单独报送，没有目录清单",
            "the package came alone, without a catalogue",
        );
    };
    let mut judged = Judged::of(3);
    let (listed, received) = (batch.listed, batch.received);
    if batch.send_number != Some(listed) || listed != received {
        let said = batch.send_number.map_or("（无）".to_owned(), |n| n.to_string());
        let found = Finding::new(
            "sendnumber",
            format!("目录清单写 {said} 件、列 {listed} 件，实收 {received} 件"),
            format!("the catalogue says {said}, lists {listed}; {received} arrived"),
        );
        judged.fault(found.remedy("把目录清单的件数与实际报送的信息包核对一致"));
    }
    let record_no = &view.package.metadata.record_no;
    match &batch.entry {
        None => {
            let found =
                Finding::new("directories", "本件不在目录清单内", "this item is not in the catalogue");
            judged.fault(found.remedy(format!("把“{record_no}”列入目录清单")));
        }
        Some(entry) if entry.title != view.package.metadata.title => {
            let found =
                Finding::new("projectname", "办件名称与目录清单不符", "the title differs from the catalogue");
            judged.fault(found.remedy("把目录清单与基本信息描述中的办件名称换成一致的"));
        }
        Some(_) => {}
    }
    judged
}
