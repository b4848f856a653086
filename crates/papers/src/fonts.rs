//! The fonts forms are set in, read from Debian's folders when a paper is drawn and let go with the last [`Fonts`].
//!
//! Three files of fonts-noto-cjk: Song for text, its bold for headings, Hei for labels (with its monospaced face for
//! digests). Of each collection only the mainland faces are taken.

use std::path::{Path, PathBuf};

use typst::foundations::Bytes;
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;

use crate::PaperError;

/// Where Debian and its neighbours put fonts-noto-cjk, and where an office may put the files itself.
const FOLDERS: [&str; 6] = [
    "/usr/share/fonts/opentype/noto",
    "/usr/share/fonts/truetype/noto",
    "/usr/share/fonts/noto-cjk",
    "/usr/share/fonts/google-noto-cjk",
    "/usr/share/fonts/opentype/noto-cjk",
    "/usr/local/share/fonts",
];

/// A file and the faces wanted of it.
struct Collection {
    file: &'static str,
    families: &'static [&'static str],
}

const COLLECTIONS: [Collection; 3] = [
    Collection { file: "NotoSerifCJK-Regular.ttc", families: &["Noto Serif CJK SC"] },
    Collection { file: "NotoSerifCJK-Bold.ttc", families: &["Noto Serif CJK SC"] },
    Collection { file: "NotoSansCJK-Regular.ttc", families: &["Noto Sans CJK SC", "Noto Sans Mono CJK SC"] },
];

/// The faces, in memory.
pub(crate) struct Fonts {
    book: LazyHash<FontBook>,
    faces: Vec<Font>,
}

impl Fonts {
    /// Reads them from the usual folders.
    pub(crate) fn installed() -> Result<Self, PaperError> {
        Self::from_folders(&FOLDERS.map(PathBuf::from))
    }

    /// Reads them, each file from the first folder that has it.
    pub(crate) fn from_folders(folders: &[PathBuf]) -> Result<Self, PaperError> {
        let mut faces = Vec::new();
        for collection in &COLLECTIONS {
            faces.extend(collection.read(folders)?);
        }
        Ok(Self { book: LazyHash::new(FontBook::from_fonts(&faces)), faces })
    }

    pub(crate) const fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    pub(crate) fn face(&self, index: usize) -> Option<Font> {
        self.faces.get(index).cloned()
    }
}

impl Collection {
    fn read(&self, folders: &[PathBuf]) -> Result<Vec<Font>, PaperError> {
        let missing = |family| PaperError::NoFont { family };
        let first = self.families.first().copied().unwrap_or(self.file);
        let data = folders.iter().find_map(|folder| std::fs::read(Path::new(folder).join(self.file)).ok());
        let data = Bytes::new(data.ok_or_else(|| missing(first))?);
        let mut found: Vec<Font> = Vec::new();
        for face in Font::iter(data) {
            if self.families.contains(&face.info().family.as_str()) {
                found.push(face);
            }
            if found.len() == self.families.len() {
                break;
            }
        }
        let absent =
            self.families.iter().find(|family| !found.iter().any(|face| face.info().family == **family));
        absent.map_or(Ok(found), |family| Err(missing(family)))
    }
}
