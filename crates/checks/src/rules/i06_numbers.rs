//! I-06 编号连续: numbers of a class run on; a gap needs a logged reason.

use super::{Judged, PackageView};
use crate::Finding;
use crate::facts::{Classes, Numbers};

pub(super) fn item(view: &PackageView<'_>) -> Judged {
    match &view.context.classes {
        None => Judged::not_applicable("件号在归档时编制", "numbers are given at filing"),
        Some(classes) => over(classes),
    }
}

/// Over the numbers of many items.
pub(super) fn over(classes: &Classes) -> Judged {
    let mut judged = Judged::new();
    for (class, numbers) in classes {
        judged.compared =
            judged.compared.saturating_add(u32::try_from(numbers.given.len()).unwrap_or(u32::MAX));
        one(&mut judged, class, numbers);
    }
    judged
}

fn one(judged: &mut Judged, class: &str, numbers: &Numbers) {
    let mut given = numbers.given.clone();
    given.sort_unstable();
    for pair in given.windows(2).filter(|p| p[0] == p[1]) {
        let found = Finding::new(
            class,
            format!("件号 {} 重复", pair[0]),
            format!("number {} is given twice", pair[0]),
        );
        judged.fault(found.remedy("由立档单位核对档号", "have the unit look into the archival codes"));
    }
    given.dedup();
    let before = numbers.first.map(|first| first.saturating_sub(1));
    let chain: Vec<u32> = before.into_iter().chain(given).collect();
    for pair in chain.windows(2).filter(|p| p[1] > p[0].saturating_add(1)) {
        let (from, to) = (pair[0] + 1, pair[1] - 1);
        if (from..=to).all(|n| numbers.explained.iter().any(|gap| gap.contains(&n))) {
            continue;
        }
        let found = Finding::new(
            class,
            format!("件号 {from} 至 {to} 空缺，没有记录原因"),
            format!("numbers {from} to {to} are missing without a logged reason"),
        );
        judged.fault(found.remedy(
            "补上缺号的件，或记录空号原因",
            "add the missing items, or log why the numbers are empty",
        ));
    }
}
