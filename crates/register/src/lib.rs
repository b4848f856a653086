//! A transparency log (登记簿) in the C2SP tlog-tiles layout: tree, tiles, checkpoints, proofs.
//!
//! Stands alone: it knows bytes, not events. `registration` writes the log with [`LogWriter`], `query` and
//! `fsck` read it with [`LogReader`], `evidence` and `chain` use the pure functions of [`tree`] for receipts
//! and for membership in a bundle or batch. Everything but [`storage`], [`log`], [`reader`] and [`audit`] is
//! pure.
//!
//! Life of a leaf: [`LogWriter::append`] hashes the entry, puts it into its bundle and its hash into the
//! level-0 tile, carries full tiles upward and returns when all of it is durable; [`LogWriter::checkpoint`]
//! then signs size and root and replaces the published checkpoint. A crash between the two loses nothing:
//! the same entries appended again give the same tiles byte for byte.

pub mod audit;
pub mod bundle;
pub mod checkpoint;
mod edge;
mod fetch;
pub mod hash;
mod local;
pub mod log;
pub mod note;
pub mod proof_json;
pub mod reader;
pub mod storage;
pub mod tile;
pub mod tree;

pub use audit::{Audit, Finding};
pub use bundle::{MAX_ENTRY, decode_bundle, encode_bundle};
pub use checkpoint::{Checkpoint, CheckpointError, OpenedCheckpoint};
pub use fetch::ReadError;
pub use hash::{EMPTY_ROOT, NodeHash, leaf_hash, node_hash};
pub use local::LocalTiles;
pub use log::{LogError, LogWriter};
pub use note::{KeyError, Note, NoteError, Signer, Verifier};
pub use reader::LogReader;
pub use storage::{MemoryTiles, StorageError, Tiles};
pub use tile::{TileError, TilePath};
pub use tree::{ProofError, consistency_proof, membership_path, root, verify_consistency, verify_inclusion};
