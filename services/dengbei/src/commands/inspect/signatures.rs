//! Signatures, seals and timestamps as remarks: the same for OFD and PDF.

use dengbei_formats::content::Inspection;
use dengbei_formats::signature::{Reason, SignatureFacts, SignatureState, TimestampFacts};
use dengbei_records::Timestamp;

use super::{Level, Remarks};

pub(super) fn remark(inspection: &Inspection, remarks: &mut Remarks) {
    for signature in &inspection.signatures {
        remarks.add(level(signature.state), &signature.reason.code, signature_line(signature));
    }
    for timestamp in &inspection.timestamps {
        remarks.add(level(timestamp.state), &timestamp.reason.code, timestamp_line(timestamp));
    }
}

fn level(state: SignatureState) -> Level {
    match state {
        SignatureState::Valid => Level::Note,
        SignatureState::IntactUntrusted | SignatureState::Unverifiable => Level::Unverifiable,
        SignatureState::Changed | SignatureState::Broken => Level::Invalid,
    }
}

fn reason(reason: &Reason) -> String {
    format!("{} / {}", reason.message, reason.message_en)
}

fn signature_line(facts: &SignatureFacts) -> String {
    let who = facts.seal_owner.as_deref().or(facts.signer.as_deref()).unwrap_or("?");
    let how = facts.algorithm.as_deref().unwrap_or("?");
    let at = facts.signed_at.map(Timestamp::rfc3339).unwrap_or_default();
    format!("签名 signature {} · {who} · {how} · {at}: {}", facts.place, reason(&facts.reason))
}

fn timestamp_line(facts: &TimestampFacts) -> String {
    let who = facts.authority.as_deref().unwrap_or("?");
    let at = facts.time.map(Timestamp::rfc3339).unwrap_or_default();
    format!("时间戳 timestamp {} · {who} · {at}: {}", facts.place, reason(&facts.reason))
}
