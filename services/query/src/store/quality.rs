//! The quality monitor's counters: added to in the transaction that changes what they count, read by periods. Stripes let
//! transactions count side by side; who reads adds them up.

use dengbei_records::SubmissionId;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

use crate::counted::{Four, From, Sums};

/// Rows of one list at most.
pub(crate) const MOST: i64 = 20_000;

/// Adds what a transaction counted.
pub(crate) async fn add(tx: &mut PgConnection, sums: &Sums) -> sqlx::Result<()> {
    if !sums.flow.is_empty() {
        add_flow(tx, sums).await?;
    }
    if !sums.failures.is_empty() {
        add_failures(tx, sums).await?;
    }
    if !sums.closings.is_empty() {
        add_closings(tx, sums).await?;
    }
    Ok(())
}

fn column<T>(of: impl Iterator<Item = T>) -> Vec<T> {
    of.collect()
}

fn part<'a, K: 'a>(of: impl Iterator<Item = (&'a K, &'a Four)>, n: usize) -> Vec<i64> {
    of.map(|(_, four)| four[n]).collect()
}

async fn add_flow(tx: &mut PgConnection, sums: &Sums) -> sqlx::Result<()> {
    let from = |pick: fn(&From) -> &str| column(sums.flow.keys().map(move |(_, from)| pick(from)));
    sqlx::query(
        "insert into query.flow as f (day, source_system, matter_code, unit_uscc, department, stripe,
                                      received, refused, returned, filed)
         select d, s, m, u, o, pg_backend_pid() & 7, a, b, c, e
         from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                     $8::bigint[], $9::bigint[]) as r(d, s, m, u, o, a, b, c, e) order by d, s, m, u, o
         on conflict (day, source_system, matter_code, unit_uscc, department, stripe) do update set
             received = f.received + excluded.received, refused = f.refused + excluded.refused,
             returned = f.returned + excluded.returned, filed = f.filed + excluded.filed",
    )
    .bind(column(sums.flow.keys().map(|(day, _)| *day)))
    .bind(from(|f| &f.source_system))
    .bind(from(|f| &f.matter_code))
    .bind(from(|f| &f.unit_uscc))
    .bind(from(|f| &f.department))
    .bind(part(sums.flow.iter(), 0))
    .bind(part(sums.flow.iter(), 1))
    .bind(part(sums.flow.iter(), 2))
    .bind(part(sums.flow.iter(), 3))
    .execute(tx)
    .await
    .map(drop)
}

async fn add_failures(tx: &mut PgConnection, sums: &Sums) -> sqlx::Result<()> {
    let from = |pick: fn(&From) -> &str| column(sums.failures.keys().map(move |(_, _, from)| pick(from)));
    sqlx::query(
        "insert into query.failures as f (day, check_id, source_system, matter_code, unit_uscc, department, stripe, n)
         select d, k, s, m, u, o, pg_backend_pid() & 7, n
         from unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
             as r(d, k, s, m, u, o, n) order by d, k, s, m, u, o
         on conflict (day, check_id, source_system, matter_code, unit_uscc, department, stripe)
             do update set n = f.n + excluded.n",
    )
    .bind(column(sums.failures.keys().map(|(day, ..)| *day)))
    .bind(column(sums.failures.keys().map(|(_, check, _)| check.as_str())))
    .bind(from(|f| &f.source_system))
    .bind(from(|f| &f.matter_code))
    .bind(from(|f| &f.unit_uscc))
    .bind(from(|f| &f.department))
    .bind(column(sums.failures.values().copied()))
    .execute(tx)
    .await
    .map(drop)
}

async fn add_closings(tx: &mut PgConnection, sums: &Sums) -> sqlx::Result<()> {
    sqlx::query(
        "insert into query.closings as c (day, source_system, matter_code, stripe, received, filed, returned, refused)
         select d, s, m, pg_backend_pid() & 7, a, b, e, f
         from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
             as r(d, s, m, a, b, e, f) order by d, s, m
         on conflict (day, source_system, matter_code, stripe) do update set
             received = c.received + excluded.received, filed = c.filed + excluded.filed,
             returned = c.returned + excluded.returned, refused = c.refused + excluded.refused",
    )
    .bind(column(sums.closings.keys().map(|(day, ..)| day.as_str())))
    .bind(column(sums.closings.keys().map(|(_, source, _)| source.as_str())))
    .bind(column(sums.closings.keys().map(|(.., matter)| matter.as_str())))
    .bind(part(sums.closings.iter(), 0))
    .bind(part(sums.closings.iter(), 1))
    .bind(part(sums.closings.iter(), 2))
    .bind(part(sums.closings.iter(), 3))
    .execute(tx)
    .await
    .map(drop)
}

/// Notes whose origin is to be asked for.
pub(crate) async fn note(tx: &mut PgConnection, ids: &[SubmissionId]) -> sqlx::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query("insert into query.unplaced select unnest($1::uuid[]) on conflict do nothing")
        .bind(ids.iter().map(|id| id.uuid()).collect::<Vec<_>>())
        .execute(tx)
        .await
        .map(drop)
}

/// Some whose origin is not known.
pub(crate) async fn unplaced(pool: &PgPool, most: usize) -> sqlx::Result<Vec<SubmissionId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar("select submission from query.unplaced limit $1")
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await?;
    Ok(ids.into_iter().map(SubmissionId::from_uuid).collect())
}

/// Their origin is known, or will never be.
pub(crate) async fn placed(tx: &mut PgConnection, ids: &[SubmissionId]) -> sqlx::Result<()> {
    sqlx::query("delete from query.unplaced where submission = any($1)")
        .bind(ids.iter().map(|id| id.uuid()).collect::<Vec<_>>())
        .execute(tx)
        .await
        .map(drop)
}

/// Which period and what of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Days since 1970, both included.
    pub(crate) days: (i32, i32),
    /// The same as dates.
    pub(crate) dates: (String, String),
    pub(crate) source_system: String,
    pub(crate) matter_code: String,
    pub(crate) unit_uscc: String,
    pub(crate) department: String,
}

/// Counts under up to three keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, FromRow)]
pub(crate) struct FlowRow {
    pub(crate) key: String,
    pub(crate) second: String,
    pub(crate) third: String,
    pub(crate) received: i64,
    pub(crate) refused: i64,
    pub(crate) returned: i64,
    pub(crate) filed: i64,
}

/// How rows are put together: three keys in SQL.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    Matters,
    Units,
    Departments,
    Weeks,
    Days,
}

impl By {
    const fn keys(self) -> [&'static str; 3] {
        match self {
            Self::Matters => ["source_system", "matter_code", "''::text"],
            Self::Units => ["unit_uscc", "''::text", "''::text"],
            Self::Departments => ["unit_uscc", "department", "''::text"],
            // 1970-01-01 was a Thursday: day 4 was the first Monday.
            Self::Weeks => ["((day - 4) - (((day - 4) % 7) + 7) % 7 + 4)::text", "source_system", "''::text"],
            Self::Days => ["day::text", "source_system", "matter_code"],
        }
    }
}

const WHICH: &str =
    " where day between $1 and $2 and ($3 = '' or source_system = $3) and ($4 = '' or matter_code = $4)
    and ($5 = '' or unit_uscc = $5) and ($6 = '' or department = $6)";

/// What happened in a period.
pub(crate) async fn flow(pool: &PgPool, by: By, asked: &Asked) -> sqlx::Result<Vec<FlowRow>> {
    let [a, b, c] = by.keys();
    let sql = format!(
        "select {a} as key, {b} as second, {c} as third, sum(received)::bigint as received,
             sum(refused)::bigint as refused, sum(returned)::bigint as returned, sum(filed)::bigint as filed
         from query.flow {WHICH} group by 1, 2, 3
         having sum(received) <> 0 or sum(refused) <> 0 or sum(returned) <> 0 or sum(filed) <> 0
         order by 1, 2, 3 limit {MOST}"
    );
    bound(sqlx::query_as(sqlx::AssertSqlSafe(sql)), asked).fetch_all(pool).await
}

/// Which checks failed, by source, most first.
pub(crate) async fn failed(pool: &PgPool, asked: &Asked) -> sqlx::Result<Vec<(String, String, i64)>> {
    let sql = format!(
        "select check_id, source_system, sum(n)::bigint from query.failures {WHICH} group by 1, 2
         having sum(n) <> 0 order by 3 desc, 1, 2 limit {MOST}"
    );
    bound(sqlx::query_as(sqlx::AssertSqlSafe(sql)), asked).fetch_all(pool).await
}

fn bound<'q, O>(
    query: sqlx::query::QueryAs<'q, sqlx::Postgres, O, sqlx::postgres::PgArguments>,
    asked: &'q Asked,
) -> sqlx::query::QueryAs<'q, sqlx::Postgres, O, sqlx::postgres::PgArguments> {
    query
        .bind(asked.days.0)
        .bind(asked.days.1)
        .bind(&asked.source_system)
        .bind(&asked.matter_code)
        .bind(&asked.unit_uscc)
        .bind(&asked.department)
}

/// Items of a closing day: day, source, matter, received, filed, returned, refused.
pub(crate) type Closing = (String, String, String, i64, i64, i64, i64);

/// By the day of closing.
pub(crate) async fn closings(pool: &PgPool, asked: &Asked) -> sqlx::Result<Vec<Closing>> {
    sqlx::query_as(
        "select day, source_system, matter_code, sum(received)::bigint, sum(filed)::bigint, sum(returned)::bigint,
             sum(refused)::bigint
         from query.closings where day between $1 and $2 and ($3 = '' or source_system = $3)
             and ($4 = '' or matter_code = $4)
         group by 1, 2, 3 having sum(received) <> 0 order by 1 desc, 2, 3 limit $5",
    )
    .bind(&asked.dates.0)
    .bind(&asked.dates.1)
    .bind(&asked.source_system)
    .bind(&asked.matter_code)
    .bind(MOST)
    .fetch_all(pool)
    .await
}

/// Counts of one source on one day.
#[derive(Debug, Clone, Default, PartialEq, Eq, FromRow)]
pub(crate) struct SourceDay {
    pub(crate) source_system: String,
    pub(crate) day: i32,
    pub(crate) received: i64,
    pub(crate) refused: i64,
    pub(crate) returned: i64,
    pub(crate) filed: i64,
}

/// Every source's days from `from` on.
pub(crate) async fn sources(pool: &PgPool, from: i32) -> sqlx::Result<Vec<SourceDay>> {
    sqlx::query_as(
        "select source_system, day, sum(received)::bigint as received, sum(refused)::bigint as refused,
             sum(returned)::bigint as returned, sum(filed)::bigint as filed
         from query.flow where day >= $1 and source_system <> '' group by 1, 2 order by 1, 2",
    )
    .bind(from)
    .fetch_all(pool)
    .await
}

/// How many are not placed.
pub(crate) async fn count_unplaced(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar("select count(*) from query.unplaced").fetch_one(pool).await
}
