//! Content streams (ISO 32000-1, 8, 9), as far as they show text: fonts, strings, where a line ends. Nothing is drawn.
//! Neighbours: `cmap` before, `text` after.

use std::collections::HashMap;
use std::rc::Rc;

use super::super::ofd_text::Extracted;
use super::cmap::{CMap, Decoder};
use super::file::PdfFile;
use super::lexer::Token;
use super::value::{Dict, Parser, Value};

/// Operators of a whole document, and operands of one.
const MAX_OPERATORS: usize = 2_000_000;
const MAX_OPERANDS: usize = 256;
/// Forms within forms.
const MAX_DEPTH: usize = 6;
const MAX_FONTS: usize = 2_000;

/// Takes the text out of pages.
pub(super) struct Reader<'f, 'a> {
    file: &'f mut PdfFile<'a>,
    fonts: HashMap<u32, Rc<Decoder>>,
    left: usize,
    most: usize,
    pub(super) found: Extracted,
}

/// Where text stands; widths are guessed, which is enough to tell words and lines apart.
#[derive(Clone, Default)]
struct Pen {
    font: Option<Rc<Decoder>>,
    size: f64,
    scale: f64,
    line: (f64, f64),
    end: f64,
    shown: Option<f64>,
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
        self.run(&bytes, &resources, 0)?;
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

    fn run(&mut self, bytes: &[u8], resources: &Dict, depth: usize) -> Option<()> {
        let mut parser = Parser::new(bytes, 0);
        let mut operands: Vec<Value> = Vec::new();
        let mut pen = Pen { scale: 1.0, ..Pen::default() };
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
                b"Q" => pen = saved.pop().unwrap_or(pen),
                b"BI" => skip_image(&mut parser, bytes),
                b"Do" => self.form(&operands, resources, depth)?,
                b"Tf" => self.choose(&operands, resources, &mut pen),
                _ => self.text(word, &operands, &mut pen)?,
            }
            operands.clear();
        }
        Some(())
    }

    /// A form is a content stream of its own.
    fn form(&mut self, operands: &[Value], resources: &Dict, depth: usize) -> Option<()> {
        let form = || {
            let name = operands.last()?.name()?.to_vec();
            let forms = self.file.dict_of(resources, b"XObject")?;
            let object = self.file.get(forms.reference(&name)?)?;
            let dict = object.dict().filter(|d| d.is(b"Subtype", b"Form") && depth < MAX_DEPTH)?.clone();
            let own = self.file.dict_of(&dict, b"Resources").unwrap_or_else(|| resources.clone());
            Some((self.file.data(&object)?, own))
        };
        let mut form = form;
        match form() {
            Some((bytes, own)) => self.run(&bytes, &own, depth + 1),
            None => Some(()),
        }
    }

    fn choose(&mut self, operands: &[Value], resources: &Dict, pen: &mut Pen) {
        let [Value::Name(name), Value::Number(size)] = operands else { return };
        pen.size = size.abs();
        let Some(fonts) = self.file.dict_of(resources, b"Font") else { return };
        pen.font = match fonts.get(name) {
            Some(Value::Ref(n)) => self.font(*n),
            Some(Value::Dict(dict)) => Some(Rc::new(self.decoder(&dict.clone()))),
            _ => None,
        };
    }

    fn font(&mut self, n: u32) -> Option<Rc<Decoder>> {
        if let Some(known) = self.fonts.get(&n) {
            return Some(Rc::clone(known));
        }
        if self.fonts.len() > MAX_FONTS {
            return None;
        }
        let dict = self.file.get(n)?.dict()?.clone();
        let decoder = Rc::new(self.decoder(&dict));
        self.fonts.insert(n, Rc::clone(&decoder));
        Some(decoder)
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
            b"BT" => (pen.line, pen.scale) = ((0.0, 0.0), 1.0),
            b"Td" | b"TD" => {
                pen.line = (pen.line.0 + number(0) * pen.scale, pen.line.1 + number(1) * pen.scale);
                self.moved(pen)?;
            }
            b"Tm" => {
                (pen.scale, pen.line) = (number(3).abs().max(number(1).abs()), (number(4), number(5)));
                self.moved(pen)?;
            }
            b"T*" => self.broken(pen)?,
            b"'" | b"\"" => {
                self.broken(pen)?;
                self.show(operands.last()?, pen)?;
            }
            b"Tj" => self.show(operands.last().unwrap_or(&Value::Null), pen)?,
            b"TJ" => {
                for part in operands.last().and_then(Value::array).unwrap_or_default() {
                    match part {
                        // A gap of a fifth of the size is a space between words.
                        Value::Number(n) if *n < -200.0 => self.gap(pen)?,
                        other => self.show(other, pen)?,
                    }
                }
            }
            _ => {}
        }
        Some(())
    }

    /// The pen was set elsewhere: on another line, or after a gap.
    fn moved(&mut self, pen: &mut Pen) -> Option<()> {
        let size = (pen.size * pen.scale).max(0.1);
        match pen.shown {
            Some(y) if (y - pen.line.1).abs() > size * 0.4 => self.broken(pen)?,
            Some(_) if pen.line.0 - pen.end > size * 0.25 => self.gap(pen)?,
            _ => {}
        }
        pen.end = pen.line.0;
        Some(())
    }

    fn broken(&mut self, pen: &mut Pen) -> Option<()> {
        pen.shown = None;
        pen.end = pen.line.0;
        if self.found.text.is_empty() || self.found.text.ends_with(['\n', '\u{c}']) {
            Some(())
        } else {
            self.add("\n")
        }
    }

    fn gap(&mut self, _: &Pen) -> Option<()> {
        let is_word = self.found.text.chars().next_back().is_some_and(|c| c.is_ascii_graphic());
        if is_word { self.add(" ") } else { Some(()) }
    }

    fn show(&mut self, value: &Value, pen: &mut Pen) -> Option<()> {
        let (Some(bytes), Some(font)) = (value.text(), pen.font.clone()) else { return Some(()) };
        let mut text = String::new();
        font.decode(bytes, &mut text);
        let widths: f64 = text.chars().map(|c| if c.is_ascii() { 0.5 } else { 1.0 }).sum();
        pen.end += widths * pen.size * pen.scale;
        pen.shown = Some(pen.line.1);
        self.add(&text)
    }
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
