//! A-11 特殊字符: no control or private-use characters, no U+FFFD, no non-characters, in metadata and names.

use super::{Judged, PackageView};
use crate::{FIELDS, Finding};

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let m = &view.package.metadata;
    let mut judged = Judged::new();
    for field in FIELDS {
        judge(&mut judged, field.key, field.name, (field.get)(m));
    }
    for (number, step) in m.steps.iter().enumerate() {
        for (part, text) in [("node", &step.node), ("actor", &step.actor), ("opinion", &step.opinion)] {
            judge(&mut judged, &format!("steps[{number}].{part}"), "办理流程", text);
        }
    }
    for (element, text) in &m.other {
        judge(&mut judged, element, element, text);
    }
    for file in view.files {
        judge(&mut judged, &file.path, "文件名", &file.path);
    }
    judged
}

fn judge(judged: &mut Judged, key: &str, name: &str, text: &str) {
    judged.count();
    if let Some(c) = text.chars().find(|c| is_forbidden(*c)) {
        let code = u32::from(c);
        let place: String = key.chars().filter(|c| !is_forbidden(*c)).collect();
        let what = if c == '\u{fffd}' { "乱码替换符" } else { "不可见或自造字符" };
        let found = Finding::new(
            place,
            format!("{name}含{what} U+{code:04X}"),
            format!("{name} holds the character U+{code:04X}"),
        );
        judged.fault(found.remedy(
            format!("把 U+{code:04X} 换成正确的汉字或删去"),
            format!("replace U+{code:04X} by the right character, or take it out"),
        ));
    }
}

/// Line breaks and tabs are allowed: opinions and addresses hold them.
fn is_forbidden(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\u{fffd}' | '\u{feff}' => true,
        // Directional overrides change how a name reads.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => true,
        '\u{fdd0}'..='\u{fdef}' => true,
        c => c.is_control() || (u32::from(c) & 0xfffe) == 0xfffe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_chinese_is_fine_and_hidden_characters_are_not() {
        assert!(!"乐清市（浙江）　㛃𬭎·“引号”".chars().any(is_forbidden));
        for c in ['\u{0}', '\u{7f}', '\u{85}', '\u{e123}', '\u{fffd}', '\u{202e}', '\u{ffff}', '\u{1fffe}'] {
            assert!(is_forbidden(c), "U+{:04X}", u32::from(c));
        }
    }
}
