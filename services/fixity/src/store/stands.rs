//! How copies and transfers stand, for metrics: reads only, the same on every replica.

use sqlx::postgres::PgPool;

/// How a site stands.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct SiteStands {
    pub(crate) good: i64,
    /// Damaged, missing, …
    pub(crate) bad: i64,
    /// To be read as soon as possible.
    pub(crate) urgent: i64,
    /// When the good one that waited longest was read; 0: there is none.
    pub(crate) oldest: i64,
    /// Packs that nobody stored there, beyond the grace.
    pub(crate) strangers: i64,
    /// Its log is shorter than it once was.
    pub(crate) is_behind: bool,
}

/// How a site stands. Counts all its copies: not more often than four times a minute.
pub(crate) async fn of_site(pool: &PgPool, site: &str) -> Result<SiteStands, sqlx::Error> {
    sqlx::query_as(
        "select c.*, (select count(*) from strangers where site = $1 and is_stated) as strangers,
                coalesce((select is_behind from sites where site = $1), false) as is_behind
         from (select count(*) filter (where state = 'good') as good, count(*) filter (where state <> 'good') as bad,
                      count(*) filter (where state = 'good' and is_urgent) as urgent,
                      coalesce(min(verified_at) filter (where state = 'good'), 0) as oldest
               from copies where site = $1) c",
    )
    .bind(site)
    .fetch_one(pool)
    .await
}

/// Checks of transfers that are to be done.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct OpenRuns {
    pub(crate) open: i64,
    /// When the oldest was asked for; 0: none is open.
    pub(crate) oldest: i64,
}

/// How many checks of transfers are open.
pub(crate) async fn open_runs(pool: &PgPool) -> Result<OpenRuns, sqlx::Error> {
    sqlx::query_as(
        "select count(*) as open, coalesce(min(opened_at), 0) as oldest from transfer_runs where stated is null",
    )
    .fetch_one(pool)
    .await
}
