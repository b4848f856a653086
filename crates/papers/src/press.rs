//! The press: one paper at a time, the typesetter's caches emptied after each, the fonts kept while it lives.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use typst::diag::SourceDiagnostic;
use typst::foundations::Smart;
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use crate::PaperError;
use crate::error::RenderFault;
use crate::fonts::Fonts;
use crate::sheet::{self, Sheet};
use crate::world::Desk;

/// The typesetter's caches are the process's own; who draws holds this.
static DRAWING: Mutex<()> = Mutex::new(());

/// Draws papers. Holds about 70 MB of fonts until it is dropped: keep it for a run of papers, not for ever.
pub struct Press {
    fonts: Fonts,
    library: LazyHash<Library>,
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
        Self { fonts, library: LazyHash::new(Library::default()) }
    }

    /// Draws one paper: see [`crate::pdf`].
    ///
    /// # Errors
    /// [`PaperError`], by what the caller can do.
    pub fn pdf(&self, kind: &str, json: &[u8]) -> Result<Vec<u8>, PaperError> {
        let sheet = sheet::read(kind, json)?;
        // A panic of another drawing leaves nothing half done: every drawing begins anew.
        let _drawing = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = self.draw(&sheet);
        typst::comemo::evict(0);
        drawn.map_err(|fault| PaperError::Render(RenderFault(fault)))
    }

    fn draw(&self, sheet: &Sheet) -> Result<Vec<u8>, String> {
        let desk = Desk::of(sheet, &self.library, &self.fonts)?;
        let document: PagedDocument = typst::compile(&desk).output.map_err(|errors| said(&errors))?;
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
}

fn said(errors: &[SourceDiagnostic]) -> String {
    let lines: Vec<String> = errors.iter().map(|error| error.message.to_string()).collect();
    lines.join("; ")
}
