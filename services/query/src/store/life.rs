//! What is said of many items at once: packs, registration batches, transfers. Each fact adds to a row and never takes
//! away, so order does not show; what depends on several is derived in `packs.rs`.

use dengbei_chain::facts::{
    BatchApplied, BatchFiled, ItemAccessioned, PackRepaired, PackSecured, PackStored, Purpose, Witness,
};
use dengbei_chain::{Event, Fact, MemberList};
use dengbei_records::{PackNumber, SerialNo};
use sqlx::PgConnection;
use uuid::Uuid;

use super::events::raw;
use super::packs;
use crate::members::Lists;

/// Locks every pack that the events of one bundle are about, by number: bundles that are applied side by side wait for
/// each other and never in a circle.
pub(crate) async fn hold(tx: &mut PgConnection, events: impl Iterator<Item = &Event>) -> sqlx::Result<()> {
    let mut touched: Vec<i64> = events.flat_map(packs_of).collect();
    if touched.len() < 2 {
        return Ok(());
    }
    touched.sort_unstable();
    touched.dedup();
    packs::lock(tx, &touched).await
}

fn packs_of(event: &Event) -> Vec<i64> {
    match &event.fact {
        Some(Fact::BatchFiled(f)) => numbers(&[f.pack]),
        Some(Fact::PackStored(f)) => numbers(&[f.receipt.pack]),
        Some(Fact::PackSecured(f)) => numbers(&[f.pack]),
        Some(Fact::PackDamaged(f)) => numbers(&[f.pack]),
        Some(Fact::PackMissing(f)) => numbers(&[f.pack]),
        Some(Fact::PackRepaired(f)) => numbers(&[f.receipt.pack]),
        Some(Fact::BatchApplied(f)) => numbers(&f.packs),
        Some(Fact::TransferPacked(f)) => numbers(&f.packs),
        Some(Fact::TransferAccepted(f)) => numbers(&f.packs),
        _ => Vec::new(),
    }
}

/// Applies what an event says of packs, batches and transfers; nothing for other facts.
pub(crate) async fn apply(tx: &mut PgConnection, event: &Event, lists: &Lists) -> sqlx::Result<()> {
    let Some(fact) = &event.fact else { return Ok(()) };
    let at = event.recorded_at.millis();
    match fact {
        Fact::BatchFiled(f) => batch_filed(tx, f, at).await,
        Fact::PackStored(f) => pack_stored(tx, f).await,
        Fact::PackSecured(f) => pack_secured(tx, f).await,
        Fact::PackDamaged(f) => trouble(tx, event, f.pack, &f.site).await,
        Fact::PackMissing(f) => trouble(tx, event, f.pack, &f.site).await,
        Fact::PackRepaired(f) => pack_repaired(tx, event, f).await,
        Fact::BatchApplied(f) => batch_applied(tx, f, at).await,
        Fact::BatchDeclined(f) => {
            batch_step(tx, f.batch, Step { declined_at: Some(at), ..Step::default() }).await
        }
        Fact::BatchRegistered(f) => {
            let registration_no = f.registration_no.to_string();
            batch_step(tx, f.batch, Step { registered_at: Some(at), registration_no, ..Step::default() })
                .await
        }
        Fact::CertificateIssued(f) => {
            let certificate_no = f.certificate_no.to_string();
            batch_step(tx, f.batch, Step { certified_at: Some(at), certificate_no, ..Step::default() }).await
        }
        Fact::TransferPacked(f) => {
            let packs = numbers(&f.packs);
            let unit = f.unit_uscc.to_string();
            transfer(tx, &f.transfer_no, Handover { unit, packs, ..Handover::default() }).await
        }
        Fact::TransferAccepted(f) => {
            let accepted = Some(numbers(&f.packs));
            transfer(tx, &f.transfer_no, Handover { accepted, ..Handover::default() }).await
        }
        Fact::TransferRejected(f) => {
            transfer(tx, &f.transfer_no, Handover { rejected_at: Some(at), ..Handover::default() }).await
        }
        Fact::ItemAccessioned(f) => item_accessioned(tx, f, at, lists.get(&event.hash)).await,
        _ => Ok(()),
    }
}

async fn batch_filed(tx: &mut PgConnection, f: &BatchFiled, at: i64) -> sqlx::Result<()> {
    let is_early: bool = sqlx::query_scalar(
        "insert into query.packs as p (pack, unit_uscc, items, filed_at) values ($1, $2, $3, $4)
         on conflict (pack) do update set
             unit_uscc = excluded.unit_uscc, items = excluded.items, filed_at = excluded.filed_at
         returning cardinality(transfers) > 0",
    )
    .bind(number(f.pack))
    .bind(f.unit_uscc.to_string())
    .bind(f.count.cast_signed())
    .bind(at)
    .fetch_one(&mut *tx)
    .await?;
    if !is_early {
        return Ok(());
    }
    // Its transfer came first and did not know yet how many items there are. Others of its packs follow with it.
    let pack = [number(f.pack)];
    packs::settle_transfers(tx, &pack).await?;
    let of: Vec<i64> = sqlx::query_scalar(
        "select distinct unnest(t.packs || coalesce(t.accepted_packs, '{}')) from query.transfers t
         where t.transfer_no in (select unnest(transfers) from query.packs where pack = $1)",
    )
    .bind(pack[0])
    .fetch_all(&mut *tx)
    .await?;
    derive_anew(tx, &of).await
}

async fn pack_stored(tx: &mut PgConnection, f: &PackStored) -> sqlx::Result<()> {
    let receipt = &f.receipt;
    if receipt.purpose != Purpose::Backup || !matches!(receipt.witness, Witness::Signed { .. }) {
        return Ok(());
    }
    sqlx::query(
        "insert into query.packs as p (pack, sites) values ($1, array[$2])
         on conflict (pack) do update set sites =
             (select array_agg(distinct s order by s) from unnest(p.sites || excluded.sites) as s)",
    )
    .bind(number(receipt.pack))
    .bind(&receipt.site)
    .execute(tx)
    .await?;
    Ok(())
}

async fn pack_secured(tx: &mut PgConnection, f: &PackSecured) -> sqlx::Result<()> {
    let pack = number(f.pack);
    let of: Vec<i64> = sqlx::query_scalar(
        "insert into query.batches as b (batch, secured) values ($1, array[$2::bigint])
         on conflict (batch) do update set secured =
             (select array_agg(distinct s order by s) from unnest(b.secured || excluded.secured) as s)
         returning packs",
    )
    .bind(f.batch)
    .bind(pack)
    .fetch_one(&mut *tx)
    .await?;
    let touched = with(of, pack);
    packs::lock(tx, &touched).await?;
    sqlx::query("update query.packs set is_secured = true where pack = $1")
        .bind(pack)
        .execute(&mut *tx)
        .await?;
    packs::derive(tx, &touched).await
}

async fn trouble(tx: &mut PgConnection, event: &Event, pack: PackNumber, site: &str) -> sqlx::Result<()> {
    sqlx::query(
        "insert into query.troubles (hash, pack, site, at) values ($1, $2, $3, $4) on conflict do nothing",
    )
    .bind(event.hash.as_bytes().as_slice())
    .bind(number(pack))
    .bind(site)
    .bind(event.recorded_at.millis())
    .execute(&mut *tx)
    .await?;
    derive_anew(tx, &[number(pack)]).await
}

async fn pack_repaired(tx: &mut PgConnection, event: &Event, f: &PackRepaired) -> sqlx::Result<()> {
    sqlx::query(
        "insert into query.repairs (hash, pack, site, at, causes) values ($1, $2, $3, $4, $5)
         on conflict do nothing",
    )
    .bind(event.hash.as_bytes().as_slice())
    .bind(number(f.receipt.pack))
    .bind(&f.receipt.site)
    .bind(event.recorded_at.millis())
    .bind(raw(&event.causes))
    .execute(&mut *tx)
    .await?;
    derive_anew(tx, &[number(f.receipt.pack)]).await
}

async fn batch_applied(tx: &mut PgConnection, f: &BatchApplied, at: i64) -> sqlx::Result<()> {
    let packs = numbers(&f.packs);
    sqlx::query(
        "insert into query.batches as b (batch, unit_uscc, packs, applied_at) values ($1, $2, $3, $4)
         on conflict (batch) do update set
             unit_uscc = excluded.unit_uscc, packs = excluded.packs, applied_at = excluded.applied_at",
    )
    .bind(f.batch)
    .bind(f.unit_uscc.to_string())
    .bind(&packs)
    .bind(at)
    .execute(&mut *tx)
    .await?;
    packs::lock(tx, &packs).await?;
    sqlx::query(
        "update query.packs set batches = batches || $2 where pack = any($1) and not $2 = any(batches)",
    )
    .bind(&packs)
    .bind(f.batch)
    .execute(&mut *tx)
    .await?;
    packs::derive(tx, &packs).await
}

/// What a fact adds to a registration batch.
#[derive(Default)]
struct Step {
    declined_at: Option<i64>,
    registered_at: Option<i64>,
    certified_at: Option<i64>,
    registration_no: String,
    certificate_no: String,
}

async fn batch_step(tx: &mut PgConnection, batch: Uuid, step: Step) -> sqlx::Result<()> {
    let packs: Vec<i64> = sqlx::query_scalar(
        "insert into query.batches as b
             (batch, declined_at, registered_at, certified_at, registration_no, certificate_no)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (batch) do update set
             declined_at = coalesce(b.declined_at, excluded.declined_at),
             registered_at = coalesce(b.registered_at, excluded.registered_at),
             certified_at = coalesce(b.certified_at, excluded.certified_at),
             registration_no = greatest(b.registration_no, excluded.registration_no),
             certificate_no = greatest(b.certificate_no, excluded.certificate_no)
         returning packs",
    )
    .bind(batch)
    .bind(step.declined_at)
    .bind(step.registered_at)
    .bind(step.certified_at)
    .bind(step.registration_no)
    .bind(step.certificate_no)
    .fetch_one(&mut *tx)
    .await?;
    derive_anew(tx, &packs).await
}

/// What a fact adds to a transfer.
#[derive(Default)]
struct Handover {
    unit: String,
    packs: Vec<i64>,
    accepted: Option<Vec<i64>>,
    rejected_at: Option<i64>,
    accessioned: Option<(i64, i32)>,
}

async fn transfer(tx: &mut PgConnection, transfer_no: &SerialNo, step: Handover) -> sqlx::Result<()> {
    let packs: Vec<i64> = sqlx::query_scalar(
        "insert into query.transfers as t
             (transfer_no, unit_uscc, packs, accepted_packs, rejected_at, accessioned_at, items)
         values ($1, $2, $3, $4, $5, $6, coalesce($7, 0))
         on conflict (transfer_no) do update set
             unit_uscc = greatest(t.unit_uscc, excluded.unit_uscc),
             packs = case when cardinality(t.packs) > 0 then t.packs else excluded.packs end,
             accepted_packs = coalesce(t.accepted_packs, excluded.accepted_packs),
             rejected_at = coalesce(t.rejected_at, excluded.rejected_at),
             accessioned_at = coalesce(t.accessioned_at, excluded.accessioned_at),
             items = greatest(t.items, excluded.items)
         returning packs || coalesce(accepted_packs, '{}')",
    )
    .bind(transfer_no.to_string())
    .bind(step.unit)
    .bind(step.packs)
    .bind(step.accepted)
    .bind(step.rejected_at)
    .bind(step.accessioned.map(|(at, _)| at))
    .bind(step.accessioned.map(|(_, items)| items))
    .fetch_one(&mut *tx)
    .await?;
    packs::lock(tx, &packs).await?;
    sqlx::query(
        "update query.packs set transfers = transfers || $2 where pack = any($1) and not $2 = any(transfers)",
    )
    .bind(&packs)
    .bind(transfer_no.to_string())
    .execute(&mut *tx)
    .await?;
    packs::settle_transfers(tx, &packs).await?;
    packs::derive(tx, &packs).await
}

/// Custody moves. Who the members are is kept only where the transfer does not take whole packs.
async fn item_accessioned(
    tx: &mut PgConnection,
    f: &ItemAccessioned,
    at: i64,
    list: Option<&MemberList>,
) -> sqlx::Result<()> {
    let accessioned = Some((at, f.items.cast_signed()));
    transfer(tx, &f.transfer_no, Handover { accessioned, ..Handover::default() }).await?;
    let is_partial: bool =
        sqlx::query_scalar("select is_partial from query.transfers where transfer_no = $1")
            .bind(f.transfer_no.to_string())
            .fetch_one(&mut *tx)
            .await?;
    let Some(list) = list.filter(|_| is_partial) else { return Ok(()) };
    sqlx::query(
        "insert into query.transfer_members (transfer_no, filed)
         select $1, h from unnest($2::bytea[]) as h order by h on conflict do nothing",
    )
    .bind(f.transfer_no.to_string())
    .bind(raw(&list.hashes()))
    .execute(tx)
    .await?;
    Ok(())
}

async fn derive_anew(tx: &mut PgConnection, packs: &[i64]) -> sqlx::Result<()> {
    if packs.is_empty() {
        return Ok(());
    }
    packs::lock(tx, packs).await?;
    packs::derive(tx, packs).await
}

fn number(pack: PackNumber) -> i64 {
    pack.get().cast_signed()
}

fn numbers(packs: &[PackNumber]) -> Vec<i64> {
    packs.iter().map(|pack| number(*pack)).collect()
}

fn with(mut packs: Vec<i64>, pack: i64) -> Vec<i64> {
    if !packs.contains(&pack) {
        packs.push(pack);
    }
    packs
}
