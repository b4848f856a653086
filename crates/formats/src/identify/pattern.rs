//! A byte pattern: literals, sets, gaps, alternatives, anchored at the file's beginning, its end, or nowhere.
//!
//! One small language serves our own table and the sequences of the official signature files: hex pairs, `'text'`,
//! `[41-5A]` or `['a':'z']` (`!` negates, `&01` wants bits), `(…|…)`, `??`, `{4}`, `{0-10}`, `{2-*}`, `*`. Blanks do not
//! count. Matching is the business of `matcher`.

/// One step of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Exactly these bytes.
    Literal(Vec<u8>),
    /// One byte of a set.
    Set(Box<ByteSet>),
    /// As many bytes, but not these.
    Not(Vec<u8>),
    /// Bytes in this range of big-endian numbers.
    Between(Vec<u8>, Vec<u8>),
    /// Any bytes, at least and at most so many; `None` is without end.
    Gap(usize, Option<usize>),
    /// One of several.
    Either(Vec<Vec<Token>>),
}

/// A set of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ByteSet([bool; 256]);

impl ByteSet {
    fn from_test(test: impl Fn(u8) -> bool) -> Self {
        let mut set = [false; 256];
        for byte in 0..=255_u8 {
            set[usize::from(byte)] = test(byte);
        }
        Self(set)
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte)]
    }
}

/// From which end a pattern is counted. Patterns of the end are stored backwards and run over reversed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    End,
    /// Anywhere: counted from the start, after a gap without end.
    Anywhere,
}

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) anchor: Anchor,
    pub(super) tokens: Vec<Token>,
}

impl Pattern {
    /// A pattern of the tokens in reading order, after `offset` bytes from its anchor (before them, for the end).
    pub(super) fn new(anchor: Anchor, offset: (usize, Option<usize>), mut tokens: Vec<Token>) -> Self {
        if anchor == Anchor::End {
            tokens = backwards(tokens);
        }
        if offset != (0, Some(0)) {
            tokens.insert(0, Token::Gap(offset.0, offset.1));
        }
        Self { anchor, tokens: joined(tokens) }
    }
}

/// The same pattern for reversed bytes.
fn backwards(tokens: Vec<Token>) -> Vec<Token> {
    let turned = |mut bytes: Vec<u8>| {
        bytes.reverse();
        bytes
    };
    let turn = |token| match token {
        Token::Literal(bytes) => Token::Literal(turned(bytes)),
        Token::Not(bytes) => Token::Not(turned(bytes)),
        Token::Either(ways) => Token::Either(ways.into_iter().map(backwards).collect()),
        // A range of numbers over reversed bytes would be little-endian: only single bytes are met in practice.
        other => other,
    };
    tokens.into_iter().rev().map(turn).collect()
}

/// Neighbouring literals become one.
pub(super) fn joined(tokens: Vec<Token>) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        match (out.last_mut(), token) {
            (Some(Token::Literal(before)), Token::Literal(more)) => before.extend(more),
            (_, token) => out.push(token),
        }
    }
    out
}

/// Reads a sequence of the language.
///
/// # Errors
/// Where the text leaves the language, in words for whoever writes tables.
pub(super) fn parse(text: &str) -> Result<Vec<Token>, String> {
    let mut reader = Reader { rest: text.as_bytes() };
    let tokens = reader.sequence()?;
    if reader.rest.is_empty() { Ok(joined(tokens)) } else { Err(reader.fault("unexpected")) }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn fault(&self, what: &str) -> String {
        let at = String::from_utf8_lossy(&self.rest[..self.rest.len().min(20)]).into_owned();
        format!("{what} at “{at}”")
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.rest.first() == Some(&byte);
        if is_next {
            self.rest = &self.rest[1..];
        }
        is_next
    }

    fn sequence(&mut self) -> Result<Vec<Token>, String> {
        let mut tokens = Vec::new();
        loop {
            self.blanks();
            let token = match self.rest {
                [] | [b'|' | b')', ..] => return Ok(tokens),
                [b'(', ..] => self.either()?,
                [b'[', ..] => self.set()?,
                [b'{', ..] => self.gap()?,
                [b'*', ..] => {
                    self.take(b'*');
                    Token::Gap(0, None)
                }
                [b'?', b'?', ..] => {
                    self.rest = &self.rest[2..];
                    Token::Gap(1, Some(1))
                }
                _ => Token::Literal(self.bytes()?),
            };
            tokens.push(token);
        }
    }

    /// A text in quotes or one hex pair.
    fn bytes(&mut self) -> Result<Vec<u8>, String> {
        if let [quote @ (b'\'' | b'"'), after @ ..] = self.rest {
            let Some(end) = after.iter().position(|b| b == quote) else {
                return Err(self.fault("a text without its end"));
            };
            let text = after[..end].to_vec();
            self.rest = &after[end + 1..];
            return Ok(text);
        }
        let pair = self.rest.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let Some(byte) = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) else {
            return Err(self.fault("neither hex nor text"));
        };
        self.rest = &self.rest[2..];
        Ok(vec![byte])
    }

    fn either(&mut self) -> Result<Token, String> {
        self.take(b'(');
        let mut ways = Vec::new();
        loop {
            ways.push(joined(self.sequence()?));
            if self.take(b')') {
                return Ok(Token::Either(ways));
            }
            if !self.take(b'|') {
                return Err(self.fault("alternatives without their end"));
            }
        }
    }

    /// `[41:5A]`, `[!00]`, `[&01]`, `[!0000]`, `[0000:1000]`.
    fn set(&mut self) -> Result<Token, String> {
        self.take(b'[');
        self.blanks();
        let is_negated = self.take(b'!');
        let is_mask = self.take(b'&');
        let low = self.run()?;
        let high = if self.take(b':') || self.take(b'-') { Some(self.run()?) } else { None };
        if !self.take(b']') {
            return Err(self.fault("a set without its end"));
        }
        Ok(match (&low[..], high.as_deref()) {
            (&[mask], None) if is_mask => {
                Token::Set(Box::new(ByteSet::from_test(|b| (b & mask == mask) != is_negated)))
            }
            (&[low], high) if high.is_none_or(|h| h.len() == 1) => {
                let high = high.map_or(low, |h| h[0]);
                Token::Set(Box::new(ByteSet::from_test(|b| (low..=high).contains(&b) != is_negated)))
            }
            (_, None) if is_negated => Token::Not(low),
            (_, Some(high)) if !is_negated && high.len() == low.len() => Token::Between(low, high.to_vec()),
            _ => return Err(self.fault("a set that is not understood, before")),
        })
    }

    /// Bytes up to what ends a bound of a set.
    fn run(&mut self) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        loop {
            self.blanks();
            if matches!(self.rest, [] | [b':' | b'-' | b']', ..]) {
                return if bytes.is_empty() { Err(self.fault("an empty bound")) } else { Ok(bytes) };
            }
            bytes.extend(self.bytes()?);
        }
    }

    fn gap(&mut self) -> Result<Token, String> {
        let Some(end) = self.rest.iter().position(|b| *b == b'}') else {
            return Err(self.fault("a gap without its end"));
        };
        let (inner, after) = (&self.rest[1..end], &self.rest[end + 1..]);
        let inner = std::str::from_utf8(inner).map_err(|_| self.fault("a gap"))?;
        let (low, high) = span(inner).ok_or_else(|| self.fault("a gap"))?;
        self.rest = after;
        Ok(Token::Gap(low, high))
    }
}

/// `4`, `0-10`, `2-*`.
pub(super) fn span(text: &str) -> Option<(usize, Option<usize>)> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let low = low.trim().parse().ok()?;
    match high.trim() {
        "*" => Some((low, None)),
        high => Some((low, Some(high.parse().ok()?))).filter(|(low, high)| high.is_some_and(|h| h >= *low)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hex_and_text_become_one_literal() {
        assert_eq!(parse("89 'PNG' 0D0A").unwrap(), [Token::Literal(b"\x89PNG\r\n".to_vec())]);
        assert_eq!(parse("{2-*} 00").unwrap(), [Token::Gap(2, None), Token::Literal(vec![0])]);
        assert!(parse("(41|42").is_err() && parse("4").is_err() && parse("'a").is_err());
    }

    #[test]
    fn sets_hold_what_they_say() {
        let set = |text: &str| match parse(text).unwrap().remove(0) {
            Token::Set(set) => *set,
            other => panic!("{other:?}"),
        };
        assert!(set("['6'-'7']").has(b'6') && !set("['6'-'7']").has(b'8'));
        assert!(!set("[!10]").has(0x10) && set("[!10]").has(0x11));
        assert!(set("[&01]").has(3) && !set("[&01]").has(2));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ -~]{0,40}") {
            let _ = parse(&text);
        }
    }
}
