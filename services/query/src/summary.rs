//! One line of Chinese about an event, for lists and histories.

use dengbei_chain::facts::{SiteReceipt, Verdict, Witness};
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
        Fact::CheckRechecked(f) => {
            let opinion = if f.opinion == "upheld" { "维持" } else { "认可" };
            format!("人工复检 {}，{opinion}", f.check)
        }
        Fact::PackWritten(f) => format!("文档包 {}，{} 份文档", f.pack, f.documents),
        other => of_many(other),
    }
}

/// What is said of packs, batches and transfers.
fn of_many(fact: &Fact) -> String {
    match fact {
        Fact::BatchApplied(f) => {
            format!("{} 个存储包，{} 件，{} 文件，单位 {} 签章", f.packs.len(), f.items, f.files, f.unit_uscc)
        }
        Fact::BatchDeclined(f) => format!("理由 {}", f.reasons.join(" ")),
        Fact::BatchRegistered(f) => format!("登记号 {}，{} 件", f.registration_no, f.items),
        Fact::CertificateIssued(f) => {
            format!("证书号 {}，登记号 {}，{} 件", f.certificate_no, f.registration_no, f.items)
        }
        Fact::PackStored(f) => receipt(&f.receipt),
        Fact::PackSecured(f) => {
            let sites: Vec<&str> = f.receipts.iter().map(|r| r.site.as_str()).collect();
            format!("存储包 {}，策略 {}，备份点 {}", f.pack, f.policy, sites.join("、"))
        }
        Fact::PackRepaired(f) => {
            format!("备份点 {} 由 {} 修复存储包 {}", f.receipt.site, f.from_site, f.receipt.pack)
        }
        Fact::PackInspected(f) => format!("备份点 {}，{} 个存储包，{} 字节", f.site, f.packs, f.bytes),
        Fact::PackDamaged(f) => format!("备份点 {} 的存储包 {}：{}", f.site, f.pack, f.kind.word()),
        Fact::PackMissing(f) => format!("备份点 {} 缺存储包 {}", f.site, f.pack),
        other => of_transfer(other),
    }
}

fn of_transfer(fact: &Fact) -> String {
    match fact {
        Fact::TransferPacked(f) => {
            format!("移交号 {}，{} 件，{} 个存储包", f.transfer_no, f.items, f.packs.len())
        }
        Fact::TransferChecked(f) => {
            let fit = f.checked.saturating_sub(f.unfit);
            format!("{}检测，合格 {fit} 件，不合格 {} 件，方案 {}", f.side.word(), f.unfit, f.scheme)
        }
        Fact::TransferSubmitted(f) => format!("移交号 {}，{} 件，单位签章", f.transfer_no, f.items),
        Fact::TransferRejected(f) => format!("移交号 {}，理由 {}", f.transfer_no, f.reasons.join(" ")),
        Fact::TransferAccepted(f) => format!("移交号 {}，{} 件，双方签章", f.transfer_no, f.items),
        Fact::ItemAccessioned(f) => format!("移交号 {}，{} 件进馆", f.transfer_no, f.items),
        _ => String::new(),
    }
}

fn receipt(receipt: &SiteReceipt) -> String {
    let witness = match &receipt.witness {
        Witness::Signed { .. } => "已签回执".to_owned(),
        Witness::ObservedBy(who) => format!("由 {who} 见证"),
    };
    format!("备份点 {}，{}，存储包 {}，{witness}", receipt.site, receipt.purpose.word(), receipt.pack)
}
