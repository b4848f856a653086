//! Our own table of signatures: facts about formats (magic numbers, places, names of parts) in a notation of our own.
//!
//! ```text
//! == family | media type | endings | > puids that give way
//! puid | name | version | @0 'text' 00 & $0-4 'end'
//!      or @0 'another'
//! ```
//!
//! `@n` counts from the beginning, `$n` from the end, `~` is anywhere; `&` joins what must all be there; `^` repeats the
//! name above. Within a family a later row beats the earlier ones. A family whose name begins with `zip:` or `ole2:`
//! looks into containers; there a signature lists parts: `path ; path : @0 '…'`. Without a signature only the ending
//! tells the format. The sequences' language is in `pattern`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::pattern::{Anchor, Pattern, parse, span};
use super::signatures::{ContainerKind, ContainerRule, Row, Signatures};

const FILES: [&str; 5] = [
    include_str!("table/documents.txt"),
    include_str!("table/pictures.txt"),
    include_str!("table/media.txt"),
    include_str!("table/data.txt"),
    include_str!("table/containers.txt"),
];

/// The table, read once. A line that does not read is left out here; a test refuses it before it ships.
pub(super) static BUILTIN: LazyLock<Signatures> = LazyLock::new(|| read(&FILES).0);

/// A family's head, as it applies to the rows below.
#[derive(Default)]
struct Family {
    container: Option<ContainerKind>,
    mime: String,
    endings: Vec<String>,
    over: Vec<String>,
    rows: Vec<usize>,
    name: String,
}

#[derive(Default)]
struct Reader {
    rows: Vec<Row>,
    rules: Vec<ContainerRule>,
    by_puid: HashMap<String, usize>,
    /// (row, puids that give way): resolved when all rows are known.
    over: Vec<(usize, Vec<String>)>,
    faults: Vec<String>,
}

/// The signatures and what did not read.
fn read(files: &[&str]) -> (Signatures, Vec<String>) {
    let mut reader = Reader::default();
    for file in files {
        let mut family = Family::default();
        for line in file.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')) {
            if let Err(fault) = reader.line(line, &mut family) {
                reader.faults.push(format!("{line}: {fault}"));
            }
        }
    }
    for (row, puids) in std::mem::take(&mut reader.over) {
        for puid in puids {
            match reader.by_puid.get(&puid) {
                Some(beaten) => reader.rows[row].over.push(*beaten),
                None => reader.faults.push(format!("{puid} gives way but is not there")),
            }
        }
    }
    let mut signatures = Signatures::new("dengbei".to_owned(), reader.rows);
    signatures.rules = reader.rules;
    (signatures, reader.faults)
}

impl Reader {
    fn line(&mut self, line: &str, family: &mut Family) -> Result<(), String> {
        if let Some(head) = line.strip_prefix("==") {
            *family = family_of(head)?;
            return Ok(());
        }
        if let Some(more) = line.trim_start().strip_prefix("or ").filter(|_| line.starts_with(' ')) {
            let row = *family.rows.last().ok_or("no row above")?;
            return self.signature(row, more, family.container);
        }
        let mut fields = line.splitn(4, '|').map(str::trim);
        let (Some(puid), Some(name), Some(version), Some(signature)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err("four fields".into());
        };
        if name != "^" {
            name.clone_into(&mut family.name);
        }
        let row = self.row(puid, version, family);
        if !signature.is_empty() {
            self.signature(row, signature, family.container)?;
        }
        Ok(())
    }

    /// The row of a puid: a format may have rows in several families, its ranks add up.
    fn row(&mut self, puid: &str, version: &str, family: &mut Family) -> usize {
        let row = *self.by_puid.entry(puid.to_owned()).or_insert_with(|| {
            self.rows.push(Row {
                puid: puid.to_owned(),
                name: family.name.clone(),
                version: version.to_owned(),
                mime: family.mime.clone(),
                endings: family.endings.clone(),
                ..Row::default()
            });
            self.rows.len() - 1
        });
        let earlier = family.rows.iter().copied().filter(|index| *index != row);
        self.rows[row].over.extend(earlier);
        self.over.push((row, family.over.clone()));
        family.rows.push(row);
        row
    }

    fn signature(&mut self, row: usize, text: &str, container: Option<ContainerKind>) -> Result<(), String> {
        let Some(kind) = container else {
            self.rows[row].signatures.push(patterns(text)?);
            return Ok(());
        };
        let part = |part: &str| match part.split_once(" : ") {
            Some((path, text)) => Ok((path.trim().to_owned(), patterns(text)?)),
            None => Ok((part.trim().to_owned(), Vec::new())),
        };
        let parts = text.split(" ; ").map(part).collect::<Result<_, String>>()?;
        self.rules.push(ContainerRule { kind, row, parts });
        Ok(())
    }
}

fn family_of(head: &str) -> Result<Family, String> {
    let fields: Vec<&str> = head.split('|').map(str::trim).collect();
    let words = |at: usize| {
        fields.get(at).map_or("", |f| f.trim_start_matches('>')).split_whitespace().map(str::to_owned)
    };
    let name = *fields.first().ok_or("a name")?;
    let container = if name.starts_with("zip:") {
        Some(ContainerKind::Zip)
    } else if name.starts_with("ole2:") {
        Some(ContainerKind::Ole2)
    } else {
        None
    };
    Ok(Family {
        container,
        mime: fields.get(1).map_or("", |m| m).to_owned(),
        endings: words(2).collect(),
        over: words(3).collect(),
        ..Family::default()
    })
}

/// `@0 'a' & $0-4 'b' & ~ 'c'`
fn patterns(text: &str) -> Result<Vec<Pattern>, String> {
    text.split(" & ").map(|one| pattern(one.trim())).collect()
}

fn pattern(text: &str) -> Result<Pattern, String> {
    let (anchor, rest) = match text.as_bytes().first() {
        Some(b'@') => (Anchor::Start, &text[1..]),
        Some(b'$') => (Anchor::End, &text[1..]),
        Some(b'~') => return Ok(Pattern::new(Anchor::Anywhere, (0, None), parse(&text[1..])?)),
        _ => return Err(format!("no anchor: {text}")),
    };
    let (offset, sequence) = rest.split_once(' ').ok_or("no sequence")?;
    let offset = span(offset).ok_or_else(|| format!("offset {offset}"))?;
    Ok(Pattern::new(anchor, offset, parse(sequence)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_reads() {
        let (signatures, faults) = read(&FILES);
        assert!(faults.is_empty(), "{faults:#?}");
        assert!(signatures.count() > 300, "{}", signatures.count());
    }

    #[test]
    fn later_rows_of_a_family_beat_earlier_ones() {
        let text = "== a | image/a | a\nfmt/1 | A | 1 | @0 'A'\nfmt/2 | ^ | 2 | @0 'AB'\n  or @0 'AC'\n";
        let (signatures, faults) = read(&[text]);
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!((signatures.rows[1].over.clone(), signatures.rows[1].signatures.len()), (vec![0], 2));
        assert_eq!((signatures.rows[1].name.as_str(), signatures.rows[0].over.len()), ("A", 0));
    }

    #[test]
    fn a_line_that_does_not_read_is_told() {
        assert_eq!(read(&["== a | | a\nfmt/1 | A | 1 | 'A'\n"]).1.len(), 1);
        assert_eq!(read(&["== a | | a | > fmt/9\nfmt/1 | A | 1 | @0 'A'\n"]).1.len(), 1);
    }
}
