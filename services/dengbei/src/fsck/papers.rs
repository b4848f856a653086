//! Documents that events cite: each is kept somewhere, and every paper's seals hold.

use dengbei_chain::{DocumentRef, Event, Fact};
use dengbei_records::papers::{self, Seal, Sealed};
use serde_json::Value;

use super::Report;
use super::packs::Documents;

/// Invariants: `document.kept`, `paper.seal`.
pub(super) fn walk(events: &[Event], documents: &Documents, has_tables: bool, report: &mut Report) {
    let mut sealed = 0;
    for event in events {
        for reference in event.fact.iter().flat_map(cited) {
            match documents.get(&reference.digest) {
                Some(body) if reference.media_type == papers::MEDIA_TYPE => {
                    sealed += seals(body, event, report);
                }
                Some(_) => {}
                // Without the databases only what is packed already can be seen.
                None if has_tables => {
                    let text = format!("文档不在 / document nowhere: {}", reference.digest);
                    report.find("document.kept", format!("{} {}", event.fact_name(), event.hash), text);
                }
                None => {}
            }
        }
    }
    report.count("印章与签名 seals on papers", sealed);
}

/// The documents of the facts that follow filing; those before are looked at where they are used.
fn cited(fact: &Fact) -> Vec<&DocumentRef> {
    match fact {
        Fact::BatchApplied(f) => vec![&f.application],
        Fact::BatchDeclined(f) => vec![&f.decision],
        Fact::BatchRegistered(f) => vec![&f.decision],
        Fact::CertificateIssued(f) => vec![&f.certificate],
        Fact::TransferPacked(f) => vec![&f.members],
        Fact::TransferChecked(f) => vec![&f.report],
        Fact::TransferSubmitted(f) => vec![&f.members, &f.digests],
        Fact::TransferRejected(f) => vec![&f.decision],
        Fact::TransferAccepted(f) => vec![&f.members, &f.handover],
        Fact::ItemAccessioned(f) => vec![&f.members],
        Fact::PackInspected(f) => vec![&f.report],
        Fact::WholeChecked(f) => vec![&f.report],
        Fact::CheckSigned(f) => vec![&f.finding],
        Fact::CheckRechecked(f) => vec![&f.reason],
        _ => Vec::new(),
    }
}

fn seals(body: &[u8], event: &Event, report: &mut Report) -> u64 {
    let place = || format!("{} {}", event.fact_name(), event.hash);
    let Ok(paper) = serde_json::from_slice::<Sealed<Value>>(body) else {
        report.find("paper.seal", place(), "不是带章文件 / no sealed paper");
        return 0;
    };
    let Ok(digest) = paper.body_digest() else {
        report.find("paper.seal", place(), "文件内容不规范 / its body is not canonical");
        return 0;
    };
    for seal in &paper.seals {
        if !holds(seal, &paper.paper, &digest) {
            report.find("paper.seal", place(), format!("{} {}: 印章不对 / wrong", seal.role, seal.name));
        }
    }
    paper.seals.len() as u64
}

fn holds(seal: &Seal, paper: &str, body: &dengbei_records::Sha256) -> bool {
    dengbei_evidence::seals::verify(seal, paper, body).is_ok()
}
