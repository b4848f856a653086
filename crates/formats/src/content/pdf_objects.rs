//! Just enough of PDF (ISO 32000-1, 7.3-7.5) to follow trailer → catalogue → page tree: dictionary look-up, object
//! places from the cross-reference table or, failing that, from a scan. Neighbours: `pdf_lexer` before, `pdf` after.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::Read as _;
use std::rc::Rc;

use flate2::read::ZlibDecoder;

use super::kind::find;
use super::pdf_lexer::{Lexer, Token, is_space, number};

/// Unpacked bytes of all object streams together.
const MAX_UNPACKED: u64 = 64 << 20;
/// Bytes of a file that may be tokenised, counting again what is read again: hostile files refer in circles.
const MAX_WORK: u64 = 64 << 20;
/// A dictionary longer than this is not searched to its end.
const MAX_DICTIONARY: usize = 1 << 20;
/// Objects that a scan notes, sections of cross-reference tables, and references of one array.
const MAX_OBJECTS: usize = 500_000;
const MAX_SECTIONS: usize = 4_096;
/// An object stream's dictionary is short; so is what stands before its content.
const STREAM_HEAD: usize = 1_024;

/// A dictionary's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// `n g R`
    Ref(u32),
    Number(u64),
    /// The name `ObjStm`
    ObjectStream,
    /// The name `XRef`
    CrossReferences,
    /// Where an array begins.
    Array(usize),
    Null,
    Other,
}

/// What tokenising may still cost; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Work(Rc<Cell<u64>>);

impl Work {
    pub(super) fn new() -> Self {
        Self(Rc::new(Cell::new(MAX_WORK)))
    }

    /// Takes `bytes` off; `None` once nothing is left.
    pub(super) fn spend(&self, bytes: usize) -> Option<()> {
        let left = self.0.get().checked_sub(bytes as u64 + 1);
        self.0.set(left.unwrap_or(0));
        left.map(|_| ())
    }

    /// The value of `key` in the dictionary that begins (`<<`) at `at`.
    pub(super) fn lookup(&self, bytes: &[u8], at: usize, key: &[u8]) -> Option<Value> {
        self.spend(0)?;
        let end = at.saturating_add(MAX_DICTIONARY).min(bytes.len());
        let mut lexer = Lexer::new(&bytes[..end], at);
        let found = lookup(&mut lexer, key);
        self.spend(lexer.at.saturating_sub(at));
        found
    }
}

fn lookup(lexer: &mut Lexer<'_>, key: &[u8]) -> Option<Value> {
    if lexer.next()? != Token::DictOpen {
        return None;
    }
    loop {
        match lexer.next()? {
            Token::DictClose => return None,
            Token::Name(name) if name == key => return value(lexer),
            Token::Name(_) => {
                let first = lexer.next()?;
                if first == Token::DictClose {
                    return None;
                }
                lexer.skip_value(first);
            }
            _ => {}
        }
    }
}

fn value(lexer: &mut Lexer<'_>) -> Option<Value> {
    lexer.skip_space();
    let start = lexer.at;
    Some(match lexer.next()? {
        Token::ArrayOpen => Value::Array(start),
        Token::Name(b"ObjStm") => Value::ObjectStream,
        Token::Name(b"XRef") => Value::CrossReferences,
        Token::Word(b"null") => Value::Null,
        Token::Word(word) => match (number(word), lexer.number(), lexer.next()) {
            (Some(n), Some(_), Some(Token::Word(b"R"))) => u32::try_from(n).map_or(Value::Other, Value::Ref),
            (Some(n), _, _) => Value::Number(n),
            _ => Value::Other,
        },
        _ => Value::Other,
    })
}

/// Where `n g obj` leads at `at`: the start of its value.
pub(super) fn object_at(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let mut lexer = Lexer::new(bytes, at);
    let n = u32::try_from(lexer.number()?).ok()?;
    lexer.number()?;
    if lexer.next()? != Token::Word(b"obj") {
        // `obj` may touch what follows only if that is a delimiter, which ends the word anyway.
        return None;
    }
    lexer.skip_space();
    Some((n, lexer.at))
}

/// The objects of a whole file, found when they are asked for.
pub(super) struct Objects<'a> {
    pub(super) bytes: &'a [u8],
    /// Classic cross-reference sections: (first number, count, place of the first 20-byte row).
    pub(super) sections: Vec<(u64, u64, usize)>,
    /// What stands before `%PDF-`.
    pub(super) shift: usize,
    pub(super) work: Work,
    scanned: Option<Scan>,
}

#[derive(Default)]
struct Scan {
    /// Object number → start of its value; the last one wins.
    places: HashMap<u32, usize>,
    /// Unpacked object streams.
    unpacked: Vec<Vec<u8>>,
    /// Object number → (stream, start of its value).
    packed: HashMap<u32, (usize, usize)>,
    /// Bytes unpacked so far, also of streams that turned out bad.
    spent: u64,
}

impl<'a> Objects<'a> {
    /// Notes a cross-reference section; `None` when there are too many.
    pub(super) fn note_section(&mut self, first: u64, count: u64, rows: usize) -> Option<()> {
        self.sections.push((first, count, rows));
        (self.sections.len() <= MAX_SECTIONS).then_some(())
    }

    pub(super) fn new(bytes: &'a [u8], shift: usize) -> Self {
        Self { bytes, sections: Vec::new(), shift, work: Work::new(), scanned: None }
    }

    /// The bytes and place of object `n`'s value.
    pub(super) fn get(&mut self, n: u32) -> Option<(&[u8], usize)> {
        if let Some(at) = self.by_table(n) {
            return Some((self.bytes, at));
        }
        let (bytes, work) = (self.bytes, &self.work);
        let scan = self.scanned.get_or_insert_with(|| Scan::of(bytes, work));
        if let Some(at) = scan.places.get(&n) {
            return Some((bytes, *at));
        }
        let (stream, at) = *scan.packed.get(&n)?;
        Some((scan.unpacked.get(stream)?, at))
    }

    /// The value of `key` in the dictionary that object `n` is. An array's place is in the bytes that `n` lies in.
    pub(super) fn entry(&mut self, n: u32, key: &[u8]) -> Option<Value> {
        let work = self.work.clone();
        let (bytes, at) = self.get(n)?;
        work.lookup(bytes, at, key)
    }

    /// The references of the array that begins (`[`) at `at` of the bytes that object `n` lies in.
    pub(super) fn references(&mut self, n: u32, at: usize) -> Vec<u32> {
        let work = self.work.clone();
        let mut found = Vec::new();
        let Some((bytes, _)) = self.get(n) else { return found };
        let mut lexer = Lexer::new(&bytes[..at.saturating_add(MAX_DICTIONARY).min(bytes.len())], at);
        if work.spend(0).is_none() || lexer.next() != Some(Token::ArrayOpen) {
            return found;
        }
        let mut numbers: [Option<u32>; 2] = [None, None];
        while let Some(Token::Word(word)) = lexer.next() {
            if word == b"R" {
                found.extend(numbers[0]);
            }
            numbers = [numbers[1], number(word).and_then(|n| u32::try_from(n).ok())];
        }
        work.spend(lexer.at.saturating_sub(at));
        found
    }

    fn by_table(&self, n: u32) -> Option<usize> {
        let (first, _, rows) =
            *self.sections.iter().find(|s| (s.0..s.0.saturating_add(s.1)).contains(&u64::from(n)))?;
        let row = usize::try_from(u64::from(n) - first).ok()?.checked_mul(20)?.checked_add(rows)?;
        let offset = Lexer::new(self.bytes, row).number()?;
        let (found, value) = object_at(self.bytes, usize::try_from(offset).ok()?.checked_add(self.shift)?)?;
        (found == n).then_some(value)
    }
}

impl Scan {
    fn of(bytes: &[u8], work: &Work) -> Self {
        let mut scan = Self::default();
        let mut from = 0;
        while let Some(at) = find(&bytes[from..], b"obj").filter(|_| scan.places.len() < MAX_OBJECTS) {
            let at = from + at;
            from = at + 3;
            if let Some((n, value)) = number_before(bytes, at).and_then(|start| object_at(bytes, start)) {
                scan.places.insert(n, value);
            }
        }
        let mut streams: Vec<usize> =
            scan.places.values().copied().filter(|&at| is_object_stream(bytes, at, work)).collect();
        streams.sort_unstable();
        for at in streams {
            if scan.spent < MAX_UNPACKED {
                scan.unpack(bytes, at, work);
            }
        }
        scan
    }

    /// The numbers and places that stand before an object stream's content.
    fn unpack(&mut self, bytes: &[u8], at: usize, work: &Work) -> Option<()> {
        let numbers = (work.lookup(bytes, at, b"N")?, work.lookup(bytes, at, b"First")?);
        let (Value::Number(count), Value::Number(first)) = numbers else { return None };
        let is_packed = work.lookup(bytes, at, b"Filter").is_some();
        let content = stream_content(bytes, at, is_packed, MAX_UNPACKED - self.spent)?;
        self.spent += content.len() as u64 + 1;
        let mut lexer = Lexer::new(&content, 0);
        let stream = self.unpacked.len();
        for _ in 0..count {
            let (Some(n), Some(offset)) = (lexer.number(), lexer.number()) else { break };
            if let (Ok(n), Ok(start)) = (u32::try_from(n), usize::try_from(first.saturating_add(offset))) {
                self.packed.insert(n, (stream, start));
            }
            if self.packed.len() > MAX_OBJECTS {
                break;
            }
        }
        self.unpacked.push(content);
        Some(())
    }
}

fn is_object_stream(bytes: &[u8], at: usize, work: &Work) -> bool {
    let head = &bytes[..at.saturating_add(STREAM_HEAD).min(bytes.len())];
    work.lookup(head, at, b"Type") == Some(Value::ObjectStream)
}

/// Unpacks a Flate stream, or copies an unfiltered one, up to `most` bytes.
fn stream_content(bytes: &[u8], dict: usize, is_packed: bool, most: u64) -> Option<Vec<u8>> {
    let head = &bytes[dict..dict.saturating_add(STREAM_HEAD).min(bytes.len())];
    let from = dict + find(head, b"stream")? + 6;
    let from = from + usize::from(bytes.get(from) == Some(&b'\r'));
    let from = from + usize::from(bytes.get(from) == Some(&b'\n'));
    let data = bytes.get(from..)?;
    let mut content = Vec::new();
    if is_packed {
        // A stream that breaks off gives what came before.
        let _ = ZlibDecoder::new(data).take(most).read_to_end(&mut content);
    } else {
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(MAX_DICTIONARY).min(data.len());
        content.extend_from_slice(&data[..find(&data[..most], b"endstream").unwrap_or(most)]);
    }
    Some(content)
}

/// Where `n g ` before an `obj` at `at` begins.
fn number_before(bytes: &[u8], at: usize) -> Option<usize> {
    let back = |mut end: usize, f: fn(u8) -> bool| {
        while end > 0 && f(bytes[end - 1]) {
            end -= 1;
        }
        end
    };
    let digit = |b: u8| b.is_ascii_digit();
    let gen_end = back(at, is_space);
    let gen_start = back(gen_end, digit);
    let n_end = back(gen_start, is_space);
    let n_start = back(n_end, digit);
    (gen_end < at && gen_start < gen_end && n_end < gen_start && n_start < n_end).then_some(n_start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_dictionary_is_searched_at_its_own_level_only() {
        let dict =
            b"<< /A << /Root 9 0 R >> /S (a\\)>> /Root) /H <00> /B [1 << /Root 8 0 R >>] /Root 3 0 R /N 7 >>";
        let work = Work::new();
        assert_eq!(work.lookup(dict, 0, b"Root"), Some(Value::Ref(3)));
        assert_eq!(work.lookup(dict, 0, b"N"), Some(Value::Number(7)));
        assert_eq!(work.lookup(dict, 0, b"Encrypt"), None);
        assert_eq!(work.lookup(b"<</Root 1 0 R/Encrypt null>>", 0, b"Encrypt"), Some(Value::Null));
    }

    #[test]
    fn objects_are_found_by_scan_when_there_is_no_table() {
        let mut objects = Objects::new(b"%PDF-1.4\n12 0 obj\n<</A 1>>\nendobj 13 0 obj<</B 2>>endobj", 0);
        let (bytes, at) = objects.get(13).unwrap();
        assert_eq!(Work::new().lookup(bytes, at, b"B"), Some(Value::Number(2)));
        assert!(objects.get(14).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_tokeniser_panic_or_hang(text in "[<>\\[\\]()/%0-9 a-zR\\\\]{0,200}") {
            let mut lexer = Lexer::new(text.as_bytes(), 0);
            while lexer.next().is_some() {}
            let _ = Work::new().lookup(text.as_bytes(), 0, b"a");
            let _ = Objects::new(text.as_bytes(), 0).get(1);
        }
    }
}
