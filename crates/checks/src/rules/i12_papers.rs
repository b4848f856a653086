//! I-12 目录、登记表、凭证一致: every paper of a batch states the same counts and the same root.

use super::Judged;
use crate::Finding;
use crate::views::{BatchView, Paper};

pub(super) fn run(view: &BatchView) -> Judged {
    let [first, rest @ ..] = &view.papers[..] else {
        return Judged::unverifiable(
            "没有取得目录、登记表、凭证",
            "catalogue, form and certificate are not at hand",
        );
    };
    let mut judged = Judged::of(view.papers.len());
    if rest.is_empty() {
        judged.open(Finding::new(
            &first.name,
            "只有一份，无从比对",
            "there is only one: nothing to compare it with",
        ));
    }
    judged.evidence(format!("{}.items", first.name), first.items.to_string());
    for paper in rest {
        judged.evidence(format!("{}.items", paper.name), paper.items.to_string());
        compare(&mut judged, first, paper);
    }
    judged
}

fn compare(judged: &mut Judged, first: &Paper, paper: &Paper) {
    let (a, b) = (&first.name, &paper.name);
    let both = |x: Option<u64>, y: Option<u64>| x.zip(y).is_some_and(|(x, y)| x != y);
    let roots = first.root.zip(paper.root).is_some_and(|(x, y)| x != y);
    let wrong = [
        (first.items != paper.items, "件数", "number of items"),
        (both(first.bytes, paper.bytes), "字节数", "number of bytes"),
        (roots, "根摘要", "root"),
    ];
    for (_, what, what_en) in wrong.into_iter().filter(|w| w.0) {
        let found =
            Finding::new(b, format!("{what}与{a}不一致"), format!("the {what_en} differs from that of {a}"));
        judged.fault(found.remedy(format!("重制{b}"), format!("make {b} anew")));
    }
}
