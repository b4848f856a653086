//! Outbox, bundles, relay, consumers, inbox, catch-up: PostgreSQL, JetStream and the log.
//!
//! What a service may rely on:
//! * What [`Outbox::put`] wrote in a transaction that committed reaches every consumer at least once and the
//!   register for good, with the bus up, down or wiped. Nothing of a transaction that did not commit does.
//! * A consumer's handler sees a bundle in one transaction, with the inbox row that keeps it from coming again. No
//!   order is promised: an event that comes before its cause says so ([`Outcome::WaitFor`]) and comes again.
//! * What fails is tried again with growing pauses, and after the last try stands as a dead letter (滞留消息) with its
//!   reason until it is sent again. It holds up nothing else.
//!
//! The journey of an event: [`Outbox`] (the producer's transaction) → `relay` (numbers it, publishes it, keeps it until
//! the register has sealed it) → `consumer` (pulls it, or reads it from the log) → [`Handler`]. `async_nats` is used
//! here and nowhere else. Neighbours: `chain` (the events), `kit` (database, gRPC), the services.

mod backoff;
mod bundle;
mod bundle_consumer;
mod consumer;
mod error;
mod handler;
mod heard;
mod measured;
mod nats;
pub mod operations;
mod outbox;
mod relay;
mod store;
pub mod subjects;
mod traces;

pub use bundle::{Bundle, MAX_BUNDLE_BYTES, MAX_BUNDLE_EVENTS};
pub use bundle_consumer::BundleConsumer;
pub use consumer::Consumer;
pub use error::BusError;
pub use handler::{BundleHandler, HandleError, Handler, Outcome};
pub use heard::Heard;
pub use measured::measure;
pub use nats::{Nats, StreamLimits};
pub use outbox::Outbox;
pub use relay::Relay;
pub use traces::{keep_traces, kept_traces, traceparent_of};

/// How services call the register.
pub type RegisterClient = dengbei_proto::v1::register_client::RegisterClient<dengbei_kit::grpc::MeshChannel>;

/// The bus's tables (versions from 1001), schema `bus`: give it to `kit::db::connect`.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
