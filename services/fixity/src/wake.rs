//! Signals between processes: a copy is to be read soon, and who reads may be another process (LISTEN/NOTIFY). A lost
//! signal costs a tick, nothing else.

use std::sync::Arc;

use dengbei_kit::Drain;
use sqlx::postgres::{PgConnection, PgListener, PgPool};
use tokio::sync::Notify;

const CHANNEL: &str = "fixity";

/// Says that a copy is to be read soon, when the transaction commits; at once outside of one.
pub(crate) async fn on_commit(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_notify($1, '')").bind(CHANNEL).execute(tx).await.map(drop)
}

/// Hears what any process says, until the drain.
///
/// # Errors
/// The database's: run it again.
pub(crate) async fn listen(pool: &PgPool, inspect: &Arc<Notify>, drain: &Drain) -> anyhow::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        tokio::select! {
            () = drain.requested() => return Ok(()),
            heard = listener.recv() => {
                heard?;
                inspect.notify_one();
            }
        }
    }
}
