//! Signals between processes: a copy is to be read soon, and who reads may be another process. A lost signal costs a
//! tick, nothing else.

use std::sync::Arc;

use dengbei_kit::{Drain, db};
use sqlx::postgres::{PgConnection, PgPool};
use tokio::sync::Notify;

const CHANNEL: &str = "fixity";

/// Says that a copy is to be read soon, when the transaction commits; at once outside of one.
pub(crate) async fn on_commit(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    db::notify(tx, CHANNEL, "").await
}

/// Hears what any process says, until the drain.
///
/// # Errors
/// The database's: run it again.
pub(crate) async fn listen(pool: &PgPool, inspect: &Arc<Notify>, drain: &Drain) -> anyhow::Result<()> {
    db::listen(pool, CHANNEL, drain, |_| inspect.notify_one()).await
}
