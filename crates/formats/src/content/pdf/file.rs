//! Where the objects of a PDF lie (ISO 32000-1, 7.5): cross-reference tables and streams, object streams, and, where these
//! do not lead to an object, `scan`. Neighbours: `value` and `filters` before; `pages`, `facts`, `signatures`, `text` after.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::super::kind::{find, rfind};
use super::filters::{Stage, unpack};
use super::lexer::{Lexer, Token, is_space};
use super::scan::Scan;
use super::value::{Dict, Parser, Value, Work};

/// Readers look for `startxref` in the last KiB; senders append a little more.
pub(super) const END: usize = 4096;
/// Sections of the cross-reference that are followed.
const MAX_SECTIONS: usize = 256;
pub(super) const MAX_OBJECTS: usize = 500_000;
/// Unpacked bytes of all streams together, and of one.
const MAX_UNPACKED: usize = 96 << 20;
const MAX_STREAM: usize = 48 << 20;
/// Objects that are kept parsed.
const MAX_KEPT: usize = 4_096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    At(usize),
    /// Within an object stream.
    In(u32),
    Free,
}

/// An object: its value and, for a stream, where its data begins.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) value: Value,
    stream: Option<usize>,
}

impl Object {
    pub(super) fn dict(&self) -> Option<&Dict> {
        self.value.dict()
    }
}

/// A file that is held whole.
pub(super) struct PdfFile<'a> {
    pub(super) bytes: &'a [u8],
    /// What stands before `%PDF-`.
    shift: usize,
    pub(super) work: Work,
    pub(super) table: HashMap<u32, Place>,
    /// Trailers that the cross-reference states, newest first.
    pub(super) trailers: Vec<Dict>,
    kept: HashMap<u32, Rc<Object>>,
    /// Unpacked object streams: number → bytes and the objects in them.
    pub(super) packed: HashMap<u32, Rc<Packed>>,
    pub(super) scanned: Option<Scan>,
    unpacked: usize,
    /// Whether an object lay elsewhere than the cross-reference says.
    pub(super) is_mended: bool,
}

#[derive(Default)]
pub(super) struct Packed {
    bytes: Vec<u8>,
    pub(super) places: HashMap<u32, usize>,
}

impl<'a> PdfFile<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Self {
        let shift = find(&bytes[..bytes.len().min(1024)], b"%PDF-").unwrap_or(0);
        let mut file = Self {
            bytes,
            shift,
            work: Work::new(),
            table: HashMap::new(),
            trailers: Vec::new(),
            kept: HashMap::new(),
            packed: HashMap::new(),
            scanned: None,
            unpacked: 0,
            is_mended: false,
        };
        file.follow_sections();
        file
    }

    /// Forgets the cross-reference: from here on only the scan counts.
    pub(super) fn mend(&mut self) {
        self.table.clear();
        self.kept.clear();
        self.packed.clear();
        self.is_mended = true;
    }

    fn follow_sections(&mut self) {
        let tail = self.bytes.len().saturating_sub(END);
        let Some(stated) = rfind(&self.bytes[tail..], b"startxref") else { return };
        let mut open = vec![Lexer::new(self.bytes, tail + stated + 9).number()];
        let mut seen = BTreeSet::new();
        while let Some(Some(offset)) = open.pop() {
            if !seen.insert(offset) || seen.len() > MAX_SECTIONS {
                return;
            }
            let place = usize::try_from(offset).ok().and_then(|o| o.checked_add(self.shift));
            let Some(trailer) = place.filter(|p| *p < self.bytes.len()).and_then(|at| self.section(at))
            else {
                continue;
            };
            open.push(trailer.number(b"Prev"));
            // A hybrid file's stream is newer than what comes before the table.
            open.push(trailer.number(b"XRefStm"));
            self.trailers.push(trailer);
        }
    }

    /// One section: notes its objects, gives its trailer.
    fn section(&mut self, at: usize) -> Option<Dict> {
        let mut lexer = Lexer::new(self.bytes, at);
        if lexer.next()? == Token::Word(b"xref") {
            return self.classic(lexer);
        }
        let (_, object) = self.object_at(at)?;
        let dict = object.dict().filter(|d| d.is(b"Type", b"XRef"))?.clone();
        let data = self.data(&object)?;
        self.stream_section(&dict, &data);
        Some(dict)
    }

    fn classic(&mut self, mut lexer: Lexer<'a>) -> Option<Dict> {
        loop {
            let mut ahead = lexer.clone();
            if ahead.next()? == Token::Word(b"trailer") {
                let (value, _) = Parser::value_at(self.bytes, ahead.at, &self.work)?;
                return value.dict().cloned();
            }
            let (first, count) = (lexer.number()?, lexer.number()?);
            let from = lexer.at;
            for n in first..first.checked_add(count)? {
                let (offset, _, kind) = (lexer.number()?, lexer.number()?, lexer.next()?);
                let place = match kind {
                    Token::Word(b"n") => Place::At(usize::try_from(offset).ok()?.checked_add(self.shift)?),
                    _ => Place::Free,
                };
                self.note(n, place)?;
            }
            self.work.spend(lexer.at - from)?;
        }
    }

    fn stream_section(&mut self, dict: &Dict, data: &[u8]) -> Option<()> {
        let widths: Vec<usize> =
            dict.get(b"W")?.array()?.iter().filter_map(|w| usize::try_from(w.whole()?).ok()).collect();
        let [a, b, c] = widths[..] else { return None };
        let row = a.checked_add(b)?.checked_add(c)?;
        if row == 0 || widths.iter().any(|w| *w > 8) {
            return None;
        }
        let mut rows = data.chunks_exact(row);
        let whole = [Value::Number(0.0), dict.get(b"Size")?.clone()];
        let index = dict.get(b"Index").and_then(Value::array).unwrap_or(&whole);
        for pair in index.chunks_exact(2) {
            let (first, count) = (pair[0].whole()?, pair[1].whole()?);
            for n in first..first.checked_add(count)? {
                let Some(fields) = rows.next() else { return Some(()) };
                let of = |bytes: &[u8]| bytes.iter().fold(0_u64, |n, b| n << 8 | u64::from(*b));
                let kind = if a == 0 { 1 } else { of(&fields[..a]) };
                let second = of(&fields[a..a + b]);
                let place = match kind {
                    1 => Place::At(usize::try_from(second).ok()?.checked_add(self.shift)?),
                    2 => Place::In(u32::try_from(second).ok()?),
                    _ => Place::Free,
                };
                self.note(n, place)?;
            }
        }
        Some(())
    }

    /// The newest section comes first, so what is known stays.
    fn note(&mut self, n: u64, place: Place) -> Option<()> {
        let n = u32::try_from(n).ok()?;
        self.table.entry(n).or_insert(place);
        (self.table.len() <= MAX_OBJECTS).then_some(())
    }

    /// `n g obj` at `at`, with its value.
    fn object_at(&self, at: usize) -> Option<(u32, Object)> {
        let start = header(self.bytes, at)?;
        let (value, end) = Parser::value_at(self.bytes, start.1, &self.work)?;
        let stream = value.dict().and_then(|_| stream_start(self.bytes, end));
        Some((start.0, Object { value, stream }))
    }

    /// Object `n`.
    pub(super) fn get(&mut self, n: u32) -> Option<Rc<Object>> {
        if let Some(known) = self.kept.get(&n) {
            return Some(Rc::clone(known));
        }
        let object = Rc::new(self.seek(n)?);
        if self.kept.len() < MAX_KEPT {
            self.kept.insert(n, Rc::clone(&object));
        }
        Some(object)
    }

    fn seek(&mut self, n: u32) -> Option<Object> {
        match self.table.get(&n).copied() {
            Some(Place::At(at)) => {
                if let Some((_, object)) = self.object_at(at).filter(|(found, _)| *found == n) {
                    return Some(object);
                }
            }
            Some(Place::In(stream)) => {
                if let Some(object) = self.in_stream(stream, n) {
                    return Some(object);
                }
            }
            Some(Place::Free) => return None,
            None => {}
        }
        self.scan();
        let scan = self.scanned.as_ref()?;
        let (at, stream) = (scan.places.get(&n).copied(), scan.packed.get(&n).copied());
        let found = match (at, stream) {
            (Some(at), _) => self.object_at(at).map(|(_, object)| object),
            (None, Some(stream)) => self.in_stream(stream, n),
            (None, None) => None,
        };
        self.is_mended |= found.is_some();
        found
    }

    fn in_stream(&mut self, stream: u32, n: u32) -> Option<Object> {
        let packed = self.packed(stream)?;
        let at = *packed.places.get(&n)?;
        let (value, _) = Parser::value_at(&packed.bytes, at, &self.work)?;
        Some(Object { value, stream: None })
    }

    /// An object stream, unpacked. It must lie in the file itself, so this does not go in circles.
    fn packed(&mut self, stream: u32) -> Option<Rc<Packed>> {
        if let Some(known) = self.packed.get(&stream) {
            return Some(Rc::clone(known));
        }
        let at = match self.table.get(&stream) {
            Some(Place::At(at)) => *at,
            _ => *self.scanned.as_ref()?.places.get(&stream)?,
        };
        // Known as empty while it is unpacked: what it needs for that must not lie in itself.
        self.packed.insert(stream, Rc::default());
        let packed = Rc::new(self.unpack_objects(at).unwrap_or_default());
        self.packed.insert(stream, Rc::clone(&packed));
        Some(packed)
    }

    pub(super) fn unpack_objects(&mut self, at: usize) -> Option<Packed> {
        let (_, object) = self.object_at(at)?;
        let dict = object.dict().filter(|d| d.is(b"Type", b"ObjStm"))?;
        let (count, first) = (dict.number(b"N")?, dict.number(b"First")?);
        let bytes = self.data(&object)?;
        let mut places = HashMap::new();
        // Numbers and places stand before the first object.
        let head = bytes.len().min(usize::try_from(first).unwrap_or(usize::MAX));
        let mut lexer = Lexer::new(&bytes[..head], 0);
        for _ in 0..count.min(MAX_OBJECTS as u64) {
            let (Some(n), Some(offset)) = (lexer.number(), lexer.number()) else { break };
            if let (Ok(n), Ok(start)) = (u32::try_from(n), usize::try_from(first.saturating_add(offset))) {
                places.insert(n, start);
            }
        }
        self.work.spend(lexer.at)?;
        Some(Packed { bytes, places })
    }

    /// What a value is after references: at most a few are followed.
    pub(super) fn resolve(&mut self, value: &Value) -> Option<Value> {
        let mut value = value.clone();
        for _ in 0..8 {
            match value {
                Value::Ref(n) => value = self.get(n)?.value.clone(),
                other => return Some(other),
            }
        }
        None
    }

    /// The value of `key`, references followed.
    pub(super) fn lookup(&mut self, dict: &Dict, key: &[u8]) -> Option<Value> {
        let value = dict.get(key)?.clone();
        self.resolve(&value)
    }

    /// The dictionary that `key` leads to.
    pub(super) fn dict_of(&mut self, dict: &Dict, key: &[u8]) -> Option<Dict> {
        match self.lookup(dict, key)? {
            Value::Dict(found) => Some(found),
            _ => None,
        }
    }

    /// A stream's data, unpacked; `None` for filters of images and when the budget is spent.
    pub(super) fn data(&mut self, object: &Object) -> Option<Vec<u8>> {
        let (dict, from) = (object.dict()?, object.stream?);
        let raw = self.raw(dict, from)?;
        let names = dict.get(b"Filter").or_else(|| dict.get(b"F")).cloned().unwrap_or(Value::Null);
        let parameters = dict.get(b"DecodeParms").or_else(|| dict.get(b"DP")).cloned().unwrap_or(Value::Null);
        let list = |value: Value| match value {
            Value::Array(all) => all,
            Value::Null => Vec::new(),
            one => vec![one],
        };
        // A cross-reference stream may not refer, so this ends.
        let names: Vec<Value> =
            list(self.resolve(&names)?).iter().map(|v| self.resolve(v)).collect::<Option<_>>()?;
        let parameters: Vec<Value> = list(self.resolve(&parameters).unwrap_or(Value::Null))
            .iter()
            .map(|v| self.resolve(v).unwrap_or(Value::Null))
            .collect();
        if names.len() > 6 {
            return None;
        }
        let stages: Vec<Stage<'_>> = names
            .iter()
            .enumerate()
            .map(|(i, v)| {
                Some(Stage { name: v.name()?, parameters: parameters.get(i).and_then(Value::dict) })
            })
            .collect::<Option<_>>()?;
        let most = MAX_UNPACKED.saturating_sub(self.unpacked).min(MAX_STREAM);
        if most == 0 {
            return None;
        }
        let data = unpack(raw, &stages, most)?;
        self.unpacked += data.len().max(64);
        Some(data)
    }

    /// The bytes between `stream` and `endstream`. A wrong length is told by what follows.
    fn raw(&mut self, dict: &Dict, from: usize) -> Option<&'a [u8]> {
        let stated = match dict.get(b"Length") {
            Some(Value::Ref(n)) if !matches!(self.table.get(n), Some(Place::In(_))) => {
                self.get(*n).and_then(|o| o.value.whole())
            }
            Some(value) => value.whole(),
            None => None,
        };
        let rest = self.bytes.get(from..)?;
        let stated = stated.and_then(|n| usize::try_from(n).ok()).filter(|n| {
            let after = rest.get(*n..).unwrap_or_default();
            let blank = after.iter().take(16).take_while(|b| is_space(**b)).count();
            after[blank..].starts_with(b"endstream")
        });
        let length = match stated {
            Some(length) => length,
            None => {
                self.work.spend(rest.len() / 16)?;
                find(rest, b"endstream").unwrap_or(rest.len())
            }
        };
        rest.get(..length)
    }
}

/// The number and the value's place of `n g obj` at `at`.
pub(super) fn header(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let mut lexer = Lexer::new(bytes, at);
    let n = u32::try_from(lexer.number()?).ok()?;
    lexer.number()?;
    (lexer.next()? == Token::Word(b"obj")).then_some((n, lexer.at))
}

/// Where a stream's data begins, if `stream` follows its dictionary.
fn stream_start(bytes: &[u8], end: usize) -> Option<usize> {
    let mut lexer = Lexer::new(bytes, end);
    if lexer.next()? != Token::Word(b"stream") {
        return None;
    }
    let from = lexer.at + usize::from(bytes.get(lexer.at) == Some(&b'\r'));
    Some(from + usize::from(bytes.get(from) == Some(&b'\n')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_by_scan_when_there_is_no_table() {
        let mut file = PdfFile::open(b"%PDF-1.4\n12 0 obj\n<</A 1>>\nendobj 13 0 obj<</B 2>>endobj");
        assert_eq!(file.get(13).unwrap().dict().unwrap().number(b"B"), Some(2));
        assert!(file.get(14).is_none() && file.is_mended);
        assert_eq!(file.numbers(), [12, 13]);
    }

    #[test]
    fn a_stream_with_a_wrong_length_ends_at_its_keyword() {
        let mut file = PdfFile::open(b"1 0 obj<</Length 999>>stream\nabc\nendstream endobj");
        let object = file.get(1).unwrap();
        assert_eq!(file.data(&object).unwrap(), b"abc\n");
    }

    #[test]
    fn lengths_and_filters_that_refer_to_themselves_end() {
        let mut file = PdfFile::open(b"1 0 obj<</Length 1 0 R/Filter 1 0 R>>stream\nabc\nendstream endobj");
        let object = file.get(1).unwrap();
        assert_eq!(file.data(&object), None);
    }
}
