//! The structure of an OFD (GB/T 33190): entry, documents, pages, templates, resources, annotations, attachments, custom
//! tags; what is referred to and missing, what is there and referred to by nothing. Neighbours: `ofd_parts`, `ofd`.

use serde::{Deserialize, Serialize};

use super::ofd_parts::{Parts, Unread, folder_of};
use super::probe::Finding;
use crate::xml::Node;

const NAMESPACE: &str = "http://www.ofdspec.org/2016";
/// What lists in the facts hold at most.
const MAX_LISTED: usize = 100;
const MAX_DOCUMENTS: usize = 64;
/// Pages and templates whose content is read for what it refers to.
const MAX_READ: usize = 2_000;

/// What an OFD is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfdFacts {
    /// `OFD`, `OFD-A`: as its entry document says.
    pub doc_type: String,
    /// Documents inside; more than one is rare.
    pub documents: u32,
    /// An electronic invoice: a custom tag or an attachment says so.
    pub is_invoice: bool,
    /// Not the namespace that the standard fixes.
    pub has_other_namespace: bool,
    /// Types of custom tags.
    pub custom_tags: Vec<String>,
    /// Attachments by name.
    pub attachments: Vec<String>,
    /// Annotations on pages.
    pub annotations: u32,
    /// What is referred to and is not there, or cannot be read: `PublicRes PublicRes.xml`. At most 100.
    pub missing: Vec<String>,
    /// What is there and referred to by nothing. At most 100.
    pub unreferenced: Vec<String>,
}

/// What the entry document leads to.
pub(super) struct Structure {
    pub(super) version: Option<String>,
    pub(super) pages: u32,
    pub(super) facts: OfdFacts,
    /// Places of Signatures.xml, with the folder they are relative to.
    pub(super) signatures: Vec<String>,
    /// Pages' content and templates, in order.
    pub(super) contents: Vec<usize>,
}

/// Reads the structure; a finding when it does not open at all.
pub(super) fn structure(parts: &Parts<'_>) -> Result<Structure, Finding> {
    let (_, root) = required(parts, "", "OFD.xml")?;
    let mut structure = Structure {
        version: root.attribute("version").map(str::to_owned),
        pages: 0,
        facts: OfdFacts::default(),
        signatures: Vec::new(),
        contents: Vec::new(),
    };
    structure.facts.doc_type = root.attribute("doctype").unwrap_or("OFD").to_owned();
    structure.note_namespace(&root);
    let bodies: Vec<&Node> =
        root.children.iter().filter(|n| n.name == "docbody").take(MAX_DOCUMENTS).collect();
    if bodies.is_empty() {
        return Err(Finding::new("OFD.xml 没有文档（DocBody）", "OFD.xml lists no document (DocBody)"));
    }
    for body in bodies {
        structure.document(parts, body)?;
    }
    Ok(structure)
}

fn required(parts: &Parts<'_>, folder: &str, location: &str) -> Result<(usize, Node), Finding> {
    parts.document(folder, location).map_err(|unread| match unread {
        Unread::Missing => Finding::new(format!("缺少 {location}"), format!("{location} is missing")),
        Unread::Malformed => {
            Finding::new(format!("{location} 不是规范的 XML"), format!("{location} is not well-formed XML"))
        }
    })
}

impl Structure {
    fn document(&mut self, parts: &Parts<'_>, body: &Node) -> Result<(), Finding> {
        self.facts.documents += 1;
        let (main, document) = required(parts, "", body.text_of("docroot"))?;
        self.note_namespace(&document);
        let folder = folder_of(parts.path(main));
        let signatures = body.text_of("signatures");
        if !signatures.is_empty() {
            self.signatures.push(signatures.to_owned());
        }
        for version in body.child("versions").map_or(&[][..], |v| &v.children[..]) {
            self.refer(parts, "", "Version", version.attribute("baseloc").unwrap_or_default());
        }
        self.common(parts, folder, document.child("commondata"));
        for page in document.child("pages").map_or(&[][..], |p| &p.children[..]) {
            self.page(parts, folder, page.attribute("baseloc").unwrap_or_default())?;
        }
        self.lists(parts, folder, &document);
        Ok(())
    }

    fn page(&mut self, parts: &Parts<'_>, folder: &str, location: &str) -> Result<(), Finding> {
        let Some(part) = parts.find(folder, location) else {
            return Err(Finding::new(
                format!("缺少页面 {location}"),
                format!("a page is missing: {location}"),
            ));
        };
        self.pages = self.pages.saturating_add(1);
        self.content(parts, part, location).map_err(|()| {
            Finding::new(format!("页面损坏 {location}"), format!("a page is damaged: {location}"))
        })
    }

    /// A page's or template's content: which resources of its own it names.
    fn content(&mut self, parts: &Parts<'_>, part: usize, location: &str) -> Result<(), ()> {
        if self.contents.len() >= MAX_READ {
            return Ok(());
        }
        self.contents.push(part);
        let content = parts.xml(part).map_err(|_| ())?;
        for resource in content.children.iter().filter(|n| n.name == "pageres") {
            self.resource(parts, folder_of(parts.path(part)), "PageRes", &resource.text);
        }
        let _ = location;
        Ok(())
    }

    fn common(&mut self, parts: &Parts<'_>, folder: &str, common: Option<&Node>) {
        for node in common.map_or(&[][..], |c| &c.children[..]) {
            match node.name.as_str() {
                "publicres" => self.resource(parts, folder, "PublicRes", &node.text),
                "documentres" => self.resource(parts, folder, "DocumentRes", &node.text),
                "templatepage" => {
                    let location = node.attribute("baseloc").unwrap_or_default();
                    let found = self.refer(parts, folder, "TemplatePage", location);
                    if found.is_some_and(|part| self.content(parts, part, location).is_err()) {
                        self.miss("TemplatePage", location);
                    }
                }
                _ => {}
            }
        }
    }

    /// A list of resources and the files that it names.
    fn resource(&mut self, parts: &Parts<'_>, folder: &str, what: &str, location: &str) {
        let Some((part, resource)) = self.open(parts, folder, what, location) else { return };
        let own = folder_of(parts.path(part));
        let base = resource.attribute("baseloc").unwrap_or_default().trim_end_matches('/');
        let base = match base.strip_prefix('/') {
            Some(absolute) => absolute.to_owned(),
            None => format!("{own}/{base}"),
        };
        for item in resource.children.iter().flat_map(|list| &list.children) {
            let named = item.children.iter().filter(|n| matches!(n.name.as_str(), "mediafile" | "fontfile"));
            for file in named {
                let is_there =
                    parts.find(&base, &file.text).or_else(|| parts.find(own, &file.text)).is_some();
                if !is_there {
                    self.miss(&item.name, &file.text);
                }
            }
            if let Some(profile) = item.attribute("profile") {
                self.refer(parts, &base, "Profile", profile);
            }
        }
    }

    /// Annotations, attachments, custom tags, extensions.
    fn lists(&mut self, parts: &Parts<'_>, folder: &str, document: &Node) {
        for node in &document.children {
            let opened = match node.name.as_str() {
                "annotations" => self.open(parts, folder, "Annotations", &node.text),
                "attachments" => self.open(parts, folder, "Attachments", &node.text),
                "customtags" => self.open(parts, folder, "CustomTags", &node.text),
                "extensions" => self.open(parts, folder, "Extensions", &node.text),
                _ => None,
            };
            let Some((part, list)) = opened else { continue };
            let own = folder_of(parts.path(part));
            for item in &list.children {
                match node.name.as_str() {
                    "annotations" => self.annotation(parts, own, item),
                    "attachments" => self.attachment(parts, own, item),
                    "customtags" => self.custom_tag(parts, own, item),
                    _ => {
                        for data in item.children.iter().filter(|n| n.name == "extenddata") {
                            self.refer(parts, own, "ExtendData", &data.text);
                        }
                    }
                }
            }
        }
    }

    fn annotation(&mut self, parts: &Parts<'_>, folder: &str, page: &Node) {
        if let Some((_, list)) = self.open(parts, folder, "Annotation", page.text_of("fileloc")) {
            let count = list.children.iter().filter(|n| n.name == "annot").count();
            self.facts.annotations =
                self.facts.annotations.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        }
    }

    fn attachment(&mut self, parts: &Parts<'_>, folder: &str, item: &Node) {
        let location = item.text_of("fileloc");
        self.refer(parts, folder, "Attachment", location);
        let name = item.attribute("name").unwrap_or(location);
        self.facts.is_invoice |= name.contains("original_invoice");
        push(&mut self.facts.attachments, name);
    }

    fn custom_tag(&mut self, parts: &Parts<'_>, folder: &str, item: &Node) {
        let kind = item
            .attribute("typeid")
            .or_else(|| item.attribute("type"))
            .or_else(|| item.attribute("namespace"));
        let location = item.text_of("fileloc");
        if let Some((_, tag)) = self.open(parts, folder, "CustomTag", location) {
            self.facts.is_invoice |= tag.name.contains("invoice");
            push(&mut self.facts.custom_tags, kind.unwrap_or(&tag.name));
        }
        self.facts.is_invoice |= kind.is_some_and(|kind| kind.to_lowercase().contains("invoice"));
    }

    fn open(&mut self, parts: &Parts<'_>, folder: &str, what: &str, location: &str) -> Option<(usize, Node)> {
        let found = parts.document(folder, location);
        if found.is_err() {
            self.miss(what, location);
        }
        found.ok()
    }

    fn refer(&mut self, parts: &Parts<'_>, folder: &str, what: &str, location: &str) -> Option<usize> {
        let found = parts.find(folder, location);
        if found.is_none() {
            self.miss(what, location);
        }
        found
    }

    fn miss(&mut self, what: &str, location: &str) {
        push(&mut self.facts.missing, &format!("{what} {location}"));
    }

    fn note_namespace(&mut self, root: &Node) {
        let stated = root.attribute("ofd").or_else(|| root.attribute("xmlns"));
        self.facts.has_other_namespace |= stated.is_some_and(|namespace| namespace != NAMESPACE);
    }
}

fn push(list: &mut Vec<String>, text: &str) {
    if list.len() < MAX_LISTED {
        list.push(text.chars().filter(|c| !c.is_control()).take(200).collect());
    }
}

/// What is there and referred to by nothing; asked after everything was followed.
pub(super) fn unreferenced(parts: &Parts<'_>) -> Vec<String> {
    parts.unvisited().into_iter().take(MAX_LISTED).collect()
}
