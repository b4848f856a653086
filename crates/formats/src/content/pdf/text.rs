//! The text of a PDF, page by page: for search and for a look at what a page says. Bounded by what is asked for and by
//! what reading may cost; a page of pictures has none.

use super::super::ofd_text::Extracted;
use super::content::Reader;
use super::file::PdfFile;

/// The text of a PDF that is held whole, at most `most` bytes, pages apart by a form feed; `None` when it does not open or
/// is encrypted.
pub fn pdf_text(bytes: &[u8], most: usize) -> Option<Extracted> {
    let mut file = PdfFile::open(bytes);
    if super::is_encrypted(&file) {
        return None;
    }
    let (opened, _) = super::enter(&mut file)?;
    let mut reader = Reader::new(&mut file, most);
    for page in opened.pages {
        // A page that cannot be read has no text; one that was cut ends it.
        if reader.page(page).is_none() && reader.found.is_cut {
            break;
        }
    }
    Some(reader.found)
}
