//! Evidence that files carry: what share. `formats` recomputed it; here it is only weighed: what is
//! wrong is a fault, what cannot be told is 无法验证, never valid.

use dengbei_formats::FileFacts;
use dengbei_formats::content::Kind;
use dengbei_formats::signature::{SignatureFacts, SignatureKind, SignatureState, TimestampFacts};

use super::{Judged, PackageView};
use crate::Finding;
use crate::facts::{CarriedSignature, EvidenceKind, Standing};

/// What the package carries of one kind, and whether it was looked for in every file that may carry it.
pub(super) struct Carried {
    pub(super) all: Vec<CarriedSignature>,
    pub(super) is_complete: bool,
}

/// From the files' own facts, and what the caller knows beside them.
pub(super) fn of(view: &PackageView<'_>, kind: EvidenceKind) -> Carried {
    let mut all = Vec::new();
    let mut is_complete = true;
    for (_, file) in view.listed() {
        let inspection = &file.inspection;
        let may_carry =
            matches!(inspection.format.kind, Kind::Ofd | Kind::Pdf) || inspection.reading.stopped.is_some();
        is_complete &= !may_carry || inspection.is_evidence_checked;
        match kind {
            EvidenceKind::TimeStamp => all.extend(inspection.timestamps.iter().map(|t| of_stamp(file, t))),
            _ => all.extend(
                inspection.signatures.iter().filter(|s| kind_of(s) == kind).map(|s| of_signature(file, s)),
            ),
        }
    }
    all.extend(view.context.signed.iter().flatten().filter(|s| s.kind == kind).cloned());
    Carried { all, is_complete }
}

impl Carried {
    /// What to say when there is nothing; `None`: there is something.
    pub(super) fn nothing(&self, word: [&str; 2]) -> Option<Judged> {
        match (self.all.is_empty(), self.is_complete) {
            (false, _) => None,
            (true, true) => Some(Judged::not_applicable(
                &format!("文件不含{}", word[0]),
                &format!("the files carry no {}", word[1]),
            )),
            (true, false) => Some(Judged::unverifiable(
                &format!("有的文件没有读取{}", word[0]),
                &format!("not every file was searched for a {}", word[1]),
            )),
        }
    }

    /// Weighs each by how it stands.
    pub(super) fn weigh(&self, word: [&str; 2]) -> Judged {
        let mut judged = Judged::new();
        for one in &self.all {
            judged.count();
            judged.evidence(format!("{} algorithm", one.place), &one.algorithm);
            if !one.owner.is_empty() {
                judged.evidence(format!("{} owner", one.place), &one.owner);
            }
            let (zh, en) =
                (format!("{}：{}", word[0], one.message), format!("{}: {}", word[1], one.message_en));
            let found = Finding::new(&one.place, zh, en);
            match one.standing {
                Standing::Valid => {}
                Standing::Invalid => judged.fault(found.remedy(
                    format!("把“{}”换成{}有效的原件，由签署方重新签署", one.place, word[0]),
                    format!("replace \"{}\" by an original whose {} holds, signed anew", one.place, word[1]),
                )),
                Standing::Intact | Standing::Unknown => judged.open(found),
            }
        }
        judged
    }
}

fn kind_of(facts: &SignatureFacts) -> EvidenceKind {
    match facts.kind {
        SignatureKind::OfdSeal => EvidenceKind::Seal,
        SignatureKind::OfdSignature | SignatureKind::PdfSignature | SignatureKind::Detached => {
            EvidenceKind::Signature
        }
    }
}

const fn standing(state: SignatureState) -> Standing {
    match state {
        SignatureState::Valid => Standing::Valid,
        SignatureState::IntactUntrusted => Standing::Intact,
        SignatureState::Changed | SignatureState::Broken => Standing::Invalid,
        SignatureState::Unverifiable => Standing::Unknown,
    }
}

fn of_signature(file: &FileFacts, facts: &SignatureFacts) -> CarriedSignature {
    CarriedSignature {
        place: format!("{} {}", file.path, facts.place),
        kind: kind_of(facts),
        standing: standing(facts.state),
        message: facts.reason.message.clone(),
        message_en: facts.reason.message_en.clone(),
        algorithm: facts.algorithm.clone().unwrap_or_default(),
        owner: facts.seal_owner.clone().or_else(|| facts.signer.clone()).unwrap_or_default(),
        certificate_ends: facts.certificate_ends,
    }
}

fn of_stamp(file: &FileFacts, facts: &TimestampFacts) -> CarriedSignature {
    CarriedSignature {
        place: format!("{} {}", file.path, facts.place),
        kind: EvidenceKind::TimeStamp,
        standing: standing(facts.state),
        message: facts.reason.message.clone(),
        message_en: facts.reason.message_en.clone(),
        algorithm: facts.policy.clone().unwrap_or_default(),
        owner: facts.authority.clone().unwrap_or_default(),
        certificate_ends: facts.certificate_ends,
    }
}
