//! query 查询利用: the read model, derived from the log alone.
//!
//! Consumes every fact; states nothing; serves gRPC Query. What it answers is behind the log by what the bus has not
//! brought yet, never different from it: rows are a function of the set of events applied, in whatever order.
//! Losing its database loses nothing: it is rebuilt by replaying the log.

mod alarm;
mod apply;
mod attempt;
mod consumer;
mod counted;
mod derive;
mod error;
mod figures;
mod grpc;
mod history;
mod members;
mod metrics;
mod names;
mod origins;
mod quality;
mod service;
mod store;
mod summary;

pub use apply::{Applied, Told, apply, apply_told};
pub use error::QueryError;
pub use grpc::QueryService;
pub use members::{ListError, Lists, Sources};
pub use origins::{Origin, Origins};
pub use quality::QualityService;

use dengbei_kit::{Drain, RoleConfig};

/// The read model's own tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Runs the role until the drain.
///
/// # Errors
/// When it cannot start, or one of its servers fails.
pub async fn run(config: RoleConfig, drain: Drain) -> anyhow::Result<()> {
    service::run(config, drain).await
}
