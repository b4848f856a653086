//! U-07 可解包、非压缩炸弹: files and bytes within the scheme's bounds. Bombs are refused by `formats` before.

use super::{Judged, PackageView};
use crate::{Finding, Parameters};

pub(super) fn run(view: &PackageView<'_>, with: &Parameters) -> Judged {
    let mut judged = Judged::of(view.files.len());
    let (files, max) = (view.files.len(), with.u07.max_files);
    if files > max {
        let found = Finding::new(
            "",
            format!("包内有 {files} 个文件，至多 {max} 个"),
            format!("{files} files, at most {max}"),
        );
        judged.fault(found.remedy("把信息包分开报送", "send it as several packages"));
    }
    let bytes = view.files.iter().fold(0_u64, |sum, f| sum.saturating_add(f.received_bytes));
    if bytes > with.u07.max_bytes {
        let max = with.u07.max_bytes;
        let found = Finding::new(
            "",
            format!("解开后 {bytes} 字节，至多 {max} 字节"),
            format!("{bytes} bytes unpacked, at most {max}"),
        );
        judged.fault(found.remedy("把大文件分开报送", "send the large files apart"));
    }
    judged
}
