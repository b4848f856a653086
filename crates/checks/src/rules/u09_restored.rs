//! U-09 备份可恢复: what was restored to quarantine equals its inventory, and that was not too long ago.

use dengbei_records::Timestamp;

use super::{Judged, shown};
use crate::facts::Restored;
use crate::{Finding, Parameters};

pub(crate) fn run(restored: Option<&Restored>, now: Timestamp, with: &Parameters) -> Judged {
    let Some(restored) = restored else {
        return Judged::unverifiable("没有做过恢复演练", "nothing was ever restored");
    };
    let mut judged = Judged::of(restored.compared as usize);
    judged.evidence("from", &restored.from);
    judged.evidence("at", restored.at.to_string());
    for what in &restored.differing {
        let found =
            Finding::new(shown(what), "恢复的对象与清单不符", "what was restored differs from its inventory");
        judged.fault(found.remedy("从另一份完好的备份修复该副本", "repair that copy from another good one"));
    }
    let days = with.u09.drill_days;
    let age = now.millis().saturating_sub(restored.at.millis()) / 86_400_000;
    if u64::try_from(age).unwrap_or(0) > days {
        let found = Finding::new(
            "drill",
            format!("上次恢复演练已过 {age} 天，应不超过 {days} 天"),
            format!("the last drill is {age} days ago, at most {days}"),
        );
        judged.remark(found.remedy("安排恢复演练", "run a drill"));
    }
    judged
}
