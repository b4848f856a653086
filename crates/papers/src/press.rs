//! The press: one paper at a time, the typesetter's caches emptied after each, the fonts kept while it lives.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use typst::diag::SourceDiagnostic;
use typst::ecow::EcoVec;
use typst::foundations::Smart;
use typst::model::Document as _;
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use crate::PaperError;
use crate::error::RenderFault;
use crate::fonts::Fonts;
use crate::sheet::{self, Sheet};
use crate::world::{Desk, Section, Tools};

/// The typesetter's caches are the process's own; who draws holds this.
static DRAWING: Mutex<()> = Mutex::new(());

/// Pages that are set at once: about 1,100 rows of a catalogue, 150 MB until they are set.
const SECTION: usize = 50;

/// Draws papers. Holds about 70 MB of fonts until it is dropped: keep it for a run of papers, not for ever.
pub struct Press {
    fonts: Fonts,
    library: LazyHash<Library>,
    /// Pages that are set at once.
    section: usize,
}

impl std::fmt::Debug for Press {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Press").finish_non_exhaustive()
    }
}

impl Press {
    /// A press with the fonts of this machine.
    ///
    /// # Errors
    /// [`PaperError::NoFont`] when fonts-noto-cjk is not installed.
    pub fn open() -> Result<Self, PaperError> {
        Ok(Self::with(Fonts::installed()?))
    }

    /// A press with the fonts of `folders`: for an office that keeps them elsewhere.
    ///
    /// # Errors
    /// [`PaperError::NoFont`] when a file of fonts-noto-cjk is in none of them.
    pub fn open_in(folders: &[PathBuf]) -> Result<Self, PaperError> {
        Ok(Self::with(Fonts::from_folders(folders)?))
    }

    fn with(fonts: Fonts) -> Self {
        Self { fonts, library: LazyHash::new(Library::default()), section: SECTION }
    }

    /// Draws one paper: see [`crate::pdf`].
    ///
    /// # Errors
    /// [`PaperError`], by what the caller can do.
    pub fn pdf(&self, kind: &str, json: &[u8]) -> Result<Vec<u8>, PaperError> {
        let sheet = sheet::read(kind, json, self.section)?;
        // A panic of another drawing leaves nothing half done: every drawing begins anew.
        let _drawing = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = self.draw(&sheet);
        typst::comemo::evict(0);
        drawn.map_err(|fault| PaperError::Render(RenderFault(fault)))
    }

    fn draw(&self, sheet: &Sheet) -> Result<Vec<u8>, String> {
        let document = match sheet.views.len() {
            0 | 1 => self.set(sheet, Section::default())?,
            count => self.set_in_sections(sheet, count)?,
        };
        let standards =
            PdfStandards::new(&[PdfStandard::A_3b]).map_err(|error| error.message().to_string())?;
        let options = PdfOptions {
            ident: Smart::Custom(sheet.ident.clone()),
            creator: Smart::Custom(Some("dengbei 登备".into())),
            timestamp: sheet.moment,
            standards,
            tagged: sheet.is_tagged,
            ..PdfOptions::default()
        };
        typst_pdf::pdf(&document, &options).map_err(|errors| said(&errors))
    }

    fn set(&self, sheet: &Sheet, section: Section) -> Result<PagedDocument, String> {
        let desk = Desk::of(sheet, section, Tools { library: &self.library, fonts: &self.fonts })?;
        typst::compile(&desk).output.map_err(|errors| said(&errors))
    }

    /// Once to count the pages, once with their numbers; the typesetter forgets each section before the next.
    fn set_in_sections(&self, sheet: &Sheet, count: usize) -> Result<PagedDocument, String> {
        let mut lengths = Vec::new();
        for index in 0..count {
            lengths.push(self.set(sheet, Section { index, ..Section::default() })?.pages().len());
            typst::comemo::evict(0);
        }
        let pages = lengths.iter().sum();
        let mut all = EcoVec::new();
        let mut info = None;
        for index in 0..count {
            let section = Section { index, pages_before: lengths.iter().take(index).sum(), pages };
            let document = self.set(sheet, section)?;
            typst::comemo::evict(0);
            all.extend(document.pages().iter().cloned());
            info.get_or_insert_with(|| document.info().clone());
        }
        Ok(PagedDocument::new(all, info.unwrap_or_default()))
    }
}

fn said(errors: &[SourceDiagnostic]) -> String {
    let lines: Vec<String> = errors.iter().map(|error| error.message.to_string()).collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use dengbei_records::papers::{Catalogue, CatalogueRow};
    use dengbei_records::{Sha256, canonical};

    use super::*;
    use crate::pages;

    fn catalogue(rows: u32) -> Vec<u8> {
        let row = |n: u32| CatalogueRow {
            archival_code: format!("J021-ZY·XK·2026-Y-{n:05}"),
            title: "题".repeat(if n == 30 { 120 } else { 12 }),
            closed_on: "2026-03-02".into(),
            retention: "永久".into(),
            security: String::new(),
            files: 3,
            bytes: 1_000,
            pack: 1,
            record: Sha256::of(&n.to_be_bytes()).to_string(),
        };
        let rows = (1..=rows).map(row).collect();
        let catalogue = Catalogue { transfer_no: "YJ-1".into(), salt: String::new(), rows };
        canonical::to_vec(&catalogue).unwrap()
    }

    #[test]
    fn a_catalogue_in_sections_numbers_rows_and_pages_through() {
        let press = Press { section: 2, ..Press::open().unwrap() };
        let json = catalogue(19 + 22 * 4);
        let drawn = press.pdf("catalogue", &json).unwrap();
        assert_eq!(pages::attachment(&drawn), json);
        let text = pages::text(&drawn);
        let sheets: Vec<&str> = text.split('\u{c}').filter(|page| !page.trim().is_empty()).collect();
        // One title is longer than its row: its section has a page more.
        assert_eq!(sheets.len(), 6, "{text}");
        let words: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        for page in 1..=sheets.len() {
            assert!(words.contains(&format!("第{page}页共6页")), "{words}");
        }
        for row in 1..=19 + 22 * 4 {
            assert!(words.contains(&format!("{row}J021-ZY·XK·2026-Y-{row:05}")), "{words}");
        }
        assert_eq!(words.matches("共107件").count(), 1, "{words}");
    }
}
