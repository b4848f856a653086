//! The tokens of PDF (ISO 32000-1, 7.2), without recursion. Neighbour: `pdf_objects`, which gives them meaning.

/// One token of PDF syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    DictOpen,
    DictClose,
    ArrayOpen,
    ArrayClose,
    Name(&'a [u8]),
    Text,
    /// Numbers and keywords.
    Word(&'a [u8]),
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
        let token = match (first, second) {
            (b'<', Some(b'<')) => return self.fixed(2, Token::DictOpen),
            (b'>', Some(b'>')) => return self.fixed(2, Token::DictClose),
            (b'[', _) => return self.fixed(1, Token::ArrayOpen),
            (b']', _) => return self.fixed(1, Token::ArrayClose),
            (b'/', _) => {
                self.at += 1;
                Token::Name(self.regular())
            }
            (b'(', _) => self.literal(),
            (b'<', _) => {
                self.at +=
                    self.bytes[self.at..].iter().position(|b| *b == b'>').map_or(self.bytes.len(), |n| n + 1);
                Token::Text
            }
            (b, _) if is_regular(b) => Token::Word(self.regular()),
            // A stray delimiter.
            _ => return self.fixed(1, Token::Text),
        };
        Some(token)
    }

    fn fixed(&mut self, width: usize, token: Token<'a>) -> Option<Token<'a>> {
        self.at += width;
        Some(token)
    }

    /// A literal string with its nested parentheses and escapes.
    fn literal(&mut self) -> Token<'a> {
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
                break;
            }
        }
        self.at = self.at.min(self.bytes.len());
        Token::Text
    }

    /// An unsigned number.
    pub(super) fn number(&mut self) -> Option<u64> {
        match self.next()? {
            Token::Word(word) => number(word),
            _ => None,
        }
    }

    pub(super) fn skip_value(&mut self, first: Token<'a>) {
        let mut depth = 0_usize;
        let mut token = first;
        loop {
            match token {
                Token::DictOpen | Token::ArrayOpen => depth += 1,
                Token::DictClose | Token::ArrayClose => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return;
            }
            let Some(next) = self.next() else { return };
            token = next;
        }
    }
}

pub(super) fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}
