//! Packs (存储包): many object versions in one immutable tar that unpacks to a valid OCFL storage root (design 6.1).
//!
//! Order inside: the catalogue, its digest, the root files, then each version whole, inventories before content.
//! The bytes are a pure function of the plan. Entry times are version times, so that unpacking with
//! `tar --keep-newer-files` in any order leaves the newest inventory of every object at its root.

mod catalogue;
mod plan;
mod read;
mod tree;
mod verify;
mod version;
mod write;

pub use catalogue::{Catalogue, CataloguedVersion, VersionLeaf, versions_root};
pub use plan::{PackPlan, PackSummary, StreamedContent, VersionPlace};
pub use read::PackReader;
pub use tree::PackTree;
pub use verify::{Finding, PackReport};
pub use version::{LocatedContent, StoredContent, StoredVersion, VersionReader};
pub use write::PackWriter;

/// The time of the root files: fixed and old, so that every pack holds the same entry. 2000-01-01T00:00:00Z.
const ROOT_MTIME: u64 = 946_684_800;
/// Copies go in pieces of this size.
const CHUNK: usize = 256 * 1024;
