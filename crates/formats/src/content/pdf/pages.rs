//! From the trailer to the catalogue to the pages (ISO 32000-1, 7.7). Next: `facts`, `text`.

use std::collections::HashSet;

use super::file::PdfFile;
use super::value::{Dict, Value};

/// Nodes of the page tree that are visited; more pages are not counted.
const MAX_NODES: usize = 50_000;

/// A document that was entered.
pub(super) struct Opened {
    pub(super) catalogue: Dict,
    /// Pages in order.
    pub(super) pages: Vec<u32>,
}

/// Follows a trailer's root; `None` without a page.
pub(super) fn by_trailer(file: &mut PdfFile<'_>, trailer: &Dict) -> Option<Opened> {
    by_catalogue(file, trailer.reference(b"Root")?)
}

/// Follows a catalogue to its pages.
pub(super) fn by_catalogue(file: &mut PdfFile<'_>, root: u32) -> Option<Opened> {
    let catalogue = file.get(root)?.dict()?.clone();
    let pages = pages(file, catalogue.reference(b"Pages")?)?;
    Some(Opened { catalogue, pages })
}

/// The leaves of the page tree, at least one; `None` for a tree that goes in circles.
fn pages(file: &mut PdfFile<'_>, root: u32) -> Option<Vec<u32>> {
    kids(file, root)?;
    let mut open = vec![root];
    let mut seen = HashSet::new();
    let mut leaves = Vec::new();
    while let Some(node) = open.pop() {
        if !seen.insert(node) {
            return None;
        }
        if seen.len() > MAX_NODES {
            break;
        }
        match kids(file, node) {
            Some(kids) => open.extend(kids.into_iter().rev()),
            None => leaves.extend(file.get(node).filter(|o| o.dict().is_some_and(is_page)).map(|_| node)),
        }
    }
    (!leaves.is_empty()).then_some(leaves)
}

/// A leaf that says so, or that has what only pages have.
fn is_page(dict: &Dict) -> bool {
    let keys: [&[u8]; 3] = [b"Parent", b"Contents", b"MediaBox"];
    dict.is(b"Type", b"Page") || keys.iter().any(|key| dict.has(key))
}

/// The children of a node of the page tree; `None` for a leaf.
fn kids(file: &mut PdfFile<'_>, node: u32) -> Option<Vec<u32>> {
    let object = file.get(node)?;
    let Value::Array(kids) = file.lookup(object.dict()?, b"Kids")? else { return None };
    Some(
        kids.iter()
            .filter_map(|kid| match kid {
                Value::Ref(n) => Some(*n),
                _ => None,
            })
            .collect(),
    )
}
