//! The tar framing of packs: ustar, with a pax header in front only where a path or a size does not fit.
//!
//! One entry has exactly one encoding. The reader encodes again what it understood and compares, so a changed
//! byte anywhere in a header is found, and nothing but a regular file can be expressed at all.

use std::io::{self, Read};

use crate::error::PackError;

/// The unit of a tar file.
pub(crate) const BLOCK: usize = 512;
/// Two zero blocks end a tar file.
pub(crate) const END_LEN: u64 = 1024;
/// The largest size that eleven octal digits hold.
const USTAR_SIZE_MAX: u64 = 0o77_777_777_777;
/// The longest pax header a reader takes.
const PAX_MAX: u64 = 64 * 1024;

/// What stands before a file's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) len: u64,
    /// Whole seconds since the epoch, not negative.
    pub(crate) mtime: u64,
}

/// `len` rounded up to whole blocks.
pub(crate) const fn padded(len: u64) -> u64 {
    len.div_ceil(BLOCK as u64) * BLOCK as u64
}

/// The zero bytes that follow `len` bytes.
pub(crate) fn padding(len: u64) -> &'static [u8] {
    const ZEROS: [u8; BLOCK] = [0; BLOCK];
    &ZEROS[..(padded(len) - len) as usize]
}

impl Entry {
    /// All header blocks of this entry.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let fields = split(&self.path);
        let mut out = Vec::with_capacity(BLOCK);
        if fields.is_none() || self.len > USTAR_SIZE_MAX {
            let records = self.pax_records(fields.is_none());
            out.extend_from_slice(&header("", b"PaxHeaders/0", records.len() as u64, (self.mtime, b'x')));
            out.extend_from_slice(&records);
            out.extend_from_slice(padding(records.len() as u64));
        }
        let (prefix, name) = fields.unwrap_or_else(|| ("", cut(&self.path)));
        let size = if self.len > USTAR_SIZE_MAX { 0 } else { self.len };
        out.extend_from_slice(&header(prefix, name.as_bytes(), size, (self.mtime, b'0')));
        out
    }

    /// Header, bytes and padding: what the entry takes in the file.
    pub(crate) fn total_len(&self) -> u64 {
        self.encode().len() as u64 + padded(self.len)
    }

    fn pax_records(&self, with_path: bool) -> Vec<u8> {
        let mut records = Vec::new();
        if with_path {
            records.extend_from_slice(&pax_record("path", &self.path));
        }
        if self.len > USTAR_SIZE_MAX {
            records.extend_from_slice(&pax_record("size", &self.len.to_string()));
        }
        records
    }

    /// Reads one entry's header; `None` at the end marker, whose second block is read too.
    pub(crate) fn read(input: &mut impl Read) -> Result<Option<Self>, PackError> {
        let mut raw = vec![0; BLOCK];
        input.read_exact(&mut raw).map_err(cut_short)?;
        if raw.iter().all(|b| *b == 0) {
            input.read_exact(&mut raw).map_err(cut_short)?;
            let is_end = raw.iter().all(|b| *b == 0);
            return if is_end { Ok(None) } else { Err(PackError::damaged("a lone zero block")) };
        }
        let mut pax = Vec::new();
        if raw[156] == b'x' {
            let len = octal(&raw[124..136])?;
            if len > PAX_MAX {
                return Err(PackError::damaged("a pax header too large"));
            }
            pax = vec![0; padded(len) as usize];
            input.read_exact(&mut pax).map_err(cut_short)?;
            raw.extend_from_slice(&pax);
            pax.truncate(len as usize);
            let at = raw.len();
            raw.resize(at + BLOCK, 0);
            input.read_exact(&mut raw[at..]).map_err(cut_short)?;
        }
        let entry = Self::understand(&raw[raw.len() - BLOCK..], &pax)?;
        if entry.encode() == raw {
            Ok(Some(entry))
        } else {
            Err(PackError::damaged(format!(
                "header of {} is not as it was written",
                entry.path.escape_debug()
            )))
        }
    }

    fn understand(header: &[u8], pax: &[u8]) -> Result<Self, PackError> {
        let mut path = text(&header[..100])?;
        let prefix = text(&header[345..500])?;
        if !prefix.is_empty() {
            path = format!("{prefix}/{path}");
        }
        let mut len = octal(&header[124..136])?;
        for (key, value) in pax_pairs(pax)? {
            match key {
                "path" => path = value.to_owned(),
                "size" => len = value.parse().map_err(|_| PackError::damaged("pax size"))?,
                _ => return Err(PackError::damaged("a pax key that packs do not use")),
            }
        }
        if path.split('/').any(|element| matches!(element, "" | "." | "..")) {
            return Err(PackError::damaged(format!("a path that leaves the root: {}", path.escape_debug())));
        }
        if len > i64::MAX as u64 {
            return Err(PackError::damaged("a size beyond any file"));
        }
        Ok(Self { path, len, mtime: octal(&header[136..148])? })
    }
}

/// An input that ends inside a structure is a damaged pack; any other failure stays what it is.
pub(crate) fn cut_short(e: io::Error) -> PackError {
    if e.kind() == io::ErrorKind::UnexpectedEof {
        PackError::damaged("the file ends too early")
    } else {
        e.into()
    }
}

/// `(prefix, name)` of a path that fits ustar's fields.
fn split(path: &str) -> Option<(&str, &str)> {
    if path.len() <= 100 {
        return Some(("", path));
    }
    let fits = |at: &usize| *at <= 155 && path.len() - at - 1 <= 100;
    let at = path.match_indices('/').map(|(at, _)| at).find(fits)?;
    Some((&path[..at], &path[at + 1..]))
}

/// The longest beginning of `path` that the name field holds; only shown by tools that cannot read pax.
fn cut(path: &str) -> &str {
    let mut end = 100.min(path.len());
    while !path.is_char_boundary(end) {
        end -= 1;
    }
    &path[..end]
}

fn header(prefix: &str, name: &[u8], size: u64, (mtime, kind): (u64, u8)) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..name.len()].copy_from_slice(name);
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[136..147].copy_from_slice(format!("{:011o}", mtime.min(USTAR_SIZE_MAX)).as_bytes());
    block[148..156].copy_from_slice(b"        ");
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[345..345 + prefix.len()].copy_from_slice(prefix.as_bytes());
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// `"LEN key=value\n"`, where LEN counts itself.
fn pax_record(key: &str, value: &str) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut len = rest + 1;
    while rest + len.to_string().len() != len {
        len = rest + len.to_string().len();
    }
    format!("{len} {key}={value}\n").into_bytes()
}

fn pax_pairs(mut records: &[u8]) -> Result<Vec<(&str, &str)>, PackError> {
    let bad = || PackError::damaged("a pax header");
    let mut pairs = Vec::new();
    while !records.is_empty() {
        let space = records.iter().position(|b| *b == b' ').ok_or_else(bad)?;
        let len = std::str::from_utf8(&records[..space]).ok().and_then(|n| n.parse::<usize>().ok());
        let len = len.filter(|len| (space + 2..=records.len()).contains(len)).ok_or_else(bad)?;
        let line = std::str::from_utf8(&records[space + 1..len]).map_err(|_| bad())?;
        pairs.push(line.strip_suffix('\n').and_then(|l| l.split_once('=')).ok_or_else(bad)?);
        records = &records[len..];
    }
    Ok(pairs)
}

fn text(field: &[u8]) -> Result<String, PackError> {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    let text =
        std::str::from_utf8(&field[..end]).map_err(|_| PackError::damaged("a name that is not UTF-8"))?;
    Ok(text.to_owned())
}

fn octal(field: &[u8]) -> Result<u64, PackError> {
    let digits =
        std::str::from_utf8(&field[..field.len() - 1]).ok().filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
    digits
        .and_then(|d| u64::from_str_radix(d, 8).ok())
        .ok_or_else(|| PackError::damaged("a number in a header"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, len: u64) -> Entry {
        Entry { path: path.into(), len, mtime: 1_600_000_000 }
    }

    #[test]
    fn every_entry_reads_back_and_only_long_ones_need_pax() {
        let long_name = format!("a/{}", "n".repeat(101));
        let cases = [
            ("0=ocfl_1.1".to_owned(), 9, BLOCK),
            (format!("{}/{}", "p".repeat(150), "n".repeat(100)), 5, BLOCK),
            (long_name, 0, 3 * BLOCK),
            ("档案".repeat(40), 1, 3 * BLOCK),
            ("big".to_owned(), USTAR_SIZE_MAX, BLOCK),
            ("bigger".to_owned(), USTAR_SIZE_MAX + 1, 3 * BLOCK),
        ];
        for (path, len, header_len) in cases {
            let entry = entry(&path, len);
            let bytes = entry.encode();
            assert_eq!(bytes.len(), header_len, "{path}");
            assert_eq!(Entry::read(&mut bytes.as_slice()).unwrap(), Some(entry));
        }
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_found_or_gives_another_path() {
        for path in ["abc/def/ghi/urn%3auuid%3a1/v1/content/record.json".to_owned(), "x".repeat(120)] {
            let good = entry(&path, 77).encode();
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                bad.extend_from_slice(&[0; 70_000]);
                // A pax header carries no checksum: its path may change, and the reader looks for paths by name.
                let read = Entry::read(&mut bad.as_slice());
                assert!(
                    read.is_err() || read.is_ok_and(|e| e.is_some_and(|e| e.path != path)),
                    "bit {bit} of {path}"
                );
            }
        }
    }

    #[test]
    fn a_link_a_folder_and_an_escape_are_refused() {
        let link = header("", b"a", 0, (0, b'2'));
        assert!(Entry::read(&mut link.as_slice()).is_err());
        let folder = header("", b"a/", 0, (0, b'5'));
        assert!(Entry::read(&mut folder.as_slice()).is_err());
        for path in ["/etc/passwd", "../x", "a/../b"] {
            assert!(Entry::read(&mut entry(path, 0).encode().as_slice()).is_err(), "{path}");
        }
    }
}
