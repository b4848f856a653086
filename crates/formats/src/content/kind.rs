//! Formats by magic bytes, with the endings that each may have.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the variants are the formats' own names")]
pub enum Kind {
    Ofd,
    Pdf,
    Jpeg,
    Png,
    Tiff,
    Gif,
    Bmp,
    Text,
    Xml,
    Html,
    Rtf,
    Mp3,
    Wav,
    Mp4,
    Avi,
    /// MPEG-1 and MPEG-2 program and transport streams.
    Mpeg,
    Flac,
    Jp2,
    Eml,
    Dwg,
    Dxf,
    /// ESRI shapefile.
    Shp,
    /// Founder's CEB, known by its name.
    Ceb,
    /// Sursen's GD, known by its name.
    Gd,
    Docx,
    Xlsx,
    Pptx,
    Odf,
    /// doc, xls, ppt: OLE2
    Ole2,
    /// Kingsoft's WPS documents: OLE2 whose streams nobody has described, known by their names.
    Wps,
    Zip,
    Rar,
    SevenZip,
    Gzip,
    Tar,
    Exe,
    Elf,
    Script,
    Empty,
    Unknown,
}

/// (kind, name in records, endings)
const TABLE: &[(Kind, &str, &[&str])] = &[
    (Kind::Ofd, "ofd", &["ofd"]),
    (Kind::Pdf, "pdf", &["pdf"]),
    (Kind::Jpeg, "jpeg", &["jpg", "jpeg", "jpe", "jfif"]),
    (Kind::Png, "png", &["png"]),
    (Kind::Tiff, "tiff", &["tif", "tiff"]),
    (Kind::Gif, "gif", &["gif"]),
    (Kind::Bmp, "bmp", &["bmp", "dib"]),
    (Kind::Text, "txt", &["txt", "csv", "log", "md"]),
    (Kind::Xml, "xml", &["xml", "xsd", "xsl"]),
    (Kind::Html, "html", &["html", "htm"]),
    (Kind::Rtf, "rtf", &["rtf", "doc"]),
    (Kind::Mp3, "mp3", &["mp3"]),
    (Kind::Wav, "wav", &["wav"]),
    (Kind::Mp4, "mp4", &["mp4", "m4v", "m4a", "mov"]),
    (Kind::Avi, "avi", &["avi"]),
    (Kind::Mpeg, "mpeg", &["mpg", "mpeg", "m2v", "vob", "ts", "m2ts", "mts", "dat"]),
    (Kind::Flac, "flac", &["flac"]),
    (Kind::Jp2, "jp2", &["jp2", "jpx", "jpf", "jpm", "j2k", "j2c"]),
    (Kind::Eml, "eml", &["eml", "mht", "mhtml"]),
    (Kind::Dwg, "dwg", &["dwg"]),
    (Kind::Dxf, "dxf", &["dxf"]),
    (Kind::Shp, "shp", &["shp", "shx"]),
    (Kind::Ceb, "ceb", &["ceb", "cebx"]),
    (Kind::Gd, "gd", &["gd", "gw"]),
    (Kind::Docx, "docx", &["docx"]),
    (Kind::Xlsx, "xlsx", &["xlsx"]),
    (Kind::Pptx, "pptx", &["pptx"]),
    (Kind::Odf, "odf", &["odt", "ods", "odp"]),
    (Kind::Ole2, "ole2", &["doc", "xls", "ppt", "msg"]),
    (Kind::Wps, "wps", &["wps", "et", "dps"]),
    (Kind::Zip, "zip", &["zip"]),
    (Kind::Rar, "rar", &["rar"]),
    (Kind::SevenZip, "7z", &["7z"]),
    (Kind::Gzip, "gzip", &["gz", "tgz"]),
    (Kind::Tar, "tar", &["tar"]),
    (Kind::Exe, "exe", &["exe", "dll", "com", "scr", "sys"]),
    (Kind::Elf, "elf", &["so", "o"]),
    (Kind::Script, "script", &["sh", "py", "pl"]),
    (Kind::Empty, "empty", &[]),
    (Kind::Unknown, "unknown", &[]),
];

impl Kind {
    fn row(self) -> &'static (Self, &'static str, &'static [&'static str]) {
        TABLE.iter().find(|row| row.0 == self).unwrap_or(&TABLE[TABLE.len() - 1])
    }

    /// The name in records: `ofd`, `pdf`, `jpeg`, ….
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The endings that files of this kind have.
    pub fn endings(self) -> &'static [&'static str] {
        self.row().2
    }

    /// Whether a file of this kind may be named with this ending (any case).
    pub fn fits(self, ending: &str) -> bool {
        self.endings().iter().any(|e| e.eq_ignore_ascii_case(ending))
    }

    /// Every kind there is.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// Whether files of this kind are text.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Xml | Self::Html | Self::Script | Self::Eml | Self::Dxf)
    }

    /// The kinds that an ending promises; none for an unknown ending.
    pub fn promised_by(ending: &str) -> Vec<Self> {
        TABLE.iter().filter(|row| row.0.fits(ending)).map(|row| row.0).collect()
    }
}

/// A kind with its version: `pdf/1.4`, `ofd`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// Kind.
    pub kind: Kind,
    /// Version, where the bytes say one.
    pub version: Option<String>,
}

impl Format {
    pub(crate) fn plain(kind: Kind) -> Self {
        Self { kind, version: None }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        self.version.as_ref().map_or(Ok(()), |version| write!(f, "/{version}"))
    }
}

/// Which kind the first bytes tell. Zips and OLE2 are told apart further by their content.
pub(super) fn identify(head: &[u8], is_whole: bool) -> Format {
    if head.is_empty() {
        return Format::plain(Kind::Empty);
    }
    if let Some(kind) = by_magic(head) {
        return Format { kind, version: version_of(kind, head) };
    }
    if let Some(at) = find(&head[..head.len().min(1024)], b"%PDF-") {
        return Format { kind: Kind::Pdf, version: pdf_version(&head[at..]) };
    }
    let kind = text_kind(head, is_whole);
    Format { kind, version: version_of(kind, head) }
}

fn by_magic(h: &[u8]) -> Option<Kind> {
    let at = |offset: usize, magic: &[u8]| h.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let kinds: [(bool, Kind); 28] = [
        (at(0, b"%PDF-"), Kind::Pdf),
        (at(0, b"PK\x03\x04") || at(0, b"PK\x05\x06"), Kind::Zip),
        (at(0, b"\xff\xd8\xff"), Kind::Jpeg),
        (at(0, b"\x89PNG\r\n\x1a\n"), Kind::Png),
        (at(0, b"II*\0") || at(0, b"MM\0*") || at(0, b"II+\0") || at(0, b"MM\0+"), Kind::Tiff),
        (at(0, b"GIF87a") || at(0, b"GIF89a"), Kind::Gif),
        (at(0, b"BM") && at(6, &[0; 4]), Kind::Bmp),
        (at(0, b"RIFF") && at(8, b"WAVE"), Kind::Wav),
        (at(0, b"RIFF") && at(8, b"AVI "), Kind::Avi),
        (at(4, b"ftyp"), Kind::Mp4),
        (at(0, b"\0\0\x01\xba") || at(0, b"\0\0\x01\xb3"), Kind::Mpeg),
        (is_transport_stream(h), Kind::Mpeg),
        (at(0, b"fLaC"), Kind::Flac),
        (at(0, b"\0\0\0\x0cjP  ") || at(0, b"\xff\x4f\xff\x51"), Kind::Jp2),
        (at(0, b"AutoCAD Binary DXF"), Kind::Dxf),
        (at(0, b"\0\0\x27\x0a") && at(28, b"\xe8\x03\0\0"), Kind::Shp),
        (at(0, b"ID3") || is_mpeg_frame(h), Kind::Mp3),
        (at(0, b"AC10"), Kind::Dwg),
        (at(0, b"\xd0\xcf\x11\xe0"), Kind::Ole2),
        (at(0, b"Rar!\x1a\x07"), Kind::Rar),
        (at(0, b"7z\xbc\xaf\x27\x1c"), Kind::SevenZip),
        (at(0, b"\x1f\x8b"), Kind::Gzip),
        (at(257, b"ustar"), Kind::Tar),
        (at(0, b"MZ"), Kind::Exe),
        (at(0, b"\x7fELF"), Kind::Elf),
        (at(0, b"{\\rtf"), Kind::Rtf),
        (at(0, b"#!/"), Kind::Script),
        (at(0, b"\xca\xfe\xba\xbe"), Kind::Exe),
    ];
    kinds.iter().find(|(fits, _)| *fits).map(|(_, kind)| *kind)
}

/// A packet every 188 bytes begins with the same byte.
fn is_transport_stream(h: &[u8]) -> bool {
    h.len() >= 188 * 4 && (0..4).all(|n| h[188 * n] == 0x47)
}

/// An MPEG audio frame: sync, a version, layer III, a bit rate and a sampling rate that exist.
fn is_mpeg_frame(h: &[u8]) -> bool {
    h.len() >= 4
        && h[0] == 0xff
        && h[1] & 0xe0 == 0xe0
        && h[1] & 0x18 != 0x08
        && h[1] & 0x06 == 0x02
        && !matches!(h[2] >> 4, 0 | 15)
        && h[2] & 0x0c != 0x0c
}

fn version_of(kind: Kind, head: &[u8]) -> Option<String> {
    match kind {
        Kind::Pdf => pdf_version(head),
        Kind::Gif => Some(String::from_utf8_lossy(&head[3..6]).into_owned()),
        Kind::Dwg => Some(String::from_utf8_lossy(head.get(..6)?).into_owned()),
        Kind::Dxf => dxf_version(head),
        _ => None,
    }
}

/// The value of `$ACADVER`.
fn dxf_version(head: &[u8]) -> Option<String> {
    let at = find(head, b"$ACADVER")? + 8;
    let from = at + find(head.get(at..)?.get(..16)?, b"AC")?;
    Some(String::from_utf8_lossy(head.get(from..from + 6)?).into_owned())
}

/// `1.4` of `%PDF-1.4`.
fn pdf_version(header: &[u8]) -> Option<String> {
    let text = header.get(5..8)?;
    let is_version = text[0].is_ascii_digit() && text[1] == b'.' && text[2].is_ascii_digit();
    is_version.then(|| String::from_utf8_lossy(text).into_owned())
}

pub(super) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = haystack.get(from..)?.iter().position(|b| *b == first) {
        let at = from + at;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

pub(super) fn rfind(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    (0..haystack.len().checked_sub(needle.len())? + 1).rev().find(|&at| haystack[at..].starts_with(needle))
}

/// XML, HTML, plain text in UTF-8 or GB18030, or unknown.
fn text_kind(head: &[u8], is_whole: bool) -> Kind {
    let body = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let is_utf8 = match std::str::from_utf8(body) {
        Ok(_) => true,
        // A character may be cut where the head ends.
        Err(e) => !is_whole && e.error_len().is_none(),
    };
    let is_text = is_utf8 || is_gb18030(body, is_whole);
    let is_control = |b: &u8| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0c);
    if !is_text || body.iter().any(is_control) {
        return Kind::Unknown;
    }
    let start: Vec<u8> = body.trim_ascii_start().iter().take(200).map(u8::to_ascii_lowercase).collect();
    if start.starts_with(b"<?xml") {
        Kind::Xml
    } else if is_message(body) {
        Kind::Eml
    } else if is_drawing(body) {
        Kind::Dxf
    } else if start.starts_with(b"<!doctype html") || start.starts_with(b"<html") {
        Kind::Html
    } else {
        Kind::Text
    }
}

/// A mail begins with header lines, among them who sent it and when or how it is made up.
fn is_message(body: &[u8]) -> bool {
    let head = &body[..body.len().min(16 << 10)];
    let first_is_header = head.split(|b| *b == b'\n').next().is_some_and(|line| {
        line.iter()
            .position(|b| *b == b':')
            .is_some_and(|at| at > 1 && line[..at].iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-'))
    });
    let has = |name: &[u8]| head.starts_with(&name[1..]) || find(head, name).is_some();
    first_is_header && has(b"\nFrom:") && (has(b"\nDate:") || has(b"\nMIME-Version:"))
}

/// A text drawing begins with the group `0 / SECTION`.
fn is_drawing(body: &[u8]) -> bool {
    let head = &body[..body.len().min(1024)];
    let mut lines = head.split(|b| *b == b'\n').map(<[u8]>::trim_ascii);
    // Comments (group 999) may stand first.
    lines.by_ref().any(|line| line == b"0") && lines.next() == Some(&b"SECTION"[..])
}

fn is_gb18030(body: &[u8], is_whole: bool) -> bool {
    let mut decoder = encoding_rs::GB18030.new_decoder_without_bom_handling();
    let mut out = vec![0; decoder.max_utf8_buffer_length_without_replacement(body.len()).unwrap_or(0)];
    let (result, _, _) = decoder.decode_to_utf8_without_replacement(body, &mut out, is_whole);
    matches!(result, encoding_rs::DecoderResult::InputEmpty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(bytes: &[u8]) -> String {
        identify(bytes, true).to_string()
    }

    #[test]
    fn magic_bytes_tell_formats() {
        assert_eq!(of(b"%PDF-1.4\n1 0 obj"), "pdf/1.4");
        assert_eq!(of(b"\n\n%PDF-1.7"), "pdf/1.7");
        assert_eq!(of(b"\xff\xd8\xff\xe0\0\x10JFIF"), "jpeg");
        assert_eq!(of(&[b"MZ".to_vec(), vec![0; 200]].concat()), "exe");
        assert_eq!(of("申请书".as_bytes()), "txt");
        assert_eq!(of(&encoding_rs::GB18030.encode("申请书").0), "txt");
        assert_eq!(of(b"<?xml version=\"1.0\"?><a/>"), "xml");
        assert_eq!(of(b"X5O!P%@AP"), "txt");
        assert_eq!(of(b""), "empty");
        assert_eq!(of(&[0, 1, 2, 3, 250]), "unknown");
    }

    #[test]
    fn an_ending_promises_kinds() {
        assert!(Kind::Jpeg.fits("JPG") && !Kind::Jpeg.fits("pdf"));
        assert_eq!(Kind::promised_by("doc"), [Kind::Rtf, Kind::Ole2]);
        assert!(Kind::promised_by("xyz").is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_kind(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = identify(&bytes, true);
            let _ = identify(&bytes, false);
        }
    }
}
