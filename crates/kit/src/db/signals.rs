//! Signals between processes of one database (LISTEN/NOTIFY): a transaction that makes work says so when it commits. A
//! lost signal costs whoever waits a tick, nothing else: every loop also looks by its own clock.

use sqlx::postgres::{PgConnection, PgListener, PgPool};

use crate::Drain;

/// Says `word` on `channel` when the transaction commits; at once outside of one.
///
/// # Errors
/// The database's.
pub async fn notify(tx: &mut PgConnection, channel: &str, word: &str) -> Result<(), sqlx::Error> {
    sqlx::query("select pg_notify($1, $2)").bind(channel).bind(word).execute(tx).await.map(drop)
}

/// Gives every word said on `channel` by any process to `heard`, until the drain.
///
/// # Errors
/// The database's: run it again.
pub async fn listen(
    pool: &PgPool,
    channel: &str,
    drain: &Drain,
    mut heard: impl FnMut(&str),
) -> anyhow::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(channel).await?;
    loop {
        tokio::select! {
            () = drain.requested() => return Ok(()),
            word = listener.recv() => heard(word?.payload()),
        }
    }
}
