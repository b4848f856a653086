//! A-06 来源身份可信: the sending system is registered, and its credentials are bound to the system and the unit that it names.

use super::{Judged, PackageView, shown};
use crate::Finding;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let Some(sender) = &view.context.sender else {
        return Judged::unverifiable("不知报送方的身份", "who sends it is not known");
    };
    let system = shown(&sender.system);
    let mut judged = Judged::of(1);
    judged.evidence("system", &system);
    if !sender.is_registered {
        let found = Finding::new(
            "source_system",
            format!("来源系统“{system}”没有登记"),
            format!("the source system \"{system}\" is not registered"),
        );
        judged.fault(found.remedy("先请登记备份中心登记该系统", "have the centre register the system first"));
        return judged;
    }
    let Some(bound) = &sender.bound_system else {
        judged.open(Finding::new(
            "source_system",
            format!("凭证没有绑定来源系统，无从证明报送方是“{system}”"),
            format!("the credentials are bound to no system: nothing proves that the sender is \"{system}\""),
        ));
        return judged;
    };
    judged.count();
    if *bound != sender.system {
        let bound = shown(bound);
        let found = Finding::new(
            "source_system",
            format!("以“{bound}”的凭证报送“{system}”的信息包"),
            format!("sent as \"{system}\" with the credentials of \"{bound}\""),
        );
        judged.fault(found.remedy("用该来源系统自己的凭证报送", "send with the credentials of that system"));
    }
    let unit = &view.package.metadata.unit_uscc;
    if !unit.is_empty() && !sender.bound_units.is_empty() {
        judged.count();
        if !sender.bound_units.contains(unit) {
            let unit = shown(unit);
            let found = Finding::new(
                "unit_uscc",
                format!("该凭证不得代“{unit}”报送"),
                format!("these credentials do not speak for \"{unit}\""),
            );
            judged.fault(found.remedy(
                "由该单位或获其授权的系统报送",
                "have the unit send it, or a system that may speak for it",
            ));
        }
    }
    judged
}
