//! OCFL 1.1 objects, inventories, storage roots and packs (存储包), and the validator for them.
//!
//! What it is: the file formats of what is kept, as pure functions over bytes and `std::io`. What it is not: it
//! knows no database, no network and no site; where packs lie and how they become durable is `vault`'s part.
//!
//! The way of an object version: [`ObjectBuilder`] makes an [`ObjectVersion`] (inventory and files), a
//! [`PackPlan`] lists many, [`PackWriter`] lays the plan out and writes it as a tar that unpacks to a valid
//! OCFL storage root, [`PackReader`] reads one version by its range or verifies the whole.

mod error;
mod inventory;
mod layout;
mod merkle;
mod object;
mod pack;
mod path;
mod tar;
mod validate;
mod verdict;

pub use error::{BuildError, PackError};
pub use inventory::{Inventory, User, VersionEntry};
pub use layout::{Layout, RootFile};
pub use object::{Body, ContentFile, ObjectBuilder, ObjectVersion, Source, Stamp, VersionFile};
pub use pack::{
    Catalogue, CataloguedVersion, Finding, LocatedContent, PackPlan, PackReader, PackReport, PackSummary,
    PackTree, PackWriter, StoredContent, StoredVersion, StreamedContent, VersionLeaf, VersionPlace,
    VersionReader, versions_root,
};
pub use path::{ContentPath, LogicalPath, ObjectId, VersionNumber};
pub use validate::{
    FolderTree, Kind, RootReport, Tree, TreeEntry, validate_object, validate_object_tree, validate_root,
    validate_root_tree,
};
pub use verdict::{Outcome, Verdict};
