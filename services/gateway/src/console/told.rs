//! What an event says, as a sentence in either language, from the event's own fields.

use dengbei_chain::Fact;
use dengbei_chain::facts::{SiteReceipt, Verdict};
use maud::{Markup, html};

use super::pieces::{batch, certificate, hash, pack, packs, transfer};
use super::words::{self, Of};
use super::{Language, thousands};

/// The sentence. Links lead to what it is about.
pub(super) fn sentence(fact: &Fact, l: Language) -> Markup {
    match fact {
        Fact::ItemPrefiled(_)
        | Fact::ItemParked(_)
        | Fact::SubmissionRefused(_)
        | Fact::ItemChecked(_)
        | Fact::MatterPublished(_)
        | Fact::ItemFiled(_)
        | Fact::ItemReturned(_)
        | Fact::ItemSuperseded(_)
        | Fact::CheckRechecked(_) => of_item(fact, l),
        Fact::BatchFiled(_)
        | Fact::PackWritten(_)
        | Fact::BatchApplied(_)
        | Fact::BatchDeclined(_)
        | Fact::BatchRegistered(_)
        | Fact::CertificateIssued(_) => of_batch(fact, l),
        Fact::PackStored(_)
        | Fact::PackSecured(_)
        | Fact::PackRepaired(_)
        | Fact::PackInspected(_)
        | Fact::PackDamaged(_)
        | Fact::PackMissing(_) => of_copies(fact, l),
        _ => of_transfer(fact, l),
    }
}

fn items(n: u32, l: Language) -> String {
    let n = thousands(n.into());
    l.say(format!("{n} 件"), format!("{n} items"))
}

fn checks(ids: &[String]) -> Markup {
    html! { @for id in ids { " " span.tag.bad { (id) } } }
}

fn of_item(fact: &Fact, l: Language) -> Markup {
    match fact {
        Fact::ItemPrefiled(f) => html! {
            (l.say("第 ", "version ")) (f.data_version) (l.say(" 版，", ", ")) (f.files) (l.say(" 个文件，", " files, ")) (words::size(f.bytes))
            @if !f.warned.is_empty() { (l.say("，提示", ", warned:")) @for id in &f.warned { " " span.tag.wait { (id) } } }
        },
        Fact::ItemParked(f) => html! {
            (l.say("事项 ", "matter ")) span.mono { (f.matter_code) } (l.say(" 无生效的归档范围", " has no filing scope in force"))
        },
        Fact::SubmissionRefused(f) => html! { (l.say("未通过", "failed")) (checks(&f.failed)) },
        Fact::ItemChecked(f) => match &f.verdict {
            Verdict::Passed { count, .. } => html! {
                (l.say("环节 ", "stage ")) (f.stage) (l.say(" 通过，同批 ", " passed, in a run of ")) (items(*count, l)) (l.say("，方案 ", ", scheme ")) span.mono { (f.scheme) }
            },
            Verdict::Failed { failed, .. } => html! {
                (l.say("环节 ", "stage ")) (f.stage) (l.say(" 不通过", " failed")) (checks(failed)) (l.say("，方案 ", ", scheme ")) span.mono { (f.scheme) }
            },
        },
        Fact::MatterPublished(f) => html! {
            (f.matter.matter_name) (l.say("，归档范围 ", ", scope ")) span.mono { (f.matter.scope_version) }
        },
        Fact::ItemFiled(f) => html! {
            (l.say("档号 ", "code ")) span.mono { (f.archival_code) } (l.say("，存储包 ", ", pack ")) (pack(f.pack.get(), l))
        },
        Fact::ItemReturned(f) => html! { (l.say("未通过", "failed")) (checks(&f.failed)) },
        Fact::ItemSuperseded(f) => {
            html! { (l.say("由第 ", "by version ")) (f.by_data_version) (l.say(" 版替代", "")) }
        }
        Fact::CheckRechecked(f) => html! {
            span.tag.wait { (f.check) } " " @if f.opinion == "upheld" { (l.say("维持", "upheld")) } @else { (l.say("认可", "overruled")) }
        },
        _ => html! {},
    }
}

fn of_batch(fact: &Fact, l: Language) -> Markup {
    match fact {
        Fact::BatchFiled(f) => html! {
            (l.say("存储包 ", "pack ")) (pack(f.pack.get(), l)) (l.say("，", ", ")) (items(f.count, l)) (l.say("，", ", ")) (words::size(f.pack_bytes))
            (l.say("，立档单位签章 ", ", sealed with the unit's key ")) (hash(&f.unit_key))
        },
        Fact::PackWritten(f) => html! {
            (l.say("存储包 ", "pack ")) (pack(f.pack.get(), l)) (l.say("，凭据 ", ", documents: ")) (f.documents)
        },
        Fact::BatchApplied(f) => {
            let numbers: Vec<u64> = f.packs.iter().map(|p| p.get()).collect();
            html! {
                (l.say("登记批 ", "batch ")) (batch(f.batch.as_bytes(), "", l)) (l.say("，", ", ")) (items(f.items, l))
                (l.say("，存储包 ", ", packs ")) (packs(&numbers, l))
            }
        }
        Fact::BatchDeclined(f) => html! { (l.say("原因 ", "because of ")) (f.reasons.join(" ")) },
        Fact::BatchRegistered(f) => html! {
            (l.say("登记号 ", "number ")) (batch(f.batch.as_bytes(), &f.registration_no.to_string(), l)) (l.say("，", ", ")) (items(f.items, l))
        },
        Fact::CertificateIssued(f) => html! {
            (l.say("证书 ", "certificate ")) (certificate(&f.certificate_no.to_string(), l)) (l.say("，", ", ")) (items(f.items, l))
        },
        _ => html! {},
    }
}

fn receipt(r: &SiteReceipt, l: Language) -> Markup {
    html! {
        (l.say("备份点 ", "site ")) b { (r.site) } (l.say("（", " (")) (words::state(Of::Class, &r.class, l)) (l.say("），", "), "))
        (words::state(Of::Purpose, r.purpose.name(), l)) (l.say("，存储包 ", ", pack ")) (pack(r.pack.get(), l)) (l.say("，摘要 ", ", digest ")) (hash(r.digest.as_bytes()))
    }
}

fn of_copies(fact: &Fact, l: Language) -> Markup {
    match fact {
        Fact::PackStored(f) => receipt(&f.receipt, l),
        Fact::PackSecured(f) => {
            let sites: Vec<&str> = f.receipts.iter().map(|r| r.site.as_str()).collect();
            html! {
                (l.say("存储包 ", "pack ")) (pack(f.pack.get(), l)) (l.say("，回执：", ", receipts of ")) (sites.join(l.say("、", ", "))) (l.say("，策略 ", ", policy ")) span.mono { (f.policy) }
            }
        }
        Fact::PackRepaired(f) => {
            html! { (l.say("取自 ", "from ")) b { (f.from_site) } (l.say("；", "; ")) (receipt(&f.receipt, l)) }
        }
        Fact::PackInspected(f) => html! {
            (l.say("备份点 ", "site ")) b { (f.site) } (l.say("，", ", ")) (f.packs) (l.say(" 包，", " packs, ")) (words::size(f.bytes))
        },
        Fact::PackDamaged(f) => html! {
            (l.say("备份点 ", "site ")) b { (f.site) } (l.say("，存储包 ", ", pack ")) (pack(f.pack.get(), l)) (l.say("：", ": ")) (words::state(Of::Trouble, f.kind.name(), l))
        },
        Fact::PackMissing(f) => {
            html! { (l.say("备份点 ", "site ")) b { (f.site) } (l.say("，存储包 ", ", pack ")) (pack(f.pack.get(), l)) }
        }
        _ => html! {},
    }
}

fn of_transfer(fact: &Fact, l: Language) -> Markup {
    let by = |number: String, count: u32| html! { (l.say("移交号 ", "transfer ")) (transfer(&number, l)) (l.say("，", ", ")) (items(count, l)) };
    match fact {
        Fact::TransferPacked(f) => by(f.transfer_no.to_string(), f.items),
        Fact::TransferChecked(f) => {
            let side = l.say(f.side.word(), f.side.name());
            html! {
                (side) (l.say("检测 ", " checked ")) (items(f.checked, l)) (l.say("，不合格 ", ", unfit: ")) (f.unfit) (l.say("，方案 ", ", scheme ")) span.mono { (f.scheme) }
            }
        }
        Fact::TransferSubmitted(f) => by(f.transfer_no.to_string(), f.items),
        Fact::TransferRejected(f) => {
            html! { (l.say("移交号 ", "transfer ")) (transfer(&f.transfer_no.to_string(), l)) (l.say("，原因 ", ", because of ")) (f.reasons.join(" ")) }
        }
        Fact::TransferAccepted(f) => {
            html! { (by(f.transfer_no.to_string(), f.items)) (l.say("，双方四人签字、两方盖章", ", signed by four people under two seals")) }
        }
        Fact::ItemAccessioned(f) => {
            html! { (by(f.transfer_no.to_string(), f.items)) (l.say("，保管权移入档案馆", ", custody is the archive's")) }
        }
        _ => html! {},
    }
}
