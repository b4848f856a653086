//! One line of Chinese about an event, for lists and histories.

use dengbei_chain::facts::Verdict;
use dengbei_chain::{Event, Fact};

/// What the event says, in a line; empty for a fact of a later version.
pub(crate) fn of(event: &Event) -> String {
    let Some(fact) = &event.fact else { return String::new() };
    match fact {
        Fact::ItemPrefiled(f) => {
            let warned =
                if f.warned.is_empty() { String::new() } else { format!("，提示 {}", f.warned.join(" ")) };
            format!("第{}版，{} 个文件，{} 字节{warned}", f.data_version, f.files, f.bytes)
        }
        Fact::ItemParked(f) => format!("第{}版，事项 {} 无生效的归档范围", f.data_version, f.matter_code),
        Fact::SubmissionRefused(f) => format!("未通过 {}", f.failed.join(" ")),
        Fact::ItemChecked(f) => match &f.verdict {
            Verdict::Passed { count, .. } => {
                format!("{} 阶段通过，同批 {count} 件，方案 {}", f.stage, f.scheme)
            }
            Verdict::Failed { failed, .. } => {
                format!("{} 阶段不通过 {}，方案 {}", f.stage, failed.join(" "), f.scheme)
            }
        },
        Fact::MatterPublished(f) => format!("{}，归档范围 {}", f.matter.matter_name, f.matter.scope_version),
        Fact::ItemFiled(f) => format!("档号 {}，存储包 {}", f.archival_code, f.pack),
        Fact::ItemReturned(f) => format!("未通过 {}", f.failed.join(" ")),
        Fact::ItemSuperseded(f) => format!("由第{}版替代", f.by_data_version),
        Fact::BatchFiled(f) => format!("存储包 {}，{} 件，单位 {} 签章", f.pack, f.count, f.unit_uscc),
    }
}
