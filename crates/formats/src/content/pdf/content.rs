//! Content streams (ISO 32000-1, 8, 9), as far as they show text: fonts, strings, where a line ends. Nothing is drawn.
//! Neighbours: `cmap` before, `text` after.

use std::collections::HashMap;
use std::rc::Rc;

use unicode_normalization::UnicodeNormalization as _;

use super::super::ofd_text::Extracted;
use super::cmap::{CMap, Decoder};
use super::file::PdfFile;
use super::font::{Font, Matrix, Widths};
use super::lexer::Token;
use super::value::{Dict, Parser, Value};

/// Operators of a whole document, and operands of one.
const MAX_OPERATORS: usize = 2_000_000;
const MAX_OPERANDS: usize = 256;
/// Forms within forms.
const MAX_DEPTH: usize = 6;
const MAX_FONTS: usize = 2_000;
/// `ﬁ` and its like are two letters to who searches.
const LIGATURES: [char; 5] = ['\u{fb00}', '\u{fb01}', '\u{fb02}', '\u{fb03}', '\u{fb04}'];

/// Takes the text out of pages.
pub(super) struct Reader<'f, 'a> {
    file: &'f mut PdfFile<'a>,
    fonts: HashMap<u32, Rc<Font>>,
    left: usize,
    most: usize,
    pub(super) found: Extracted,
}

/// Where text stands, to tell words and lines apart.
#[derive(Clone, Default)]
struct Pen {
    font: Option<Rc<Font>>,
    size: f64,
    /// From the text's space to the page's.
    page: Matrix,
    line: Matrix,
    /// How far the line was written, in the text's space.
    along: f64,
    leading: f64,
    /// Where the last text ended, on the page.
    end: Option<(f64, f64)>,
}

impl Pen {
    /// The pen's place on the page, and the height of its text there.
    fn place(&self) -> ((f64, f64), f64) {
        let at = self.line.then(&self.page);
        let (x, y) = (at.0[0] * self.along + at.0[4], at.0[1] * self.along + at.0[5]);
        ((x, y), self.size * at.0[2].hypot(at.0[3]).max(0.001))
    }
}

impl<'f, 'a> Reader<'f, 'a> {
    pub(super) fn new(file: &'f mut PdfFile<'a>, most: usize) -> Self {
        Self { file, fonts: HashMap::new(), left: MAX_OPERATORS, most, found: Extracted::default() }
    }

    /// One page. `None` once nothing more may be read.
    pub(super) fn page(&mut self, page: u32) -> Option<()> {
        let object = self.file.get(page)?;
        let dict = object.dict()?.clone();
        let resources = self.inherited(dict.clone(), b"Resources").unwrap_or_default();
        let contents = match self.file.lookup(&dict, b"Contents") {
            Some(Value::Array(parts)) => parts,
            _ => dict.get(b"Contents").cloned().into_iter().collect(),
        };
        let mut bytes = Vec::new();
        for part in contents.iter().take(10_000) {
            let Value::Ref(n) = part else { continue };
            if let Some(data) = self.file.get(*n).and_then(|object| self.file.data(&object)) {
                bytes.extend(data);
                bytes.push(b'\n');
            }
        }
        self.run(&bytes, &resources, (Matrix::default(), 0))?;
        self.add("\u{c}")
    }

    /// What a page has from its parents.
    fn inherited(&mut self, mut dict: Dict, key: &[u8]) -> Option<Dict> {
        for _ in 0..32 {
            if let Some(found) = self.file.dict_of(&dict, key) {
                return Some(found);
            }
            dict = self.file.dict_of(&dict, b"Parent")?;
        }
        None
    }

    fn add(&mut self, text: &str) -> Option<()> {
        self.found.add(text, self.most).then_some(())
    }

    fn run(&mut self, bytes: &[u8], resources: &Dict, (placed, depth): (Matrix, usize)) -> Option<()> {
        let mut parser = Parser::new(bytes, 0);
        let mut operands: Vec<Value> = Vec::new();
        let mut pen = Pen { page: placed, ..Pen::default() };
        let mut saved: Vec<Pen> = Vec::new();
        while let Some(token) = parser.lexer.next() {
            let Token::Word(word) = token else {
                match parser.of(token, 0) {
                    Some(value) if operands.len() < MAX_OPERANDS => operands.push(value),
                    Some(_) => {}
                    None => return Some(()),
                }
                continue;
            };
            if word.first().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.')) {
                // In a content stream there are no references.
                let number =
                    std::str::from_utf8(word).ok().filter(|w| w.len() < 40).and_then(|w| w.parse().ok());
                operands.push(Value::Number(number.unwrap_or(0.0)));
                operands.truncate(MAX_OPERANDS);
                continue;
            }
            self.left = self.left.checked_sub(1).or_else(|| {
                self.found.is_cut = true;
                None
            })?;
            match word {
                b"q" if saved.len() < 64 => saved.push(pen.clone()),
                b"Q" => {
                    let end = pen.end;
                    pen = saved.pop().unwrap_or(pen);
                    pen.end = end;
                }
                b"cm" => pen.page = matrix(&operands).then(&pen.page),
                b"BI" => skip_image(&mut parser, bytes),
                b"Do" => self.form(&operands, resources, (pen.page.clone(), depth))?,
                b"Tf" => self.choose(&operands, resources, &mut pen),
                _ => self.text(word, &operands, &mut pen)?,
            }
            operands.clear();
        }
        Some(())
    }

    /// A form is a content stream of its own.
    fn form(&mut self, operands: &[Value], resources: &Dict, (page, depth): (Matrix, usize)) -> Option<()> {
        let form = || {
            let name = operands.last()?.name()?.to_vec();
            let forms = self.file.dict_of(resources, b"XObject")?;
            let object = self.file.get(forms.reference(&name)?)?;
            let dict = object.dict().filter(|d| d.is(b"Subtype", b"Form") && depth < MAX_DEPTH)?.clone();
            let own = self.file.dict_of(&dict, b"Resources").unwrap_or_else(|| resources.clone());
            let placed = dict.get(b"Matrix").and_then(Value::array).map_or_else(Matrix::default, matrix);
            Some((self.file.data(&object)?, own, placed.then(&page)))
        };
        let mut form = form;
        match form() {
            Some((bytes, own, placed)) => self.run(&bytes, &own, (placed, depth + 1)),
            None => Some(()),
        }
    }

    fn choose(&mut self, operands: &[Value], resources: &Dict, pen: &mut Pen) {
        let [Value::Name(name), Value::Number(size)] = operands else { return };
        pen.size = size.abs();
        let Some(fonts) = self.file.dict_of(resources, b"Font") else { return };
        pen.font = match fonts.get(name) {
            Some(Value::Ref(n)) => self.font(*n),
            Some(Value::Dict(dict)) => Some(Rc::new(self.made(&dict.clone()))),
            _ => None,
        };
    }

    fn font(&mut self, n: u32) -> Option<Rc<Font>> {
        if let Some(known) = self.fonts.get(&n) {
            return Some(Rc::clone(known));
        }
        if self.fonts.len() > MAX_FONTS {
            return None;
        }
        let dict = self.file.get(n)?.dict()?.clone();
        let font = Rc::new(self.made(&dict));
        self.fonts.insert(n, Rc::clone(&font));
        Some(font)
    }

    fn made(&mut self, dict: &Dict) -> Font {
        Font { decoder: self.decoder(dict), widths: Widths::of(self.file, dict) }
    }

    fn decoder(&mut self, font: &Dict) -> Decoder {
        let is_composite = font.is(b"Subtype", b"Type0");
        let map = font.reference(b"ToUnicode").and_then(|n| self.file.get(n));
        if let Some(bytes) = map.and_then(|object| self.file.data(&object)) {
            return Decoder::Mapped(CMap::read(&bytes, if is_composite { 2 } else { 1 }));
        }
        let encoding = self.file.lookup(font, b"Encoding");
        match (is_composite, encoding) {
            (true, Some(Value::Name(name))) => Decoder::named(&name),
            (true, _) => Decoder::Unknown,
            (false, encoding) => Decoder::simple(encoding.as_ref()),
        }
    }

    fn text(&mut self, word: &[u8], operands: &[Value], pen: &mut Pen) -> Option<()> {
        let number = |at: usize| match operands.get(at) {
            Some(Value::Number(n)) => *n,
            _ => 0.0,
        };
        match word {
            b"BT" => (pen.line, pen.along) = (Matrix::default(), 0.0),
            b"TL" => pen.leading = number(0),
            b"Td" | b"TD" => {
                if word == b"TD" {
                    pen.leading = -number(1);
                }
                self.next_line(pen, (number(0), number(1)))?;
            }
            b"Tm" => (pen.line, pen.along) = (matrix(operands), 0.0),
            b"T*" => self.next_line(pen, (0.0, -pen.leading))?,
            b"'" | b"\"" => {
                self.next_line(pen, (0.0, -pen.leading))?;
                self.show(operands.last().unwrap_or(&Value::Null), pen)?;
            }
            b"Tj" => self.show(operands.last().unwrap_or(&Value::Null), pen)?,
            b"TJ" => {
                for part in operands.last().and_then(Value::array).unwrap_or_default() {
                    match part {
                        Value::Number(n) => pen.along -= n / 1_000.0 * pen.size,
                        other => self.show(other, pen)?,
                    }
                }
            }
            _ => {}
        }
        Some(())
    }

    /// Without a leading a new line is still one.
    fn next_line(&mut self, pen: &mut Pen, (x, y): (f64, f64)) -> Option<()> {
        pen.line = Matrix([1.0, 0.0, 0.0, 1.0, x, y]).then(&pen.line);
        pen.along = 0.0;
        if (x, y) == (0.0, 0.0) { self.line_end() } else { Some(()) }
    }

    /// What lies between the last text and this: nothing, a space, or a line's end.
    fn bridge(&mut self, pen: &Pen) -> Option<()> {
        let ((x, y), height) = pen.place();
        let Some(end) = pen.end else { return Some(()) };
        let (across, down) = (x - end.0, (y - end.1).abs());
        if down > height * 0.45 || across < -height * 2.0 {
            return self.line_end();
        }
        let is_apart = across > height * 0.15 && !self.found.text.ends_with(char::is_whitespace);
        if is_apart { self.add(" ") } else { Some(()) }
    }

    fn line_end(&mut self) -> Option<()> {
        if self.found.text.is_empty() || self.found.text.ends_with(['\n', '\u{c}']) {
            Some(())
        } else {
            self.add("\n")
        }
    }

    fn show(&mut self, value: &Value, pen: &mut Pen) -> Option<()> {
        let (Some(bytes), Some(font)) = (value.text(), pen.font.clone()) else { return Some(()) };
        let mut text = String::new();
        font.decoder.decode(bytes, &mut text);
        if text.contains(LIGATURES) {
            text = text.nfkc().collect();
        }
        self.bridge(pen)?;
        pen.along += font.width(bytes) * pen.size;
        pen.end = Some(pen.place().0);
        self.add(&text)
    }
}

fn matrix(operands: &[Value]) -> Matrix {
    let mut six = Matrix::default();
    for (slot, value) in six.0.iter_mut().zip(operands) {
        if let Value::Number(n) = value {
            *slot = *n;
        }
    }
    six
}

/// An image within the stream: its data is no syntax.
fn skip_image(parser: &mut Parser<'_>, bytes: &[u8]) {
    let from = parser.lexer.at;
    let mut at = from;
    while let Some(found) = super::super::kind::find(&bytes[at..], b"EI") {
        let place = at + found;
        let is_alone = bytes.get(place.wrapping_sub(1)).is_some_and(|b| super::lexer::is_space(*b))
            && bytes.get(place + 2).is_none_or(|b| super::lexer::is_space(*b));
        at = place + 2;
        if is_alone {
            parser.lexer.at = at;
            return;
        }
    }
    parser.lexer.at = bytes.len();
}
