//! One entry's bytes: positional read, inflate, count, checksum. Never gives more than was declared.

use std::io::{self, Read};
use std::sync::Arc;

use dengbei_records::Problem;
use flate2::read::DeflateDecoder;

use super::read_at::ReadAt;
use super::zip::{Method, ZipEntry};
use crate::error::{refuse, through_io};

/// A stretch of the archive, read forward.
struct Window {
    source: Arc<dyn ReadAt>,
    at: u64,
    end: u64,
}

impl Read for Window {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buf.len());
        if want == 0 {
            return Ok(0);
        }
        let n = self.source.read_at(&mut buf[..want], self.at)?;
        if n == 0 {
            return Err(through_io(refuse("archive.truncated", "压缩包不完整", "the archive is cut short")));
        }
        self.at += n as u64;
        Ok(n)
    }
}

/// The packed bytes, one way or the other.
enum Unpacked {
    Stored(Window),
    Deflated(Box<DeflateDecoder<io::BufReader<Window>>>),
}

/// Reads one entry; the last read verifies length and CRC-32.
pub(super) struct EntryReader {
    inner: Unpacked,
    crc: crc32fast::Hasher,
    expected_crc: u32,
    left: u64,
    path: String,
    is_done: bool,
}

impl EntryReader {
    pub(super) fn new(source: Arc<dyn ReadAt>, entry: &ZipEntry) -> Self {
        let window = Window { source, at: entry.data_start, end: entry.data_start + entry.packed };
        let inner = match entry.method {
            Method::Stored => Unpacked::Stored(window),
            Method::Deflated => {
                let room = usize::try_from(entry.packed).unwrap_or(usize::MAX).clamp(512, 64 << 10);
                Unpacked::Deflated(Box::new(DeflateDecoder::new(io::BufReader::with_capacity(room, window))))
            }
        };
        Self {
            inner,
            crc: crc32fast::Hasher::new(),
            expected_crc: entry.crc,
            left: entry.bytes,
            path: entry.path.clone(),
            is_done: false,
        }
    }

    fn corrupt(&self, zh: &str, en: &str) -> io::Error {
        through_io(corrupt(&self.path, zh, en))
    }

    fn unpack(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let result = match &mut self.inner {
            Unpacked::Stored(window) => window.read(buf),
            Unpacked::Deflated(decoder) => decoder.read(buf),
        };
        result.map_err(|e| match e.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                if e.get_ref().is_none_or(|inner| !inner.is::<Problem>()) =>
            {
                self.corrupt("压缩数据损坏", "its packed data is damaged")
            }
            _ => e,
        })
    }

    fn finish(&mut self) -> io::Result<usize> {
        if !self.is_done {
            // One byte more than declared is the lie of a bomb.
            if self.unpack(&mut [0])? != 0 {
                return Err(self.corrupt("解开后比所声明的更大", "it unpacks to more than was declared"));
            }
            if self.crc.clone().finalize() != self.expected_crc {
                return Err(self.corrupt("校验和不符", "its checksum differs"));
            }
            self.is_done = true;
        }
        Ok(0)
    }
}

impl Read for EntryReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            return self.finish();
        }
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        let n = self.unpack(&mut buf[..want])?;
        if n == 0 {
            return Err(self.corrupt("解开后比所声明的更小", "it unpacks to less than was declared"));
        }
        self.crc.update(&buf[..n]);
        self.left -= n as u64;
        if self.left == 0 {
            self.finish()?;
        }
        Ok(n)
    }
}

pub(super) fn corrupt(path: &str, zh: &str, en: &str) -> Problem {
    refuse(
        "archive.corrupt",
        format!("压缩包内文件损坏（{zh}）：{path}"),
        format!("a file in the archive is corrupt ({en}): {path}"),
    )
    .with_remedy("把该文件重新打包并完整传送")
}
