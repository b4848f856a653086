//! Runs patterns over a file's first and last bytes. Bounded: each question has a budget of steps, and a text that was
//! searched for in vain is not searched for again.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;

use memchr::memmem::find;

use super::pattern::{Anchor, Pattern, Token};

/// Steps for one file, and for one pattern: far more than an honest file needs.
const BUDGET: u64 = 100_000_000;
const EACH: u64 = 4_000_000;
/// Bytes passed over in search of a text count as one step.
const SEARCHED: usize = 32;

/// What is known of a file: its first bytes, and its last in reverse.
pub(super) struct Subject<'a> {
    head: &'a [u8],
    tail: &'a [u8],
    /// The last bytes backwards, once a pattern of the end is tried.
    reversed: OnceCell<Vec<u8>>,
    left: Cell<u64>,
    each: Cell<u64>,
    /// Text → no occurrence at or after this place of the head.
    absent: RefCell<HashMap<Vec<u8>, usize>>,
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Matched,
    Failed,
    /// What is missing is missing in all that follows: no later place helps.
    Hopeless,
}

/// Tokens still to match, then those of the enclosing sequence.
#[derive(Clone, Copy)]
struct Rest<'p> {
    tokens: &'p [Token],
    then: Option<&'p Rest<'p>>,
}

impl<'a> Subject<'a> {
    /// `head` and `tail` may be the same bytes: the whole file.
    pub(super) fn new(head: &'a [u8], tail: &'a [u8]) -> Self {
        Self {
            head,
            tail,
            reversed: OnceCell::new(),
            left: Cell::new(BUDGET),
            each: Cell::new(0),
            absent: RefCell::new(HashMap::new()),
        }
    }

    pub(super) fn head(&self) -> &'a [u8] {
        self.head
    }

    pub(super) fn tail(&self) -> &'a [u8] {
        self.tail
    }

    fn reversed(&self) -> &[u8] {
        /// More than any signature counts back from the end.
        const BACK: usize = 256 << 10;
        let last = &self.tail[self.tail.len().saturating_sub(BACK)..];
        self.reversed.get_or_init(|| last.iter().rev().copied().collect())
    }

    /// Whether the pattern fits.
    pub(super) fn fits(&self, pattern: &Pattern) -> bool {
        self.each.set(EACH);
        let data = if pattern.anchor == Anchor::End { self.reversed() } else { self.head };
        let run = Run { subject: self, data, is_head: pattern.anchor != Anchor::End };
        run.here(Rest { tokens: &pattern.tokens, then: None }, 0) == Outcome::Matched
    }

    fn spend(&self, steps: usize) -> bool {
        let steps = steps as u64 + 1;
        self.left.set(self.left.get().saturating_sub(steps));
        self.each.set(self.each.get().saturating_sub(steps));
        self.left.get() > 0 && self.each.get() > 0
    }
}

struct Run<'s, 'a> {
    subject: &'s Subject<'a>,
    data: &'s [u8],
    is_head: bool,
}

impl Run<'_, '_> {
    fn here(&self, rest: Rest<'_>, mut at: usize) -> Outcome {
        for (index, token) in rest.tokens.iter().enumerate() {
            let after = Rest { tokens: &rest.tokens[index + 1..], then: rest.then };
            match token {
                Token::Gap(least, most) => {
                    return self.gap(after, at.saturating_add(*least), (*least, *most));
                }
                Token::Either(ways) => return self.either(ways, after, at),
                single => match self.single(single, at) {
                    Some(length) => at += length,
                    None => return Outcome::Failed,
                },
            }
        }
        rest.then.map_or(Outcome::Matched, |then| self.here(*then, at))
    }

    /// Bytes that a token takes here, if it fits.
    fn single(&self, token: &Token, at: usize) -> Option<usize> {
        let rest = self.data.get(at..)?;
        match token {
            Token::Literal(bytes) => rest.starts_with(bytes).then_some(bytes.len()),
            Token::Set(set) => rest.first().filter(|b| set.has(**b)).map(|_| 1),
            Token::Not(bytes) => rest.get(..bytes.len()).filter(|found| found != bytes).map(<[u8]>::len),
            Token::Between(low, high) => rest
                .get(..low.len())
                .filter(|found| *found >= &low[..] && *found <= &high[..])
                .map(<[u8]>::len),
            Token::Gap(..) | Token::Either(_) => None,
        }
    }

    fn either(&self, ways: &[Vec<Token>], after: Rest<'_>, at: usize) -> Outcome {
        if !self.subject.spend(ways.len()) {
            return Outcome::Hopeless;
        }
        let mut worst = Outcome::Hopeless;
        for way in ways {
            match self.here(Rest { tokens: way, then: Some(&after) }, at) {
                Outcome::Matched => return Outcome::Matched,
                Outcome::Failed => worst = Outcome::Failed,
                Outcome::Hopeless => {}
            }
        }
        worst
    }

    fn gap(&self, after: Rest<'_>, from: usize, (least, most): (usize, Option<usize>)) -> Outcome {
        let end = match most {
            Some(most) => from.saturating_add(most - least).min(self.data.len()),
            None => self.data.len(),
        };
        let vain = if most.is_none() { Outcome::Hopeless } else { Outcome::Failed };
        let mut at = from;
        while at <= end {
            let Some(place) = self.next(after, at, end) else { return vain };
            match self.here(after, place) {
                Outcome::Failed => at = place + 1,
                ended => return ended,
            }
        }
        vain
    }

    /// The next place up to `end` where what follows may begin.
    fn next(&self, after: Rest<'_>, at: usize, end: usize) -> Option<usize> {
        let Some(Token::Literal(text)) = after.tokens.first() else {
            return self.subject.spend(0).then_some(at);
        };
        if at == end {
            return self.data.get(at..)?.starts_with(text).then_some(at);
        }
        let to_the_end = end == self.data.len();
        if self.is_head && self.subject.absent.borrow().get(text).is_some_and(|from| *from <= at) {
            return None;
        }
        let window = self.data.get(at..end.saturating_add(text.len()).min(self.data.len()))?;
        let found = find(window, text);
        if !self.subject.spend(found.unwrap_or(window.len()) / SEARCHED) {
            return None;
        }
        if found.is_none() && to_the_end && self.is_head {
            self.subject
                .absent
                .borrow_mut()
                .entry(text.clone())
                .and_modify(|f| *f = (*f).min(at))
                .or_insert(at);
        }
        found.map(|place| at + place)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::parse;
    use super::*;

    fn fits(anchor: Anchor, offset: (usize, Option<usize>), pattern: &str, bytes: &[u8]) -> bool {
        Subject::new(bytes, bytes).fits(&Pattern::new(anchor, offset, parse(pattern).unwrap()))
    }

    #[test]
    fn anchors_count_from_both_ends() {
        assert!(fits(Anchor::Start, (2, Some(4)), "'b'", b"aaab"));
        assert!(!fits(Anchor::Start, (0, Some(2)), "'b'", b"aaab"));
        assert!(fits(Anchor::End, (1, Some(3)), "'ab' {0-2} 'c'", b"..abxc.."));
        assert!(!fits(Anchor::End, (0, Some(1)), "'c'", b"..abxc.."));
        assert!(fits(Anchor::Anywhere, (0, None), "'x' * 'z'", b"..x...z"));
    }

    #[test]
    fn alternatives_of_different_lengths_are_tried_in_turn() {
        assert!(fits(Anchor::Start, (0, Some(0)), "('f'|'f1') '\\ansi'", b"f1\\ansi"));
        assert!(fits(Anchor::Start, (0, Some(0)), "* ('ab'|'a') {1} 'q'", b"..abbq"));
    }

    #[test]
    fn a_later_place_is_tried_when_the_first_does_not_go_on() {
        assert!(fits(Anchor::Anywhere, (0, None), "'ab' {1} 'c'", b"abx ab.c"));
    }

    #[test]
    fn hopeless_patterns_end_soon() {
        let bytes = vec![b'a'; 1 << 20];
        assert!(!fits(Anchor::Anywhere, (0, None), "'a' * 'a' * 'a' * 'b'", &bytes));
        assert!(!fits(Anchor::Anywhere, (0, None), "'a' {0-999999} 'a' {0-999999} 'b' 'b'", &bytes));
    }
}
