//! Secrets are emptied before anything is stored: the citizen's query password (查询密码, `projectpassword`).
//!
//! Works on bytes, not on a parsed document, so that a broken document loses its secret too and every other
//! byte stays as received. ASCII markup is the same in UTF-8 and GB18030; UTF-16 is scanned by its units.

use std::borrow::Cow;
use std::ops::Range;

use dengbei_records::Redaction;

/// The elements whose text is a secret, in lower case.
const SECRETS: [&str; 1] = ["projectpassword"];

/// A document without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted<'a> {
    /// The bytes to store; borrowed when there was nothing to empty.
    pub bytes: Cow<'a, [u8]>,
    /// What was emptied.
    pub redactions: Vec<Redaction>,
}

/// Empties every secret of the XML document `bytes`, which lies at `path` of its package.
pub fn redact<'a>(path: &str, bytes: &'a [u8]) -> Redacted<'a> {
    let mut units = Units::of(bytes);
    let mut kept = Vec::new();
    let mut redactions = Vec::new();
    let mut at = 0;
    let mut copied = 0;
    while let Some((name, holes, next)) = find_secret(&mut units, at) {
        for hole in &holes {
            kept.extend_from_slice(&bytes[units.byte(copied)..units.byte(hole.start)]);
            copied = hole.end;
        }
        if !holes.is_empty() {
            redactions.push(Redaction {
                path: path.to_owned(),
                element: name.to_owned(),
                reason: "办事人的查询密码不归档，接收时清空".to_owned(),
            });
        }
        at = next;
    }
    if redactions.is_empty() {
        return Redacted { bytes: Cow::Borrowed(bytes), redactions };
    }
    kept.extend_from_slice(&bytes[units.byte(copied)..]);
    Redacted { bytes: Cow::Owned(kept), redactions }
}

/// The document as code units: bytes, or pairs of bytes in UTF-16.
struct Units<'a> {
    bytes: &'a [u8],
    width: usize,
    /// Which byte of a pair is the low one.
    low: usize,
    /// From here on no secret is closed any more: asked once, so that a hostile document costs one pass.
    is_unclosed_from: usize,
}

impl<'a> Units<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let (width, low) = match bytes {
            [0xff, 0xfe, ..] | [_, 0, ..] => (2, 0),
            [0xfe, 0xff, ..] | [0, _, ..] => (2, 1),
            _ => (1, 0),
        };
        Self { bytes, width, low, is_unclosed_from: usize::MAX }
    }

    fn len(&self) -> usize {
        self.bytes.len() / self.width
    }

    /// Where unit `at` begins; the end of the bytes for the unit after the last.
    fn byte(&self, at: usize) -> usize {
        if at >= self.len() { self.bytes.len() } else { at * self.width }
    }

    /// The unit as ASCII; 0 for anything else and beyond the end.
    fn get(&self, at: usize) -> u8 {
        let pair = self.bytes.get(at * self.width..(at + 1) * self.width).unwrap_or(&[0, 0]);
        let is_ascii = self.width == 1 || pair[1 - self.low] == 0;
        if is_ascii { pair[self.low] } else { 0 }
    }

    fn starts_with(&self, at: usize, text: &str) -> bool {
        text.bytes().enumerate().all(|(i, b)| self.get(at + i).eq_ignore_ascii_case(&b))
    }

    fn find(&self, from: usize, text: &str) -> Option<usize> {
        (from..self.len()).find(|&at| self.starts_with(at, text))
    }
}

fn is_name_end(unit: u8) -> bool {
    matches!(unit, 0 | b' ' | b'\t' | b'\r' | b'\n' | b'/' | b'>' | b'<')
}

/// Whether a tag's name begins at `at` and is a secret's, with or without a namespace prefix. Gives the name and its end.
fn secret_name(units: &Units<'_>, at: usize) -> Option<(&'static str, usize)> {
    let end = (at..units.len()).find(|&i| is_name_end(units.get(i))).unwrap_or(units.len());
    let local = (at..end).rev().find(|&i| units.get(i) == b':').map_or(at, |colon| colon + 1);
    SECRETS.iter().find(|s| end - local == s.len() && units.starts_with(local, s)).map(|s| (*s, end))
}

/// The next secret element from `from`: its name, the ranges to empty, where to go on.
fn find_secret(units: &mut Units<'_>, from: usize) -> Option<(&'static str, Vec<Range<usize>>, usize)> {
    let mut at = from;
    loop {
        at = (at..units.len()).find(|&i| units.get(i) == b'<')? + 1;
        if let Some((name, name_end)) = secret_name(units, at) {
            let (mut holes, tag_end, is_empty) = inside_tag(units, name_end);
            let text_end = if is_empty { tag_end } else { content_end(units, tag_end) };
            if (tag_end..text_end).any(|i| !units.get(i).is_ascii_whitespace()) {
                holes.push(tag_end..text_end);
            }
            return Some((name, holes, text_end));
        }
    }
}

/// From the end of the tag's name: attribute values other than the title, the tag's end, whether it closes itself.
fn inside_tag(units: &Units<'_>, from: usize) -> (Vec<Range<usize>>, usize, bool) {
    let mut holes = Vec::new();
    let mut at = from;
    let mut word = from;
    while at < units.len() {
        match units.get(at) {
            b'>' => return (holes, at + 1, units.get(at - 1) == b'/'),
            b'<' => return (holes, at, true),
            quote @ (b'"' | b'\'') => {
                let end = (at + 1..units.len()).find(|&i| units.get(i) == quote).unwrap_or(units.len());
                if end > at + 1 && !units.starts_with(word, "title") {
                    holes.push(at + 1..end);
                }
                at = end;
            }
            b' ' | b'\t' | b'\r' | b'\n' => word = at + 1,
            _ => {}
        }
        at += 1;
    }
    (holes, units.len(), true)
}

/// Where the element's content ends: at its closing tag; without one at the next markup that is not CDATA.
fn content_end(units: &mut Units<'_>, from: usize) -> usize {
    let mut at = from;
    while from < units.is_unclosed_from
        && let Some(close) = units.find(at, "</")
    {
        if secret_name(units, close + 2).is_some() {
            return close;
        }
        at = close + 2;
    }
    units.is_unclosed_from = units.is_unclosed_from.min(from);
    let mut at = from;
    loop {
        let Some(next) = (at..units.len()).find(|&i| units.get(i) == b'<') else { return units.len() };
        if !units.starts_with(next, "<![CDATA[") {
            return next;
        }
        let Some(end) = units.find(next, "]]>") else { return units.len() };
        at = end + 3;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn emptied(text: &str) -> String {
        String::from_utf8(redact("基本信息描述.XML", text.as_bytes()).bytes.into_owned()).unwrap()
    }

    #[test]
    fn the_password_is_emptied_and_every_other_byte_stays() {
        let text = "<d>\r\n  <projectpassword title=\"查询密码\">882172</projectpassword>\r\n  <x>1</x></d>";
        let got = redact("a.xml", text.as_bytes());
        assert_eq!(got.bytes, text.replace("882172", "").as_bytes());
        assert_eq!(got.redactions.len(), 1);
        assert_eq!(got.redactions[0].element, "projectpassword");
    }

    #[test]
    fn spellings_wrappings_and_broken_documents_lose_it_too() {
        assert_eq!(emptied("<ProjectPassword>1</ProjectPassword>"), "<ProjectPassword></ProjectPassword>");
        assert_eq!(
            emptied("<a:projectpassword ><![CDATA[1<2]]></a:projectpassword>"),
            "<a:projectpassword ></a:projectpassword>"
        );
        assert_eq!(
            emptied("<projectpassword><b>1</b></projectpassword>"),
            "<projectpassword></projectpassword>"
        );
        assert_eq!(emptied("<projectpassword value='77'/>"), "<projectpassword value=''/>");
        assert_eq!(emptied("<d><projectpassword>123"), "<d><projectpassword>");
        assert_eq!(
            emptied("<projectpassword>123</projectpasswort><x/>"),
            "<projectpassword></projectpasswort><x/>"
        );
        assert_eq!(emptied("<projectpassword><![CDATA[12"), "<projectpassword>");
        assert_eq!(
            emptied("<projectpassword>1</projectpassword><projectpassword>2</projectpassword>")
                .matches(['1', '2'])
                .count(),
            0
        );
    }

    #[test]
    fn many_unclosed_secrets_cost_one_pass() {
        let text = "<projectpassword>7".repeat(20_000);
        assert!(!emptied(&text).contains('7'));
    }

    #[test]
    fn what_holds_no_secret_is_not_copied() {
        for text in [
            "<d><projectpassword/></d>",
            "<projectpassword></projectpassword>",
            "<projectpasswords>1</projectpasswords>",
            "",
        ] {
            let got = redact("a.xml", text.as_bytes());
            assert!(matches!(got.bytes, Cow::Borrowed(_)) && got.redactions.is_empty(), "{text}");
        }
    }

    #[test]
    fn gb18030_and_utf16_keep_their_encoding() {
        let text = "<d><projname>衢州</projname><projectpassword title=\"查询密码\">9</projectpassword></d>";
        let gb = |t: &str| encoding_rs::GB18030.encode(t).0.into_owned();
        assert_eq!(*redact("a", &gb(text)).bytes, gb(&text.replace(">9<", "><")));
        let utf16 =
            |t: &str| [vec![0xff, 0xfe], t.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
        assert_eq!(*redact("a", &utf16(text)).bytes, utf16(&text.replace(">9<", "><")));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = redact("a", &bytes);
        }

        #[test]
        fn no_secret_survives_in_any_surroundings(before in "[<>/a\"' =\\[\\]!-]{0,30}", after in "[<>/a\"' =]{0,30}") {
            let text = format!("{before}<projectpassword>71530</projectpassword>{after}");
            prop_assume!(!before.contains('<') || before.contains('>'));
            prop_assert!(!emptied(&text).contains("71530"), "{}", text);
        }
    }
}
