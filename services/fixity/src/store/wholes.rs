//! 整体检测: which batches, carriers and days of the system are to be checked, and what came out.

use bytes::Bytes;
use dengbei_chain::Event;
use dengbei_chain::facts::WholeChecked;
use dengbei_checks::Report;
use dengbei_records::{EventHash, Sha256, Timestamp};
use sqlx::postgres::{PgConnection, PgPool};

use super::packs::{hash, sha256};

/// What is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    /// `batch`, `carrier`, `system`
    pub(crate) scope: String,
    /// `G`, `Y`, `C`
    pub(crate) stage: String,
    pub(crate) number: String,
}

impl Key {
    pub(crate) fn of(scope: &str, stage: &str, number: &(impl ToString + ?Sized)) -> Self {
        Self { scope: scope.to_owned(), stage: stage.to_owned(), number: number.to_string() }
    }
}

/// A run that is to be done.
#[derive(Debug, Clone)]
pub(crate) struct OpenWhole {
    pub(crate) key: Key,
    /// The event that makes it.
    pub(crate) event: Option<Event>,
    pub(crate) opened_at: Timestamp,
    pub(crate) tries: u32,
}

/// A run that is done, as it is listed.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Done {
    pub(crate) scope: String,
    pub(crate) stage: String,
    pub(crate) number: String,
    pub(crate) stated: Vec<u8>,
    /// SHA-256 of the report's document.
    pub(crate) report: Vec<u8>,
    pub(crate) scheme: String,
    pub(crate) engine: String,
    pub(crate) verdict: String,
    pub(crate) began_at: i64,
    pub(crate) ended_at: i64,
    pub(crate) seed: String,
    pub(crate) tasks: Vec<String>,
    /// Tasks that nobody, or too few, signed.
    pub(crate) open: i64,
    /// Tasks about which a person said that something is wrong.
    pub(crate) wrong: i64,
}

const DONE: &str = "select w.scope, w.stage, w.number, w.stated, w.report, w.scheme, w.engine, w.verdict, w.began_at,
        w.ended_at, w.seed, w.tasks,
        (select count(*) from check_tasks t where t.id = any(w.tasks) and not t.is_done) as open,
        (select count(distinct s.task) from signatures s where s.task = any(w.tasks) and not s.is_in_order) as wrong
    from wholes w where w.stated is not null";

/// Opens a run. False: there is one already, whatever became of it.
pub(crate) async fn open(
    database: impl sqlx::PgExecutor<'_>,
    key: &Key,
    event: Option<&Event>,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "insert into wholes (scope, stage, number, asked, event, opened_at, due_at)
         values ($1, $2, $3, $4, $5, $6, $6) on conflict do nothing",
    )
    .bind(&key.scope)
    .bind(&key.stage)
    .bind(&key.number)
    .bind(event.map(|e| e.hash.as_bytes().to_vec()))
    .bind(event.map(|e| e.bytes.to_vec()))
    .bind(now.millis())
    .execute(database)
    .await?;
    Ok(done.rows_affected() == 1)
}

type Row = (String, String, String, Option<Vec<u8>>, i64, i32);

/// Runs that are due, the longest waiting first.
pub(crate) async fn due(pool: &PgPool, now: Timestamp, limit: i64) -> Result<Vec<OpenWhole>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select scope, stage, number, event, opened_at, tries from wholes
         where stated is null and due_at <= $1 order by due_at, opened_at limit $2",
    )
    .bind(now.millis())
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(read).collect()
}

fn read((scope, stage, number, event, opened_at, tries): Row) -> Result<OpenWhole, sqlx::Error> {
    let event = event.map(|bytes| Event::read(Bytes::from(bytes))).transpose();
    Ok(OpenWhole {
        key: Key { scope, stage, number },
        event: event.map_err(|e| sqlx::Error::Decode(e.into()))?,
        opened_at: Timestamp::from_millis(opened_at),
        tries: tries.cast_unsigned(),
    })
}

/// Looks again at `due`; `why` is shown to operators.
pub(crate) async fn put_off(
    pool: &PgPool,
    key: &Key,
    (due, tries): (Timestamp, u32),
    why: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update wholes set due_at = $4, tries = $5, trouble = $6
         where scope = $1 and stage = $2 and number = $3 and stated is null",
    )
    .bind(&key.scope)
    .bind(&key.stage)
    .bind(&key.number)
    .bind(due.millis())
    .bind(tries.cast_signed())
    .bind(why)
    .execute(pool)
    .await
    .map(drop)
}

/// Ends a run with its event, or learns from the log that it was. False: it was ended before.
pub(crate) async fn state(
    tx: &mut PgConnection,
    (fact, stated): (&WholeChecked, EventHash),
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "insert into wholes as w (scope, stage, number, opened_at, due_at, stated, report, scheme, engine, verdict)
         values ($1, $2, $3, $4, $4, $5, $6, $7, $8, $9)
         on conflict on constraint wholes_pk do update set
             stated = excluded.stated, report = excluded.report, scheme = excluded.scheme,
             engine = excluded.engine, verdict = excluded.verdict, trouble = ''
         where w.stated is null",
    )
    .bind(&fact.scope)
    .bind(&fact.stage)
    .bind(&fact.number)
    .bind(now.millis())
    .bind(stated.as_bytes().as_slice())
    .bind(fact.report.digest.as_bytes().as_slice())
    .bind(&fact.scheme)
    .bind(&fact.engine)
    .bind(&fact.verdict)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps what a report says beside its verdict.
pub(crate) async fn told(
    tx: &mut PgConnection,
    stated: EventHash,
    report: &Report,
    tasks: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update wholes set is_read = true, trouble = '', began_at = $2, ended_at = $3, digest = $4, seed = $5,
             tasks = $6
         where stated = $1",
    )
    .bind(stated.as_bytes().as_slice())
    .bind(report.began_at.map_or(0, Timestamp::millis))
    .bind(report.ended_at.map_or(0, Timestamp::millis))
    .bind(report.digest.map(|d| d.as_bytes().to_vec()))
    .bind(report.sample.as_ref().map_or("", |s| s.seed.as_str()))
    .bind(tasks)
    .execute(tx)
    .await
    .map(drop)
}

/// Runs whose report is to be read again: (event, document).
pub(crate) async fn unread(pool: &PgPool, limit: i64) -> Result<Vec<(EventHash, Sha256)>, sqlx::Error> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "select stated, report from wholes where stated is not null and not is_read order by opened_at limit $1",
    )
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(|(stated, report)| Ok((hash(&stated)?, sha256(&report)?))).collect()
}

/// What a list is narrowed to; empty: not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) scope: String,
    pub(crate) stage: String,
    pub(crate) number: String,
    pub(crate) verdict: String,
    /// Before this one, by its beginning and event.
    pub(crate) before: Option<(i64, Vec<u8>)>,
}

/// Runs that are done, newest first.
pub(crate) async fn list(pool: &PgPool, wanted: &Wanted, limit: i64) -> Result<Vec<Done>, sqlx::Error> {
    let (at, id) = wanted.before.clone().unwrap_or((i64::MAX, Vec::new()));
    sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{DONE} and ($1 = '' or w.scope = $1) and ($2 = '' or w.stage = $2) and ($3 = '' or w.number = $3)
             and ($4 = '' or w.verdict = $4) and (w.began_at, w.stated) < ($5, $6)
         order by w.began_at desc, w.stated desc limit $7"
    )))
    .bind(&wanted.scope)
    .bind(&wanted.stage)
    .bind(&wanted.number)
    .bind(&wanted.verdict)
    .bind(at)
    .bind(id)
    .bind(limit)
    .fetch_all(pool)
    .await
}

/// One run that is done, by its event.
pub(crate) async fn get(pool: &PgPool, stated: &[u8]) -> Result<Option<Done>, sqlx::Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{DONE} and w.stated = $1")))
        .bind(stated)
        .fetch_optional(pool)
        .await
}
