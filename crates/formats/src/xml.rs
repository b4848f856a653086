//! XML from outside, read safely into a small tree: encodings told apart, no DTD, no entities beyond the five,
//! caps on size, depth and elements. Reading goes on as far as it can, so that a broken document still says
//! whose it is; what is wrong comes beside the tree as an [`XmlFault`].

use encoding_rs::{Encoding, GB18030, UTF_8};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use serde::{Deserialize, Serialize};

/// Bytes of one metadata document; more is refused unread.
pub(crate) const MAX_BYTES: u64 = 8 << 20;
const MAX_DEPTH: usize = 32;
const MAX_ELEMENTS: usize = 200_000;
/// Attributes of one element: the reader compares each with all before it.
const MAX_ATTRIBUTES: usize = 64;

/// What kind of fault a metadata document has (U-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum XmlFaultKind {
    /// Not well-formed: cut short, tags that do not match, …
    NotWellFormed,
    /// The bytes are not in the encoding that it declares.
    WrongEncoding,
    /// An encoding that is not taken: neither UTF-8 nor GB18030 (GBK, GB2312).
    UnknownEncoding,
    /// A DTD or an entity of its own.
    Dtd,
    /// Too large, too deep, too many elements.
    TooLarge,
}

/// What is wrong with one metadata document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct XmlFault {
    /// The file.
    pub path: String,
    /// Kind of fault.
    pub kind: XmlFaultKind,
    /// What exactly, Chinese.
    pub message: String,
    /// What exactly, English.
    pub message_en: String,
}

/// An element with its text (trimmed, children's apart) and children.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// Local name, lower case.
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) text: String,
    pub(crate) children: Vec<Self>,
}

impl Node {
    /// The attribute of this (lower-case) name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first child of this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of this name; empty if there is none.
    pub(crate) fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.as_str())
    }
}

/// As much of a document as could be read, and what was wrong with it.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) root: Node,
    pub(crate) fault: Option<XmlFault>,
}

/// Reads one document.
pub(crate) fn read(path: &str, bytes: &[u8]) -> Document {
    let (text, mut fault) = decode(path, bytes);
    let mut builder = Builder { path, stack: vec![Node::default()], elements: 0, fault: None };
    builder.run(&text);
    let (root, found) = builder.finish();
    fault = fault.or(found);
    Document { root, fault }
}

fn fault(path: &str, kind: XmlFaultKind, zh: impl Into<String>, en: impl Into<String>) -> XmlFault {
    XmlFault { path: path.to_owned(), kind, message: zh.into(), message_en: en.into() }
}

/// A document that is over the size cap, unread.
pub(crate) fn too_large(path: &str) -> XmlFault {
    let mib = MAX_BYTES >> 20;
    fault(
        path,
        XmlFaultKind::TooLarge,
        format!("元数据文件超过 {mib} MiB"),
        format!("a metadata document over {mib} MiB"),
    )
}

/// Characters of a document by its mark or declaration. With a fault the text is still the likeliest reading.
fn decode(path: &str, bytes: &[u8]) -> (String, Option<XmlFault>) {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let declared = declared_encoding(bytes);
    let wanted = match declared.as_deref() {
        None => UTF_8,
        Some(label) => match Encoding::for_label(label.as_bytes()) {
            Some(encoding) if encoding == UTF_8 => UTF_8,
            Some(encoding) if encoding == GB18030 || encoding == encoding_rs::GBK => GB18030,
            _ => return unknown(path, bytes, label),
        },
    };
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.get(1) == Some(&0) {
        return unknown(path, bytes, "UTF-16");
    }
    if let Some(text) = wanted.decode_without_bom_handling_and_without_replacement(bytes) {
        return (text.into_owned(), None);
    }
    let (other, name) = if wanted == UTF_8 { (GB18030, "UTF-8") } else { (UTF_8, "GB18030") };
    let zh = format!("声明为 {name} 编码，实际字节不是");
    let en = format!("it declares {name}, but its bytes are something else");
    let text = other.decode_without_bom_handling(bytes).0.into_owned();
    (text, Some(fault(path, XmlFaultKind::WrongEncoding, zh, en)))
}

fn unknown(path: &str, bytes: &[u8], label: &str) -> (String, Option<XmlFault>) {
    let label: String = label.chars().filter(|c| !c.is_control()).take(40).collect();
    let zh = format!("不接受的编码 {label}（只接受 UTF-8、GB18030）");
    let en = format!("encoding {label} is not taken (UTF-8 and GB18030 are)");
    (String::from_utf8_lossy(bytes).into_owned(), Some(fault(path, XmlFaultKind::UnknownEncoding, zh, en)))
}

/// The label in `<?xml … encoding="…"?>`.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let head = &bytes[..bytes.len().min(256)];
    let declaration = head.strip_prefix(b"<?xml")?;
    let end = declaration.windows(2).position(|w| w == b"?>")?;
    let text = String::from_utf8_lossy(&declaration[..end]).into_owned();
    let after = text.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(after[1..].split(quote).next()?.trim().to_owned())
}

/// Builds the tree; `stack[0]` holds the document's root elements.
struct Builder<'a> {
    path: &'a str,
    stack: Vec<Node>,
    elements: usize,
    fault: Option<XmlFault>,
}

impl Builder<'_> {
    fn note(&mut self, kind: XmlFaultKind, zh: impl Into<String>, en: impl Into<String>) {
        if self.fault.is_none() {
            self.fault = Some(fault(self.path, kind, zh, en));
        }
    }

    fn malformed(&mut self, zh: &str, en: &str) {
        self.note(XmlFaultKind::NotWellFormed, zh, en);
    }

    fn run(&mut self, text: &str) {
        let mut reader = quick_xml::Reader::from_str(text);
        loop {
            let event = match reader.read_event() {
                Ok(Event::Eof) => return,
                Ok(event) => event,
                Err(e) => {
                    let at = reader.error_position();
                    self.note(
                        XmlFaultKind::NotWellFormed,
                        format!("第 {at} 字节处不合 XML 语法"),
                        format!("at byte {at}: {e}"),
                    );
                    return;
                }
            };
            if self.take(&event).is_none() {
                return;
            }
        }
    }

    /// One event; `None` stops reading.
    fn take(&mut self, event: &Event<'_>) -> Option<()> {
        match event {
            Event::Start(start) => self.open(start)?,
            Event::Empty(start) => {
                self.open(start)?;
                self.close();
            }
            Event::End(_) => self.close(),
            Event::Text(text) => self.text(&text.xml10_content().ok()?),
            Event::CData(text) => self.text(&text.xml10_content().ok()?),
            Event::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref() {
                    Ok(Some(c)) => Some(c.to_string()),
                    Ok(None) => predefined(&reference.decode().unwrap_or_default()).map(str::to_owned),
                    Err(_) => None,
                };
                match resolved {
                    Some(text) => self.text(&text),
                    None => self.note(
                        XmlFaultKind::Dtd,
                        "使用了自定义实体或错误的字符引用",
                        "an entity of its own or a bad reference",
                    ),
                }
            }
            Event::DocType(_) => self.note(XmlFaultKind::Dtd, "含有 DTD（文档类型声明）", "it holds a DTD"),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Eof => {}
        }
        Some(())
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Option<()> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS || self.stack.len() > MAX_DEPTH {
            self.note(XmlFaultKind::TooLarge, "元素过多或嵌套过深", "too many elements or too deep");
            return None;
        }
        if self.stack.len() == 1 && !self.stack[0].children.is_empty() {
            self.malformed("有多个根元素", "more than one root element");
        }
        let name = String::from_utf8_lossy(start.local_name().as_ref()).to_lowercase();
        let mut node = Node { name, ..Node::default() };
        for (count, attribute) in start.attributes().enumerate() {
            if count == MAX_ATTRIBUTES {
                self.note(
                    XmlFaultKind::TooLarge,
                    "一个元素的属性过多",
                    "an element with too many attributes",
                );
                return None;
            }
            let read = attribute.ok().and_then(|a| {
                let key = String::from_utf8_lossy(a.key.local_name().as_ref()).to_lowercase();
                Some((key, a.normalized_value(XmlVersion::Implicit1_0).ok()?.trim().to_owned()))
            });
            match read {
                Some(pair) => node.attributes.push(pair),
                None => self.malformed("属性不合语法", "an attribute is malformed"),
            }
        }
        self.stack.push(node);
        Some(())
    }

    fn close(&mut self) {
        if self.stack.len() < 2 {
            return;
        }
        if let Some(mut node) = self.stack.pop() {
            node.text = node.text.trim().to_owned();
            if let Some(parent) = self.stack.last_mut() {
                parent.children.push(node);
            }
        }
    }

    fn text(&mut self, text: &str) {
        if self.stack.len() == 1 {
            if !text.trim().is_empty() {
                self.malformed("根元素之外有文字", "text outside the root element");
            }
        } else if let Some(node) = self.stack.last_mut() {
            node.text.push_str(text);
        }
    }

    fn finish(mut self) -> (Node, Option<XmlFault>) {
        if self.stack.len() > 1 {
            self.malformed(
                "元素没有结束标记，文件可能不完整",
                "an element is never closed; the file may be cut short",
            );
        }
        while self.stack.len() > 1 {
            self.close();
        }
        let root = self.stack.pop().and_then(|top| top.children.into_iter().next());
        if root.is_none() {
            let fault =
                fault(self.path, XmlFaultKind::NotWellFormed, "没有根元素", "there is no root element");
            self.fault.get_or_insert(fault);
        }
        (root.unwrap_or_default(), self.fault)
    }
}

fn predefined(name: &str) -> Option<&'static str> {
    match name {
        "lt" => Some("<"),
        "gt" => Some(">"),
        "amp" => Some("&"),
        "quot" => Some("\""),
        "apos" => Some("'"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind(bytes: &[u8]) -> Option<XmlFaultKind> {
        read("x.xml", bytes).fault.map(|f| f.kind)
    }

    #[test]
    fn entities_and_dtds_are_faults_and_never_expand() {
        let bytes = br#"<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]><d><a>1</a><b>&x;</b></d>"#;
        let document = read("x.xml", bytes);
        assert_eq!(document.fault.map(|f| f.kind), Some(XmlFaultKind::Dtd));
        assert_eq!(document.root.text_of("a"), "1");
        assert_eq!(document.root.text_of("b"), "");
    }

    #[test]
    fn a_document_cut_short_still_gives_what_came_before() {
        let document = read("x.xml", "<d><projid>42</projid><title>测".as_bytes());
        assert_eq!(document.fault.map(|f| f.kind), Some(XmlFaultKind::NotWellFormed));
        assert_eq!(document.root.text_of("projid"), "42");
    }

    #[test]
    fn encodings_are_told_apart() {
        let utf8 = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><d>登记</d>";
        assert_eq!(kind(utf8.as_bytes()), None);
        assert_eq!(kind(&[b"\xef\xbb\xbf", utf8.as_bytes()].concat()), None);
        let gbk = encoding_rs::GB18030.encode(utf8).0;
        let document = read("x.xml", &gbk);
        assert_eq!(document.fault.map(|f| f.kind), Some(XmlFaultKind::WrongEncoding));
        assert_eq!(document.root.text, "登记");
        let declared = utf8.replace("UTF-8", "gb2312");
        assert_eq!(kind(&encoding_rs::GB18030.encode(&declared).0), None);
        assert_eq!(kind(utf8.replace("UTF-8", "Big5").as_bytes()), Some(XmlFaultKind::UnknownEncoding));
        assert_eq!(kind(b"\xff\xfe<\0d\0/\0>\0"), Some(XmlFaultKind::UnknownEncoding));
    }

    #[test]
    fn depth_is_capped() {
        let attributes: String = (0..100_000).map(|n| format!(" a{n}=''")).collect();
        assert_eq!(kind(format!("<a{attributes}/>").as_bytes()), Some(XmlFaultKind::TooLarge));
        assert_eq!(kind("<a>".repeat(100).as_bytes()), Some(XmlFaultKind::TooLarge));
        assert_eq!(kind(b"<a/><b/>"), Some(XmlFaultKind::NotWellFormed));
        assert_eq!(kind(b"<a></b>"), Some(XmlFaultKind::NotWellFormed));
        assert_eq!(kind(b""), Some(XmlFaultKind::NotWellFormed));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read("x.xml", &bytes);
        }

        #[test]
        fn no_almost_xml_makes_the_reader_panic(text in "[<>/a&;#x!\\[\\]CDATA?= \"']{0,120}") {
            let _ = read("x.xml", text.as_bytes());
        }
    }
}
