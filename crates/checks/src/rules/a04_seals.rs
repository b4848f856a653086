//! A-04 电子印章有效: every seal fits the parts that it protects; its owner is the deciding body (a difference only warns:
//! seals name offices in other words than catalogues).

use super::{Judged, PackageView, carried, shown};
use crate::Finding;
use crate::facts::{EvidenceKind, Standing};

const WORD: [&str; 2] = ["电子印章", "seal"];

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let carried = carried::of(view, EvidenceKind::Seal);
    if let Some(judged) = carried.nothing(WORD) {
        return judged;
    }
    let mut judged = carried.weigh(WORD);
    let m = &view.package.metadata;
    for seal in carried.all.iter().filter(|s| s.standing == Standing::Valid && !s.owner.is_empty()) {
        let is_theirs = [&m.responsible, &m.unit_name].iter().any(|body| {
            !body.is_empty() && (seal.owner.contains(body.as_str()) || body.contains(seal.owner.as_str()))
        });
        if !is_theirs {
            let owner = shown(&seal.owner);
            judged.remark(
                Finding::new(
                    &seal.place,
                    format!("印章所有者“{owner}”与承办单位“{}”不同", shown(&m.responsible)),
                    format!("the seal's owner \"{owner}\" is not the deciding body"),
                )
                .remedy("核对印章是否为决定机关的印章", "see whether the seal is that of the deciding body"),
            );
        }
    }
    judged
}
