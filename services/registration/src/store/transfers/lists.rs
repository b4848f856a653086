//! What is asked about transfers: reads only.

use dengbei_records::{ItemId, SerialNo, UnitCode};
use sqlx::{AssertSqlSafe, PgConnection};

use super::{Row, SELECT, State, Transfer};
use crate::store::{read, unsigned};

/// Which transfers are wanted, newest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) state: Option<State>,
    pub(crate) unit: Option<UnitCode>,
    pub(crate) limit: u32,
    /// Those packed before this moment and number.
    pub(crate) before: Option<(i64, String)>,
}

/// Transfers, newest first.
pub(crate) async fn newest(tx: &mut PgConnection, wanted: &Wanted) -> Result<Vec<Transfer>, sqlx::Error> {
    let (at, number) = wanted.before.clone().unwrap_or((i64::MAX, String::new()));
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(format!(
        "{SELECT} where ($1::text is null or t.state = $1) and ($2::text is null or t.uscc = $2)
           and (t.packed_at, t.transfer_no) < ($3, $4) order by t.packed_at desc, t.transfer_no desc limit $5"
    )))
    .bind(wanted.state.map(State::name))
    .bind(wanted.unit.as_ref().map(UnitCode::as_str))
    .bind(at)
    .bind(number)
    .bind(i64::from(wanted.limit))
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(Transfer::try_from).collect()
}

/// How many transfers stand where, and when the oldest that is not at its end was packed.
pub(crate) async fn counts(tx: &mut PgConnection) -> Result<Vec<(State, u64, i64)>, sqlx::Error> {
    let rows: Vec<(String, i64, i64)> =
        sqlx::query_as("select state, count(*), min(packed_at) from transfers group by state")
            .fetch_all(tx)
            .await?;
    let known = |(state, count, oldest): (String, i64, i64)| {
        State::from_name(&state).map(|state| (state, unsigned(count), oldest))
    };
    Ok(rows.into_iter().filter_map(known).collect())
}

/// The newest transfer that holds, or held, a version of the item; one that it was taken out of only if there is no other.
pub(crate) async fn of_item(tx: &mut PgConnection, item: ItemId) -> Result<Option<SerialNo>, sqlx::Error> {
    let number: Option<String> = sqlx::query_scalar(
        "select t.transfer_no from pack_items i join transfer_packs p on p.pack = i.pack
           join transfers t on t.transfer_no = p.transfer_no
           left join transfer_unfit u on u.transfer_no = t.transfer_no and u.filed = i.filed and u.side <> 'storing'
         where i.item = $1 and coalesce(u.side, '') <> 'elsewhere'
         order by (u.side is null and t.state <> 'rejected') desc, t.packed_at desc, t.transfer_no desc limit 1",
    )
    .bind(item.uuid())
    .fetch_optional(tx)
    .await?;
    number.map(|n| read(n.parse())).transpose()
}

/// The live transfer that has packs of one of these batches.
pub(crate) async fn live_of_batches(
    tx: &mut PgConnection,
    batches: &[uuid::Uuid],
) -> Result<Option<SerialNo>, sqlx::Error> {
    let number: Option<String> = sqlx::query_scalar(
        "select t.transfer_no from transfers t join transfer_certificates c on c.transfer_no = t.transfer_no
         where c.batch = any($1) and t.state in ('packed', 'submitted', 'verified', 'accepted')
         order by t.packed_at desc, t.transfer_no desc limit 1",
    )
    .bind(batches)
    .fetch_optional(tx)
    .await?;
    number.map(|n| read(n.parse())).transpose()
}

/// The archival codes of what a transfer holds, in its order.
pub(crate) async fn codes(tx: &mut PgConnection, number: &SerialNo) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "select i.archival_code from transfer_packs p join pack_items i on i.pack = p.pack
         where p.transfer_no = $1 and not exists (select 1 from transfer_unfit u
           where u.transfer_no = $1 and u.filed = i.filed and u.side <> 'storing')
         order by i.pack, i.ordinal",
    )
    .bind(number.to_string())
    .fetch_all(tx)
    .await
}

/// How many of these transfers' items each side found unfit.
pub(crate) async fn unfit_counts(
    tx: &mut PgConnection,
    numbers: &[String],
) -> Result<std::collections::HashMap<String, u64>, sqlx::Error> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select transfer_no, count(*) from transfer_unfit where transfer_no = any($1) and side <> 'elsewhere' group by 1",
    )
    .bind(numbers)
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|(number, count)| (number, unsigned(count))).collect())
}

/// The name of a unit, as its first matter gave it.
pub(crate) async fn unit_name(tx: &mut PgConnection, unit: &UnitCode) -> Result<String, sqlx::Error> {
    let name: Option<String> = sqlx::query_scalar("select unit_name from fonds where uscc = $1")
        .bind(unit.as_str())
        .fetch_optional(tx)
        .await?;
    Ok(name.unwrap_or_default())
}
