//! 检测 (fixity): the four-property checks at filing (stage G).
//!
//! The contract:
//! * Every `item.prefiled` gets one verdict, whatever is delivered how often: it is keyed by the event's hash.
//! * Items of one bundle that pass are one `item.checked` with their count and root; a failing one is its own, with
//!   its report. What these events cite is a document, stored in their transaction.
//! * Nothing that ingest said is believed: staged bytes are compared with the reception, the reception with the event.
//! * An item that was decided meanwhile (not staged any more) gets no verdict and is skipped.
//!
//! What is not per item (批, 载体, 系统) is checked by [`wholes`]; what persons sign and say goes through [`desk`].
//!
//! The way of a bundle: [`consumer`] hears it → [`staged`] reads its packages from ingest → [`check`] runs the G checks
//! → [`verdict`] writes rows, documents and events → the outbox, to registration.

mod check;
mod consumer;
mod desk;
mod error;
mod grpc;
mod hear;
mod inspect;
mod metrics;
mod service;
mod sites;
mod staged;
mod store;
#[cfg(test)]
mod tests;
mod transfer;
mod verdict;
mod wake;
mod wholes;

pub use error::VerdictError;
pub use service::run;
pub use store::MIGRATOR;
