//! What waits for a person: reads only, of partial indexes and short lists.

use sqlx::{FromRow, PgConnection};

/// What waits for a person. Moments are milliseconds since the epoch, 0 where nothing waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromRow)]
pub(crate) struct Waiting {
    /// Batches at the registration desk.
    pub(crate) desk: i64,
    pub(crate) oldest_desk: i64,
    /// Transfers that four people are to sign.
    pub(crate) transfers: i64,
    pub(crate) oldest_transfer: i64,
}

/// Counts what waits for a person.
pub(crate) async fn waiting(tx: &mut PgConnection) -> Result<Waiting, sqlx::Error> {
    sqlx::query_as(
        "select b.desk, b.oldest as oldest_desk, t.transfers, t.oldest as oldest_transfer from
           (select count(*) as desk, coalesce(min(changed_at), 0) as oldest from batches
            where state in ('applied', 'accepted', 'received', 'checked') and not is_automatic) b,
           (select count(*) as transfers, coalesce(min(packed_at), 0) as oldest from transfers
            where state in ('packed', 'submitted', 'verified', 'accepted') and state = 'verified' and by_hand) t",
    )
    .fetch_one(tx)
    .await
}
