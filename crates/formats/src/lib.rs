//! What comes in from outside, read safely: zip and tar, XML, OFD, PDF, images, filing packages (存档信息包).
//!
//! Everything here may be hostile. Nothing is written to disk except unlinked temporary files, nothing is
//! executed, memory is bounded, and what cannot be read becomes a [`Problem`](dengbei_records::Problem) with a stable code. Whether
//! what was read is *good* is the business of `checks`; this crate only says what is there.
//!
//! * [`archive`]: zip read by its central directory, with limits; `validate_archive` for zip and tar
//! * [`package`]: where packages lie ([`PackageSource`]), how the layout of Zhejiang is read
//!   ([`read_package`]), redaction of secrets, the package digest
//! * [`catalogue`] and [`batch`]: many packages in one zip or folder
//! * [`content`]: which format bytes really are, and whether they open
//! * [`identify`]: the format by content with PRONOM's ids
//! * [`signature`]: signatures, seals and timestamps inside documents, recomputed
//! * [`risk`]: how well formats are expected to last (格式风险登记)
//! * [`examine()`]: the one pass over every file's bytes that feeds digests, inspectors and a sink

pub mod archive;
pub mod batch;
pub mod catalogue;
pub mod content;
mod error;
mod examine;
pub mod identify;
pub mod package;
pub mod risk;
pub mod signature;
mod xml;

pub use archive::{Limits, ReadAt, ZipArchive};
pub use batch::{Batch, BatchPackage};
pub use catalogue::{Catalogue, CatalogueEntry};
pub use error::ReadError;
pub use examine::{Discard, FileFacts, Sink, examine, examine_with};
pub use package::{
    BASIC, CONFIG, Document, Entry, FilingRow, FilingTable, FolderSource, MemorySource, PROCESS, PROFILE,
    PackageSource, ReceivedPackage, Redacted, ZipSource, package_digest, read_package, redact,
};
pub use xml::{XmlFault, XmlFaultKind};
