//! Archives from outside: opened by their directory, judged before a byte is inflated, read with limits.
//!
//! Not a general zip library: what a careful sender would never write (links, encryption, overlapping or
//! doubled entries, names that leave the folder) is refused whole, never repaired. Next stop: `package`.

mod directory;
mod name;
mod nested;
mod read_at;
mod stream;
mod tar;
mod verdict;
mod zip;

pub use nested::{MAX_NESTING, Nested, judge_nested};
pub use read_at::ReadAt;
pub use verdict::{ArchiveVerdict, validate_archive};
pub use zip::{ZipArchive, ZipEntry};

pub(crate) use name::check_path;

/// How much an archive may hold. Exceeding any of them refuses the archive, with nothing written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries, folders included. 2,000 for a package.
    pub entries: usize,
    /// Bytes of all entries together, unpacked.
    pub total_bytes: u64,
    /// Bytes of one entry, unpacked.
    pub entry_bytes: u64,
    /// Unpacked bytes per packed byte of one entry; entries under 1 MiB unpacked are exempt.
    pub ratio: u64,
    /// UTF-8 bytes of one part of a path: what file systems hold.
    pub name_bytes: usize,
    /// Parts of a path.
    pub depth: usize,
}

impl Limits {
    /// One filing package: 2,000 entries, 16 GiB, 8 GiB a file.
    pub const PACKAGE: Self = Self {
        entries: 2_000,
        total_bytes: 16 << 30,
        entry_bytes: 8 << 30,
        ratio: 200,
        name_bytes: 255,
        depth: 16,
    };
    /// One batch of packages: 50,000 entries, 64 GiB, 16 GiB an inner zip.
    pub const BATCH: Self =
        Self { entries: 50_000, total_bytes: 64 << 30, entry_bytes: 16 << 30, ..Self::PACKAGE };
    /// The zip inside an OFD or Office document: fonts and page content compress well.
    pub const DOCUMENT: Self =
        Self { entries: 20_000, total_bytes: 2 << 30, entry_bytes: 1 << 30, ratio: 1_000, ..Self::PACKAGE };
}

impl Default for Limits {
    fn default() -> Self {
        Self::PACKAGE
    }
}
