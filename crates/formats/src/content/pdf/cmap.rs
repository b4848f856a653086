//! Character maps (ISO 32000-1, 9.7.5, 9.10.3): from codes in a string to text. Only what maps to Unicode is read; the
//! encodings of China that are plain character sets are known by name. Next: `content`.

use std::collections::HashMap;

use super::lexer::{Lexer, Token};
use super::value::{Dict, Value, hex};

const MAX_ENTRIES: usize = 100_000;

/// How a font's codes become text.
#[derive(Debug)]
pub(super) enum Decoder {
    Mapped(CMap),
    Gb18030,
    Utf16,
    /// One byte a character.
    Simple(Vec<char>),
    /// Codes of glyphs that nothing names: no text.
    Unknown,
}

/// A ToUnicode map.
#[derive(Debug, Default)]
pub(super) struct CMap {
    /// Bytes of a code: the longest that the map's code space states.
    width: usize,
    single: HashMap<u32, String>,
    /// (first, last, text of the first)
    ranges: Vec<(u32, u32, Vec<u16>)>,
}

impl CMap {
    /// Reads a map; `width` is the font's own width of a code, which the map may correct.
    pub(super) fn read(bytes: &[u8], width: usize) -> Self {
        let mut map = Self { width, ..Self::default() };
        let mut lexer = Lexer::new(bytes, 0);
        let mut operands: Vec<Vec<u8>> = Vec::new();
        let mut list: Option<Vec<Vec<u8>>> = None;
        while let Some(token) = lexer.next() {
            match token {
                Token::Hex(raw) => match &mut list {
                    Some(list) => list.push(hex(raw)),
                    None => operands.push(hex(raw)),
                },
                Token::ArrayOpen => list = Some(Vec::new()),
                Token::ArrayClose => {
                    if let (Some(list), [.., first, _]) = (list.take(), &operands[..]) {
                        map.listed(code(first), list);
                        operands.truncate(operands.len() - 2);
                    }
                }
                Token::Word(word) => {
                    map.section(word, &operands);
                    if word.starts_with(b"begin") || word.starts_with(b"end") {
                        operands.clear();
                    }
                }
                _ => {}
            }
            if map.single.len() + map.ranges.len() + operands.len() > MAX_ENTRIES {
                break;
            }
        }
        map
    }

    fn section(&mut self, word: &[u8], operands: &[Vec<u8>]) {
        match word {
            b"endcodespacerange" => {
                let longest = operands.iter().map(Vec::len).max().unwrap_or(0);
                if (1..=4).contains(&longest) && self.width != 1 {
                    self.width = longest;
                }
            }
            b"endbfchar" => {
                for pair in operands.chunks_exact(2) {
                    self.single.insert(code(&pair[0]), utf16(&pair[1]));
                }
            }
            b"endbfrange" => {
                for three in operands.chunks_exact(3) {
                    self.ranges.push((code(&three[0]), code(&three[1]), units(&three[2])));
                }
            }
            _ => {}
        }
    }

    fn listed(&mut self, first: u32, list: Vec<Vec<u8>>) {
        for (n, text) in (first..).zip(list) {
            self.single.insert(n, utf16(&text));
        }
    }

    fn text(&self, code: u32, out: &mut String) {
        if let Some(text) = self.single.get(&code) {
            out.push_str(text);
            return;
        }
        let range = self.ranges.iter().find(|(first, last, _)| (*first..=*last).contains(&code));
        if let Some((first, _, units)) = range {
            let mut units = units.clone();
            if let Some(last) = units.last_mut() {
                *last = last.wrapping_add(u16::try_from(code - first).unwrap_or(0));
            }
            out.push_str(&String::from_utf16_lossy(&units));
        }
    }
}

fn code(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |n, b| n << 8 | u32::from(*b))
}

fn units(bytes: &[u8]) -> Vec<u16> {
    bytes
        .chunks(2)
        .take(16)
        .map(|pair| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]))
        .collect()
}

fn utf16(bytes: &[u8]) -> String {
    String::from_utf16_lossy(&units(bytes)).chars().filter(|c| *c != '\0').collect()
}

impl Decoder {
    /// The decoder of a font by the name of its encoding, for composite fonts.
    pub(super) fn named(encoding: &[u8]) -> Self {
        let has = |part: &[u8]| encoding.windows(part.len()).any(|w| w == part);
        if has(b"UTF16") || has(b"UCS2") {
            Self::Utf16
        } else if encoding.starts_with(b"GB") {
            Self::Gb18030
        } else {
            Self::Unknown
        }
    }

    /// The decoder of a simple font by its encoding.
    pub(super) fn simple(encoding: Option<&Value>) -> Self {
        let base = match encoding {
            Some(Value::Name(name)) => Some(name.as_slice()),
            Some(Value::Dict(dict)) => dict.name(b"BaseEncoding"),
            _ => None,
        };
        let charset = if base == Some(b"MacRomanEncoding") {
            encoding_rs::MACINTOSH
        } else {
            encoding_rs::WINDOWS_1252
        };
        let mut table: Vec<char> = (0..=255_u8)
            .map(|b| charset.decode_without_bom_handling(&[b]).0.chars().next().unwrap_or('\0'))
            .collect();
        if let Some(Value::Dict(dict)) = encoding {
            differ(&mut table, dict);
        }
        Self::Simple(table)
    }

    /// Bytes of a code.
    pub(super) fn code_bytes(&self) -> usize {
        match self {
            Self::Mapped(map) => map.width.max(1),
            Self::Simple(_) => 1,
            Self::Gb18030 | Self::Utf16 | Self::Unknown => 2,
        }
    }

    /// Appends the text of a string.
    pub(super) fn decode(&self, bytes: &[u8], out: &mut String) {
        match self {
            Self::Mapped(map) => {
                bytes.chunks(map.width.max(1)).for_each(|chunk| map.text(code(chunk), out));
            }
            Self::Gb18030 => out.push_str(&encoding_rs::GB18030.decode_without_bom_handling(bytes).0),
            Self::Utf16 => out.push_str(&encoding_rs::UTF_16BE.decode_without_bom_handling(bytes).0),
            Self::Simple(table) => {
                out.extend(
                    bytes.iter().filter_map(|b| table.get(usize::from(*b))).filter(|c| !c.is_control()),
                );
            }
            Self::Unknown => {}
        }
    }
}

/// The differences of an encoding, as far as glyphs' names say a character.
fn differ(table: &mut [char], dict: &Dict) {
    let mut at = 0_usize;
    for value in dict.get(b"Differences").and_then(Value::array).unwrap_or_default() {
        match value {
            Value::Number(_) => at = value.whole().and_then(|n| usize::try_from(n).ok()).unwrap_or(256),
            Value::Name(name) => {
                if let Some(slot) = table.get_mut(at) {
                    *slot = glyph(name).unwrap_or('\0');
                }
                at = at.saturating_add(1);
            }
            _ => {}
        }
    }
}

/// (glyph, character): punctuation and digits; letters name themselves.
const GLYPHS: &[(&str, char)] = &[
    ("space", ' '),
    ("exclam", '!'),
    ("quotedbl", '"'),
    ("numbersign", '#'),
    ("dollar", '$'),
    ("percent", '%'),
    ("ampersand", '&'),
    ("quotesingle", '\''),
    ("parenleft", '('),
    ("parenright", ')'),
    ("asterisk", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("hyphen", '-'),
    ("minus", '-'),
    ("period", '.'),
    ("slash", '/'),
    ("zero", '0'),
    ("one", '1'),
    ("two", '2'),
    ("three", '3'),
    ("four", '4'),
    ("five", '5'),
    ("six", '6'),
    ("seven", '7'),
    ("eight", '8'),
    ("nine", '9'),
    ("colon", ':'),
    ("semicolon", ';'),
    ("less", '<'),
    ("equal", '='),
    ("greater", '>'),
    ("question", '?'),
    ("at", '@'),
    ("bracketleft", '['),
    ("backslash", '\\'),
    ("bracketright", ']'),
    ("underscore", '_'),
    ("grave", '`'),
    ("braceleft", '{'),
    ("bar", '|'),
    ("braceright", '}'),
    ("quoteleft", '‘'),
    ("quoteright", '’'),
    ("quotedblleft", '“'),
    ("quotedblright", '”'),
    ("endash", '–'),
    ("emdash", '—'),
    ("bullet", '•'),
    ("ellipsis", '…'),
    ("fi", 'ﬁ'),
    ("fl", 'ﬂ'),
    ("ff", 'ﬀ'),
    ("degree", '°'),
    ("copyright", '©'),
    ("nbspace", ' '),
    ("germandbls", 'ß'),
];

fn glyph(name: &[u8]) -> Option<char> {
    let name = std::str::from_utf8(name).ok()?.split('.').next()?;
    let mut chars = name.chars();
    if let (Some(only), None) = (chars.next(), chars.next()) {
        return Some(only);
    }
    let digits = name.strip_prefix("uni").or_else(|| name.strip_prefix('u'));
    let stated = digits.and_then(|d| u32::from_str_radix(d.get(..4)?, 16).ok()).and_then(char::from_u32);
    stated
        .or_else(|| GLYPHS.iter().find(|(known, _)| *known == name).map(|(_, c)| *c))
        .or_else(|| accented(name))
}

/// `Udieresis`: a letter and its mark.
fn accented(name: &str) -> Option<char> {
    let mut rest = name.chars();
    let letter = rest.next()?;
    let mark = match rest.as_str() {
        "acute" => '\u{301}',
        "grave" => '\u{300}',
        "circumflex" => '\u{302}',
        "dieresis" => '\u{308}',
        "tilde" => '\u{303}',
        "ring" => '\u{30a}',
        "cedilla" => '\u{327}',
        "caron" => '\u{30c}',
        _ => return None,
    };
    unicode_normalization::char::compose(letter, mark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn characters_ranges_and_lists_are_mapped() {
        let map =
            b"1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfchar <0001> <4e2d> endbfchar
            2 beginbfrange <0010> <0012> <0041> <0020> <0021> [<6587> <00660066>] endbfrange";
        let decoder = Decoder::Mapped(CMap::read(map, 2));
        let mut out = String::new();
        decoder.decode(&[0, 1, 0, 0x11, 0, 0x20, 0, 0x21, 0, 0x99], &mut out);
        assert_eq!(out, "中B文ff");
    }

    #[test]
    fn plain_character_sets_are_known_by_name() {
        let mut out = String::new();
        Decoder::named(b"GBK-EUC-H").decode(b"\xd6\xd0", &mut out);
        Decoder::named(b"UniGB-UCS2-H").decode(b"\x65\x87", &mut out);
        Decoder::named(b"Identity-H").decode(b"\x65\x87", &mut out);
        assert_eq!(out, "中文");
    }

    proptest! {
        #[test]
        fn no_map_makes_it_panic(text in "[<>\\[\\] 0-9a-f]{0,80}(endbfchar|endbfrange|endcodespacerange)?[<>0-9a-f ]{0,40}") {
            let mut out = String::new();
            Decoder::Mapped(CMap::read(text.as_bytes(), 2)).decode(b"abcdef", &mut out);
        }
    }
}
