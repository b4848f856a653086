//! What a batch's catalogue says against what arrived: told to the sender, blocking nothing at the door (I-01 is a
//! check of filing and transfer).

use dengbei_checks::CheckId;
use dengbei_formats::Batch;

use crate::noted::{Noted, plain};

/// What is to be said about the batch itself.
pub(crate) fn compare(batch: &Batch) -> Vec<Noted> {
    let mut noted = Vec::new();
    if let Some(fault) = &batch.catalogue_fault {
        noted.push(warning(
            CheckId::U01,
            &fault.path,
            (&fault.message, &fault.message_en),
            "修正目录清单后再次报送",
        ));
    }
    let Some(catalogue) = &batch.catalogue else { return noted };
    let (listed, received) = (catalogue.directories.len(), batch.len());
    let said: Option<usize> = catalogue.send_number.parse().ok();
    if said != Some(listed) || listed != received {
        let number: String = plain(&catalogue.send_number).chars().take(20).collect();
        noted.push(warning(
            CheckId::I01,
            "sendnumber",
            (
                &format!("目录清单写 {number} 件、列 {listed} 件，实收 {received} 件"),
                &format!("the catalogue says {number} items and lists {listed}; {received} arrived"),
            ),
            "核对目录清单与信息包，补齐后把缺的再次报送",
        ));
    }
    noted
}

fn warning(id: CheckId, place: &str, (message, message_en): (&str, &str), remedy: &str) -> Noted {
    Noted {
        id: id.to_string(),
        severity: "warn".to_owned(),
        result: "warning".to_owned(),
        message: plain(message),
        message_en: plain(message_en),
        place: plain(place),
        remedy: remedy.to_owned(),
    }
}
