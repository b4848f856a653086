//! How wide a font's characters are (ISO 32000-1, 9.2.4, 9.7.4.3), and matrices (8.3.4): enough to tell where a word ends.
//! Neighbours: `cmap` for what the characters are, `content` after.

use std::collections::HashMap;

use super::cmap::Decoder;
use super::file::PdfFile;
use super::value::{Dict, Value};

const MAX_WIDTHS: usize = 70_000;

/// A font, as far as text needs it.
#[derive(Debug)]
pub(super) struct Font {
    pub(super) decoder: Decoder,
    pub(super) widths: Widths,
}

impl Font {
    /// The width of a string for a size of 1.
    pub(super) fn width(&self, bytes: &[u8]) -> f64 {
        let codes = bytes.chunks(self.decoder.code_bytes());
        codes.map(|c| self.widths.one(c.iter().take(4).fold(0, |n, b| n << 8 | u32::from(*b)))).sum()
    }
}

/// Widths by code, in thousandths.
#[derive(Debug)]
pub(super) struct Widths {
    known: HashMap<u32, f64>,
    other: f64,
}

impl Widths {
    pub(super) fn of(file: &mut PdfFile<'_>, font: &Dict) -> Self {
        let mut widths = Self { known: HashMap::new(), other: 500.0 };
        if let Some(Value::Array(inner)) = file.lookup(font, b"DescendantFonts") {
            widths.other = 1_000.0;
            let inner = inner.first().and_then(|v| file.resolve(v));
            if let Some(Value::Dict(inner)) = inner {
                widths.composite(file, &inner);
            }
        } else if let Some(Value::Array(list)) = file.lookup(font, b"Widths") {
            let first = font.number(b"FirstChar").and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
            // A font whose glyphs are drawn here has its own scale.
            let scale = match file.lookup(font, b"FontMatrix") {
                Some(Value::Array(matrix)) => number(matrix.first()).unwrap_or(0.001) * 1_000.0,
                _ => 1.0,
            };
            let pairs = (first..).zip(&list).filter_map(|(n, v)| Some((n, number(Some(v))? * scale)));
            widths.known.extend(pairs.take(MAX_WIDTHS));
        }
        widths
    }

    /// `W`: a code and its widths, or two codes and one width for all between.
    fn composite(&mut self, file: &mut PdfFile<'_>, font: &Dict) {
        self.other = number(font.get(b"DW")).unwrap_or(1_000.0);
        let Some(Value::Array(list)) = file.lookup(font, b"W") else { return };
        let mut at = 0;
        while let Some(first) = list.get(at).and_then(Value::whole).and_then(|n| u32::try_from(n).ok()) {
            let next = list.get(at + 1).and_then(|v| file.resolve(v));
            let room = MAX_WIDTHS.saturating_sub(self.known.len());
            match next {
                Some(Value::Array(each)) => {
                    let pairs = (first..).zip(&each).filter_map(|(n, v)| Some((n, number(Some(v))?)));
                    self.known.extend(pairs.take(room));
                    at += 2;
                }
                Some(last) => {
                    let last = last.whole().and_then(|n| u32::try_from(n).ok()).unwrap_or(first);
                    let width = number(list.get(at + 2)).unwrap_or(self.other);
                    self.known.extend((first..=last).take(room).map(|n| (n, width)));
                    at += 3;
                }
                None => return,
            }
        }
    }

    fn one(&self, code: u32) -> f64 {
        self.known.get(&code).copied().unwrap_or(self.other) / 1_000.0
    }
}

fn number(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Number(n) => Some(*n),
        _ => None,
    }
}

/// A transformation of the plane.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matrix(pub(super) [f64; 6]);

impl Default for Matrix {
    fn default() -> Self {
        Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    }
}

impl Matrix {
    /// This one first, then `next`.
    pub(super) fn then(&self, next: &Self) -> Self {
        let ([a, b, c, d, e, f], n) = (self.0, &next.0);
        Self([
            a * n[0] + b * n[2],
            a * n[1] + b * n[3],
            c * n[0] + d * n[2],
            c * n[1] + d * n[3],
            e * n[0] + f * n[2] + n[4],
            e * n[1] + f * n[3] + n[5],
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_applied_one_after_the_other() {
        let twice = Matrix([2.0, 0.0, 0.0, 2.0, 0.0, 0.0]);
        let moved = Matrix([1.0, 0.0, 0.0, 1.0, 5.0, 7.0]);
        assert_eq!(moved.then(&twice).0[4..], [10.0, 14.0]);
        assert_eq!(twice.then(&moved).0[4..], [5.0, 7.0]);
    }
}
