//! Events: what happened, encoded once, named by their hash, each naming its causes.
//!
//! `EventHash = SHA-256(0x00 ‖ bytes)` is at once what `causes` cites, the idempotency key and the leaf of the
//! log. Pure: no network, no database. Neighbours: `proto` (the messages), `bus` (which carries the bytes),
//! `register` (which logs them), `evidence` (which proves them).

mod event;
pub mod facts;
mod ids;
mod members;
mod subject;
mod transfer_report;

pub use event::{Actor, Draft, Encoded, Event, MAX_CAUSES, MAX_EVENT};
pub use facts::{DocumentRef, Fact, FactKind, ReadError};
pub use ids::{Ids, RandomIds};
pub use members::{MEMBERS, Member, MemberList, root};
pub use subject::Subject;
pub use transfer_report::{
    CitedReceipt, ReusedRun, TRANSFER_REPORT, TransferCheck, TransferReport, UnfitItem,
};
