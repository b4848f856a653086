//! A filing package (存档信息包): where its files lie ([`source`](PackageSource)), how its layout is read
//! ([`read_package`], profile [`PROFILE`]), what is emptied before storing ([`redact`]), its digest.
//!
//! Previous stop: `archive` or a folder. Next stops: `examine`, then `checks`.

mod derive;
mod digest;
mod folder;
mod memory;
mod redact;
mod source;
mod table;
mod zhejiang;
mod zipped;

pub use digest::package_digest;
pub use folder::FolderSource;
pub use memory::MemorySource;
pub use redact::{Redacted, redact};
pub use source::{Entry, PackageSource};
pub use table::{FilingRow, FilingTable};
pub use zhejiang::{BASIC, CONFIG, Document, PROCESS, PROFILE, ReceivedPackage, read_package};
pub use zipped::ZipSource;

pub(crate) use zipped::{stem as zip_stem, strip_top};
