//! Patterns of S-08's marks: `#` is a digit, `?` any character, all else itself. No expressions: what an archivist writes
//! must be readable by the next one.

/// Where `pattern` occurs in `text`, as far as it is found: the characters that fit.
pub(crate) fn find(pattern: &str, text: &str) -> Option<String> {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    if pattern.is_empty() {
        return None;
    }
    let all = |w: &&[char]| pattern.iter().zip(w.iter()).all(|(p, c)| fits(*p, *c));
    text.windows(pattern.len()).find(all).map(|w| w.iter().collect())
}

/// Many patterns, looked for in a long text in one pass. Blanks and line ends between the characters of the text do not
/// count: where pages are taken apart into words, a mark may be too.
pub(crate) struct Many<'p> {
    patterns: Vec<(&'p str, Vec<char>)>,
    /// Which characters may begin one, folded into 64; all, where one begins with anything.
    first: u64,
}

impl<'p> Many<'p> {
    pub(crate) fn of(patterns: &'p [String]) -> Self {
        let patterns: Vec<(&str, Vec<char>)> =
            patterns.iter().filter(|p| !p.is_empty()).map(|p| (p.as_str(), p.chars().collect())).collect();
        let begins = |(_, chars): &(&str, Vec<char>)| match chars[0] {
            '?' => u64::MAX,
            '#' => ('0'..='9').map(bit).sum(),
            c => bit(c),
        };
        let first = patterns.iter().map(begins).fold(0, |all, bits| all | bits);
        Self { patterns, first }
    }

    /// The first pattern of the list that occurs where any first does, and where that is.
    pub(crate) fn find(&self, text: &str) -> Option<(&'p str, usize)> {
        let candidates = text.char_indices().filter(|(_, c)| self.first & bit(*c) != 0);
        candidates.into_iter().find_map(|(at, _)| {
            let fitting = self.patterns.iter().find(|(_, chars)| begins_with(&text[at..], chars));
            fitting.map(|(pattern, _)| (*pattern, at))
        })
    }
}

fn bit(c: char) -> u64 {
    1 << (u32::from(c) % 64)
}

fn begins_with(text: &str, pattern: &[char]) -> bool {
    let is_between = |c: &char| c.is_whitespace() && *c != '\u{c}';
    let mut text = text.chars();
    let mut next = pattern.iter();
    let Some(first) = next.next() else { return false };
    text.next().is_some_and(|c| fits(*first, c))
        && next.all(|p| text.by_ref().find(|c| !is_between(c)).is_some_and(|c| fits(*p, c)))
}

fn fits(pattern: char, c: char) -> bool {
    match pattern {
        '#' => c.is_ascii_digit(),
        '?' => true,
        p => p == c,
    }
}

#[cfg(test)]
mod tests {
    use super::{Many, find};

    #[test]
    fn many_patterns_are_found_in_one_pass_across_blanks_and_lines() {
        let patterns: Vec<String> = ["机密★##年", "不得外传", "#号令"].map(str::to_owned).to_vec();
        let many = Many::of(&patterns);
        assert_eq!(many.find("决定书\n机 密 ★\n1 0 年"), Some(("机密★##年", 10)));
        assert_eq!(many.find("第3号令"), Some(("#号令", 3)));
        assert_eq!(many.find("不得\u{c}外传"), None, "not across pages");
        assert_eq!(many.find("机密十年"), None);
        assert_eq!(Many::of(&["?密".to_owned()]).find("绝密"), Some(("?密", 0)));
        assert_eq!(Many::of(&[String::new()]).find("x"), None);
    }

    #[test]
    fn digits_and_any_character_are_matched() {
        assert_eq!(find("机密★##年", "决定书 机密★10年.pdf").as_deref(), Some("机密★10年"));
        assert_eq!(find("机密★##年", "机密★十年"), None);
        assert_eq!(find("机?密", "机 密").as_deref(), Some("机 密"));
        assert_eq!(find("", "x"), None);
        assert_eq!(find("长", ""), None);
    }
}
