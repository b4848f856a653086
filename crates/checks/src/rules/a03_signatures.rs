//! A-03 电子签名有效: every signature that a file carries fits what it covers.

use super::{Judged, PackageView, carried};
use crate::facts::EvidenceKind;

const WORD: [&str; 2] = ["电子签名", "signature"];

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let carried = carried::of(view, EvidenceKind::Signature);
    carried.nothing(WORD).unwrap_or_else(|| carried.weigh(WORD))
}
