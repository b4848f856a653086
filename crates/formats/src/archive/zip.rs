//! A zip that may be read: every hazard of its directory is refused before a byte is inflated.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use dengbei_records::Problem;

use super::directory::{self, Central, End, Local};
use super::read_at::ReadAt;
use super::stream::EntryReader;
use super::{Limits, name};
use crate::error::{ReadError, refuse};

/// Entries smaller than this unpacked are no bombs, whatever their ratio.
const RATIO_EXEMPT: u64 = 1 << 20;

/// Methods that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// One file of an archive.
#[derive(Debug, Clone)]
pub struct ZipEntry {
    /// NFC, `/` between parts, inside the archive.
    pub path: String,
    /// Bytes, unpacked.
    pub bytes: u64,
    pub(super) packed: u64,
    pub(super) crc: u32,
    pub(super) method: Method,
    pub(super) data_start: u64,
}

/// An opened zip: its files in directory order, each readable at any time, by several readers at once.
#[derive(Clone)]
pub struct ZipArchive {
    source: Arc<dyn ReadAt>,
    entries: Arc<[ZipEntry]>,
    folders: Arc<[String]>,
}

impl std::fmt::Debug for ZipArchive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ZipArchive").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl ZipArchive {
    /// Reads and judges the directory. Costs one read of it and one per local header.
    ///
    /// # Errors
    /// [`ReadError::Refused`] with a stable `archive.*` code, class Invalid; [`ReadError::Io`] when the medium fails.
    pub fn open(source: Arc<dyn ReadAt>, limits: &Limits) -> Result<Self, ReadError> {
        let end = directory::find_end(&*source)?;
        refuse_too_many(&end, limits)?;
        let headers = directory::read_central(&*source, &end)?;
        let mut opened = Opened::new(limits);
        for header in &headers {
            let local = directory::read_local(&*source, header)?;
            opened.add(header, &local)?;
        }
        opened.refuse_duplicates()?;
        opened.refuse_overlaps(end.directory_offset)?;
        Ok(Self { source, entries: opened.files.into(), folders: opened.folders.into() })
    }

    /// The files; folders are not among them.
    pub fn entries(&self) -> &[ZipEntry] {
        &self.entries
    }

    /// The folders that have entries of their own.
    pub fn folders(&self) -> &[String] {
        &self.folders
    }

    /// Opens one file for reading from its start; out of range reads as empty.
    /// A fault of the content comes as an `io::Error` that [`ReadError::from`] turns back into its problem.
    pub fn read(&self, index: usize) -> Box<dyn Read + Send + 'static> {
        match self.entries.get(index) {
            Some(entry) => Box::new(EntryReader::new(Arc::clone(&self.source), entry)),
            None => Box::new(std::io::empty()),
        }
    }
}

fn refuse_too_many(end: &End, limits: &Limits) -> Result<(), Problem> {
    if end.entries <= limits.entries as u64 {
        return Ok(());
    }
    let (n, max) = (end.entries, limits.entries);
    Err(refuse(
        "archive.too_many_entries",
        format!("压缩包内有 {n} 项，至多 {max} 项"),
        format!("{n} entries, at most {max}"),
    )
    .with_remedy(format!("把压缩包分成若干个，每个至多 {max} 项")))
}

/// What has been judged so far.
struct Opened<'a> {
    limits: &'a Limits,
    files: Vec<ZipEntry>,
    folders: Vec<String>,
    ranges: Vec<(u64, u64)>,
    total: u64,
}

impl<'a> Opened<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self { limits, files: Vec::new(), folders: Vec::new(), ranges: Vec::new(), total: 0 }
    }

    fn add(&mut self, central: &Central, local: &Local) -> Result<(), Problem> {
        let decoded = name::decode(&central.name())?;
        let path = name::normalise(&decoded, self.limits)?;
        refuse_special(central, &path)?;
        refuse_mismatch(central, local, &path)?;
        let is_folder = decoded.ends_with(['/', '\\']);
        if is_folder && central.bytes != 0 {
            return Err(refuse(
                "archive.damaged",
                format!("目录项带有数据：{path}"),
                format!("a folder entry holds data: {path}"),
            ));
        }
        let method = method_of(central, &path)?;
        self.count(central, &path)?;
        self.ranges.push((central.header_start, local.data_start.saturating_add(central.packed)));
        if is_folder {
            self.folders.push(path);
        } else {
            self.files.push(ZipEntry {
                path,
                bytes: central.bytes,
                packed: central.packed,
                crc: central.crc,
                method,
                data_start: local.data_start,
            });
        }
        Ok(())
    }

    fn count(&mut self, central: &Central, path: &str) -> Result<(), Problem> {
        let (bytes, packed) = (central.bytes, central.packed);
        self.total = self.total.saturating_add(bytes);
        if bytes > self.limits.entry_bytes || self.total > self.limits.total_bytes {
            return Err(refuse(
                "archive.too_large",
                format!("解开后过大：{path}"),
                format!("too large when unpacked: {path}"),
            )
            .with_remedy("把大文件分开报送"));
        }
        if bytes > RATIO_EXEMPT && bytes / packed.max(1) > self.limits.ratio {
            return Err(refuse(
                "archive.bomb",
                format!("压缩比异常（{bytes} 字节压为 {packed} 字节）：{path}"),
                format!("an abnormal ratio ({bytes} bytes packed into {packed}): {path}"),
            )
            .with_remedy("把该文件以不压缩（存储）方式打包"));
        }
        Ok(())
    }

    fn refuse_overlaps(&mut self, directory_offset: u64) -> Result<(), Problem> {
        self.ranges.sort_unstable();
        let into_next = self.ranges.windows(2).any(|w| w[0].1 > w[1].0);
        if into_next || self.ranges.last().is_some_and(|last| last.1 > directory_offset) {
            return Err(refuse("archive.overlap", "压缩包内的项互相重叠", "entries of the archive overlap")
                .with_remedy("把压缩包用常用工具重新打包"));
        }
        Ok(())
    }

    /// The same path twice, or a file where another entry needs a folder.
    fn refuse_duplicates(&self) -> Result<(), Problem> {
        let mut kinds: HashMap<&str, bool> = HashMap::new();
        for file in &self.files {
            if kinds.insert(&file.path, true).is_some() {
                return Err(duplicate(&file.path));
            }
        }
        for folder in &self.folders {
            if kinds.insert(folder, false).is_some() {
                return Err(duplicate(folder));
            }
        }
        let parents = kinds.keys().flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..at]));
        match parents.into_iter().find(|parent| kinds.get(parent) == Some(&true)) {
            Some(parent) => Err(duplicate(parent)),
            None => Ok(()),
        }
    }
}

fn duplicate(path: &str) -> Problem {
    refuse(
        "archive.duplicate_name",
        format!("压缩包内重名：{path}"),
        format!("the same name twice in the archive: {path}"),
    )
    .with_remedy("把重名的文件删去一个或改名")
}

/// Links, devices, encryption.
fn refuse_special(central: &Central, path: &str) -> Result<(), Problem> {
    // 3 = Unix, 19 = macOS: the upper half of the attributes is the file mode.
    let kind = if matches!(central.made_by, 3 | 19) { central.attributes >> 28 } else { 0 };
    match kind {
        0 | 4 | 8 => {}
        10 => {
            return Err(refuse(
                "archive.link",
                format!("压缩包内有链接：{path}"),
                format!("a link in the archive: {path}"),
            )
            .with_remedy("把链接换成它所指的文件"));
        }
        _ => {
            return Err(refuse(
                "archive.device",
                format!("压缩包内有设备或管道：{path}"),
                format!("a device in the archive: {path}"),
            )
            .with_remedy("把设备、管道等特殊文件删去"));
        }
    }
    // Bits 0 and 6: encrypted; 13: masked headers.
    if central.flags & (1 | 1 << 6 | 1 << 13) != 0 || central.method == 99 {
        return Err(refuse(
            "archive.encrypted",
            format!("压缩包已加密：{path}"),
            format!("the archive is encrypted: {path}"),
        )
        .with_remedy("把压缩包换成不加密的"));
    }
    Ok(())
}

/// Two headers that tell different stories: one program would see what another does not.
fn refuse_mismatch(central: &Central, local: &Local, path: &str) -> Result<(), Problem> {
    let sizes_follow = local.flags & 8 != 0;
    let differs = |here: u32, there: u64| {
        here != 0xffff_ffff && u64::from(here) != there && !(sizes_follow && here == 0)
    };
    if central.raw_name != local.raw_name
        || central.method != local.method
        || (central.flags ^ local.flags) & 1 != 0
        || differs(local.crc, central.crc.into()) && local.crc != 0
        || differs(local.packed, central.packed)
        || differs(local.bytes, central.bytes)
    {
        return Err(refuse(
            "archive.header_mismatch",
            format!("压缩包目录与文件头不一致：{path}"),
            format!("the archive's directory and a local header differ: {path}"),
        )
        .with_remedy("把压缩包用常用工具重新打包"));
    }
    Ok(())
}

fn method_of(central: &Central, path: &str) -> Result<Method, Problem> {
    match central.method {
        0 if central.packed == central.bytes => Ok(Method::Stored),
        0 => Err(super::stream::corrupt(path, "存储大小不符", "its stored size differs")),
        8 => Ok(Method::Deflated),
        other => Err(refuse(
            "archive.method",
            format!("不支持的压缩方法 {other}：{path}"),
            format!("unsupported compression method {other}: {path}"),
        )
        .with_remedy("把压缩方法换成 Deflate 或存储")),
    }
}
