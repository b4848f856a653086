//! Stream filters (ISO 32000-1, 7.4): what text, objects and metadata are packed with. Images' filters are not unpacked.
//! Output is bounded; a stream that breaks off gives what came before, as readers do.

use std::io::Read as _;

use flate2::read::{DeflateDecoder, ZlibDecoder};

use super::value::Dict;

/// One stage's name and parameters.
pub(super) struct Stage<'a> {
    pub(super) name: &'a [u8],
    pub(super) parameters: Option<&'a Dict>,
}

/// Unpacks through the stages; `None` for a filter that is not read here, or a stage over `most` bytes.
pub(super) fn unpack(data: &[u8], stages: &[Stage<'_>], most: usize) -> Option<Vec<u8>> {
    let mut data = data.to_vec();
    for stage in stages {
        data = match stage.name {
            b"FlateDecode" | b"Fl" => predicted(&inflate(&data, most), stage.parameters)?,
            b"LZWDecode" | b"LZW" => predicted(&lzw(&data, stage.parameters, most), stage.parameters)?,
            b"ASCIIHexDecode" | b"AHx" => {
                let end = data.iter().position(|b| *b == b'>').unwrap_or(data.len());
                super::value::hex(&data[..end])
            }
            b"ASCII85Decode" | b"A85" => ascii85(&data),
            b"RunLengthDecode" | b"RL" => run_length(&data, most),
            _ => return None,
        };
    }
    Some(data)
}

fn inflate(data: &[u8], most: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let _ = ZlibDecoder::new(data).take(most as u64).read_to_end(&mut out);
    if out.is_empty() && data.len() > 2 {
        // A damaged header: the stream behind it may be whole.
        let _ = DeflateDecoder::new(&data[2..]).take(most as u64).read_to_end(&mut out);
    }
    out
}

/// Undoes PNG's and TIFF's predictors.
fn predicted(data: &[u8], parameters: Option<&Dict>) -> Option<Vec<u8>> {
    let of = |key: &[u8], default: u64| parameters.and_then(|p| p.number(key)).unwrap_or(default);
    let predictor = of(b"Predictor", 1);
    if predictor < 2 {
        return Some(data.to_vec());
    }
    let (colors, bits, columns) = (of(b"Colors", 1), of(b"BitsPerComponent", 8), of(b"Columns", 1));
    if colors > 32 || bits > 16 || columns > 1 << 24 {
        return None;
    }
    let pixel = usize::try_from((colors * bits).div_ceil(8)).ok()?.max(1);
    let row = usize::try_from((colors * bits * columns).div_ceil(8)).ok()?.max(1);
    if predictor == 2 {
        return Some(tiff(data, row, pixel, bits));
    }
    let mut out: Vec<u8> = Vec::with_capacity(data.len());
    let mut before = vec![0; row];
    for line in data.chunks(row + 1) {
        let mut now = line[1..].to_vec();
        now.resize(row, 0);
        png_row(line[0], &mut now, &before, pixel);
        out.extend_from_slice(&now[..line.len() - 1]);
        before = now;
    }
    Some(out)
}

fn tiff(data: &[u8], row: usize, pixel: usize, bits: u64) -> Vec<u8> {
    let mut out = data.to_vec();
    if bits == 8 {
        for line in out.chunks_mut(row) {
            for at in pixel..line.len() {
                line[at] = line[at].wrapping_add(line[at - pixel]);
            }
        }
    }
    out
}

fn png_row(kind: u8, now: &mut [u8], before: &[u8], pixel: usize) {
    for at in 0..now.len() {
        let left = if at >= pixel { now[at - pixel] } else { 0 };
        let corner = if at >= pixel { before[at - pixel] } else { 0 };
        let up = before[at];
        let add = match kind {
            1 => left,
            2 => up,
            3 => u8::try_from(u16::midpoint(left.into(), up.into())).unwrap_or(0),
            4 => paeth(left, up, corner),
            _ => 0,
        };
        now[at] = now[at].wrapping_add(add);
    }
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(up), i16::from(corner));
    let guess = a + b - c;
    let (da, db, dc) = ((guess - a).abs(), (guess - b).abs(), (guess - c).abs());
    if da <= db && da <= dc {
        left
    } else if db <= dc {
        up
    } else {
        corner
    }
}

fn ascii85(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / 5 * 4);
    let mut group: Vec<u32> = Vec::with_capacity(5);
    for &b in data {
        match b {
            b'~' => break,
            b'z' if group.is_empty() => out.extend([0; 4]),
            b'!'..=b'u' => group.push(u32::from(b - b'!')),
            _ => {}
        }
        if group.len() == 5 {
            out.extend(quad(&group));
            group.clear();
        }
    }
    let short = group.len();
    if short > 1 {
        group.resize(5, 84);
        out.extend_from_slice(&quad(&group)[..short - 1]);
    }
    out
}

fn quad(group: &[u32]) -> [u8; 4] {
    group.iter().fold(0_u32, |n, digit| n.wrapping_mul(85).wrapping_add(*digit)).to_be_bytes()
}

fn run_length(data: &[u8], most: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&length) = data.get(at).filter(|n| **n != 128 && out.len() < most) {
        let length = usize::from(length);
        if length < 128 {
            let end = (at + 2 + length).min(data.len());
            out.extend_from_slice(&data[at + 1..end]);
            at = end;
        } else {
            let Some(&b) = data.get(at + 1) else { break };
            out.extend(std::iter::repeat_n(b, 257 - length));
            at += 2;
        }
    }
    out
}

/// LZW with codes of 9 to 12 bits.
fn lzw(data: &[u8], parameters: Option<&Dict>, most: usize) -> Vec<u8> {
    let early = usize::from(parameters.and_then(|p| p.number(b"EarlyChange")) != Some(0));
    let mut out: Vec<u8> = Vec::new();
    // Each entry is a stretch of the output.
    let mut table: Vec<(usize, usize)> = Vec::new();
    let mut last: Option<(usize, usize)> = None;
    let (mut bits, mut held, mut width) = (0_u32, 0_u32, 9_u32);
    for &b in data {
        held = held << 8 | u32::from(b);
        bits += 8;
        if bits < width {
            continue;
        }
        bits -= width;
        let code = (held >> bits) as usize & ((1 << width) - 1);
        held &= (1 << bits) - 1;
        let start = out.len();
        match (code, last) {
            (256, _) => {
                table.clear();
                (width, last) = (9, None);
                continue;
            }
            (257, _) => break,
            (0..=255, _) => out.push(u8::try_from(code).unwrap_or(0)),
            (_, Some(previous)) => {
                let (from, length) = match table.get(code - 258) {
                    Some(entry) => *entry,
                    None if code - 258 == table.len() => (previous.0, previous.1 + 1),
                    None => break,
                };
                for at in from..from + length {
                    out.push(out[at]);
                }
            }
            (_, None) => break,
        }
        if let Some((from, length)) = last.filter(|_| table.len() < 4096 - 258) {
            table.push((from, length + 1));
        }
        last = Some((start, out.len() - start));
        width = match table.len() + 258 + early {
            0..=511 => 9,
            512..=1023 => 10,
            1024..=2047 => 11,
            _ => 12,
        };
        if out.len() >= most {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(name: &[u8], data: &[u8]) -> Vec<u8> {
        unpack(data, &[Stage { name, parameters: None }], 1_000).unwrap()
    }

    #[test]
    fn each_filter_gives_back_what_was_packed() {
        assert_eq!(one(b"ASCIIHexDecode", b"48 65 6C6>zz"), b"Hel`");
        assert_eq!(one(b"ASCII85Decode", b"87cURD]i,\"Ebo80~>"), b"Hello World!");
        assert_eq!(one(b"RunLengthDecode", b"\x02abc\xfed\x80zz"), b"abcddd");
        // The example of ISO 32000-1, 7.4.4.2.
        assert_eq!(one(b"LZWDecode", b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01"), b"-----A---B");
        assert_eq!(unpack(b"x", &[Stage { name: b"DCTDecode", parameters: None }], 10), None);
    }

    #[test]
    fn predictors_are_undone() {
        let up = Dict(vec![
            (b"Predictor".to_vec(), super::super::value::Value::Number(12.0)),
            (b"Columns".to_vec(), super::super::value::Value::Number(3.0)),
        ]);
        assert_eq!(predicted(&[2, 1, 2, 3, 2, 1, 1, 1], Some(&up)).unwrap(), [1, 2, 3, 2, 3, 4]);
    }

    #[test]
    fn a_bomb_is_cut() {
        use std::io::Write as _;
        let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&vec![0; 1 << 20]).unwrap();
        assert_eq!(one(b"FlateDecode", &packer.finish().unwrap()).len(), 1_000);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(data in proptest::collection::vec(any::<u8>(), 0..200), which in 0_usize..5) {
            let names: [&[u8]; 5] = [b"LZWDecode", b"ASCII85Decode", b"RunLengthDecode", b"ASCIIHexDecode", b"FlateDecode"];
            prop_assert!(one(names[which], &data).len() <= 1_000 + 4_096);
        }
    }
}
