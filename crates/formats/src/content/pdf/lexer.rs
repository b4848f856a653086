//! The tokens of PDF (ISO 32000-1, 7.2), without recursion. Next: `value`, which builds objects of them.

/// One token of PDF syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    DictOpen,
    DictClose,
    ArrayOpen,
    ArrayClose,
    /// As written, `#53` and all.
    Name(&'a [u8]),
    /// What stands between the parentheses, escapes and all.
    Literal(&'a [u8]),
    /// What stands between `<` and `>`.
    Hex(&'a [u8]),
    /// Numbers and keywords.
    Word(&'a [u8]),
    /// A delimiter that opens or closes nothing.
    Stray,
}

/// Reads tokens forward.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
}

pub(super) fn is_space(b: u8) -> bool {
    matches!(b, 0 | 9 | 10 | 12 | 13 | 32)
}

fn is_regular(b: u8) -> bool {
    !is_space(b) && !matches!(b, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn skip_space(&mut self) {
        while let Some(b) = self.peek() {
            if b == b'%' {
                while self.peek().is_some_and(|b| !matches!(b, 10 | 13)) {
                    self.at += 1;
                }
            } else if is_space(b) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    fn regular(&mut self) -> &'a [u8] {
        let from = self.at;
        while self.peek().is_some_and(is_regular) {
            self.at += 1;
        }
        &self.bytes[from..self.at]
    }

    /// The next token; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space();
        let first = self.peek()?;
        let second = self.bytes.get(self.at + 1).copied();
        let (width, token) = match (first, second) {
            (b'<', Some(b'<')) => (2, Token::DictOpen),
            (b'>', Some(b'>')) => (2, Token::DictClose),
            (b'[', _) => (1, Token::ArrayOpen),
            (b']', _) => (1, Token::ArrayClose),
            (b'/', _) => {
                self.at += 1;
                return Some(Token::Name(self.regular()));
            }
            (b'(', _) => return Some(self.literal()),
            (b'<', _) => return Some(self.hex()),
            (b, _) if is_regular(b) => return Some(Token::Word(self.regular())),
            _ => (1, Token::Stray),
        };
        self.at += width;
        Some(token)
    }

    fn hex(&mut self) -> Token<'a> {
        let rest = &self.bytes[self.at + 1..];
        let length = rest.iter().position(|b| *b == b'>').unwrap_or(rest.len());
        self.at = (self.at + length + 2).min(self.bytes.len());
        Token::Hex(&rest[..length])
    }

    /// A literal string with its nested parentheses and escapes.
    fn literal(&mut self) -> Token<'a> {
        let from = self.at + 1;
        let mut depth = 0_usize;
        while let Some(b) = self.peek() {
            self.at += 1;
            match b {
                b'\\' => self.at += 1,
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Token::Literal(&self.bytes[from..self.at - 1]);
            }
        }
        self.at = self.bytes.len();
        Token::Literal(&self.bytes[from.min(self.at)..])
    }

    /// An unsigned number.
    pub(super) fn number(&mut self) -> Option<u64> {
        match self.next()? {
            Token::Word(word) => number(word),
            _ => None,
        }
    }
}

pub(super) fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}
