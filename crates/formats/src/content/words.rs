//! The beginning of what a file says, as far as its format gives text: for checks that look for words (S-08). Pages are
//! apart by a form feed.

use super::kind::Kind;
use super::ofd_text::{Extracted, ofd_text};
use super::pdf::pdf_text;
use super::probe::Inspection;
use super::reading::Held;

/// Bytes of text taken of one file.
pub(crate) const MOST: usize = 64 << 10;

/// The text of a file that opens and is not locked; `None` where its format gives none.
pub(super) fn of(inspection: &Inspection, held: &Held<'_>) -> Option<Extracted> {
    if inspection.is_encrypted || inspection.unreadable.is_some() {
        return None;
    }
    match inspection.format.kind {
        Kind::Ofd => ofd_text(held.source.clone()?, MOST),
        Kind::Pdf => pdf_text(held.view.whole()?, MOST),
        Kind::Text | Kind::Html | Kind::Eml => Some(plain(inspection, held)),
        _ => None,
    }
}

fn plain(inspection: &Inspection, held: &Held<'_>) -> Extracted {
    let head = &held.view.head[..held.view.head.len().min(MOST)];
    let label = inspection.reading.encoding.as_deref().unwrap_or("UTF-8");
    let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::UTF_8);
    Extracted { text: encoding.decode(head).0.into_owned(), is_cut: (head.len() as u64) < held.view.bytes }
}

#[cfg(test)]
mod tests {
    use crate::content::Probe;

    fn text(name: &str, bytes: &[u8]) -> Option<String> {
        let mut probe = Probe::new().named(name);
        probe.update(bytes).unwrap();
        probe.finish().text.map(|text| text.text)
    }

    #[test]
    fn what_plain_files_say_is_taken_in_their_encoding() {
        assert_eq!(text("a.txt", "机密★10年".as_bytes()).as_deref(), Some("机密★10年"));
        let (bytes, _, _) = encoding_rs::GB18030.encode("内部资料，不得外传，请妥善保管");
        assert_eq!(text("a.txt", &bytes).as_deref(), Some("内部资料，不得外传，请妥善保管"));
        assert_eq!(text("a.bin", &[0, 1, 2]), None);
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let mut probe = Probe::new().named("a.txt");
        probe.update("a".repeat(100 << 10).as_bytes()).unwrap();
        let found = probe.finish().text.unwrap();
        assert!(found.is_cut && found.text.len() == super::MOST);
    }
}
