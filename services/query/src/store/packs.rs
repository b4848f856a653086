//! Packs: how many items stand in them, and what is derived of them from the facts about their batch, their copies
//! and their transfers. Derived anew under the pack's lock, so that the last of several transactions sees all.

use std::collections::BTreeMap;

use sqlx::PgConnection;

/// How many items came to stand in each pack, or left it; zero is no pack.
pub(super) type Standing = BTreeMap<i64, i64>;

/// Adds to what stands in each pack.
pub(super) async fn add_standing(tx: &mut PgConnection, standing: &Standing) -> sqlx::Result<()> {
    let changed: Vec<_> = standing.iter().filter(|(pack, n)| **pack > 0 && **n != 0).collect();
    if changed.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into query.packs as p (pack, standing)
         select n, c from unnest($1::bigint[], $2::bigint[]) as r(n, c) order by n
         on conflict (pack) do update set standing = p.standing + excluded.standing",
    )
    .bind(changed.iter().map(|(pack, _)| **pack).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, n)| **n).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Locks the rows of `packs`, made empty where there is none, by number.
pub(super) async fn lock(tx: &mut PgConnection, packs: &[i64]) -> sqlx::Result<()> {
    sqlx::query(
        "insert into query.packs (pack) select distinct p from unnest($1::bigint[]) as p order by p
         on conflict (pack) do nothing",
    )
    .bind(packs)
    .execute(&mut *tx)
    .await?;
    sqlx::query("select 1 from query.packs where pack = any($1) order by pack for update")
        .bind(packs)
        .execute(tx)
        .await?;
    Ok(())
}

/// Says of the accessioned transfers that take from locked `packs` whether they take all that lies in their packs;
/// not as long as it is unknown of one pack how much that is.
pub(super) async fn settle_transfers(tx: &mut PgConnection, packs: &[i64]) -> sqlx::Result<()> {
    sqlx::query(
        "update query.transfers t set is_partial = t.items <> coalesce((
             select sum(p.items) from query.packs p where p.pack = any(coalesce(t.accepted_packs, t.packs))
             having count(*) filter (where p.filed_at > 0) = cardinality(coalesce(t.accepted_packs, t.packs))), -1)
         where t.accessioned_at is not null and t.transfer_no in
             (select unnest(transfers) from query.packs where pack = any($1))",
    )
    .bind(packs)
    .execute(tx)
    .await?;
    Ok(())
}

/// Derives locked `packs` anew from the facts.
pub(super) async fn derive(tx: &mut PgConnection, packs: &[i64]) -> sqlx::Result<()> {
    sqlx::query(
        "update query.packs p set batch = d.batch, registration = coalesce(d.registration, 0),
             custody = coalesce(d.custody, 0),
             preservation = case when d.is_suspect then 3 when p.is_secured then 2 else 1 end
         from (select q.pack, b.batch, b.registration, t.custody,
                   exists (select from query.troubles x where x.pack = q.pack and not exists (
                       select from query.repairs r where r.pack = x.pack and r.site = x.site
                          and (x.hash = any(r.causes) or r.at >= x.at))) as is_suspect
               from query.packs q
               left join lateral (
                   select batch, case when certified_at is not null then 4
                                      when registered_at is null then 1
                                      when cardinality(packs) > 0 and packs <@ secured then 3
                                      else 2 end as registration
                   from query.batches where batch = any(q.batches) and declined_at is null
                   order by batch desc limit 1) b on true
               left join lateral (
                   select case when bool_or(not is_partial) then 1 else 2 end as custody
                   from query.transfers
                   where transfer_no = any(q.transfers) and accessioned_at is not null
                     and q.pack = any(coalesce(accepted_packs, packs))
                   having count(*) > 0) t on true
               where q.pack = any($1)) d
         where p.pack = d.pack",
    )
    .bind(packs)
    .execute(tx)
    .await?;
    Ok(())
}
