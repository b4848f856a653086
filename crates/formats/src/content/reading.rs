//! How far a file could be read, and what was seen on the way: the facts that checks judge, format by format.
//!
//! "Read" means here: every part of the structure followed to its end, checksums compared where the format has them,
//! nothing executed, nothing fetched. What no reader here knows is said, never passed over in silence (无法验证).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::probe::{Finding, Inspection, View};
use super::{archived, film, graphic, office, sound, text};
use crate::archive::ReadAt;
use crate::identify::{Identification, Seen, Signatures};

/// How far the content could be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// To its end.
    Whole,
    /// Some of it; [`Reading::unverified`] says what was left.
    Part,
    /// Not at all: no reader knows the format, or its structure does not hold.
    #[default]
    None,
}

/// Content that acts, or that brings something along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Active {
    /// 宏: programs of an office file.
    Macros,
    /// 脚本
    Scripts,
    /// 外部链接: content that lies elsewhere.
    ExternalLinks,
    /// 嵌入对象
    EmbeddedObjects,
    /// 附件
    Attachments,
    /// A program itself.
    Program,
}

/// What reading a file brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// How far it could be read.
    pub reach: Reach,
    /// It ends before it should.
    pub is_truncated: bool,
    /// What acts or is brought along.
    pub active: Vec<Active>,
    /// Encoding of text: `UTF-8`, `GB18030`, `UTF-16LE`, `UTF-16BE`.
    pub encoding: Option<String>,
    /// Length of sound or film.
    pub duration_ms: Option<u64>,
    /// Picture elements across.
    pub width: Option<u32>,
    /// Picture elements down.
    pub height: Option<u32>,
    /// What could not be looked into (无法验证).
    pub unverified: Vec<Finding>,
    /// Its reader was stopped, or did not survive it: why. Nothing else is known then.
    #[serde(default)]
    pub stopped: Option<Finding>,
    /// It was read in a process of its own, which could have been killed.
    #[serde(default)]
    pub is_apart: bool,
}

impl Reading {
    pub(super) fn whole() -> Self {
        Self { reach: Reach::Whole, ..Self::default() }
    }

    pub(super) fn part(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { reach: Reach::Part, ..Self::default() }.but(zh, en)
    }

    /// Adds what could not be looked into; what was whole is then only a part.
    pub(super) fn but(mut self, zh: impl Into<String>, en: impl Into<String>) -> Self {
        self.unverified.push(Finding::new(zh, en));
        if self.reach == Reach::Whole {
            self.reach = Reach::Part;
        }
        self
    }

    pub(super) fn mark(&mut self, active: Active) {
        if !self.active.contains(&active) {
            self.active.push(active);
        }
    }

    /// Whether it holds macros, scripts or programs.
    pub fn has_scripts_or_macros(&self) -> bool {
        self.active.iter().any(|a| matches!(a, Active::Macros | Active::Scripts | Active::Program))
    }
}

/// What a reader found: the facts, and faults that make the file broken or unreadable.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) reading: Reading,
    pub(super) broken: Option<Finding>,
    pub(super) unreadable: Option<Finding>,
    pub(super) is_encrypted: bool,
    pub(super) pages: Option<u32>,
}

impl Found {
    pub(super) fn of(reading: Reading) -> Self {
        Self { reading, ..Self::default() }
    }

    /// Ends before it should.
    pub(super) fn cut(zh: impl Into<String>, en: impl Into<String>) -> Self {
        let reading = Reading { reach: Reach::Part, is_truncated: true, ..Reading::default() };
        Self { reading, broken: Some(Finding::new(zh, en)), ..Self::default() }
    }

    /// Its structure does not hold.
    pub(super) fn unreadable(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { unreadable: Some(Finding::new(zh, en)), ..Self::default() }
    }
}

/// A file as readers see it.
pub(super) struct Held<'a> {
    pub(super) view: &'a View<'a>,
    /// The whole file at any place; none where only its ends were kept.
    pub(super) source: Option<Arc<dyn ReadAt>>,
    /// Its name's ending, without the dot.
    pub(super) ending: Option<&'a str>,
}

/// Adds identification and reading to what the inspectors of pages found.
pub(super) fn complete(inspection: &mut Inspection, held: &Held<'_>) {
    name_by_ending(inspection, held.ending);
    let kind = inspection.format.kind;
    let seen = Seen {
        head: held.view.head,
        tail: held.view.tail,
        source: held.source.clone(),
        ending: held.ending,
        is_text: kind.is_text(),
    };
    inspection.identification = match kind {
        Kind::Ofd => Identification { version: inspection.format.version.clone(), ..crate::identify::ofd() },
        _ => Signatures::builtin().identify(&seen),
    };
    let found = read(kind, inspection, held);
    inspection.reading = found.reading;
    inspection.is_encrypted |= found.is_encrypted;
    inspection.pages = inspection.pages.or(found.pages);
    // One fault is told once: what is cut short need not also be called unreadable.
    if inspection.broken.is_none() && inspection.unreadable.is_none() {
        inspection.broken = found.broken;
        inspection.unreadable = found.unreadable;
    }
    if inspection.is_encrypted {
        inspection
            .reading
            .unverified
            .push(Finding::new("文件已加密，内容无法查看", "encrypted: its content cannot be seen"));
    }
    if inspection.unreadable.is_some() {
        inspection.reading.reach = Reach::None;
    } else if (inspection.broken.is_some() || inspection.is_encrypted)
        && inspection.reading.reach == Reach::Whole
    {
        inspection.reading.reach = Reach::Part;
    }
}

/// Formats of Chinese offices whose bytes no published document describes are known by their names only.
fn name_by_ending(inspection: &mut Inspection, ending: Option<&str>) {
    let by_name: &[Kind] = match inspection.format.kind {
        Kind::Unknown => &[Kind::Ceb, Kind::Gd],
        Kind::Ole2 => &[Kind::Wps],
        _ => &[],
    };
    if let Some(kind) = by_name.iter().copied().find(|kind| ending.is_some_and(|e| kind.fits(e))) {
        inspection.format.kind = kind;
    }
}

fn read(kind: Kind, inspection: &Inspection, held: &Held<'_>) -> Found {
    match kind {
        Kind::Ofd | Kind::Pdf => pages(inspection),
        Kind::Jpeg | Kind::Png | Kind::Tiff | Kind::Gif | Kind::Bmp | Kind::Jp2 => {
            graphic::read(kind, held.view)
        }
        Kind::Mp3 | Kind::Wav | Kind::Flac => sound::read(kind, held.view),
        Kind::Mp4 | Kind::Avi | Kind::Mpeg => film::read(kind, held.view),
        Kind::Text | Kind::Xml | Kind::Html | Kind::Rtf | Kind::Eml | Kind::Dxf | Kind::Script => {
            text::read(kind, held)
        }
        Kind::Wps => {
            let mut found = office::read(Kind::Ole2, held);
            let vendors = "WPS 的内部结构没有公开说明，只核对了复合文档的结构";
            found.reading =
                found.reading.but(vendors, "WPS streams are undocumented: only the compound file was read");
            found
        }
        Kind::Docx | Kind::Xlsx | Kind::Pptx | Kind::Odf | Kind::Ole2 => office::read(kind, held),
        Kind::Zip | Kind::Tar | Kind::Gzip | Kind::Rar | Kind::SevenZip => archived::read(kind, held),
        Kind::Shp => archived::shape(held.view),
        Kind::Exe | Kind::Elf => {
            let mut found = unknown(kind);
            found.reading.mark(Active::Program);
            found
        }
        _ => unknown(kind),
    }
}

fn unknown(kind: Kind) -> Found {
    let name = kind.name();
    let reading = Reading::default().but(
        format!("没有可读取 {name} 格式的程序，内容无法验证"),
        format!("no reader for {name}: its content is not verified"),
    );
    Found::of(reading)
}

/// OFD and PDF have inspectors of their own; here only their outcome is named.
fn pages(inspection: &Inspection) -> Found {
    let reading = if inspection.is_structure_checked {
        Reading::whole()
    } else {
        Reading::part("文件过大，只看了首尾", "too large: only its ends were seen")
    };
    Found::of(Reading { is_truncated: inspection.broken.is_some(), ..reading })
}
