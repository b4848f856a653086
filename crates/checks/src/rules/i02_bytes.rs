//! I-02 总字节数相符: as many bytes as were declared.

use super::Judged;
use crate::Finding;
use crate::views::BatchView;

pub(super) fn run(view: &BatchView) -> Judged {
    let Some(stated) = view.stated_bytes else {
        return Judged::not_applicable("没有写明数据量", "no number of bytes is declared");
    };
    let found = view.bytes;
    let mut judged = Judged::of(1);
    judged.evidence("stated", stated.to_string());
    judged.evidence("found", found.to_string());
    if stated != found {
        let wrong = Finding::new(
            "bytes",
            format!("写明 {stated} 字节，实收 {found} 字节"),
            format!("{stated} bytes declared, {found} arrived"),
        );
        judged.fault(wrong.remedy(
            "核对后重新传送缺少或多出的部分",
            "compare both sides, then send again what is missing or too much",
        ));
    }
    judged
}
