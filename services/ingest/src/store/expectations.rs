//! 应归: what sources state they closed, by day and matter.

use sqlx::postgres::{PgConnection, PgPool};

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Expectation {
    pub(crate) source_system: String,
    pub(crate) matter_code: String,
    pub(crate) day: String,
    pub(crate) count: i32,
    pub(crate) stated_at: i64,
}

/// What became of statements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Put {
    pub(crate) stated: u32,
    pub(crate) replaced: u32,
    pub(crate) unchanged: u32,
}

/// The newest of each stands; one that says the same changes nothing.
pub(crate) async fn put(tx: &mut PgConnection, all: &[Expectation]) -> Result<Put, sqlx::Error> {
    let is_new: Vec<bool> = sqlx::query_scalar(
        "insert into expectations as e (source_system, matter_code, day, count, stated_at)
         select distinct on (d, s, m) s, m, d, c, a
         from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::bigint[]) with ordinality as t(s, m, d, c, a, n)
         order by d, s, m, n desc
         on conflict (day, source_system, matter_code) do update set count = excluded.count, stated_at = excluded.stated_at
             where e.count <> excluded.count and e.stated_at <= excluded.stated_at
         returning (xmax = 0)",
    )
    .bind(all.iter().map(|e| e.source_system.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|e| e.matter_code.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|e| e.day.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|e| e.count).collect::<Vec<_>>())
    .bind(all.iter().map(|e| e.stated_at).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let stated = number(is_new.iter().filter(|new| **new).count());
    let replaced = number(is_new.len()) - stated;
    Ok(Put { stated, replaced, unchanged: number(all.len()).saturating_sub(stated + replaced) })
}

/// Which are asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) source_system: String,
    pub(crate) matter_code: String,
}

/// Of these days, at most `most`.
pub(crate) async fn of(pool: &PgPool, asked: &Asked, most: i64) -> Result<Vec<Expectation>, sqlx::Error> {
    sqlx::query_as(
        "select source_system, matter_code, day, count, stated_at from expectations
         where day between $1 and $2 and ($3 = '' or source_system = $3) and ($4 = '' or matter_code = $4)
         order by day desc, source_system, matter_code limit $5",
    )
    .bind(&asked.from)
    .bind(&asked.to)
    .bind(&asked.source_system)
    .bind(&asked.matter_code)
    .bind(most)
    .fetch_all(pool)
    .await
}
