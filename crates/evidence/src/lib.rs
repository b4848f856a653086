//! Evidence receipts (存证回执): a citizen's proof, checkable offline with a key and a file under 10 KiB, ten
//! years later, with our software gone.
//!
//! `registration` builds them, `dengbei verify` checks them. Neighbours: `chain` (events), `register` (tree,
//! notes). Pure but for [`package::Files`], which its caller implements.

pub mod finding;
mod links;
pub mod package;
pub mod papers;
pub mod receipt;
pub mod seals;
mod signatures;
mod stage;
mod story;
pub mod verify;

pub use finding::Finding;
pub use package::{Files, verify_package};
pub use receipt::{BuildError, Parts, Receipt};
pub use stage::Stage;
pub use verify::{Proven, verify};
