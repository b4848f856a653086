//! For tests only: real servers, real processes, waiting for conditions. Nothing here is a stand-in.
//!
//! Everything started here ends and is removed when it is dropped, after a panic, and also when the test
//! process is killed: see [`Scratch`]. Works as root (PostgreSQL then runs as user postgres) and as anybody.

mod clamd;
mod collector;
mod deployment;
mod eventually;
mod mesh;
mod moto;
mod nats;
mod postgres;
mod process;
mod samples;
mod scratch;

use std::time::Duration;

pub use clamd::Clamd;
pub use collector::{Collector, SeenSpan};
pub use deployment::{Deployment, Settings, SiteSetting};
pub use eventually::eventually;
pub use mesh::{Mesh, binary};
pub use moto::Moto;
pub use nats::Nats;
pub use postgres::Postgres;
pub use process::free_address;
pub use samples::{Samples, samples};
pub use scratch::{Scratch, is_running};

/// A deadline that only a hanging part reaches, for [`eventually`].
pub const PATIENCE: Duration = Duration::from_secs(180);
