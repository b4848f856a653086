//! Which signatures are worth a try for a file: each one names a text that it cannot do without, and where; a few
//! comparisons and searches then leave a handful of some eight hundred. Never more than a filter: `matcher` decides.

use std::collections::HashMap;

use memchr::memmem::Finder;

use super::pattern::{Anchor, Pattern, Token};
use super::signatures::Row;

/// A row and which of its signatures.
pub(super) type Way = (u32, u32);

/// A text that must be there for a signature to fit, and between which places it begins, counted from one end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Need {
    /// Counted backwards from the end; the text is in reading order all the same.
    is_end: bool,
    text: Vec<u8>,
    least: usize,
    most: Option<usize>,
}

/// Signatures by what they need.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    /// By the first byte: texts that the file must begin with.
    first: Vec<Vec<(Vec<u8>, Vec<Way>)>>,
    /// Texts at one other place.
    placed: Vec<(Need, Vec<Way>)>,
    /// Texts within a stretch, or anywhere.
    sought: Vec<(Need, Finder<'static>, Vec<Way>)>,
    /// Signatures that need no text.
    always: Vec<Way>,
}

impl Index {
    pub(super) fn of(rows: &[Row]) -> Self {
        let mut by_need: HashMap<Need, Vec<Way>> = HashMap::new();
        let mut index = Self { first: vec![Vec::new(); 256], ..Self::default() };
        for (row, signature, patterns) in ways(rows) {
            match patterns.iter().filter_map(need).max_by_key(Need::worth) {
                Some(need) => by_need.entry(need).or_default().push((row, signature)),
                None => index.always.push((row, signature)),
            }
        }
        for (need, ways) in by_need {
            index.add(need, ways);
        }
        index
    }

    fn add(&mut self, need: Need, ways: Vec<Way>) {
        if need.most != Some(need.least) {
            let finder = Finder::new(&need.text).into_owned();
            self.sought.push((need, finder, ways));
        } else if need.is_end || need.least > 0 {
            self.placed.push((need, ways));
        } else {
            let bucket = usize::from(need.text[0]);
            self.first[bucket].push((need.text, ways));
        }
    }

    /// Signatures that may fit, in the order of their rows. `head` and `tail` as for the matcher.
    pub(super) fn plausible(&self, head: &[u8], tail: &[u8]) -> Vec<Way> {
        let mut found = self.always.clone();
        if let Some(bucket) = head.first().and_then(|byte| self.first.get(usize::from(*byte))) {
            for (_, ways) in bucket.iter().filter(|(text, _)| head.starts_with(text)) {
                found.extend(ways);
            }
        }
        for (_, ways) in self.placed.iter().filter(|(need, _)| need.is_placed(head, tail)) {
            found.extend(ways);
        }
        for (need, finder, ways) in &self.sought {
            if finder.find(need.stretch(head, tail)).is_some() {
                found.extend(ways);
            }
        }
        found.sort_unstable();
        found
    }
}

fn ways(rows: &[Row]) -> impl Iterator<Item = (u32, u32, &[Pattern])> {
    (0_u32..).zip(rows).flat_map(|(row, held)| {
        (0_u32..).zip(&held.signatures).map(move |(signature, patterns)| (row, signature, &patterns[..]))
    })
}

impl Need {
    /// How much it leaves out for how little: a place is better than a stretch, a long text than a short one.
    fn worth(&self) -> usize {
        let long = self.text.len().min(8) * 64;
        match self.most {
            Some(most) if most == self.least => 4096 + long,
            Some(most) => 1024 + long - 8 * (most - self.least).ilog2().min(8) as usize,
            None => long,
        }
    }

    fn is_placed(&self, head: &[u8], tail: &[u8]) -> bool {
        if self.is_end {
            tail.len().checked_sub(self.least).is_some_and(|end| tail[..end].ends_with(&self.text))
        } else {
            head.get(self.least..).is_some_and(|rest| rest.starts_with(&self.text))
        }
    }

    /// The bytes among which the text must lie.
    fn stretch<'a>(&self, head: &'a [u8], tail: &'a [u8]) -> &'a [u8] {
        let held = if self.is_end { tail } else { head };
        let near = self.least.min(held.len());
        let far =
            self.most.map_or(held.len(), |m| m.saturating_add(self.text.len()).min(held.len())).max(near);
        if self.is_end { &held[held.len() - far..held.len() - near] } else { &held[near..far] }
    }
}

/// The best text that a pattern cannot do without.
fn need(pattern: &Pattern) -> Option<Need> {
    let is_end = pattern.anchor == Anchor::End;
    let (mut least, mut most) = (0_usize, Some(0_usize));
    let mut best: Option<Need> = None;
    for token in &pattern.tokens {
        if let Token::Literal(text) = token
            && !text.is_empty()
        {
            // Patterns of the end are stored backwards.
            let text = if is_end { text.iter().rev().copied().collect() } else { text.clone() };
            let other = Need { is_end, text, least, most };
            if best.as_ref().is_none_or(|best| best.worth() < other.worth()) {
                best = Some(other);
            }
        }
        let (short, long) = lengths(token);
        least = least.saturating_add(short);
        most = most.and_then(|most| most.checked_add(long?));
    }
    best
}

/// How few and how many bytes a token takes.
fn lengths(token: &Token) -> (usize, Option<usize>) {
    match token {
        Token::Literal(bytes) | Token::Not(bytes) | Token::Between(bytes, _) => {
            (bytes.len(), Some(bytes.len()))
        }
        Token::Set(_) => (1, Some(1)),
        Token::Gap(least, most) => (*least, *most),
        Token::Either(ways) => {
            let all = ways.iter().map(|way| {
                way.iter().map(lengths).fold((0_usize, Some(0_usize)), |(least, most), (short, long)| {
                    (least.saturating_add(short), most.and_then(|most| most.checked_add(long?)))
                })
            });
            all.reduce(|(a, b), (c, d)| (a.min(c), b.zip(d).map(|(b, d)| b.max(d)))).unwrap_or((0, Some(0)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::matcher::Subject;
    use super::super::pattern::parse;
    use super::super::signatures::Signatures;
    use super::*;
    use proptest::prelude::*;

    /// The same rows by the index and by trying every one.
    fn agree(signatures: &Signatures, bytes: &[u8]) {
        let indexed = signatures.matching(&Subject::new(bytes, bytes));
        let each = signatures.matching_by_trying_each(&Subject::new(bytes, bytes));
        assert_eq!(indexed, each, "{:02x?}…", &bytes[..bytes.len().min(64)]);
    }

    fn of(anchor: Anchor, offset: (usize, Option<usize>), text: &str) -> Need {
        need(&Pattern::new(anchor, offset, parse(text).unwrap())).unwrap()
    }

    #[test]
    fn a_pattern_needs_its_longest_text_at_a_place() {
        let need = of(Anchor::Start, (0, Some(0)), "('F'|'C') 'WS' {2} 'long text'");
        assert_eq!((need.least, need.most, &need.text[..]), (5, Some(5), &b"long text"[..]));
        let need = of(Anchor::Start, (0, Some(10)), "'ab' * 'abcdefgh'");
        assert_eq!((need.least, need.most, &need.text[..]), (0, Some(10), &b"ab"[..]));
        let need = of(Anchor::End, (3, Some(3)), "'ab' ('x'|'yz') 'c'");
        assert_eq!((need.is_end, need.least, &need.text[..]), (true, 3, &b"c"[..]));
    }

    #[test]
    fn few_signatures_are_left_to_try() {
        let index = Index::of(&Signatures::builtin().rows);
        assert!(index.always.len() < 12, "{:?}", index.always);
        let pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n";
        assert!(index.plausible(pdf, pdf).len() < 90);
        assert!(index.plausible("申请供水报装".as_bytes(), "申请供水报装".as_bytes()).len() < 12);
    }

    /// Texts of the table's own signatures, put at their places: near misses and hits of every row.
    fn shaped(rows: &[Row], way: usize, spoil: usize) -> Vec<u8> {
        let all: Vec<&[Pattern]> = ways(rows).map(|(_, _, patterns)| patterns).collect();
        let patterns = all[way % all.len()];
        let mut bytes = vec![b' '; 600];
        for need in patterns.iter().filter_map(need).filter(|n| n.least < 70_000) {
            let at = need.least + if need.most.is_none_or(|m| m > need.least) { spoil % 3 } else { 0 };
            let needed = bytes.len().max(at + need.text.len() + 1);
            bytes.resize(needed, b' ');
            let from = if need.is_end { bytes.len() - at - need.text.len() } else { at };
            bytes[from..from + need.text.len()].copy_from_slice(&need.text);
        }
        if spoil > 40 {
            let at = spoil * 7 % bytes.len();
            bytes[at] ^= 1;
        }
        bytes
    }

    const PIECES: [&str; 8] =
        ["'ab'", "'b'", "{0-2}", "*", "('a'|'bc'|'')", "[!61]", "'ca'", "('ab' {1}|'c')"];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn random_bytes_are_told_alike(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            agree(Signatures::builtin(), &bytes);
        }

        #[test]
        fn bytes_in_the_shape_of_signatures_are_told_alike(way in any::<usize>(), spoil in 0usize..80) {
            agree(Signatures::builtin(), &shaped(&Signatures::builtin().rows, way, spoil));
        }

        #[test]
        fn small_alphabets_meet_small_patterns_alike(
            pieces in proptest::collection::vec(0usize..PIECES.len(), 1..5),
            at in 0usize..3, reach in proptest::option::of(0usize..4), end in 0u8..3,
            bytes in proptest::collection::vec(b'a'..=b'c', 0..24),
        ) {
            let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
            let anchor = [Anchor::Start, Anchor::End, Anchor::Anywhere][usize::from(end)];
            let pattern = Pattern::new(anchor, (at, reach.map(|more| at + more)), parse(&text).unwrap());
            let row = Row { puid: "x".to_owned(), signatures: vec![vec![pattern]], ..Row::default() };
            agree(&Signatures::new("test".to_owned(), vec![row]), &bytes);
        }
    }

    #[test]
    fn files_of_the_suites_whole_cut_and_changed_are_told_alike() {
        let suites = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites");
        let mut files = 0;
        for name in ["formats", "pdf", "ofd", "archives"] {
            let archive = suites.join(format!("{name}.tar.xz"));
            if !archive.exists() {
                println!("skipped: {} is not there", archive.display());
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let tar = std::process::Command::new("tar")
                .arg("xJf")
                .arg(archive)
                .arg("-C")
                .arg(folder.path())
                .status();
            assert!(tar.unwrap().success());
            files += each_below(folder.path());
        }
        println!("{files} files told alike");
    }

    fn each_below(folder: &std::path::Path) -> usize {
        let mut files = 0;
        for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                files += each_below(&entry);
                continue;
            }
            let mut bytes = std::fs::read(&entry).unwrap();
            bytes.truncate(256 << 10);
            agree(Signatures::builtin(), &bytes);
            for n in 1..4 {
                let at = bytes.len() * n / 5;
                if let Some(byte) = bytes.get_mut(at.min(40 * n)) {
                    *byte = byte.wrapping_add(1);
                }
                agree(Signatures::builtin(), &bytes[..bytes.len() - at]);
            }
            files += 1;
        }
        files
    }
}
