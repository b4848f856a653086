//! Puts compact JSON, as `serde_json` writes it, into canonical order without building a tree of it.
//!
//! What `serde_json` writes is canonical already but for the order of members and for numbers that are not whole: its
//! strings have the escapes that RFC 8785 wants and no others, and it writes no space. So values are copied through and
//! the members of an object are set in order where they are not. Whatever is out of the ordinary (a number with a point
//! or exponent, a key that is escaped or comes twice, anything that `serde_json` would not have written) is left to the
//! way over a tree, which is always right.

use std::cmp::Ordering;
use std::ops::Range;

use super::MAX_SAFE;

/// Deeper values go over a tree.
const DEPTH: usize = 64;

/// The same value with its members in order; none where it must go over a tree.
pub(super) fn sorted(compact: &[u8]) -> Option<Vec<u8>> {
    let mut sorting = Sorting { rest: compact, out: Vec::with_capacity(compact.len()), spare: Vec::new() };
    sorting.value(0)?;
    sorting.rest.is_empty().then_some(sorting.out)
}

struct Sorting<'a> {
    /// What is not read yet.
    rest: &'a [u8],
    out: Vec<u8>,
    /// Room for the members of one object while they are set in order.
    spare: Vec<u8>,
}

/// A member as it stands in the output, its key without quotes.
struct Member<'a> {
    key: &'a [u8],
    place: Range<usize>,
}

impl<'a> Sorting<'a> {
    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        match self.rest.first()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(drop),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.word(),
        }
    }

    /// Copies so many bytes.
    fn copy(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.out.extend_from_slice(taken);
        self.rest = rest;
        Some(taken)
    }

    /// Copies one byte where it is this one.
    fn byte(&mut self, byte: u8) -> Option<bool> {
        let is_that = *self.rest.first()? == byte;
        if is_that {
            self.copy(1)?;
        }
        Some(is_that)
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.copy(1)?;
        if self.byte(b'}')? {
            return Some(());
        }
        let begins = self.out.len();
        let mut members: Vec<Member<'a>> = Vec::new();
        let mut is_sorted = true;
        loop {
            let from = self.out.len();
            let key = self.string()?;
            if key.contains(&b'\\') || !self.byte(b':')? {
                return None;
            }
            self.value(depth + 1)?;
            if let Some(before) = members.last() {
                is_sorted &= order(before.key, key) == Ordering::Less;
            }
            members.push(Member { key, place: from..self.out.len() });
            if self.byte(b'}')? {
                break;
            }
            if !self.byte(b',')? {
                return None;
            }
        }
        if is_sorted { Some(()) } else { self.reorder(begins, members) }
    }

    /// Sets the members from `begins` on in order.
    fn reorder(&mut self, begins: usize, mut members: Vec<Member<'a>>) -> Option<()> {
        members.sort_by(|a, b| order(a.key, b.key));
        if members.windows(2).any(|pair| pair[0].key == pair[1].key) {
            return None;
        }
        self.spare.clear();
        for (at, member) in members.iter().enumerate() {
            if at > 0 {
                self.spare.push(b',');
            }
            self.spare.extend_from_slice(&self.out[member.place.clone()]);
        }
        self.out.truncate(begins);
        self.out.extend_from_slice(&self.spare);
        self.out.push(b'}');
        Some(())
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.copy(1)?;
        if self.byte(b']')? {
            return Some(());
        }
        loop {
            self.value(depth + 1)?;
            if self.byte(b']')? {
                return Some(());
            }
            if !self.byte(b',')? {
                return None;
            }
        }
    }

    /// A string, given without its quotes.
    fn string(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest;
        if *rest.first()? != b'"' {
            return None;
        }
        let mut end = 1;
        loop {
            end += rest[end..].iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            match rest[end] {
                b'"' => break,
                _ => end += 2,
            }
            if end > rest.len() {
                return None;
            }
        }
        self.copy(end + 1)?;
        Some(&rest[1..end])
    }

    /// A whole number that every reader holds exactly.
    fn number(&mut self) -> Option<()> {
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let text = self.copy(self.rest.iter().take_while(|byte| is_part(byte)).count())?;
        let digits = std::str::from_utf8(text.strip_prefix(b"-").unwrap_or(text)).ok()?;
        let magnitude: u64 = digits.parse().ok()?;
        let is_plain =
            !digits.starts_with('+') && (digits == "0" || !digits.starts_with('0')) && text != b"-0";
        (is_plain && magnitude <= MAX_SAFE).then_some(())
    }

    fn word(&mut self) -> Option<()> {
        let word = [&b"true"[..], b"false", b"null"].into_iter().find(|word| self.rest.starts_with(word))?;
        self.copy(word.len()).map(drop)
    }
}

/// The order of RFC 8785: by UTF-16 units. That of UTF-8 differs from it only beyond U+DFFF.
fn order(a: &[u8], b: &[u8]) -> Ordering {
    /// The first byte of U+E000 and what follows it.
    const LATE: u8 = 0xee;
    if a.iter().chain(b).all(|byte| *byte < LATE) {
        return a.cmp(b);
    }
    match (std::str::from_utf8(a), std::str::from_utf8(b)) {
        (Ok(a), Ok(b)) => a.encode_utf16().cmp(b.encode_utf16()),
        _ => a.cmp(b),
    }
}
