//! gateway: the only door to the outside: REST, the console, the public log.
//!
//! It keeps nothing of any archive: its database holds accounts, sessions and the audit. A request is checked for the token, bounded, traced, and handed to the
//! role that decides; what that role says comes back under one table of statuses and in both languages. An upload
//! streams through in chunks and is never taken for whole when its sender broke off. Stopped, it lets the answers in
//! hand finish.

mod accounts;
mod api;
mod console;
mod cursor;
mod door;
mod findings;
mod guard;
mod json;
mod metrics;
mod peers;
mod problem;
mod quality;
mod reports;
mod serve;
mod service;
mod store;
mod trace;
mod verify;

use dengbei_kit::{Drain, RoleConfig};

pub use store::MIGRATOR;

/// Runs the role until the drain.
///
/// # Errors
/// When it is not configured, or an address cannot be bound.
pub async fn run(config: RoleConfig, drain: Drain) -> anyhow::Result<()> {
    service::run(config, drain).await
}

/// The door's routes alone, for tests that bring their own listener or none.
///
/// # Errors
/// When it is not configured.
pub fn router(config: &RoleConfig) -> anyhow::Result<axum::Router> {
    Ok(service::router(service::Gateway::new(config)?))
}

/// The door's routes with accounts and the audit, which is written until the drain; for tests.
///
/// # Errors
/// When it is not configured, or its database does not come up.
pub async fn router_with_accounts(config: &RoleConfig, drain: Drain) -> anyhow::Result<axum::Router> {
    let gateway = service::Gateway::open(config).await?;
    // What it could not write is counted; nothing depends on its end.
    tokio::spawn(gateway.audit.clone().write_views(drain));
    Ok(service::router(gateway))
}
