//! Compound files (OLE2, MS-CFB): the names of their streams and the first bytes of each. Loops, holes and lies in the
//! tables end a reading, they never hang it.

use std::collections::HashSet;
use std::io;

use crate::archive::ReadAt;

const MAGIC: [u8; 8] = *b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// Sectors in a chain and entries in the directory that are followed at most.
const MAX_ENTRIES: usize = 20_000;
const MAX_FAT_SECTORS: usize = 16_384;
const END: u32 = 0xffff_fffa; // everything above is a marker
const NONE: u32 = 0xffff_ffff;

/// A stream or a storage of the directory.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Names from the root, `/` between, without the control character that special streams begin with.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    start: u32,
    is_stream: bool,
}

/// An opened compound file.
pub(crate) struct CompoundFile<'a> {
    source: &'a dyn ReadAt,
    sector: u64,
    fat: Vec<u32>,
    mini_fat: Vec<u32>,
    mini_start: u32,
    mini_cutoff: u64,
    parts: Vec<Part>,
    /// A chain or table led out of the file: it is cut short or damaged.
    pub(crate) is_damaged: bool,
}

fn u16_at(b: &[u8], at: usize) -> u16 {
    b.get(at..at + 2).and_then(|s| s.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(b: &[u8], at: usize) -> u32 {
    b.get(at..at + 4).and_then(|s| s.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn bad() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

impl<'a> CompoundFile<'a> {
    /// Reads the tables and the directory.
    ///
    /// # Errors
    /// `InvalidData` or `UnexpectedEof` for what is no whole compound file, else the medium's.
    pub(crate) fn open(source: &'a dyn ReadAt) -> io::Result<Self> {
        let mut head = [0; 512];
        source.read_exact_at(&mut head, 0)?;
        let shift = u16_at(&head, 30);
        if head[..8] != MAGIC || !matches!(shift, 9 | 12) || u16_at(&head, 32) != 6 {
            return Err(bad());
        }
        let mut file = Self {
            source,
            sector: 1 << shift,
            fat: Vec::new(),
            mini_fat: Vec::new(),
            mini_start: NONE,
            mini_cutoff: u64::from(u32_at(&head, 56)).clamp(64, 1 << 20),
            parts: Vec::new(),
            is_damaged: false,
        };
        file.read_fat(&head)?;
        let (mini_fat, directory) = (u32_at(&head, 60), u32_at(&head, 48));
        let bytes = file.chain(mini_fat, (MAX_FAT_SECTORS as u64) * file.sector);
        file.mini_fat = bytes.chunks_exact(4).map(|c| u32_at(c, 0)).collect();
        let bytes = file.chain(directory, MAX_ENTRIES as u64 * 128);
        file.read_directory(&bytes)?;
        Ok(file)
    }

    /// Streams and storages, in no particular order.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether a stream or storage of this path is there.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.parts.iter().any(|part| part.path == path)
    }

    /// The first bytes of a stream, at most `limit`; fewer where the file does not hold them.
    pub(crate) fn read(&self, path: &str, limit: u64) -> Option<Vec<u8>> {
        let part = self.parts.iter().find(|part| part.is_stream && part.path == path)?;
        let want = part.bytes.min(limit);
        Some(if part.bytes < self.mini_cutoff {
            self.mini(part.start, want)
        } else {
            self.chain(part.start, want)
        })
    }

    /// Whether the sectors of every stream lie in the file.
    pub(crate) fn is_whole(&self) -> bool {
        let size = self.source.size().unwrap_or(0);
        let lies_inside = |part: &Part| {
            let mut left = part.bytes;
            let mut at = part.start;
            let mut steps = 0;
            while left > 0 {
                // The last sector may be cut where the stream ends.
                let end = (u64::from(at) + 1) * self.sector + left.min(self.sector);
                steps += 1;
                if at >= END || end > size || steps > self.fat.len() {
                    return false;
                }
                left = left.saturating_sub(self.sector);
                at = self.fat.get(at as usize).copied().unwrap_or(NONE);
            }
            true
        };
        !self.is_damaged
            && self.parts.iter().filter(|p| p.is_stream && p.bytes >= self.mini_cutoff).all(lies_inside)
    }

    fn sector_at(&self, number: u32) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(self.sector).map_err(|_| bad())?];
        let offset = (u64::from(number) + 1) * self.sector;
        let mut filled = 0;
        // The last sector of a file may be short.
        while filled < bytes.len() {
            match self.source.read_at(&mut bytes[filled..], offset + filled as u64)? {
                0 if filled == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                0 => break,
                n => filled += n,
            }
        }
        Ok(bytes)
    }

    fn read_fat(&mut self, head: &[u8; 512]) -> io::Result<()> {
        let mut sectors: Vec<u32> = (0..109).map(|i| u32_at(head, 76 + 4 * i)).filter(|s| *s < END).collect();
        let mut next = u32_at(head, 68);
        let mut seen = HashSet::new();
        while next < END && seen.insert(next) && sectors.len() < MAX_FAT_SECTORS {
            let block = self.sector_at(next)?;
            let (list, link) = block.split_at(block.len() - 4);
            sectors.extend(list.chunks_exact(4).map(|c| u32_at(c, 0)).filter(|s| *s < END));
            next = u32_at(link, 0);
        }
        for number in sectors.into_iter().take(MAX_FAT_SECTORS) {
            let Ok(block) = self.sector_at(number) else {
                self.is_damaged = true;
                break;
            };
            self.fat.extend(block.chunks_exact(4).map(|c| u32_at(c, 0)));
        }
        if self.fat.is_empty() { Err(bad()) } else { Ok(()) }
    }

    /// Bytes of a chain of sectors, at most `limit`.
    fn chain(&self, start: u32, limit: u64) -> Vec<u8> {
        let mut out = Vec::new();
        let mut at = start;
        for _ in 0..=self.fat.len() {
            if at >= END || out.len() as u64 >= limit {
                break;
            }
            let Ok(block) = self.sector_at(at) else { break };
            out.extend(block);
            at = self.fat.get(at as usize).copied().unwrap_or(NONE);
        }
        out.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        out
    }

    /// Bytes of a chain of small sectors, which lie in the root's own stream.
    fn mini(&self, start: u32, limit: u64) -> Vec<u8> {
        const MINI: usize = 64;
        let mut out = Vec::new();
        let mut at = start;
        let mut held: Option<(u64, Vec<u8>)> = None;
        for _ in 0..=self.mini_fat.len() {
            if at >= END || out.len() as u64 >= limit {
                break;
            }
            let place = u64::from(at) * MINI as u64;
            let (index, within) = (place / self.sector, usize::try_from(place % self.sector).unwrap_or(0));
            if held.as_ref().is_none_or(|(held, _)| *held != index) {
                let Some(block) = self.nth(index).and_then(|n| self.sector_at(n).ok()) else { break };
                held = Some((index, block));
            }
            let Some(piece) = held.as_ref().and_then(|(_, block)| block.get(within..within + MINI)) else {
                break;
            };
            out.extend_from_slice(piece);
            at = self.mini_fat.get(at as usize).copied().unwrap_or(NONE);
        }
        out.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        out
    }

    /// The sector that holds the n-th stretch of the small sectors.
    fn nth(&self, index: u64) -> Option<u32> {
        let mut at = self.mini_start;
        if index > self.fat.len() as u64 {
            return None;
        }
        for _ in 0..index {
            at = self.fat.get(at as usize).copied()?;
        }
        Some(at).filter(|at| *at < END)
    }

    /// Walks the directory's trees of siblings from the root.
    fn read_directory(&mut self, bytes: &[u8]) -> io::Result<()> {
        let entries: Vec<&[u8]> = bytes.chunks_exact(128).collect();
        let root = entries.first().filter(|e| e[66] == 5).ok_or_else(bad)?;
        self.mini_start = u32_at(root, 116);
        let mut todo = vec![(u32_at(root, 76), String::new())];
        let mut seen = HashSet::new();
        while let Some((index, folder)) = todo.pop() {
            let Some(entry) = entries.get(index as usize).filter(|_| seen.insert(index)) else { continue };
            let name = name_of(entry);
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            todo.push((u32_at(entry, 68), folder.clone()));
            todo.push((u32_at(entry, 72), folder));
            if entry[66] == 1 && path.len() < 512 {
                todo.push((u32_at(entry, 76), path.clone()));
            }
            if matches!(entry[66], 1 | 2) {
                // The upper half of the length means something only in the wide form.
                let high = if self.sector == 4096 { u64::from(u32_at(entry, 124)) << 32 } else { 0 };
                let bytes = u64::from(u32_at(entry, 120)) | high;
                self.parts.push(Part { path, bytes, start: u32_at(entry, 116), is_stream: entry[66] == 2 });
            }
        }
        Ok(())
    }
}

fn name_of(entry: &[u8]) -> String {
    let length = usize::from(u16_at(entry, 64)).clamp(2, 64) - 2;
    let units: Vec<u16> = entry[..length].chunks_exact(2).map(|c| u16_at(c, 0)).collect();
    let name = String::from_utf16_lossy(&units);
    name.strip_prefix(|c: char| c < ' ').unwrap_or(&name).to_owned()
}
