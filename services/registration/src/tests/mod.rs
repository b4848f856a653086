//! Use cases on a real PostgreSQL and a real site; ingest and fixity are small gRPC servers that hold what they are given.
//!
//! Inside the crate, because steps are cut where a process would die: between planning, writing and committing, and
//! between the three steps of sealing.

mod batches;
mod documents;
mod filing;
mod handover;
mod matters;
mod papers;
mod peers;
mod quorum;
mod receipts;
mod restore;
mod role;
mod sealing;
mod side_by_side;
mod transfers;
mod transfers_restored;
mod world;
