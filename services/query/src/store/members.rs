//! Events that speak for many: whose histories they belong to, and how far they bring their members.

use std::collections::HashMap;

use dengbei_records::EventHash;
use sqlx::PgConnection;
use uuid::Uuid;

use super::items;
use crate::derive::Membership;

/// The items of the members, or the first member that is not known yet.
pub(crate) async fn find(
    tx: &mut PgConnection,
    membership: &Membership,
) -> sqlx::Result<Result<Vec<Uuid>, EventHash>> {
    let rows: Vec<(Vec<u8>, Uuid)> =
        sqlx::query_as("select hash, item from query.item_events where hash = any($1) and member is null")
            .bind(hashes(membership))
            .fetch_all(tx)
            .await?;
    let known: HashMap<Vec<u8>, Uuid> = rows.into_iter().collect();
    let item_of = |hash: &EventHash| known.get(hash.as_bytes().as_slice()).copied().ok_or(*hash);
    Ok(membership.members.iter().map(item_of).collect())
}

/// Puts the event into its members' histories and brings them as far as it says. Its bytes are in already.
pub(crate) async fn put(tx: &mut PgConnection, membership: &Membership, of: &[Uuid]) -> sqlx::Result<()> {
    if let Some(rank) = membership.rank {
        items::lock(tx, of).await?;
        sqlx::query(
            "update query.attempts as a set rank = $2, changed_at = $3
             where prefiled = any($1) and (a.rank, a.changed_at) < ($2, $3)",
        )
        .bind(hashes(membership))
        .bind(rank.number())
        .bind(membership.recorded_at)
        .execute(&mut *tx)
        .await?;
        items::decide(tx, of).await?;
    }
    let mut rows: Vec<(Uuid, Vec<u8>)> = of.iter().copied().zip(hashes(membership)).collect();
    rows.sort_unstable();
    let (of, members): (Vec<Uuid>, Vec<Vec<u8>>) = rows.into_iter().unzip();
    sqlx::query(
        "insert into query.item_events (item, hash, member)
         select i, $2, m from unnest($1::uuid[], $3::bytea[]) as r(i, m) on conflict do nothing",
    )
    .bind(of)
    .bind(membership.event.as_bytes().as_slice())
    .bind(members)
    .execute(tx)
    .await?;
    Ok(())
}

fn hashes(membership: &Membership) -> Vec<Vec<u8>> {
    membership.members.iter().map(|hash| hash.as_bytes().to_vec()).collect()
}
