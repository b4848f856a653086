//! Reads the official signature files (DROID's XML and its container XML) that an operator may give: the same engine
//! runs them. They are not part of this program.

use std::collections::HashMap;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::pattern::{Anchor, Pattern, Token, parse};
use super::signatures::{ContainerKind, ContainerRule, Row, Signatures};
use crate::error::refuse;
use dengbei_records::Problem;

/// Bytes of one file; the official ones have about 4 MB.
const MAX_BYTES: usize = 64 << 20;
const MAX_DEPTH: usize = 24;

/// An element of the file. Names are matched without regard to case.
#[derive(Default)]
struct Element {
    name: String,
    attributes: HashMap<String, String>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.attribute(name).parse().ok()
    }
}

fn unreadable(en: impl std::fmt::Display) -> Problem {
    refuse(
        "signatures.unreadable",
        format!("签名文件无法读取：{en}"),
        format!("the signature file does not read: {en}"),
    )
    .with_remedy("换成从 PRONOM 取得的完整的签名文件（DROID SignatureFile 或 container-signature）")
}

impl Signatures {
    /// Reads a DROID signature file.
    ///
    /// # Errors
    /// `signatures.unreadable` when it is no such file. Single sequences that are not understood are left out.
    pub fn from_droid(xml: &[u8]) -> Result<Self, Problem> {
        let root = tree(xml)?;
        let collection =
            root.child("fileformatcollection").ok_or_else(|| unreadable("no FileFormatCollection"))?;
        let signatures = root.child("internalsignaturecollection").map_or_else(HashMap::new, internal);
        let formats: Vec<&Element> = collection.all("fileformat").collect();
        let ids: HashMap<&str, usize> =
            formats.iter().enumerate().map(|(i, f)| (f.attribute("id"), i)).collect();
        let rows = formats.iter().map(|format| row(format, &signatures, &ids)).collect();
        Ok(Self::new(format!("DROID V{}", root.attribute("version")), rows))
    }

    /// Adds the rules of a container signature file.
    ///
    /// # Errors
    /// As [`Signatures::from_droid`].
    pub fn with_containers(mut self, xml: &[u8]) -> Result<Self, Problem> {
        let root = tree(xml)?;
        let collection =
            root.child("containersignatures").ok_or_else(|| unreadable("no ContainerSignatures"))?;
        let mappings = root.child("fileformatmappings");
        let mut puids: HashMap<&str, Vec<&str>> = HashMap::new();
        for mapping in mappings.into_iter().flat_map(|m| m.all("fileformatmapping")) {
            puids.entry(mapping.attribute("signatureid")).or_default().push(mapping.attribute("puid"));
        }
        for signature in collection.all("containersignature") {
            let kind = match signature.attribute("containertype") {
                "ZIP" => ContainerKind::Zip,
                "OLE2" => ContainerKind::Ole2,
                _ => continue,
            };
            let Some(parts) = signature.child("files").and_then(parts) else { continue };
            for puid in puids.get(signature.attribute("id")).into_iter().flatten() {
                if let Some(row) = self.row(puid) {
                    self.rules.push(ContainerRule { kind, row, parts: parts.clone() });
                }
            }
        }
        Ok(self)
    }
}

fn row(format: &Element, signatures: &HashMap<&str, Vec<Pattern>>, ids: &HashMap<&str, usize>) -> Row {
    let own = format.all("internalsignatureid").filter_map(|id| signatures.get(id.text.trim()).cloned());
    let over = format.all("haspriorityoverfileformatid").filter_map(|id| ids.get(id.text.trim()).copied());
    Row {
        puid: format.attribute("puid").to_owned(),
        name: format.attribute("name").to_owned(),
        version: format.attribute("version").to_owned(),
        mime: format.attribute("mimetype").to_owned(),
        endings: format.all("extension").map(|e| e.text.trim().to_lowercase()).collect(),
        signatures: own.collect(),
        over: over.collect(),
    }
}

/// Signature id → its byte sequences; one that is not understood leaves the whole signature out.
fn internal(collection: &Element) -> HashMap<&str, Vec<Pattern>> {
    let read = |signature: &'_ Element| {
        let patterns: Option<Vec<Pattern>> = signature.all("bytesequence").map(byte_sequence).collect();
        patterns.filter(|p| !p.is_empty())
    };
    collection.all("internalsignature").filter_map(|s| Some((s.attribute("id"), read(s)?))).collect()
}

fn parts(files: &Element) -> Option<Vec<(String, Vec<Pattern>)>> {
    let part = |file: &Element| {
        let path = file.child("path")?.text.trim().to_owned();
        let signatures = file.child("binarysignatures").and_then(|b| b.child("internalsignaturecollection"));
        let sequences = signatures
            .into_iter()
            .flat_map(|c| c.all("internalsignature"))
            .flat_map(|s| s.all("bytesequence"));
        Some((path, sequences.map(byte_sequence).collect::<Option<_>>()?))
    };
    files.all("file").map(part).collect()
}

/// Sub-sequences one after the other; the first (from the end: the last) is bound to its anchor.
fn byte_sequence(sequence: &Element) -> Option<Pattern> {
    let anchor = match sequence.attribute("reference") {
        "BOFoffset" => Anchor::Start,
        "EOFoffset" => Anchor::End,
        _ => Anchor::Anywhere,
    };
    let mut pieces: Vec<&Element> = sequence.all("subsequence").collect();
    pieces.sort_by_key(|piece| piece.number("position").unwrap_or(1));
    let bound = if anchor == Anchor::End { pieces.len().checked_sub(1)? } else { 0 };
    let mut offset = (0, None);
    let mut tokens = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let least = piece.number("subseqminoffset").unwrap_or(0);
        let most = piece.number("subseqmaxoffset").map(|most| most.max(least));
        if index == bound {
            offset = if anchor == Anchor::Anywhere { (least, None) } else { (least, most) };
        }
        if index > 0 {
            tokens.push(Token::Gap(least, most.filter(|_| index != bound)));
        }
        tokens.extend(with_fragments(piece)?);
    }
    Some(Pattern::new(anchor, offset, tokens))
}

/// The sequence with its fragments left and right, each at its distance.
fn with_fragments(piece: &Element) -> Option<Vec<Token>> {
    let mut left = fragments(piece, "leftfragment")?;
    left.reverse();
    let mut tokens: Vec<Token> = left.into_iter().flat_map(|(gap, token)| [token, gap]).collect();
    tokens.extend(parse(&piece.child("sequence")?.text).ok()?);
    tokens.extend(fragments(piece, "rightfragment")?.into_iter().flat_map(|(gap, token)| [gap, token]));
    Some(tokens.into_iter().filter(|token| *token != Token::Gap(0, Some(0))).collect())
}

/// Fragments by position, outward; several of one position are alternatives.
fn fragments(piece: &Element, name: &str) -> Option<Vec<(Token, Token)>> {
    let mut by_position: Vec<(usize, Token, Vec<Vec<Token>>)> = Vec::new();
    for fragment in piece.all(name) {
        let position = fragment.number("position")?;
        let least = fragment.number("minoffset").unwrap_or(0);
        let gap = Token::Gap(least, Some(fragment.number("maxoffset").unwrap_or(least).max(least)));
        let way = parse(&fragment.text).ok()?;
        match by_position.iter_mut().find(|(p, _, _)| *p == position) {
            Some((_, _, ways)) => ways.push(way),
            None => by_position.push((position, gap, vec![way])),
        }
    }
    by_position.sort_by_key(|(position, _, _)| *position);
    Some(by_position.into_iter().map(|(_, gap, ways)| (gap, Token::Either(ways))).collect())
}

/// The file as a tree.
fn tree(xml: &[u8]) -> Result<Element, Problem> {
    if xml.len() > MAX_BYTES {
        return Err(unreadable("over 64 MiB"));
    }
    let text = std::str::from_utf8(xml).map_err(unreadable)?;
    let mut reader = quick_xml::Reader::from_str(text);
    let mut stack = vec![Element::default()];
    loop {
        match reader.read_event().map_err(unreadable)? {
            Event::Start(start) if stack.len() < MAX_DEPTH => stack.push(element(&start)?),
            Event::Start(_) => return Err(unreadable("too deep")),
            Event::Empty(start) => {
                let empty = element(&start)?;
                if let Some(parent) = stack.last_mut() {
                    parent.children.push(empty);
                }
            }
            Event::End(_) => close(&mut stack),
            Event::Text(text) => {
                let text = text.decode().map_err(unreadable)?;
                if let Some(open) = stack.last_mut() {
                    open.text.push_str(&text);
                }
            }
            Event::GeneralRef(name) => entity(&mut stack, &name),
            Event::Eof => break,
            _ => {}
        }
    }
    let root = stack.into_iter().next().and_then(|mut top| top.children.pop());
    root.ok_or_else(|| unreadable("empty"))
}

/// `&amp;` and its four sisters; anything else is left out.
fn entity(stack: &mut [Element], name: &[u8]) {
    let character = match name {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        _ => return,
    };
    if let Some(open) = stack.last_mut() {
        open.text.push(character);
    }
}

fn close(stack: &mut Vec<Element>) {
    if stack.len() > 1
        && let (Some(done), Some(parent)) = (stack.pop(), stack.last_mut())
    {
        parent.children.push(done);
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, Problem> {
    let mut attributes = HashMap::new();
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(unreadable)?;
        let name = String::from_utf8_lossy(attribute.key.local_name().as_ref()).to_lowercase();
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(unreadable)?.into_owned();
        attributes.insert(name, value);
    }
    let name = String::from_utf8_lossy(start.local_name().as_ref()).to_lowercase();
    Ok(Element { name, attributes, ..Element::default() })
}
