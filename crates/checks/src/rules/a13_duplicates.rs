//! A-13 数据重复: the caller has looked elsewhere; here also the filing table's own rows.

use std::collections::HashSet;

use super::{Judged, PackageView};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let mut judged = Judged::of(view.package.rows.len());
    if view.context.duplicates.is_none() {
        judged.open(Finding::new("", "没有与已有的比对", "nothing was looked up to compare with"));
    }
    let mut seen = HashSet::new();
    for row in view.package.rows.iter().filter(|row| !seen.insert(&row.path)) {
        let found = Finding::new(&row.path, "归档配置表中同一文件列了两次", "a file is listed twice");
        judged.fault(found.remedy("把重复的一行删去", "take the second row out"));
    }
    for duplicate in view.context.duplicates.iter().flatten() {
        judged.count();
        let (what, with) = (&duplicate.what, &duplicate.with);
        let found = Finding::new(
            what,
            format!("{what}与已有的重复：{with}"),
            format!("{what} exists already: {with}"),
        );
        judged.fault(found.remedy(
            format!("把{what}换成未用过的；如系更正，请提高数据版本（DATAVERSION）后报送"),
            format!("use a {what} of its own; for a correction send a higher data version"),
        ));
    }
    judged
}
