//! The text of an OFD: every TextCode of its pages and templates, in the order in which it stands there. For search and
//! for a look at what a page says; no layout is computed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ofd_document;
use super::ofd_parts::Parts;
use crate::archive::{Limits, ReadAt, ZipArchive};
use crate::xml::Node;

/// Text taken out of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    /// The text; pages apart by a form feed.
    pub text: String,
    /// It was longer than asked for, or dearer than allowed.
    pub is_cut: bool,
}

impl Extracted {
    /// Adds text up to `most` bytes in all; `false` when it is full.
    pub(super) fn add(&mut self, text: &str, most: usize) -> bool {
        let room = most.saturating_sub(self.text.len());
        if text.len() <= room {
            self.text.push_str(text);
            return true;
        }
        let end = (0..=room).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        self.text.push_str(&text[..end]);
        self.is_cut = true;
        false
    }
}

/// The text of an OFD, at most `most` bytes; `None` when it does not open.
pub fn ofd_text(source: Arc<dyn ReadAt>, most: usize) -> Option<Extracted> {
    let archive = ZipArchive::open(source, &Limits::DOCUMENT).ok()?;
    let parts = Parts::of(&archive);
    let structure = ofd_document::structure(&parts).ok()?;
    // What the structure read is paid; reading contents again has a budget of its own.
    let parts = Parts::of(&archive);
    let mut found = Extracted::default();
    for part in structure.contents {
        let Ok(content) = parts.xml(part) else {
            found.is_cut = true;
            continue;
        };
        if !(texts(&content, &mut found, most) && found.add("\u{c}", most)) {
            break;
        }
    }
    Some(found)
}

/// In document order; depth is bounded by the XML reader.
fn texts(node: &Node, found: &mut Extracted, most: usize) -> bool {
    if node.name == "textcode" && !node.text.is_empty() {
        return found.add(&node.text, most) && found.add("\n", most);
    }
    node.children.iter().all(|child| texts(child, found, most))
}
