//! Names in archives: which characters their bytes mean, and whether the path may be used at all.

use dengbei_records::Problem;
use encoding_rs::GB18030;
use unicode_normalization::UnicodeNormalization as _;

use super::Limits;
use crate::error::refuse;

/// Bytes of a name as the archive holds them.
pub(super) struct RawName<'a> {
    /// As in the directory.
    pub(super) bytes: &'a [u8],
    /// The flag that says UTF-8 (general purpose bit 11).
    pub(super) is_utf8: bool,
    /// The name of the Unicode path extra field (0x7075), if its checksum fits.
    pub(super) unicode: Option<&'a str>,
}

/// Characters of a name: the flag or the Unicode field, else UTF-8, else GB18030 (old Chinese Windows).
///
/// # Errors
/// `archive.bad_name` when no reading fits.
pub(super) fn decode(raw: &RawName<'_>) -> Result<String, Problem> {
    if let Some(name) = raw.unicode {
        return Ok(name.to_owned());
    }
    if let Ok(name) = std::str::from_utf8(raw.bytes) {
        return Ok(name.to_owned());
    }
    if !raw.is_utf8
        && let Some(name) = GB18030.decode_without_bom_handling_and_without_replacement(raw.bytes)
    {
        return Ok(name.into_owned());
    }
    let shown = String::from_utf8_lossy(&raw.bytes[..raw.bytes.len().min(60)]).into_owned();
    Err(refuse(
        "archive.bad_name",
        format!("压缩包内文件名既不是 UTF-8 也不是 GB18030：{shown}"),
        format!("a name in the archive is neither UTF-8 nor GB18030: {shown}"),
    )
    .with_remedy("把文件名换成 UTF-8 编码后重新打包"))
}

/// The path in one spelling: `/` between parts (old .NET writes `\`), NFC; a folder loses its last `/`.
///
/// # Errors
/// What [`check_path`] refuses.
pub(super) fn normalise(name: &str, limits: &Limits) -> Result<String, Problem> {
    let path: String = name.replace('\\', "/").nfc().collect();
    let path = path.strip_prefix("./").unwrap_or(&path);
    let path = path.strip_suffix('/').unwrap_or(path).to_owned();
    check_path(&path, limits)?;
    Ok(path)
}

/// Refuses paths that leave the package or that no file system holds.
///
/// # Errors
/// A stable code: `archive.absolute_path`, `archive.drive_letter`, `archive.path_escape`,
/// `archive.control_character`, `archive.name_too_long`, `archive.too_deep`.
pub(crate) fn check_path(path: &str, limits: &Limits) -> Result<(), Problem> {
    let shown: String = path.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(80).collect();
    let fault = |code: &str, zh: &str, en: &str, remedy: &str| {
        Err(refuse(code, format!("{zh}：{shown}"), format!("{en}: {shown}")).with_remedy(remedy))
    };
    if path.chars().any(char::is_control) {
        return fault(
            "archive.control_character",
            "文件名含控制字符",
            "a name holds a control character",
            "把文件名中的控制字符删去",
        );
    }
    if path.starts_with('/') {
        return fault(
            "archive.absolute_path",
            "压缩包内为绝对路径",
            "an absolute path",
            "把绝对路径换成包内的相对路径",
        );
    }
    if path.as_bytes().get(1) == Some(&b':') && path.as_bytes()[0].is_ascii_alphabetic() {
        return fault(
            "archive.drive_letter",
            "压缩包内路径带盘符",
            "a path with a drive letter",
            "把盘符删去，换成包内的相对路径",
        );
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return fault(
            "archive.path_escape",
            "路径越出存档信息包",
            "a path that leaves the package",
            "把“..”“.”和空的目录名删去",
        );
    }
    if path.split('/').any(|part| part.len() > limits.name_bytes) {
        return fault(
            "archive.name_too_long",
            "文件名过长（每一段至多 255 字节）",
            "a name is too long (255 bytes a part)",
            "把文件名缩短到 255 字节以内（约 85 个汉字）",
        );
    }
    if path.split('/').count() > limits.depth {
        return fault("archive.too_deep", "目录层数过多", "too many levels of folders", "把目录层数减少");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(name: &str) -> String {
        normalise(name, &Limits::PACKAGE).map_or_else(|p| p.code, |_| "ok".into())
    }

    #[test]
    fn names_that_leave_the_package_are_refused_by_code() {
        assert_eq!(code("a/../../etc/passwd"), "archive.path_escape");
        assert_eq!(code("..\\x"), "archive.path_escape");
        assert_eq!(code("/etc/passwd"), "archive.absolute_path");
        assert_eq!(code("C:\\x"), "archive.drive_letter");
        assert_eq!(code("a\u{7}b"), "archive.control_character");
        assert_eq!(code(&"长".repeat(100)), "archive.name_too_long");
        assert_eq!(code(&"a/".repeat(40)), "archive.too_deep");
        assert_eq!(code(""), "archive.path_escape");
    }

    #[test]
    fn backslashes_of_old_windows_tools_separate_folders() {
        assert_eq!(
            normalise("包\\申请材料\\申请表.pdf", &Limits::PACKAGE).unwrap(),
            "包/申请材料/申请表.pdf"
        );
    }

    #[test]
    fn gbk_bytes_without_the_flag_are_read_as_gb18030() {
        let (bytes, _, _) = GB18030.encode("申请表.pdf");
        let raw = RawName { bytes: &bytes, is_utf8: false, unicode: None };
        assert_eq!(decode(&raw).unwrap(), "申请表.pdf");
        let raw = RawName { bytes: &bytes, is_utf8: true, unicode: None };
        assert_eq!(decode(&raw).unwrap_err().code, "archive.bad_name");
    }

    proptest! {
        #[test]
        fn an_accepted_path_stays_inside(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let raw = RawName { bytes: &bytes, is_utf8: false, unicode: None };
            if let Ok(path) = decode(&raw).and_then(|n| normalise(&n, &Limits::PACKAGE)) {
                let relative = std::path::Path::new(&path);
                prop_assert!(relative.components().all(|c| matches!(c, std::path::Component::Normal(_))));
            }
        }
    }
}
