//! I-01 总件数相符: sendnumber = rows of the catalogue = packages received, and they are the same ones.

use std::collections::HashMap;

use super::{Judged, shown};
use crate::Finding;
use crate::views::{Arrived, BatchView};

pub(super) fn run(view: &BatchView) -> Judged {
    let Some(listed) = &view.listed else {
        return Judged::not_applicable(
            "信息包单独报送，没有目录清单",
            "the package came alone, without a catalogue",
        );
    };
    let mut judged = Judged::of(3 + listed.len());
    let (rows, received) = (listed.len() as u64, view.arrived.len() as u64);
    judged.evidence("listed", rows.to_string());
    judged.evidence("received", received.to_string());
    if view.stated_items != Some(rows) || rows != received {
        let said = view.stated_items.map_or("（无）".to_owned(), |n| n.to_string());
        let found = Finding::new(
            "sendnumber",
            format!("目录清单写 {said} 件、列 {rows} 件，实收 {received} 件"),
            format!("the catalogue says {said}, lists {rows}; {received} arrived"),
        );
        judged.fault(found.remedy(
            "把目录清单的件数与实际报送的信息包核对一致",
            "make the catalogue agree with what is sent",
        ));
    }
    members(&mut judged, listed, &view.arrived);
    judged
}

/// Row by row: what is listed arrived, what arrived is listed, under the same title.
fn members(judged: &mut Judged, listed: &[Arrived], arrived: &[Arrived]) {
    let titles: HashMap<&str, &str> =
        listed.iter().map(|r| (r.record_no.as_str(), r.title.as_str())).collect();
    let here: HashMap<&str, &str> =
        arrived.iter().map(|r| (r.record_no.as_str(), r.title.as_str())).collect();
    for row in listed.iter().filter(|r| !here.contains_key(r.record_no.as_str())) {
        let no = shown(&row.record_no);
        let found =
            Finding::new(&no, "目录清单所列的一件没有收到", "an item of the catalogue did not arrive");
        judged.fault(found.remedy(
            format!("补报“{no}”，或从目录清单删去"),
            format!("send \"{no}\", or take it out of the catalogue"),
        ));
    }
    for row in arrived {
        let no = shown(&row.record_no);
        match titles.get(row.record_no.as_str()) {
            None => {
                let found = Finding::new(&no, "本件不在目录清单内", "this item is not in the catalogue");
                judged.fault(
                    found.remedy(format!("把“{no}”列入目录清单"), format!("list \"{no}\" in the catalogue")),
                );
            }
            Some(title) if *title != row.title => {
                let found =
                    Finding::new(&no, "办件名称与目录清单不符", "the title differs from the catalogue");
                judged.fault(found.remedy(
                    "把目录清单与基本信息描述中的办件名称换成一致的",
                    "write the same title in catalogue and basic description",
                ));
            }
            Some(_) => {}
        }
    }
}
