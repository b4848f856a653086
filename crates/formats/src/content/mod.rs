//! What bytes really are and whether they open: formats by magic, end markers, light structure checks.
//!
//! No renderer and no object model: enough to tell a whole file from one that is cut short, renamed or locked, with
//! bounded memory. Fed by `examine`, judged by `checks`.

mod archived;
mod collected;
mod film;
mod graphic;
mod image;
mod kind;
mod ofd;
mod ofd_document;
mod ofd_parts;
mod ofd_signatures;
mod ofd_text;
mod office;
mod pdf;
mod probe;
mod reading;
mod sound;
mod text;
mod words;

pub use collected::{Collected, Here, LARGEST_PDF, Parts, Readers};
pub use kind::{Format, Kind};
pub use ofd::{inspect_ofd, inspect_ofd_trusting};
pub use ofd_document::OfdFacts;
pub use ofd_text::{Extracted, ofd_text};
pub use pdf::{PdfFacts, inspect_pdf, inspect_pdf_trusting, pdf_text};
pub use probe::{Finding, Inspection, Probe, inspect_file, inspect_file_trusting};
pub use reading::{Active, Reach, Reading};
