//! Patterns of S-08's marks: `#` is a digit, `?` any character, all else itself. No expressions: what an archivist writes
//! must be readable by the next one.

/// Where `pattern` occurs in `text`, as far as it is found: the characters that fit.
pub(crate) fn find(pattern: &str, text: &str) -> Option<String> {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    if pattern.is_empty() {
        return None;
    }
    let fits = |(p, c): (&char, &char)| match p {
        '#' => c.is_ascii_digit(),
        '?' => true,
        p => p == c,
    };
    text.windows(pattern.len()).find(|w| pattern.iter().zip(w.iter()).all(fits)).map(|w| w.iter().collect())
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn digits_and_any_character_are_matched() {
        assert_eq!(find("机密★##年", "决定书 机密★10年.pdf").as_deref(), Some("机密★10年"));
        assert_eq!(find("机密★##年", "机密★十年"), None);
        assert_eq!(find("机?密", "机 密").as_deref(), Some("机 密"));
        assert_eq!(find("", "x"), None);
        assert_eq!(find("长", ""), None);
    }
}
