//! Objects and trailers found by a scan of the whole file, when the cross-reference does not lead to them. What is found
//! so is mended, and said to be. Neighbour: `file`.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::super::kind::{find, rfind};
use super::file::{MAX_OBJECTS, Object, PdfFile, Place, header};
use super::lexer::is_space;
use super::value::{Dict, Parser};

/// What a scan found.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) places: HashMap<u32, usize>,
    /// Object → the object stream that holds it.
    pub(super) packed: HashMap<u32, u32>,
}

impl PdfFile<'_> {
    /// Notes every `n g obj` of the file, the last one of each number, and what object streams hold.
    pub(super) fn scan(&mut self) {
        if self.scanned.is_some() {
            return;
        }
        let mut scan = Scan::default();
        let mut from = 0;
        while let Some(at) = find(&self.bytes[from..], b"obj").filter(|_| scan.places.len() < MAX_OBJECTS) {
            let at = from + at;
            from = at + 3;
            let start = number_before(self.bytes, at);
            if let Some((start, (n, _))) = start.and_then(|start| Some((start, header(self.bytes, start)?))) {
                scan.places.insert(n, start);
            }
        }
        let streams: Vec<(u32, usize)> = scan.places.iter().map(|(n, at)| (*n, *at)).collect();
        self.scanned = Some(scan);
        let mut streams: Vec<(u32, usize)> =
            streams.into_iter().filter(|(_, at)| seems_object_stream(self.bytes, *at)).collect();
        streams.sort_by_key(|(_, at)| *at);
        for (n, at) in streams {
            self.packed.insert(n, Rc::default());
            let Some(packed) = self.unpack_objects(at) else { continue };
            if let Some(scan) = &mut self.scanned {
                scan.packed.extend(packed.places.keys().map(|inner| (*inner, n)));
            }
            self.packed.insert(n, Rc::new(packed));
            if self.work.is_spent() {
                return;
            }
        }
    }

    /// Every object's number: of the cross-reference, or of the scan when that was needed.
    pub(super) fn numbers(&mut self) -> Vec<u32> {
        let mut all: BTreeSet<u32> =
            self.table.iter().filter(|(_, place)| **place != Place::Free).map(|(n, _)| *n).collect();
        if self.is_mended || all.is_empty() {
            self.scan();
            if let Some(scan) = &self.scanned {
                all.extend(scan.places.keys());
                all.extend(scan.packed.keys());
            }
        }
        all.into_iter().collect()
    }

    /// Dictionaries that could be trailers, found by a scan, newest first: they name a root.
    pub(super) fn scan_trailers(&self) -> Vec<Dict> {
        let mut found: Vec<Dict> = Vec::new();
        let mut from = 0;
        while let Some(at) = find(&self.bytes[from..], b"/Root").filter(|_| found.len() < 64) {
            let at = from + at;
            from = at + 5;
            // The dictionary around it begins at one of the nearest `<<` before; `trailer` may stand without.
            let start = at.saturating_sub(2048);
            let mut end = at;
            while let Some(open) = rfind(&self.bytes[start..end], b"<<") {
                end = start + open;
                let near = &self.bytes[..(at + 2048).min(self.bytes.len())];
                let Some((value, _)) = Parser::value_at(near, end, &self.work) else { break };
                if let Some(dict) = value.dict().filter(|d| d.has(b"Root")) {
                    found.push(dict.clone());
                    break;
                }
            }
        }
        found.reverse();
        found
    }

    /// Objects that call themselves a catalogue, when no trailer leads to one: newest first.
    pub(super) fn scan_catalogues(&mut self) -> Vec<u32> {
        self.scan();
        let Some(scan) = &self.scanned else { return Vec::new() };
        let mut places: Vec<(usize, u32)> = scan.places.iter().map(|(n, at)| (*at, *n)).collect();
        places.sort_unstable();
        places.reverse();
        let mut numbers: Vec<u32> = places.into_iter().map(|(_, n)| n).collect();
        numbers.extend(scan.packed.keys());
        let is_one =
            |object: Rc<Object>| object.dict().is_some_and(|d| d.is(b"Type", b"Catalog") && d.has(b"Pages"));
        let found: Vec<u32> =
            numbers.into_iter().filter(|n| self.get(*n).is_some_and(is_one)).take(8).collect();
        found
    }
}

/// An object stream's dictionary is short.
fn seems_object_stream(bytes: &[u8], at: usize) -> bool {
    let head = &bytes[at..(at + 1024).min(bytes.len())];
    let end = find(head, b"stream").unwrap_or(0);
    find(&head[..end], b"ObjStm").is_some() || find(&head[..(end + 3).min(head.len())], b"/ObjStm").is_some()
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
