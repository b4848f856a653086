//! What a PDF does and claims, told by looking at every object once: scripts, launches, embedded files, forms, fonts,
//! PDF/A, signatures. Names are read unescaped and object streams unpacked, so nothing hides there. Next: `signatures`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::super::kind::find;
use super::super::probe::Finding;
use super::file::PdfFile;
use super::pages::Opened;
use super::value::{Dict, Value, text_of};

/// What lists hold at most.
const MAX_LISTED: usize = 100;
const MAX_SIGNATURES: usize = 64;
const MAX_DEPTH: usize = 64;

/// What a PDF does and claims.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PdfFacts {
    /// It had to be mended to be read: how. A warning (警告), not a pass without a word.
    pub repaired: Option<Finding>,
    /// The PDF/A part and level that it claims, `2b`. A claim: nobody here checked it.
    pub pdf_a: Option<String>,
    /// Where JavaScript stands: `object 12`.
    pub scripts: Vec<String>,
    /// Where something is started, sent or fetched: launch, submit, import, rendition, remote go-to.
    pub launches: Vec<String>,
    /// Something happens when it is opened (OpenAction other than going to a page, additional actions of the document).
    pub has_open_action: bool,
    /// Files inside, by name.
    pub embedded_files: Vec<String>,
    /// Form fields (AcroForm).
    pub has_form: bool,
    /// An XFA form: what is shown is made by a program.
    pub has_xfa: bool,
    /// Film, sound, 3D.
    pub has_media: bool,
    /// Fonts whose programs are inside.
    pub fonts_embedded: u32,
    /// Fonts whose programs are not inside, by name: it may look different elsewhere.
    pub fonts_missing: Vec<String>,
    /// How often it was saved by appending: 1 for a file written once.
    pub revisions: u32,
    /// It holds text that can be read as text.
    pub has_text_fonts: bool,
}

/// A signature dictionary and the field that holds it.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    pub(super) object: u32,
    pub(super) dict: Dict,
    pub(super) field: Option<String>,
}

/// What one look at every object gave.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) facts: PdfFacts,
    pub(super) signatures: Vec<Signed>,
    /// Signature object → the field's name.
    fields: Vec<(u32, String)>,
    scripts: BTreeSet<String>,
    launches: BTreeSet<String>,
    fonts_missing: BTreeSet<String>,
    files: BTreeSet<String>,
    /// The catalogue has a list of files, whatever is on it.
    lists_files: bool,
    /// Fonts, looked at once all are known: what they refer to may lie anywhere.
    fonts: Vec<Dict>,
}

pub(super) fn gather(file: &mut PdfFile<'_>, opened: &Opened) -> Gathered {
    let mut found = Gathered::default();
    found.facts.revisions = revisions(file.bytes);
    // The catalogue first: what it leads to may show that the cross-reference is wrong, and then the scan counts too.
    found.catalogue(file, &opened.catalogue);
    let mut seen = BTreeSet::new();
    for _ in 0..2 {
        for n in file.numbers() {
            let Some(object) = seen.insert(n).then(|| file.get(n)).flatten() else { continue };
            found.visit(n, &object.value, 0);
            for font in std::mem::take(&mut found.fonts) {
                found.font(file, &font);
            }
        }
    }
    found.facts.pdf_a = pdf_a(file, &opened.catalogue);
    found.finish();
    found
}

impl Gathered {
    fn finish(&mut self) {
        if self.lists_files && self.files.is_empty() {
            self.files.insert("Names/EmbeddedFiles".to_owned());
        }
        let list = |set: &BTreeSet<String>| set.iter().take(MAX_LISTED).cloned().collect();
        self.facts.scripts = list(&self.scripts);
        self.facts.launches = list(&self.launches);
        self.facts.fonts_missing = list(&self.fonts_missing);
        self.facts.embedded_files = list(&self.files);
        for signed in &mut self.signatures {
            let field = self.fields.iter().find(|(object, _)| *object == signed.object);
            signed.field = signed.field.take().or_else(|| field.map(|(_, name)| name.clone()));
        }
    }

    /// A value and all that it holds directly.
    fn visit(&mut self, n: u32, value: &Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::Array(values) => values.iter().for_each(|v| self.visit(n, v, depth + 1)),
            Value::Dict(dict) => {
                self.dict(n, dict);
                dict.0.iter().for_each(|(_, v)| self.visit(n, v, depth + 1));
            }
            _ => {}
        }
    }

    fn dict(&mut self, n: u32, dict: &Dict) {
        let place = || format!("object {n}");
        if dict.is(b"S", b"JavaScript") || dict.has(b"JS") || dict.has(b"JavaScript") {
            self.scripts.insert(place());
        }
        if let Some(action) = dict.name(b"S") {
            let words: [&[u8]; 7] = [
                b"Launch",
                b"SubmitForm",
                b"ImportData",
                b"GoToR",
                b"GoToE",
                b"Rendition",
                b"RichMediaExecute",
            ];
            if words.contains(&action) && !dict.has(b"Type") || action == b"Launch" {
                self.launches.insert(format!("{} {}", String::from_utf8_lossy(action), place()));
            }
        }
        self.facts.has_xfa |= dict.has(b"XFA");
        let media: [&[u8]; 6] = [b"RichMedia", b"3D", b"Movie", b"Sound", b"Screen", b"U3D"];
        self.facts.has_media |= dict.name(b"Subtype").is_some_and(|s| media.contains(&s));
        if dict.get(b"EF").is_some_and(|v| matches!(v, Value::Dict(_) | Value::Ref(_))) {
            let name = dict.get(b"UF").or_else(|| dict.get(b"F")).and_then(Value::text);
            self.files.insert(name.map_or_else(place, text_of));
        }
        if dict.is(b"Type", b"Font") || dict.has(b"BaseFont") {
            self.fonts.push(dict.clone());
        }
        self.signature(n, dict);
    }

    fn signature(&mut self, n: u32, dict: &Dict) {
        let is_signature = dict.has(b"ByteRange") && dict.has(b"Contents");
        if is_signature && self.signatures.len() < MAX_SIGNATURES {
            self.signatures.push(Signed { object: n, dict: dict.clone(), field: None });
        }
        if dict.is(b"FT", b"Sig") {
            let name = dict.get(b"T").and_then(Value::text).map(text_of).unwrap_or_default();
            if let Some(Value::Ref(value)) = dict.get(b"V") {
                self.fields.push((*value, name));
            }
        }
    }

    /// A font: is its program inside?
    fn font(&mut self, file: &mut PdfFile<'_>, dict: &Dict) {
        let kind = dict.name(b"Subtype").unwrap_or_default();
        let kinds: [&[u8]; 5] = [b"Type1", b"MMType1", b"TrueType", b"CIDFontType0", b"CIDFontType2"];
        self.facts.has_text_fonts = true;
        if !kinds.contains(&kind) {
            return;
        }
        let descriptor = file.dict_of(dict, b"FontDescriptor").unwrap_or_default();
        let programs: [&[u8]; 3] = [b"FontFile", b"FontFile2", b"FontFile3"];
        if programs.iter().any(|key| descriptor.has(key)) {
            self.facts.fonts_embedded = self.facts.fonts_embedded.saturating_add(1);
        } else if self.fonts_missing.len() < MAX_LISTED {
            self.fonts_missing.insert(text_of(dict.name(b"BaseFont").unwrap_or(b"?")));
        }
    }

    fn catalogue(&mut self, file: &mut PdfFile<'_>, catalogue: &Dict) {
        self.facts.has_form = file.dict_of(catalogue, b"AcroForm").is_some_and(|form| {
            form.has(b"XFA")
                || file.lookup(&form, b"Fields").is_some_and(|f| f.array().is_some_and(|a| !a.is_empty()))
        });
        let opens = file.lookup(catalogue, b"OpenAction");
        let is_action = opens.as_ref().and_then(Value::dict).is_some_and(|action| !action.is(b"S", b"GoTo"));
        self.facts.has_open_action = is_action || catalogue.has(b"AA");
        if let Some(names) = file.dict_of(catalogue, b"Names") {
            if names.has(b"JavaScript") {
                self.scripts.insert("Names/JavaScript".to_owned());
            }
            self.lists_files = names.has(b"EmbeddedFiles");
        }
    }
}

/// The PDF/A claim in the document's metadata.
fn pdf_a(file: &mut PdfFile<'_>, catalogue: &Dict) -> Option<String> {
    let object = file.get(catalogue.reference(b"Metadata")?)?;
    let xmp = file.data(&object)?;
    let part = after(&xmp, b"pdfaid:part")?;
    let level = after(&xmp, b"pdfaid:conformance").unwrap_or_default();
    Some(format!("{part}{}", level.to_lowercase()))
}

/// A short value as attribute (`="2"`) or as element (`>2<`).
fn after(xmp: &[u8], key: &[u8]) -> Option<String> {
    let rest = &xmp[find(xmp, key)? + key.len()..];
    let value: Vec<u8> = rest
        .iter()
        .copied()
        .take(32)
        .skip_while(|b| matches!(b, b'=' | b'>' | b'"' | b'\'' | b' ' | b'\r' | b'\n' | b'\t'))
        .take_while(u8::is_ascii_alphanumeric)
        .take(4)
        .collect();
    (!value.is_empty()).then(|| String::from_utf8_lossy(&value).into_owned())
}

/// How often `startxref` stands there; a linearized file has one more than it was saved.
fn revisions(bytes: &[u8]) -> u32 {
    let (mut count, mut from) = (0_u32, 0);
    while let Some(at) = find(&bytes[from..], b"startxref").filter(|_| count < 10_000) {
        count += 1;
        from += at + 9;
    }
    let is_linearized = find(&bytes[..bytes.len().min(1024)], b"/Linearized").is_some();
    count.saturating_sub(u32::from(is_linearized)).max(1)
}
