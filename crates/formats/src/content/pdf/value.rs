//! The objects of PDF (ISO 32000-1, 7.3), as values. Depth, number and bytes are bounded: hostile files nest and refer in
//! circles. Neighbours: `lexer` before, `file` after, which knows where objects lie.

use std::cell::Cell;
use std::rc::Rc;

use super::lexer::{Lexer, Token, number};

/// Bytes of a file that may be tokenised, counting again what is read again.
const MAX_WORK: u64 = 96 << 20;
/// Values of one object.
const MAX_VALUES: usize = 1 << 20;
const MAX_DEPTH: usize = 64;

/// What reading may still cost; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Work(Rc<Cell<u64>>);

impl Work {
    pub(super) fn new() -> Self {
        Self(Rc::new(Cell::new(MAX_WORK)))
    }

    /// Takes `bytes` off; `None` once nothing is left.
    pub(super) fn spend(&self, bytes: usize) -> Option<()> {
        let left = self.0.get().checked_sub(bytes as u64 + 8);
        self.0.set(left.unwrap_or(0));
        left.map(|_| ())
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Name(Vec<u8>),
    Text(Vec<u8>),
    Array(Vec<Value>),
    Dict(Dict),
    /// `n g R`
    Ref(u32),
    /// An operator or a keyword out of place.
    Word(Vec<u8>),
}

/// A dictionary.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Dict(pub(super) Vec<(Vec<u8>, Value)>);

impl Dict {
    /// The value of `key`; `None` if it is absent or null. Of two, readers take the last.
    pub(super) fn get(&self, key: &[u8]) -> Option<&Value> {
        self.0.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v).filter(|v| **v != Value::Null)
    }

    pub(super) fn has(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn name(&self, key: &[u8]) -> Option<&[u8]> {
        self.get(key)?.name()
    }

    /// Whether `key` is the name `name`.
    pub(super) fn is(&self, key: &[u8], name: &[u8]) -> bool {
        self.name(key) == Some(name)
    }

    pub(super) fn reference(&self, key: &[u8]) -> Option<u32> {
        match self.get(key)? {
            Value::Ref(n) => Some(*n),
            _ => None,
        }
    }

    pub(super) fn number(&self, key: &[u8]) -> Option<u64> {
        self.get(key)?.whole()
    }
}

impl Value {
    pub(super) fn name(&self) -> Option<&[u8]> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    pub(super) fn array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }

    /// A whole number that is not negative.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    pub(super) fn whole(&self) -> Option<u64> {
        match self {
            Self::Number(n) if n.fract() == 0.0 && (0.0..9.0e15).contains(n) => Some(*n as u64),
            _ => None,
        }
    }
}

/// Reads values off a lexer.
pub(super) struct Parser<'a> {
    pub(super) lexer: Lexer<'a>,
    left: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { lexer: Lexer::new(bytes, at), left: MAX_VALUES }
    }

    /// The value at `at`, its bytes paid from `work`; and where it ends.
    pub(super) fn value_at(bytes: &'a [u8], at: usize, work: &Work) -> Option<(Value, usize)> {
        work.spend(0)?;
        let mut parser = Self::new(bytes, at);
        let value = parser.value(0);
        work.spend(parser.lexer.at.saturating_sub(at))?;
        Some((value?, parser.lexer.at))
    }

    pub(super) fn value(&mut self, depth: usize) -> Option<Value> {
        let token = self.lexer.next()?;
        self.of(token, depth)
    }

    /// The value that begins with `token`.
    pub(super) fn of(&mut self, token: Token<'a>, depth: usize) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        if depth > MAX_DEPTH {
            return None;
        }
        Some(match token {
            Token::DictOpen => Value::Dict(self.dict(depth)?),
            Token::ArrayOpen => Value::Array(self.array(depth)?),
            Token::Name(raw) => Value::Name(name(raw)),
            Token::Literal(raw) => Value::Text(literal(raw)),
            Token::Hex(raw) => Value::Text(hex(raw)),
            Token::Word(word) => self.word(word),
            Token::DictClose | Token::ArrayClose | Token::Stray => Value::Word(Vec::new()),
        })
    }

    fn dict(&mut self, depth: usize) -> Option<Dict> {
        let mut dict = Dict::default();
        loop {
            match self.lexer.next()? {
                Token::DictClose => return Some(dict),
                // What cannot stand here ends a dictionary that was never closed.
                Token::Word(b"endobj" | b"stream" | b"trailer") => return Some(dict),
                Token::Name(raw) => {
                    let first = self.lexer.next()?;
                    if first == Token::DictClose {
                        return Some(dict);
                    }
                    let value = self.of(first, depth + 1)?;
                    dict.0.push((name(raw), value));
                }
                _ => self.left = self.left.checked_sub(1)?,
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Vec<Value>> {
        let mut values = Vec::new();
        loop {
            match self.lexer.next()? {
                Token::ArrayClose => return Some(values),
                Token::Word(b"endobj") => return Some(values),
                token => values.push(self.of(token, depth + 1)?),
            }
        }
    }

    fn word(&mut self, word: &'a [u8]) -> Value {
        match word {
            b"null" => return Value::Null,
            b"true" => return Value::Bool(true),
            b"false" => return Value::Bool(false),
            _ => {}
        }
        if let Some(n) = number(word).and_then(|n| u32::try_from(n).ok()) {
            let mut ahead = self.lexer.clone();
            let is_reference = ahead.number().is_some() && ahead.next() == Some(Token::Word(b"R"));
            if is_reference {
                self.lexer = ahead;
                return Value::Ref(n);
            }
            return Value::Number(f64::from(n));
        }
        let number =
            std::str::from_utf8(word).ok().filter(|w| w.len() < 40).and_then(|w| w.parse::<f64>().ok());
        match number.filter(|n| n.is_finite()) {
            Some(n) => Value::Number(n),
            None => Value::Word(word.to_vec()),
        }
    }
}

fn nibble(b: u8) -> Option<u8> {
    char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

/// `J#53` is `JS`.
fn name(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(b) = raw.get(at) {
        let pair = raw.get(at + 1).zip(raw.get(at + 2)).filter(|_| *b == b'#');
        match pair.and_then(|(high, low)| Some(nibble(*high)? << 4 | nibble(*low)?)) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(*b);
                at += 1;
            }
        }
    }
    out
}

/// The bytes of a hexadecimal string; what is no digit is skipped.
pub(super) fn hex(raw: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = raw.iter().filter_map(|b| nibble(*b)).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect()
}

/// The bytes of a literal string.
fn literal(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(&b) = raw.get(at) {
        at += 1;
        if b != b'\\' {
            out.push(b);
            continue;
        }
        let Some(&escaped) = raw.get(at) else { break };
        at += 1;
        match escaped {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'\r' => at += usize::from(raw.get(at) == Some(&b'\n')),
            b'\n' => {}
            b'0'..=b'7' => {
                let mut code = u32::from(escaped - b'0');
                for _ in 0..2 {
                    if let Some(digit @ b'0'..=b'7') = raw.get(at) {
                        code = code * 8 + u32::from(digit - b'0');
                        at += 1;
                    } else {
                        break;
                    }
                }
                out.push((code & 0xff) as u8);
            }
            other => out.push(other),
        }
    }
    out
}

/// A text string (7.9.2.2): UTF-16 or UTF-8 with a mark, else as Latin text.
pub(super) fn text_of(bytes: &[u8]) -> String {
    let text = match bytes {
        [0xfe, 0xff, rest @ ..] => encoding_rs::UTF_16BE.decode_without_bom_handling(rest).0.into_owned(),
        [0xff, 0xfe, rest @ ..] => encoding_rs::UTF_16LE.decode_without_bom_handling(rest).0.into_owned(),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        // Chinese writers put UTF-8 or GB18030 here without a mark.
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => encoding_rs::GB18030.decode_without_bom_handling(bytes).0.into_owned(),
        },
    };
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &[u8]) -> Option<Value> {
        Parser::value_at(text, 0, &Work::new()).map(|(value, _)| value)
    }

    #[test]
    fn values_are_read_with_hidden_names_and_escapes() {
        let value =
            read(b"<</S/J#61vaScript/JS(a\\)\\101\\\nb)/A[1 0 R 2 -.5 <4142>]/N null/T true>>").unwrap();
        let dict = value.dict().unwrap();
        assert!(dict.is(b"S", b"JavaScript"));
        assert_eq!(dict.get(b"JS").unwrap().text().unwrap(), b"a)Ab");
        let expected = [Value::Ref(1), Value::Number(2.0), Value::Number(-0.5), Value::Text(b"AB".to_vec())];
        assert_eq!(dict.get(b"A").unwrap().array().unwrap(), expected);
        assert!(!dict.has(b"N") && dict.has(b"T"));
    }

    #[test]
    fn endless_nesting_ends() {
        assert_eq!(read(&b"[".repeat(300_000)), None);
        assert_eq!(read(&b"<</a".repeat(300_000)), None);
        assert_eq!(read(&[b"(".repeat(300_000), b")".repeat(2)].concat()).map(|_| ()), Some(()));
    }

    #[test]
    fn texts_of_every_encoding_are_read() {
        assert_eq!(text_of(b"\xfe\xff\x4e\x2d"), "中");
        assert_eq!(text_of("中".as_bytes()), "中");
        assert_eq!(text_of(b"\xd6\xd0"), "中");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_hang(text in "[<>\\[\\]()/%0-9 a-zR\\\\#]{0,200}") {
            let mut at = 0;
            while let Some((_, end)) = Parser::value_at(text.as_bytes(), at, &Work::new()) {
                prop_assert!(end > at);
                at = end;
            }
        }
    }
}
