//! One file a check. Each takes what it looks at and says what it compared and what is wrong; none knows its severity.

mod a01_package_digest;
mod a02_digests;
mod a03_signatures;
mod a04_seals;
mod a05_stamps;
mod a06_source;
mod a07_length;
mod a08_form;
mod a09_range;
mod a10_plausible;
mod a11_characters;
mod a12_numbers;
mod a13_duplicates;
mod a14_electronic;
mod a15_links;
mod a16_documents;
mod a17_tree;
mod a18_events;
mod carried;
mod i01_count;
mod i02_bytes;
mod i03_elements;
mod i04_required;
mod i05_process;
mod i06_numbers;
mod i07_whole;
mod i08_attachments;
mod i09_scope;
mod i10_recorded;
mod i11_file_count;
mod i12_papers;
mod judged;
mod manual;
mod s01_scanner;
mod s02_virus;
mod s03_leftovers;
mod s04_speed;
mod s05_carrier;
mod s06_session;
mod s07_system;
mod s08_secrecy;
mod s09_names;
mod u01_metadata;
mod u02_database;
mod u03_formats;
mod u04_readable;
mod u05_lasting;
mod u06_environment;
mod u07_unpacks;
mod u08_unlocked;
mod u09_restored;

use crate::view::PackageView;
use crate::views::{BatchView, SystemView};
use crate::{CheckId, Parameters, Stage};

pub(crate) use judged::{Judged, State};
pub(crate) use manual::{look_at, signed_with_session, signed_wrong, task};
pub(crate) use u09_restored::run as restored;

/// Runs a check of one item.
pub(crate) fn item(id: CheckId, view: &PackageView<'_>, stage: Stage, with: &Parameters) -> Judged {
    match id {
        CheckId::A01 => a01_package_digest::run(view),
        CheckId::A02 => a02_digests::run(view),
        CheckId::A03 => a03_signatures::run(view),
        CheckId::A04 => a04_seals::run(view),
        CheckId::A05 => a05_stamps::run(view, stage, with),
        CheckId::A06 => a06_source::run(view),
        CheckId::A07 => a07_length::run(view, with),
        CheckId::A08 => a08_form::run(view, with),
        CheckId::A09 => a09_range::run(view, with),
        CheckId::A10 => a10_plausible::run(view, with),
        CheckId::A11 => a11_characters::run(view),
        CheckId::A12 => a12_numbers::run(view),
        CheckId::A13 => a13_duplicates::run(view),
        CheckId::A14 => a14_electronic::run(view),
        CheckId::A15 => a15_links::run(view),
        CheckId::A16 => a16_documents::run(view),
        CheckId::A17 => a17_tree::run(view),
        CheckId::A18 => a18_events::run(view),
        _ => content(id, view, stage, with),
    }
}

/// 完整性, 可用性, 安全性 of one item.
fn content(id: CheckId, view: &PackageView<'_>, stage: Stage, with: &Parameters) -> Judged {
    match id {
        CheckId::I03 => i03_elements::run(view),
        CheckId::I04 => i04_required::run(view, stage),
        CheckId::I05 => i05_process::run(view, with),
        CheckId::I06 => i06_numbers::item(view),
        CheckId::I07 => i07_whole::run(view),
        CheckId::I08 => i08_attachments::run(view),
        CheckId::I09 => i09_scope::run(view),
        CheckId::I10 => i10_recorded::run(view),
        CheckId::I11 => i11_file_count::run(view),
        CheckId::U01 => u01_metadata::run(view),
        CheckId::U03 => u03_formats::run(view, with),
        CheckId::U04 => u04_readable::run(view),
        CheckId::U05 => u05_lasting::run(view, with),
        CheckId::U06 => u06_environment::run(view, with),
        CheckId::U07 => u07_unpacks::run(view, with),
        CheckId::U08 => u08_unlocked::run(view),
        CheckId::U09 => restored(view.context.restored.as_ref(), view.context.now, with),
        CheckId::S02 => s02_virus::run(view),
        CheckId::S03 => s03_leftovers::run(view),
        CheckId::S08 => s08_secrecy::run(view, with),
        CheckId::S09 => s09_names::run(view),
        _ => Judged::not_applicable("不是对单件的检测", "no check of one item"),
    }
}

/// Runs a check of a batch.
pub(crate) fn batch(id: CheckId, view: &BatchView) -> Judged {
    match id {
        CheckId::I01 => i01_count::run(view),
        CheckId::I02 => i02_bytes::run(view),
        CheckId::I12 => i12_papers::run(view),
        _ => Judged::not_applicable("不是对整批的检测", "no check of a batch"),
    }
}

/// Numbers of the classes of a batch: I-06 over many items.
pub(crate) fn numbers(view: &BatchView) -> Judged {
    i06_numbers::over(&view.classes)
}

/// Runs a check of the system.
pub(crate) fn system(id: CheckId, view: &SystemView, with: &Parameters) -> Judged {
    match id {
        CheckId::U02 => u02_database::run(view),
        CheckId::S01 => s01_scanner::run(view, with),
        _ => Judged::not_applicable("不是对系统的检测", "no check of the system"),
    }
}

/// The ending of a path's last part; empty if there is none.
fn ending(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or("", |(stem, ending)| if stem.is_empty() { "" } else { ending })
}

/// Text for a message: cut, without control characters.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(60).collect()
}
