//! For tests only: real servers, real processes, waiting for conditions. Nothing here is a stand-in.
//!
//! Everything started here ends and is removed when it is dropped, after a panic, and also when the test
//! process is killed: see [`Scratch`]. Works as root (PostgreSQL then runs as user postgres) and as anybody.

mod collector;
mod eventually;
mod mesh;
mod nats;
mod postgres;
mod samples;
mod scratch;

use std::time::Duration;

pub use collector::{Collector, SeenSpan};
pub use eventually::eventually;
pub use mesh::{Mesh, binary};
pub use nats::Nats;
pub use postgres::Postgres;
pub use samples::{Samples, samples};
pub use scratch::{Scratch, is_running};

/// A deadline that only a hanging part reaches, for [`eventually`].
pub const PATIENCE: Duration = Duration::from_secs(60);
