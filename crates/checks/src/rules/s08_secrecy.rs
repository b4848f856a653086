//! S-08 涉密与敏感信息: nothing above what this network takes; no marks of secrecy in titles and names; no citizen's number
//! in what everyone sees. What files say (OFD, PDF, text, as far as it was taken) is looked through for the same marks and
//! words: that only ever warns, because a form may speak of secrecy without being secret.
//!
//! What is no citizen's number: a 21-digit 办件编号, a code of 18 digits whose birth date cannot be, the unit's own code.

use super::{Judged, PackageView, shown};
use crate::{Finding, Parameters, codes, pattern};

pub(super) fn run(view: &PackageView<'_>, with: &Parameters) -> Judged {
    let m = &view.package.metadata;
    let mut judged = Judged::of(2 + view.package.rows.len());
    label(&m.security, with.s08.public_zone == 1, &mut judged);
    let rows = view.package.rows.iter().map(|row| (row.path.as_str(), row.file_name.as_str()));
    let loose = view.loose().map(|f| (f.path.as_str(), f.path.as_str()));
    for (place, text) in std::iter::once(("title", m.title.as_str())).chain(rows).chain(loose) {
        marks(place, text, with, &mut judged);
        let text = half_width(text);
        if citizen_numbers(&text).any(|n| n != m.unit_uscc) {
            let found = Finding::new(
                place,
                "题名或文件名含公民身份号码",
                "a title or file name holds a citizen's number",
            );
            judged.fault(
                found.remedy(
                    "把题名或文件名中的身份号码删去",
                    "take the number out of the title or file name",
                ),
            );
        }
    }
    content(view, with, &mut judged);
    judged
}

/// Marks and words in what the files say, each once a file, with its page.
fn content(view: &PackageView<'_>, with: &Parameters, judged: &mut Judged) {
    let (mut looked, mut cut) = (0_u32, 0_u32);
    let lists = [
        (pattern::Many::of(&with.s08.marks), "涉密标志", "the mark of secrecy"),
        (pattern::Many::of(&with.s08.words), "敏感词", "the word"),
    ];
    for (_, file) in view.listed() {
        let Some(text) = &file.inspection.text else { continue };
        (looked, cut) = (looked + 1, cut + u32::from(text.is_cut));
        judged.count();
        for (many, zh, en) in &lists {
            let Some((pattern, at)) = many.find(&text.text) else { continue };
            let page = text.text[..at].matches('\u{c}').count() + 1;
            let found = Finding::new(
                &file.path,
                format!("第{page}页正文含{zh}“{pattern}”"),
                format!("the text of page {page} holds {en} \"{pattern}\""),
            );
            judged.remark(
                found.remedy("核对是否涉密或不宜公开", "see whether it is secret or not for everyone"),
            );
        }
    }
    if looked > 0 {
        let told = format!(
            "查看 {looked} 个文件的正文，其中 {cut} 个未看完 the text of {looked} files, of {cut} its beginning"
        );
        judged.evidence("正文 text", told);
    }
}

/// 公开 everywhere, 限制 and 内部 off the public zone, 秘密 and above nowhere here; a label that nobody knows is none of these.
fn label(security: &str, is_public: bool, judged: &mut Judged) {
    let is_restricted = matches!(security, "1" | "限制" | "内部");
    if matches!(security, "" | "0" | "公开") || is_restricted && !is_public {
        return;
    }
    let label = shown(security);
    let found = Finding::new(
        "security",
        format!("密级“{label}”的文件不得在本网络归档"),
        format!("the security class \"{label}\" is not taken on this network"),
    );
    let (zh, en) = if is_restricted {
        ("报送到非公网的登记备份系统", "send it to the system off the public network")
    } else {
        (
            "通过涉密渠道移交；如系误标，把密级换成“公开”",
            "hand it over by the channel for secrets; if it is a mistake, write 公开",
        )
    };
    judged.fault(found.remedy(zh, en));
}

fn marks(place: &str, text: &str, with: &Parameters, judged: &mut Judged) {
    if let Some(mark) = with.s08.marks.iter().find_map(|mark| pattern::find(mark, text)) {
        let found = Finding::new(
            place,
            format!("含涉密标志“{mark}”"),
            format!("holds the mark of secrecy \"{mark}\""),
        );
        judged.fault(found.remedy(
            "核对是否涉密：涉密的通过涉密渠道移交，误标的把标志删去",
            "see whether it is secret: if so hand it over by that channel, if not take the mark out",
        ));
    } else if let Some(word) = with.s08.words.iter().find_map(|word| pattern::find(word, text)) {
        let found = Finding::new(place, format!("含敏感词“{word}”"), format!("holds the word \"{word}\""));
        judged.remark(found.remedy("核对是否涉密或不宜公开", "see whether it is secret or not for everyone"));
    }
}

/// Full-width digits and letters are read as plain ones.
fn half_width(text: &str) -> String {
    let plain = |c: char| match u32::from(c) {
        n @ 0xff01..=0xff5e => char::from_u32(n - 0xfee0).unwrap_or(c),
        _ => c,
    };
    text.chars().map(plain).collect()
}

/// 18 characters in a row that are a citizen's number, check character included, and not part of a longer number.
fn citizen_numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|n| codes::is_citizen_number(n) && is_born(n))
}

/// Digits 7 to 14 are a day, digits 1 and 2 a province.
fn is_born(number: &str) -> bool {
    let day = number.get(6..14).unwrap_or_default();
    let is_day =
        chrono::NaiveDate::parse_from_str(day, "%Y%m%d").is_ok() && ("18000101".."21000101").contains(&day);
    is_day && number.get(..2).is_some_and(|province| ("11"..="91").contains(&province))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str) -> bool {
        citizen_numbers(&half_width(text)).next().is_some()
    }

    #[test]
    fn only_real_numbers_count() {
        assert!(holds("张三（11010519491231002X）申请"));
        assert!(holds("张三１１０１０５１９４９１２３１００２Ｘ申请"));
        assert!(!holds("张三110105194912310021申请"));
        assert!(!holds("511602042603310000200"));
        // Its check character fits, its birth date cannot be.
        for number in ["110105194913310021", "110105194902300020", "000105194912310024"] {
            assert!(codes::is_citizen_number(number) && !holds(number), "{number}");
        }
    }
}
