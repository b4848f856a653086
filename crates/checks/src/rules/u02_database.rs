//! U-02 目标库元数据可访问: a record written to each database is read back as it was.

use super::Judged;
use crate::Finding;
use crate::views::SystemView;

pub(super) fn run(view: &SystemView) -> Judged {
    if view.databases.is_empty() {
        return Judged::unverifiable("没有做写入读回", "nothing was written and read back");
    }
    let mut judged = Judged::of(view.databases.len());
    for one in &view.databases {
        let name = &one.database;
        let (zh, en) = match &one.read {
            Ok(read) if *read == one.written => {
                judged.evidence(name, read.to_string());
                continue;
            }
            Ok(_) => (
                "读回的与写入的不同".to_owned(),
                "what is read back differs from what was written".to_owned(),
            ),
            Err(why) => (format!("无法读回：{why}"), format!("cannot be read back: {why}")),
        };
        judged.fault(
            Finding::new(name, zh, en)
                .remedy("检查该数据库及其存储", "look after that database and its storage"),
        );
    }
    judged
}
