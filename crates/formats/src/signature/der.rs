//! ASN.1 in DER and BER (ITU-T X.690), as a cursor over borrowed bytes: what certificates, seals, signatures and
//! timestamps are written in. Lengths are checked, depth is bounded, nothing is copied. Neighbours: `certificate`,
//! `cms`, `seal`, `timestamp`, which give the values meaning.

use std::borrow::Cow;

use dengbei_records::Timestamp;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// Levels of constructed values that are entered.
const MAX_DEPTH: u8 = 24;
/// Pieces of a constructed string, and elements without a length that are stepped over to find an end.
const MAX_PIECES: usize = 4_096;

/// One value: its identifier octet, its content, and both with the length between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
    depth: u8,
}

impl<'a> Value<'a> {
    /// A cursor over what a constructed value holds.
    pub(crate) fn inside(&self) -> Option<Cursor<'a>> {
        let is_constructed = self.tag & 0x20 != 0;
        (is_constructed && self.depth < MAX_DEPTH)
            .then_some(Cursor { rest: self.content, depth: self.depth + 1 })
    }

    /// The bytes of an OCTET STRING, in one piece or, as BER allows, in several.
    pub(crate) fn octets(&self) -> Option<Cow<'a, [u8]>> {
        if self.tag & 0x20 == 0 {
            return Some(Cow::Borrowed(self.content));
        }
        let mut inside = self.inside()?;
        let mut whole = Vec::new();
        for _ in 0..MAX_PIECES {
            if inside.is_empty() {
                return Some(Cow::Owned(whole));
            }
            whole.extend_from_slice(&inside.next()?.octets()?);
        }
        None
    }

    /// The bytes of a BIT STRING of whole bytes.
    pub(crate) fn bits(&self) -> Option<&'a [u8]> {
        let (unused, bytes) = self.content.split_first()?;
        (self.tag == BIT_STRING && *unused == 0).then_some(bytes)
    }

    /// An OBJECT IDENTIFIER in dotted form.
    pub(crate) fn oid(&self) -> Option<String> {
        (self.tag == OID).then(|| dotted(self.content)).flatten()
    }

    /// A small non-negative INTEGER.
    pub(crate) fn number(&self) -> Option<u64> {
        let bytes = (self.tag == INTEGER).then_some(self.content)?;
        let is_small = !bytes.is_empty() && bytes.len() <= 8 && bytes[0] & 0x80 == 0;
        is_small.then(|| bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    /// Text of any string type; bytes that are no text are shown as such.
    pub(crate) fn text(&self) -> String {
        match self.tag & 0x1f {
            30 => {
                let units: Vec<u16> =
                    self.content.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
                String::from_utf16_lossy(&units)
            }
            _ => match std::str::from_utf8(self.content) {
                Ok(text) => text.to_owned(),
                Err(_) => encoding_rs::GB18030.decode_without_bom_handling(self.content).0.into_owned(),
            },
        }
    }

    /// A UTCTime or GeneralizedTime. Without a zone it is taken as UTC.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        let text = std::str::from_utf8(self.content).ok()?;
        match self.tag {
            UTC_TIME => {
                let century = if text.get(..2)?.parse::<u8>().ok()? < 50 { "20" } else { "19" };
                moment(&format!("{century}{text}"))
            }
            GENERALIZED_TIME => moment(text),
            _ => None,
        }
    }
}

/// Reads values one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    depth: u8,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, depth: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next value's identifier octet.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next value.
    pub(crate) fn next(&mut self) -> Option<Value<'a>> {
        let (value, used) = read(self.rest, self.depth)?;
        self.rest = &self.rest[used..];
        Some(value)
    }

    /// The next value, which must have this tag.
    pub(crate) fn take(&mut self, tag: u8) -> Option<Value<'a>> {
        if self.peek() == Some(tag) { self.next() } else { None }
    }

    /// The inside of the next value, which must have this tag.
    pub(crate) fn enter(&mut self, tag: u8) -> Option<Cursor<'a>> {
        self.take(tag)?.inside()
    }

    /// An AlgorithmIdentifier: its identifier and its parameters, if any.
    pub(crate) fn algorithm(&mut self) -> Option<(String, Option<Value<'a>>)> {
        let mut inside = self.enter(SEQUENCE)?;
        let oid = inside.take(OID)?.oid()?;
        Some((oid, inside.next()))
    }
}

fn read(bytes: &[u8], depth: u8) -> Option<(Value<'_>, usize)> {
    let tag = *bytes.first()?;
    // Tag numbers over 30 take further bytes; none of the structures read here has one.
    if tag & 0x1f == 0x1f {
        return None;
    }
    let first = *bytes.get(1)?;
    if first == 0x80 {
        return without_length(bytes, tag, depth);
    }
    let (length, start) = if first & 0x80 == 0 {
        (usize::from(first), 2)
    } else {
        let count = usize::from(first & 0x7f);
        let octets = bytes.get(2..2 + count).filter(|_| count <= 4)?;
        (octets.iter().fold(0, |n, b| n << 8 | usize::from(*b)), 2 + count)
    };
    let end = start.checked_add(length)?;
    Some((Value { tag, content: bytes.get(start..end)?, whole: &bytes[..end], depth }, end))
}

/// BER's indefinite form: values up to two zero bytes.
fn without_length(bytes: &[u8], tag: u8, depth: u8) -> Option<(Value<'_>, usize)> {
    if tag & 0x20 == 0 || depth >= MAX_DEPTH {
        return None;
    }
    let mut at = 2;
    for _ in 0..MAX_PIECES {
        if bytes.get(at..at + 2)? == [0, 0] {
            return Some((Value { tag, content: &bytes[2..at], whole: &bytes[..at + 2], depth }, at + 2));
        }
        at += read(&bytes[at..], depth + 1)?.1;
    }
    None
}

/// `1.2.156.10197.1.401`
pub(crate) fn dotted(content: &[u8]) -> Option<String> {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0_u64;
    for byte in content {
        arc = arc.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            arcs.push(arc);
            arc = 0;
        }
    }
    if content.is_empty() || content.len() > 64 || content.last()? & 0x80 != 0 {
        return None;
    }
    let first = arcs[0];
    let top = (first / 40).min(2);
    let mut text = format!("{top}.{}", first - top * 40);
    for arc in &arcs[1..] {
        text.push_str(&format!(".{arc}"));
    }
    Some(text)
}

/// `20200817111329Z`, `20201004072855.302Z`, `20200817111329+0800`, `202008171113Z`: what signers write.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let field = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let seconds = match digits {
        14 => field(12, 14)?,
        12 => 0,
        _ => return None,
    };
    let date =
        chrono::NaiveDate::from_ymd_opt(i32::try_from(field(0, 4)?).ok()?, field(4, 6)?, field(6, 8)?)?;
    let at = date.and_hms_opt(field(8, 10)?, field(10, 12)?, seconds.min(59))?.and_utc().timestamp_millis();
    let rest = text.get(digits..)?;
    let fraction = rest.bytes().skip(1).take_while(u8::is_ascii_digit).count();
    let (millis, zone) = match rest.bytes().next() {
        Some(b'.' | b',') => {
            let digits: String = format!("{:0<3}", rest.get(1..=fraction)?).chars().take(3).collect();
            (digits.parse::<i64>().ok()?, rest.get(1 + fraction..)?)
        }
        _ => (0, rest),
    };
    Some(Timestamp::from_millis(at + millis - offset(zone)?))
}

/// Milliseconds that a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.bytes().next() {
        None | Some(b'Z') => return Some(0),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = (digits.get(..2)?.parse::<i64>().ok()?, digits.get(2..4).unwrap_or("00"));
    Some(sign * (hours * 60 + minutes.parse::<i64>().ok()?) * 60_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn identifiers_are_written_with_dots() {
        assert_eq!(dotted(&[0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x11]).unwrap(), "1.2.156.10197.1.401");
        assert_eq!(dotted(&[0x55, 4, 3]).unwrap(), "2.5.4.3");
        assert_eq!(dotted(&[0x80]), None);
    }

    #[test]
    fn times_of_every_spelling_are_one_moment() {
        let expected = Some(Timestamp::from_millis(1_597_662_809_000));
        for text in ["20200817111329Z", "20200817111329", "20200817191329+0800", "20200817111329.000Z"] {
            assert_eq!(moment(text), expected, "{text}");
        }
        assert_eq!(moment("20201332000000Z"), None);
        assert_eq!(moment("2020年"), None);
    }

    #[test]
    fn a_string_in_pieces_and_without_a_length_is_read_as_one() {
        let bytes = [0x24, 0x80, 0x04, 1, b'a', 0x24, 0x80, 0x04, 2, b'b', b'c', 0, 0, 0, 0];
        let mut cursor = Cursor::new(&bytes);
        let value = cursor.next().unwrap();
        assert_eq!((value.octets().unwrap().as_ref(), cursor.is_empty()), (&b"abc"[..], true));
    }

    #[test]
    fn lengths_beyond_the_bytes_and_endless_nesting_are_refused() {
        assert_eq!(Cursor::new(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0]).next(), None);
        assert_eq!(Cursor::new(&[0x30, 5, 0]).next(), None);
        assert_eq!(Cursor::new(&[0x30, 0x80].repeat(100_000)).next(), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut open = vec![Cursor::new(&bytes)];
            while let Some(mut cursor) = open.pop() {
                while let Some(value) = cursor.next() {
                    let _ = (value.time(), value.oid(), value.text(), value.number(), value.octets());
                    open.extend(value.inside());
                }
            }
        }

        #[test]
        fn no_text_makes_a_time_panic(text in "[0-9.,Z+年 -]{0,24}") {
            let _ = moment(&text);
        }
    }
}
