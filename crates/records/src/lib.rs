//! The vocabulary of dengbei 登备: ids, codes, digests, metadata, states, error classes.
//!
//! Everything here is pure: no clock of its own, no database, no network. A value that exists is valid;
//! constructors parse once, at the edge. Neighbours: `chain` (events that carry these ids), `formats` and
//! `checks` (which read packages into these shapes), and every service.

mod archival_code;
pub mod canonical;
mod clock;
pub mod codes;
pub mod digest;
mod ids;
mod matter;
mod metadata;
pub mod papers;
pub mod policy;
mod problem;
mod record;
mod retention;
mod serial;
mod state;

pub use archival_code::{ArchivalCode, ClassCode};
pub use clock::{Clock, SystemClock, Timestamp};
pub use codes::{AreaCode, EventType, FondsNo, MatterCode, SourceSystem, UnitCode};
pub use digest::{EventHash, Sha256, Sha512, Sm3};
pub use ids::{DataVersion, IdKey, ItemId, PackNumber, SubmissionId};
pub use matter::{FilingForm, Matter, ScopeRow};
pub use metadata::{FileEntry, Metadata, Step, StoredFile};
pub use problem::{ErrorClass, Invalid, Problem};
pub use record::{Derivation, Reception, Record, Redaction};
pub use retention::Retention;
pub use serial::{SerialNo, Series};
pub use state::{Access, Custody, ItemState, Preservation, Registration};
