//! A-05 时间戳有效: the digest inside fits; while kept, it warns before the certificate ends, so that it is renewed in time.

use super::{Judged, PackageView, carried};
use crate::facts::EvidenceKind;
use crate::{Finding, Parameters, Stage};

const WORD: [&str; 2] = ["时间戳", "time stamp"];
const DAY: i64 = 86_400_000;

pub(super) fn run(view: &PackageView<'_>, stage: Stage, with: &Parameters) -> Judged {
    let carried = carried::of(view, EvidenceKind::TimeStamp);
    if let Some(judged) = carried.nothing(WORD) {
        return judged;
    }
    let mut judged = carried.weigh(WORD);
    if stage != Stage::C {
        return judged;
    }
    let within = i64::try_from(with.a05.ends_within_days).unwrap_or(i64::MAX / DAY);
    let now = view.context.now.millis();
    for stamp in &carried.all {
        let Some(ends) = stamp.certificate_ends else { continue };
        if ends.millis() <= now.saturating_add(within.saturating_mul(DAY)) {
            judged.remark(
                Finding::new(
                    &stamp.place,
                    format!("时间戳证书将于 {ends} 到期"),
                    format!("the time stamp's certificate ends at {ends}"),
                )
                .remedy(
                    "在到期前重新加盖时间戳（证据续期）",
                    "stamp it anew before that (renewal of evidence)",
                ),
            );
        }
    }
    judged
}
