//! Text and what is made of it: plain text and tables by their encoding, XML by its form, HTML, RTF and mail by what
//! they bring along, text drawings by their last group.

use encoding_rs::{Encoding, GB18030, UTF_8};

use super::kind::{Kind, find, rfind};
use super::probe::View;
use super::reading::{Active, Found, Held, Reading};
use crate::xml::{self, XmlFaultKind};

pub(super) fn read(kind: Kind, held: &Held<'_>) -> Found {
    let view = held.view;
    let mut found = match kind {
        Kind::Xml => well_formed(view),
        Kind::Html => html(view),
        Kind::Rtf => rtf(view),
        Kind::Eml => mail(view),
        Kind::Dxf => drawing(view),
        Kind::Text if held.ending == Some("csv") => table(view),
        _ => Found::of(whole_or_ends(view)),
    };
    if kind == Kind::Script {
        found.reading.mark(Active::Scripts);
    }
    if kind != Kind::Rtf && found.reading.encoding.is_none() {
        encode(view, &mut found);
    }
    found
}

fn whole_or_ends(view: &View<'_>) -> Reading {
    if view.whole().is_some() {
        Reading::whole()
    } else {
        Reading::part("文本过大，只看了首尾", "a text too large: only its ends were seen")
    }
}

/// The encoding that all bytes fit, marked or found.
fn encoding_of(bytes: &[u8], is_whole: bool) -> Option<&'static Encoding> {
    if let Some((marked, _)) = Encoding::for_bom(bytes) {
        return fits(marked, bytes, is_whole).then_some(marked);
    }
    [UTF_8, GB18030].into_iter().find(|encoding| fits(encoding, bytes, is_whole))
}

/// Decodes without keeping; a character may be cut where only the head is held.
fn fits(encoding: &'static Encoding, bytes: &[u8], is_whole: bool) -> bool {
    let mut decoder = encoding.new_decoder();
    let mut out = [0; 8192];
    let mut rest = bytes;
    loop {
        let (result, read, _) = decoder.decode_to_utf8_without_replacement(rest, &mut out, is_whole);
        rest = &rest[read..];
        match result {
            encoding_rs::DecoderResult::InputEmpty => return true,
            encoding_rs::DecoderResult::OutputFull => {}
            encoding_rs::DecoderResult::Malformed(..) => return false,
        }
    }
}

fn encode(view: &View<'_>, found: &mut Found) {
    match encoding_of(view.head, view.whole().is_some()) {
        Some(encoding) => found.reading.encoding = Some(encoding.name().to_owned()),
        None if found.unreadable.is_none() => {
            let both = Found::unreadable(
                "既不是 UTF-8 也不是 GB18030，文字无法读出",
                "neither UTF-8 nor GB18030: its characters do not read",
            );
            found.unreadable = both.unreadable;
        }
        None => {}
    }
}

/// Well-formed, without a DTD.
fn well_formed(view: &View<'_>) -> Found {
    let Some(bytes) = view.whole().filter(|b| b.len() as u64 <= xml::MAX_BYTES) else {
        return Found::of(Reading::part("XML 过大，未全部查看", "an XML too large: not all of it was seen"));
    };
    let Some(fault) = xml::read("", bytes).fault else { return Found::of(Reading::whole()) };
    match fault.kind {
        XmlFaultKind::NotWellFormed | XmlFaultKind::WrongEncoding => {
            Found::unreadable(fault.message, fault.message_en)
        }
        XmlFaultKind::Dtd => {
            let mut reading =
                Reading::part("XML 含 DTD，未展开", "an XML with a DTD, which was not followed");
            reading.mark(Active::ExternalLinks);
            Found::of(reading)
        }
        XmlFaultKind::UnknownEncoding | XmlFaultKind::TooLarge => {
            Found::of(Reading::part(fault.message, fault.message_en))
        }
    }
}

/// Bytes in lower case, so that tags of any case are found.
fn lower(bytes: &[u8]) -> Vec<u8> {
    bytes.to_ascii_lowercase()
}

fn html(view: &View<'_>) -> Found {
    let mut reading = whole_or_ends(view);
    let text = lower(view.head);
    let has = |word: &[u8]| find(&text, word).is_some();
    if has(b"<script") || has(b"javascript:") || has(b" onload=") || has(b" onclick=") {
        reading.mark(Active::Scripts);
    }
    if has(b"src=\"http") || has(b"src='http") || has(b"<link") && has(b"href=\"http") || has(b"<iframe") {
        reading.mark(Active::ExternalLinks);
    }
    if has(b"<object") || has(b"<embed") || has(b"<applet") {
        reading.mark(Active::EmbeddedObjects);
    }
    Found::of(reading)
}

/// Groups must close; what stands in an object or is linked is told.
fn rtf(view: &View<'_>) -> Found {
    let mut reading = whole_or_ends(view);
    reading.encoding = Some("ASCII".to_owned());
    let Some(bytes) = view.whole() else { return Found::of(reading) };
    let (mut depth, mut at, mut is_closed) = (0_i64, 0, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1 + binary(&bytes[at..]),
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                is_closed = depth == 0;
            }
            _ => {}
        }
        at += 1;
    }
    if find(bytes, b"\\objdata").is_some() || find(bytes, b"\\object").is_some() {
        reading.mark(Active::EmbeddedObjects);
    }
    if find(bytes, b"INCLUDEPICTURE").is_some() || find(bytes, b"\\objautlink").is_some() {
        reading.mark(Active::ExternalLinks);
    }
    if depth > 0 || !is_closed {
        let cut = Found::cut("RTF 的组没有结束，文件不完整", "RTF groups without their end: cut short");
        return Found { reading: Reading { is_truncated: true, ..reading }, ..cut };
    }
    Found::of(reading)
}

/// Bytes that `\binN` brings along, which are no text.
fn binary(rest: &[u8]) -> usize {
    let Some(number) = rest.strip_prefix(b"\\bin") else { return 0 };
    let digits = number.iter().take_while(|b| b.is_ascii_digit()).take(9).count();
    let count: usize = std::str::from_utf8(&number[..digits]).ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    if digits == 0 { 0 } else { 4 + digits + count }
}

/// Headers and the parts between boundaries; attachments are told, not opened.
fn mail(view: &View<'_>) -> Found {
    let mut reading = whole_or_ends(view);
    let text = lower(view.head);
    let boundary = boundary(view.head);
    if find(&text, b"content-disposition: attachment").is_some() || find(&text, b"filename=").is_some() {
        reading.mark(Active::Attachments);
        reading = reading.but("邮件附件未打开检查", "attachments of the mail were not opened");
    }
    let closing = |mark: &[u8]| [b"--", mark, b"--"].concat();
    if let Some(mark) = boundary
        && view.whole().is_some()
        && rfind(view.tail, &closing(mark)).is_none()
    {
        let cut = Found::cut(
            "邮件最后一部分没有结束，文件不完整",
            "the last part of the mail has no end: cut short",
        );
        return Found { reading: Reading { is_truncated: true, ..reading }, ..cut };
    }
    Found::of(reading)
}

/// The outermost boundary of a multipart mail.
fn boundary(bytes: &[u8]) -> Option<&[u8]> {
    let head = &bytes[..find(bytes, b"\r\n\r\n").or_else(|| find(bytes, b"\n\n")).unwrap_or(bytes.len())];
    let at = find(&lower(head), b"boundary=")? + 9;
    let rest = &head[at..];
    match rest.strip_prefix(b"\"") {
        Some(quoted) => quoted.split(|b| *b == b'"').next(),
        None => rest.split(|b| b.is_ascii_whitespace() || *b == b';').next(),
    }
    .filter(|mark| !mark.is_empty())
}

/// A text drawing ends with the group `0 / EOF`.
fn drawing(view: &View<'_>) -> Found {
    if view.head.starts_with(b"AutoCAD Binary DXF") {
        return Found::of(Reading {
            encoding: Some("binary".to_owned()),
            ..Reading::part("二进制 DXF 未逐组查看", "a binary DXF, not followed group by group")
        });
    }
    let end = view.tail[view.tail.len().saturating_sub(256)..].trim_ascii_end();
    if end.ends_with(b"EOF") {
        Found::of(Reading::part("图形未绘出检查", "the drawing was not drawn"))
    } else {
        Found::cut("DXF 没有结束组（EOF），文件不完整", "a DXF without its last group (EOF): cut short")
    }
}

/// Rows with the same number of fields, quotes closed.
fn table(view: &View<'_>) -> Found {
    let mut reading = whole_or_ends(view);
    let Some(bytes) = view.whole() else { return Found::of(reading) };
    let (mut is_quoted, mut fields, mut first, mut row) = (false, 1_usize, None, 1_u64);
    let mut uneven = None;
    for byte in bytes {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b',' if !is_quoted => fields += 1,
            b'\n' if !is_quoted => {
                let wanted = *first.get_or_insert(fields);
                uneven = uneven.or((fields != wanted).then_some(row));
                (fields, row) = (1, row + 1);
            }
            _ => {}
        }
    }
    if is_quoted {
        return Found {
            reading: Reading { is_truncated: true, ..reading },
            ..Found::cut("CSV 引号没有结束", "a CSV with an open quote")
        };
    }
    if let Some(row) = uneven {
        reading = reading.but(
            format!("CSV 第 {row} 行列数与首行不同"),
            format!("row {row} of the CSV has another number of fields"),
        );
    }
    Found::of(reading)
}
