//! A-18 管理过程链完整: every event after the first names one before it, what happens once happened once, and the documents
//! that events cite are what they were.

use std::collections::{HashMap, HashSet};

use super::{Judged, PackageView};
use crate::Finding;
use crate::facts::ManagementEvent;

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let Some(events) = &view.context.events else {
        return Judged::unverifiable("没有取得管理过程", "the item's events are not at hand");
    };
    let mut judged = Judged::of(events.len());
    if events.is_empty() {
        judged.fault(broken("events", "没有任何管理过程记录", "there is no event at all"));
    }
    let mut seen = HashSet::new();
    let mut once: HashMap<&str, &ManagementEvent> = HashMap::new();
    for (number, event) in events.iter().enumerate() {
        let place = format!("events[{number}] {}", event.what);
        if number > 0 && !event.causes.iter().any(|cause| seen.contains(cause)) {
            judged.fault(broken(
                &place,
                "不引任何前一事件，链有断裂",
                "names no event before it: the chain is broken",
            ));
        }
        if !seen.insert(event.hash) || event.is_once && once.insert(&event.what, event).is_some() {
            judged.fault(broken(
                &place,
                "只应发生一次的事件发生了两次，链有分叉",
                "happens twice: the chain forks",
            ));
        }
        documents(&mut judged, &place, event);
    }
    judged
}

fn documents(judged: &mut Judged, place: &str, event: &ManagementEvent) {
    for (cited, found) in &event.documents {
        judged.count();
        match found {
            Some(found) if found == cited => judged.evidence(format!("{place}.document"), cited.to_string()),
            Some(_) => judged.fault(broken(
                place,
                "所引文件的摘要不符",
                "a document that it cites has another digest",
            )),
            None => judged.open(Finding::new(
                place,
                "所引文件不在手边",
                "a document that it cites is not at hand",
            )),
        }
    }
}

fn broken(place: &str, zh: &str, en: &str) -> Finding {
    Finding::new(place, zh, en).remedy(
        "由登记备份中心用存证日志核对并恢复该件的管理过程",
        "have the centre restore the item's history from the register",
    )
}
