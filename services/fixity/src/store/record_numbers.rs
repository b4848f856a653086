//! 电子文件号: which item holds one. The first that passes keeps it.

use std::collections::HashMap;

use dengbei_records::ItemId;
use sqlx::postgres::{PgConnection, PgPool};
use uuid::Uuid;

/// The holders of these numbers.
pub(crate) async fn holders(
    pool: &PgPool,
    numbers: &[String],
) -> Result<HashMap<String, ItemId>, sqlx::Error> {
    let rows: Vec<(String, Uuid)> =
        sqlx::query_as("select record_no, item from record_numbers where record_no = any($1)")
            .bind(numbers)
            .fetch_all(pool)
            .await?;
    let holder = |(number, item): (String, Uuid)| {
        let item = item.try_into().map_err(|e: dengbei_records::Invalid| sqlx::Error::Decode(e.into()))?;
        Ok((number, item))
    };
    rows.into_iter().map(holder).collect()
}

/// Takes numbers for items. Gives those that another item took meanwhile.
pub(crate) async fn take(
    tx: &mut PgConnection,
    wanted: &[(String, ItemId)],
) -> Result<Vec<String>, sqlx::Error> {
    // In one order, so that two transactions never wait for each other.
    let mut wanted: Vec<&(String, ItemId)> = wanted.iter().filter(|(no, _)| !no.is_empty()).collect();
    wanted.sort();
    let numbers: Vec<&str> = wanted.iter().map(|(no, _)| no.as_str()).collect();
    let items: Vec<Uuid> = wanted.iter().map(|(_, item)| item.uuid()).collect();
    sqlx::query(
        "insert into record_numbers (record_no, item) select * from unnest($1::text[], $2::uuid[])
         on conflict do nothing",
    )
    .bind(&numbers)
    .bind(&items)
    .execute(&mut *tx)
    .await?;
    sqlx::query_scalar(
        "select w.record_no from unnest($1::text[], $2::uuid[]) as w (record_no, item)
         join record_numbers r on r.record_no = w.record_no and r.item <> w.item",
    )
    .bind(&numbers)
    .bind(&items)
    .fetch_all(tx)
    .await
}
