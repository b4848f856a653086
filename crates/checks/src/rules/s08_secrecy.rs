//! S-08 涉密与敏感信息: nothing above 限制 on this network; no citizen's number in what everyone sees.

use super::{Judged, PackageView, shown};
use crate::{Finding, codes};

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let m = &view.package.metadata;
    let mut judged = Judged::of(2 + view.package.rows.len());
    if !matches!(m.security.as_str(), "" | "0" | "1" | "公开" | "限制" | "内部") {
        let found = Finding::new(
            "security",
            format!("密级“{}”的文件不得在本网络归档", shown(&m.security)),
            "a security class above restricted is not taken on this network",
        );
        judged.fault(found.remedy("通过涉密渠道移交；如系误标，把密级换成“公开”"));
    }
    let rows = view.package.rows.iter().map(|row| (row.path.as_str(), row.file_name.as_str()));
    for (place, text) in std::iter::once(("title", m.title.as_str())).chain(rows) {
        if holds_citizen_number(text) {
            let found = Finding::new(
                place,
                "题名或文件名含公民身份号码",
                "a title or file name holds a citizen's number",
            );
            judged.fault(found.remedy("把题名或文件名中的身份号码删去"));
        }
    }
    judged
}

/// 18 characters in a row that are a citizen's number, check character included, and not part of a longer number.
fn holds_citizen_number(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(codes::is_citizen_number)
}

#[cfg(test)]
mod tests {
    use super::holds_citizen_number;

    #[test]
    fn only_real_numbers_count() {
        assert!(holds_citizen_number("张三（11010519491231002X）申请"));
        assert!(!holds_citizen_number("张三110105194912310021申请"));
        assert!(!holds_citizen_number("511602042603310000200"));
    }
}
