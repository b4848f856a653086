//! The one pass over a package's bytes: digests, inspectors and a sink (ingest's staging) drink from it together.
//!
//! Describing documents are redacted on the way: no sink ever sees a secret. Previous stop: `package`; next: `checks`.

use std::borrow::Cow;
use std::io::{self, Read};

use dengbei_records::{Redaction, Sha512, Sm3};
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::content::{Extracted, Here, Inspection, Probe, Readers};
use crate::error::{ReadError, refuse};
use crate::package::{Entry, PackageSource, ReceivedPackage, redact};
use crate::xml;

/// Bytes read at once, at most.
const BUFFER: u64 = 256 << 10;

/// Bytes of text kept of a package's files together.
const TEXT: usize = 4 << 20;

/// What one pass over a file found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Path in the package.
    pub path: String,
    /// Bytes as received.
    pub received_bytes: u64,
    /// SHA-512 as received: goes into the package digest.
    pub received_sha512: Sha512,
    /// Bytes as given to the sink: less than received if something was emptied.
    pub bytes: u64,
    /// SHA-512 of the bytes as given to the sink.
    pub sha512: Sha512,
    /// SM3 of the bytes as given to the sink.
    pub sm3: Sm3,
    /// What was emptied.
    pub redactions: Vec<Redaction>,
    /// What the file is and whether it opens.
    pub inspection: Inspection,
}

/// Where the bytes go while they pass. Called file by file: `begin`, `chunk`…, `end`.
pub trait Sink {
    /// A file begins; `index` is its place in the source's entries.
    ///
    /// # Errors
    /// What the sink's medium reports; the pass stops with it.
    fn begin(&mut self, index: usize, entry: &Entry) -> io::Result<()>;

    /// The next bytes, already without secrets.
    ///
    /// # Errors
    /// As [`Sink::begin`].
    fn chunk(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// The file is complete.
    ///
    /// # Errors
    /// As [`Sink::begin`].
    fn end(&mut self, facts: &FileFacts) -> io::Result<()>;
}

/// A sink that keeps nothing: self-checks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Discard;

impl Sink for Discard {
    fn begin(&mut self, _: usize, _: &Entry) -> io::Result<()> {
        Ok(())
    }
    fn chunk(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn end(&mut self, _: &FileFacts) -> io::Result<()> {
        Ok(())
    }
}

/// Reads every file of a package once, in the order of its entries; the facts come in the same order.
///
/// # Errors
/// [`ReadError::Refused`] for corrupt archive entries (`archive.corrupt`), files that grew or shrank
/// (`package.changed`), describing documents over the cap (`package.metadata_too_large`); [`ReadError::Io`] for
/// the medium or the sink. What the sink took so far is then to be thrown away.
pub fn examine(source: &dyn PackageSource, sink: &mut dyn Sink) -> Result<Vec<FileFacts>, ReadError> {
    examine_with(source, sink, &Here)
}

/// As [`examine`]; the files' content is read by `readers`.
///
/// # Errors
/// As [`examine`]; [`ReadError::Io`] also when `readers` could not begin.
pub fn examine_with(
    source: &dyn PackageSource,
    sink: &mut dyn Sink,
    readers: &dyn Readers,
) -> Result<Vec<FileFacts>, ReadError> {
    let largest = source.entries().iter().map(|entry| entry.bytes).max().unwrap_or(0);
    // One byte more than the largest file: the end is then seen with the same read.
    let mut buffer = vec![0; usize::try_from(BUFFER.min(largest + 1)).unwrap_or(0)];
    let mut facts = Vec::with_capacity(source.entries().len());
    let mut room = TEXT;
    for (index, entry) in source.entries().iter().enumerate() {
        sink.begin(index, entry)?;
        let reader = source.open(index)?;
        let mut found = if ReceivedPackage::is_description(&entry.path) {
            document(reader, entry, sink, readers)?
        } else {
            file((reader, entry), &mut buffer, sink, readers)?
        };
        sink.end(&found)?;
        keep_text(&mut found, &mut room);
        facts.push(found);
    }
    Ok(facts)
}

/// What a file says is kept while there is room for it.
fn keep_text(found: &mut FileFacts, room: &mut usize) {
    let Some(text) = &mut found.inspection.text else { return };
    match room.checked_sub(text.text.len()) {
        Some(left) => *room = left,
        None => *text = Extracted { text: String::new(), is_cut: true },
    }
}

/// Digests of the bytes that pass.
#[derive(Default)]
struct Digests {
    bytes: u64,
    sha512: sha2::Sha512,
    sm3: sm3::Sm3,
}

impl Digests {
    fn update(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        self.sha512.update(chunk);
        self.sm3.update(chunk);
    }

    fn finish(self) -> (u64, Sha512, Sm3) {
        (
            self.bytes,
            Sha512::from_bytes(self.sha512.finalize().into()),
            Sm3::from_bytes(self.sm3.finalize().into()),
        )
    }
}

fn file(
    (mut reader, entry): (impl Read, &Entry),
    buffer: &mut [u8],
    sink: &mut dyn Sink,
    readers: &dyn Readers,
) -> Result<FileFacts, ReadError> {
    let mut digests = Digests::default();
    let mut probe = Probe::new().named(&entry.path);
    loop {
        let n = match reader.read(buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e.into()),
        };
        digests.update(&buffer[..n]);
        probe.update(&buffer[..n])?;
        sink.chunk(&buffer[..n])?;
        refuse_growth(digests.bytes, entry)?;
    }
    let (bytes, sha512, sm3) = digests.finish();
    refuse_shrinking(bytes, entry)?;
    Ok(FileFacts {
        path: entry.path.clone(),
        received_bytes: bytes,
        received_sha512: sha512,
        bytes,
        sha512,
        sm3,
        redactions: Vec::new(),
        inspection: readers.inspect(probe.collected())?,
    })
}

/// A describing document: read whole, redacted, then as any file.
fn document(
    reader: impl Read,
    entry: &Entry,
    sink: &mut dyn Sink,
    readers: &dyn Readers,
) -> Result<FileFacts, ReadError> {
    if entry.bytes > xml::MAX_BYTES {
        let path = &entry.path;
        let mib = xml::MAX_BYTES >> 20;
        return Err(refuse(
            "package.metadata_too_large",
            format!("元数据文件超过 {mib} MiB：{path}"),
            format!("a metadata document over {mib} MiB: {path}"),
        )
        .with_remedy("把元数据文件换成只含元数据的 XML")
        .into());
    }
    let mut received = Vec::with_capacity(usize::try_from(entry.bytes).unwrap_or(0));
    reader.take(entry.bytes + 1).read_to_end(&mut received)?;
    refuse_growth(received.len() as u64, entry)?;
    refuse_shrinking(received.len() as u64, entry)?;
    let redacted = redact(&entry.path, &received);
    let mut digests = Digests::default();
    digests.update(&redacted.bytes);
    sink.chunk(&redacted.bytes)?;
    let mut probe = Probe::new().named(&entry.path);
    probe.update(&redacted.bytes)?;
    let (bytes, sha512, sm3) = digests.finish();
    let received_sha512 = match redacted.bytes {
        Cow::Borrowed(_) => sha512,
        Cow::Owned(_) => Sha512::of(&received),
    };
    Ok(FileFacts {
        path: entry.path.clone(),
        received_bytes: received.len() as u64,
        received_sha512,
        bytes,
        sha512,
        sm3,
        redactions: redacted.redactions,
        inspection: readers.inspect(probe.collected())?,
    })
}

fn changed(entry: &Entry) -> ReadError {
    let path = &entry.path;
    refuse(
        "package.changed",
        format!("读取时文件大小变了：{path}"),
        format!("a file changed its size while it was read: {path}"),
    )
    .with_remedy("等文件写完后再报送")
    .into()
}

fn refuse_growth(seen: u64, entry: &Entry) -> Result<(), ReadError> {
    if seen > entry.bytes { Err(changed(entry)) } else { Ok(()) }
}

fn refuse_shrinking(seen: u64, entry: &Entry) -> Result<(), ReadError> {
    if seen < entry.bytes { Err(changed(entry)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::MemorySource;

    #[derive(Default)]
    struct Kept(Vec<(String, Vec<u8>)>);

    impl Sink for Kept {
        fn begin(&mut self, _: usize, entry: &Entry) -> io::Result<()> {
            self.0.push((entry.path.clone(), Vec::new()));
            Ok(())
        }
        fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.0.last_mut().unwrap().1.extend_from_slice(bytes);
            Ok(())
        }
        fn end(&mut self, _: &FileFacts) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_sink_never_sees_the_password_and_digests_are_of_what_it_saw() {
        let xml = "<d><projid>1</projid><projectpassword>882172</projectpassword></d>";
        let files = vec![("基本信息描述.XML".into(), xml.into()), ("申请材料/表.txt".into(), "甲".into())];
        let mut kept = Kept::default();
        let facts = examine(&MemorySource::new("p", files), &mut kept).unwrap();
        assert!(!String::from_utf8_lossy(&kept.0[0].1).contains("882172"));
        for (fact, (path, bytes)) in facts.iter().zip(&kept.0) {
            assert_eq!((&fact.path, fact.sha512, fact.bytes), (path, Sha512::of(bytes), bytes.len() as u64));
        }
        assert_eq!(facts[0].received_sha512, Sha512::of(xml.as_bytes()));
        assert_ne!(facts[0].sha512, facts[0].received_sha512);
        assert_eq!(facts[0].redactions.len(), 1);
        assert_eq!(facts[1].sha512, facts[1].received_sha512);
    }

    #[test]
    fn sm3_is_the_standard_one() {
        let facts =
            examine(&MemorySource::new("p", vec![("a/abc".into(), "abc".into())]), &mut Discard).unwrap();
        assert_eq!(
            facts[0].sm3.to_string(),
            "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
        );
    }
}
