//! Packages with one fault each, all of one item: which check must find it stands beside it.

use super::xml::{BASIC, CONFIG, PROCESS};
use super::{Item, Tree};

/// A faulty package.
#[derive(Debug, Clone)]
pub(crate) struct Mutant {
    /// Folder name.
    pub(crate) name: &'static str,
    /// The check that must fail or warn.
    pub(crate) check: &'static str,
    /// The package.
    pub(crate) tree: Tree,
}

/// Every mutant of `item`.
pub(crate) fn all(item: &Item) -> Vec<Mutant> {
    let good = item.render();
    let mut out = metadata(item, &good);
    out.extend(content(item, &good));
    out
}

fn replaced(good: &Tree, path: &str, from: &str, to: &str) -> Tree {
    let mut tree = good.clone();
    if let Some(body) = tree.get_mut(path) {
        *body = String::from_utf8_lossy(body).replace(from, to).into_bytes();
    }
    tree
}

fn metadata(item: &Item, good: &Tree) -> Vec<Mutant> {
    let closed = item.closed.format("%Y-%m-%d %H:%M:%S").to_string();
    let month = format!("{}-47-{}", item.closed.format("%Y"), item.closed.format("%d %H:%M:%S"));
    let title = format!(">{}<", item.title);
    let other = if item.retention() == "永久" { "10年" } else { "永久" };
    let kept = format!(">{}</retention", item.retention());
    let both = {
        let tree = replaced(good, BASIC, &kept, &format!(">{other}</retention"));
        replaced(&tree, CONFIG, &kept, &format!(">{other}</retention"))
    };
    let mutant = |name, check, tree| Mutant { name, check, tree };
    let basic = |from: &str, to: &str| replaced(good, BASIC, from, to);
    vec![
        mutant("title-too-long", "A-07", basic(&title, &format!(">{}<", "超".repeat(600)))),
        mutant("minutes-in-the-month-field", "A-08", basic(&closed, &month)),
        mutant(
            "event-type-outside-the-list",
            "A-09",
            basic(&format!(">{}</eventtype", item.matter.event_type.word()), ">行政神秘</eventtype"),
        ),
        mutant("closed-before-accepted", "A-10", basic(&closed, "2001-01-01 00:00:00")),
        mutant("retention-differs-from-the-matter", "A-10", both),
        mutant("replacement-character-in-title", "A-11", basic(&title, &format!(">\u{fffd}{}<", item.title))),
        mutant("record-number-empty", "A-12", basic(&format!(">{}<", item.record_no), "><")),
        mutant("required-title-empty", "I-04", basic(&title, "><")),
        mutant("no-decision-step", "I-05", replaced(good, PROCESS, "nodename=\"决定\"", "nodename=\"备注\"")),
        mutant(
            "xml-with-external-entity",
            "U-01",
            basic(
                "\n<description",
                "\n<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/hostname\">]>\n<description",
            ),
        ),
    ]
}

fn content(item: &Item, good: &Tree) -> Vec<Mutant> {
    let Some(first) = item.materials.first() else { return Vec::new() };
    let path = format!("{}/{}", first.range, first.file);
    let stem = first.file.split('.').next().unwrap_or_default();
    let without = |path: &str| {
        let mut tree = good.clone();
        tree.remove(path);
        tree
    };
    let with = |mut tree: Tree, path: String, body: Vec<u8>| {
        tree.insert(path, body);
        tree
    };
    let renamed = |ending: &str, body: Vec<u8>| {
        let mut tree = replaced(good, CONFIG, &first.file, &format!("{stem}.{ending}"));
        tree.remove(&path);
        tree.insert(format!("{}/{stem}.{ending}", first.range), body);
        tree
    };
    let row = format!(
        "<file><filename>{}</filename><auxiliaryone>必要</auxiliaryone><auxiliarytwo>电子归档</auxiliarytwo></file>",
        first.file
    );
    let unlisted = {
        let mut tree = replaced(good, CONFIG, &row, "");
        tree.remove(&path);
        tree
    };
    let cut = {
        let mut tree = good.clone();
        if let Some(body) = tree.get_mut(BASIC) {
            body.truncate(body.len().saturating_sub(20));
        }
        tree
    };
    let mut exe = b"MZ".to_vec();
    exe.resize(202, 0);
    let mut thumbs = b"\xd0\xcf\x11\xe0".to_vec();
    thumbs.resize(68, 0);
    let mutant = |name, check, tree| Mutant { name, check, tree };
    vec![
        mutant(
            "file-not-listed",
            "A-15",
            with(good.clone(), format!("{}/多余.pdf", first.range), first.data.clone()),
        ),
        mutant("missing-basic-description", "A-17", without(BASIC)),
        mutant("empty-file", "I-07", with(good.clone(), path.clone(), Vec::new())),
        mutant("material-listed-but-absent", "I-08", without(&path)),
        mutant("necessary-material-not-listed", "I-09", unlisted),
        mutant("xml-not-well-formed", "U-01", cut),
        mutant("forbidden-format", "U-03", renamed("exe", exe)),
        mutant("pdf-cut-short", "U-04", renamed("pdf", b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog".to_vec())),
        mutant(
            "thumbnail-left-over",
            "S-03",
            with(good.clone(), format!("{}/Thumbs.db", first.range), thumbs),
        ),
    ]
}
