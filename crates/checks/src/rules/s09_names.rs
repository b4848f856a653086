//! S-09 路径与文件名安全: names that every file system holds and no program misreads. Escapes are refused by `formats` before.

use unicode_normalization::is_nfc;

use super::{Judged, PackageView};
use crate::Finding;

/// Names that Windows keeps for devices.
const RESERVED: [&str; 22] = [
    "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9",
    "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
];

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let mut judged = Judged::of(view.files.len());
    for file in view.files {
        if let Some((zh, en)) = fault_of(&file.path) {
            judged.fault(Finding::new(&file.path, zh, en).remedy(
                "把文件名换成由汉字、字母、数字组成的普通名称",
                "give the file a plain name of Chinese characters, letters and digits",
            ));
        }
    }
    judged
}

fn fault_of(path: &str) -> Option<(&'static str, &'static str)> {
    if path.starts_with('/') || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Some(("路径越出信息包", "a path that leaves the package"));
    }
    if !is_nfc(path) {
        return Some(("文件名不是规范的 Unicode 形式（NFC）", "a name not in Unicode NFC"));
    }
    path.split('/').find_map(fault_of_part)
}

fn fault_of_part(part: &str) -> Option<(&'static str, &'static str)> {
    let stem = part.split('.').next().unwrap_or(part);
    if RESERVED.iter().any(|name| name.eq_ignore_ascii_case(stem)) {
        return Some(("文件名是系统保留的设备名", "a name reserved for a device"));
    }
    if part.chars().any(|c| c.is_control() || matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')) {
        return Some((
            "文件名含控制字符或系统不允许的符号",
            "a name with control characters or forbidden signs",
        ));
    }
    if part.ends_with(['.', ' ']) {
        return Some(("文件名以点或空格结尾", "a name that ends in a dot or space"));
    }
    (part.len() > 255).then_some(("文件名超过 255 字节", "a name over 255 bytes"))
}

#[cfg(test)]
mod tests {
    use super::fault_of;

    #[test]
    fn ordinary_names_pass_and_dangerous_ones_do_not() {
        for good in ["申请材料/申请表.pdf", "结果材料/决定书（2026）第1号.ofd", "a/~$请表.docx"]
        {
            assert_eq!(fault_of(good), None, "{good}");
        }
        for bad in ["../x", "/x", "a//b", "a/con.pdf", "a/x?.pdf", "a/x. ", "a/e\u{301}.pdf", "a\\b"] {
            assert!(fault_of(bad).is_some(), "{bad}");
        }
    }
}
