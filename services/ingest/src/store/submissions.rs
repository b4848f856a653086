//! 提交: every accepted package, written once in the transaction of its event, settled by registration's events.

use std::collections::HashMap;

use dengbei_chain::Actor;
use dengbei_records::{Custody, DataVersion, EventHash, ItemId, Sha256, Sha512, SubmissionId};
use serde_json::Value;
use sqlx::postgres::{PgConnection, PgPool};
use uuid::Uuid;

use super::{decode, signed, unsigned};
use crate::admit::Attempt;
use crate::events::{Overtaken, Submission};
use crate::stage::Place;

/// One accepted package, as it is written.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) submission: Submission,
    pub(crate) digest: Sha512,
    pub(crate) custody: Custody,
    pub(crate) matter_code: String,
    pub(crate) record_no: String,
    pub(crate) checks: Value,
    pub(crate) parked_event: Option<EventHash>,
    pub(crate) place: Place,
    pub(crate) received_at: i64,
}

pub(super) fn custody(name: &str) -> Result<Custody, sqlx::Error> {
    Custody::from_name(name).ok_or_else(|| sqlx::Error::Decode(format!("custody {name}").into()))
}

pub(super) fn version(n: i32) -> Result<DataVersion, sqlx::Error> {
    u32::try_from(n).map_err(decode)?.try_into().map_err(decode)
}

/// What is known of these items.
pub(crate) async fn attempts(
    pool: &PgPool,
    items: &[ItemId],
) -> Result<HashMap<ItemId, Vec<Attempt>>, sqlx::Error> {
    let ids: Vec<Uuid> = items.iter().map(|i| i.uuid()).collect();
    let rows: Vec<(Uuid, Uuid, i32, Vec<u8>, String)> = sqlx::query_as(
        "select item, submission, data_version, package_digest, custody from submissions where item = any($1)",
    )
    .bind(&ids)
    .fetch_all(pool)
    .await?;
    let mut known: HashMap<ItemId, Vec<Attempt>> = HashMap::new();
    for (item, submission, data_version, digest, held) in rows {
        known.entry(item.try_into().map_err(decode)?).or_default().push(Attempt {
            submission: SubmissionId::from_uuid(submission),
            data_version: version(data_version)?,
            digest: Sha512::from_slice(&digest).map_err(decode)?,
            custody: custody(&held)?,
        });
    }
    Ok(known)
}

/// Of these record numbers (电子文件号), the items that hold them now.
pub(crate) async fn holders(
    pool: &PgPool,
    record_nos: &[String],
) -> Result<HashMap<String, Vec<ItemId>>, sqlx::Error> {
    let rows: Vec<(String, Uuid)> = sqlx::query_as(
        "select distinct record_no, item from submissions
         where record_no = any($1) and record_no <> '' and custody in ('parked', 'prefiled', 'filed')",
    )
    .bind(record_nos)
    .fetch_all(pool)
    .await?;
    let mut held: HashMap<String, Vec<ItemId>> = HashMap::new();
    for (record_no, item) in rows {
        held.entry(record_no).or_default().push(item.try_into().map_err(decode)?);
    }
    Ok(held)
}

/// Writes all of a group in one statement.
pub(crate) async fn insert(tx: &mut PgConnection, group: &[Accepted]) -> Result<(), sqlx::Error> {
    fn each<T>(group: &[Accepted], of: impl Fn(&Accepted) -> T) -> Vec<T> {
        group.iter().map(of).collect()
    }
    sqlx::query(
        "insert into submissions (submission, item, data_version, package_digest, custody, source_system,
             matter_code, record_no, closed_on, reception, files, bytes, warned, checks, parked_event, actor,
             segment, place, length, reception_len, contents, received_at)
         select submission, item, data_version, package_digest, custody, source_system,
             matter_code, record_no, closed_on, reception, files, bytes,
             array_remove(string_to_array(warned, ' '), ''), checks, parked_event, actor,
             segment, place, length, reception_len, array_remove(string_to_array(contents, ' '), ''), received_at
         from unnest($1::uuid[], $2::uuid[], $3::int[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[],
             $9::text[], $10::bytea[], $11::int[], $12::bigint[], $13::text[], $14::jsonb[], $15::bytea[],
             $16::bytea[], $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[], $21::text[], $22::bigint[])
             as t (submission, item, data_version, package_digest, custody, source_system, matter_code, record_no,
             closed_on, reception, files, bytes, warned, checks, parked_event, actor, segment, place, length,
             reception_len, contents, received_at)",
    )
    .bind(each(group, |a| a.submission.id.uuid()))
    .bind(each(group, |a| a.submission.item.uuid()))
    .bind(each(group, |a| a.submission.data_version.get().cast_signed()))
    .bind(each(group, |a| a.digest.as_bytes().to_vec()))
    .bind(each(group, |a| a.custody.name()))
    .bind(each(group, |a| a.submission.source_system.to_string()))
    .bind(each(group, |a| a.matter_code.clone()))
    .bind(each(group, |a| a.record_no.clone()))
    .bind(each(group, |a| a.submission.closed_on.clone()))
    .bind(each(group, |a| a.submission.reception.as_bytes().to_vec()))
    .bind(each(group, |a| a.submission.files.cast_signed()))
    .bind(each(group, |a| signed(a.submission.bytes)))
    .bind(each(group, |a| a.submission.warned.join(" ")))
    .bind(each(group, |a| a.checks.clone()))
    .bind(each(group, |a| a.parked_event.map(|h| h.as_bytes().to_vec())))
    .bind(each(group, |a| a.submission.actor.map(|h| h.0.to_vec())))
    .bind(each(group, |a| signed(a.place.segment)))
    .bind(each(group, |a| signed(a.place.start)))
    .bind(each(group, |a| signed(a.place.length)))
    .bind(each(group, |a| signed(a.place.reception_len)))
    .bind(each(group, |a| a.place.contents.join(" ")))
    .bind(each(group, |a| a.received_at))
    .execute(tx)
    .await
    .map(drop)
}

/// Takes parked submissions out of the way of a newer one. Gives those that were still parked.
pub(crate) async fn overtake(
    tx: &mut PgConnection,
    submissions: &[SubmissionId],
    at: i64,
) -> Result<Vec<Overtaken>, sqlx::Error> {
    let ids: Vec<Uuid> = submissions.iter().map(|s| s.uuid()).collect();
    let rows: Vec<(Uuid, Uuid, i32, Vec<u8>)> = sqlx::query_as(
        "update submissions set custody = 'superseded', decided_at = $2
         where submission = any($1) and custody = 'parked'
         returning submission, item, data_version, parked_event",
    )
    .bind(&ids)
    .bind(at)
    .fetch_all(tx)
    .await?;
    let overtaken = |(submission, item, data_version, event): (Uuid, Uuid, i32, Vec<u8>)| {
        Ok(Overtaken {
            submission: SubmissionId::from_uuid(submission),
            item: item.try_into().map_err(decode)?,
            data_version: version(data_version)?,
            parked_event: EventHash::from_slice(&event).map_err(decode)?,
        })
    };
    rows.into_iter().map(overtaken).collect()
}

/// Notes what registration decided. What was decided before, or is not known here, is left as it is and not given.
pub(crate) async fn settle(
    tx: &mut PgConnection,
    submissions: &[SubmissionId],
    outcome: Custody,
    at: i64,
) -> Result<Vec<SubmissionId>, sqlx::Error> {
    let ids: Vec<Uuid> = submissions.iter().map(|s| s.uuid()).collect();
    let done: Vec<Uuid> = sqlx::query_scalar(
        "update submissions set custody = $2, decided_at = $3
         where submission = any($1) and custody in ('parked', 'prefiled') returning submission",
    )
    .bind(&ids)
    .bind(outcome.name())
    .bind(at)
    .fetch_all(tx)
    .await?;
    Ok(done.into_iter().map(SubmissionId::from_uuid).collect())
}

/// A parked submission that a filing table now covers, with the hash of its `item.parked`.
pub(crate) type Parked = (Submission, EventHash);

#[derive(sqlx::FromRow)]
struct ParkedRow {
    submission: Uuid,
    item: Uuid,
    data_version: i32,
    source_system: String,
    closed_on: String,
    reception: Vec<u8>,
    files: i32,
    bytes: i64,
    warned: Vec<String>,
    parked_event: Vec<u8>,
    actor: Option<Vec<u8>>,
}

impl TryFrom<ParkedRow> for Parked {
    type Error = sqlx::Error;
    fn try_from(row: ParkedRow) -> Result<Self, sqlx::Error> {
        let submission = Submission {
            id: SubmissionId::from_uuid(row.submission),
            item: row.item.try_into().map_err(decode)?,
            data_version: version(row.data_version)?,
            source_system: row.source_system.parse().map_err(decode)?,
            closed_on: row.closed_on,
            reception: Sha256::from_slice(&row.reception).map_err(decode)?,
            files: row.files.cast_unsigned(),
            bytes: unsigned(row.bytes)?,
            warned: row.warned,
            actor: row.actor.and_then(|a| a.try_into().ok()).map(Actor),
        };
        Ok((submission, EventHash::from_slice(&row.parked_event).map_err(decode)?))
    }
}

/// Takes up to `limit` parked submissions of a matter that some version covers, oldest first, and holds them until
/// the transaction ends. What another process holds is passed over.
pub(crate) async fn take_parked(
    tx: &mut PgConnection,
    matter_code: &str,
    limit: i64,
) -> Result<Vec<Parked>, sqlx::Error> {
    let rows: Vec<ParkedRow> = sqlx::query_as(
        "select submission, item, data_version, source_system, closed_on, reception, files, bytes, warned,
                parked_event, actor
         from submissions s
         where matter_code = $1 and custody = 'parked'
           and exists (select 1 from matters m where m.matter_code = $1 and m.in_force_from <= s.closed_on)
         order by submission limit $2 for update skip locked",
    )
    .bind(matter_code)
    .bind(limit)
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Turns parked submissions into prefiled ones.
pub(crate) async fn mark_prefiled(
    tx: &mut PgConnection,
    released: &[SubmissionId],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = released.iter().map(|s| s.uuid()).collect();
    sqlx::query(
        "update submissions set custody = 'prefiled' where submission = any($1) and custody = 'parked'",
    )
    .bind(&ids)
    .execute(tx)
    .await
    .map(drop)
}

/// Codes of matters for which something is parked that a published version covers: what a crash may have left.
pub(crate) async fn releasable(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "select distinct s.matter_code from submissions s
         join matters m on m.matter_code = s.matter_code and m.in_force_from <= s.closed_on
         where s.custody = 'parked'",
    )
    .fetch_all(pool)
    .await
}

/// How much is undecided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Undecided {
    pub(crate) items: u64,
    pub(crate) bytes: u64,
    pub(crate) parked: u64,
}

/// Counts what is undecided.
pub(crate) async fn undecided(pool: &PgPool) -> Result<Undecided, sqlx::Error> {
    let (items, bytes, parked): (i64, i64, i64) = sqlx::query_as(
        "select count(*), coalesce(sum(bytes), 0)::bigint, count(*) filter (where custody = 'parked')
         from submissions where custody in ('parked', 'prefiled')",
    )
    .fetch_one(pool)
    .await?;
    Ok(Undecided { items: unsigned(items)?, bytes: unsigned(bytes)?, parked: unsigned(parked)? })
}

/// Since when the oldest wait, milliseconds since the epoch; 0: none waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Oldest {
    pub(crate) prefiled: i64,
    pub(crate) parked: i64,
}

/// Since when the oldest undecided and the oldest parked wait: reads every undecided row, so not often.
pub(crate) async fn oldest(pool: &PgPool) -> Result<Oldest, sqlx::Error> {
    sqlx::query_as(
        "select coalesce(min(received_at) filter (where custody = 'prefiled'), 0) as prefiled,
                coalesce(min(received_at) filter (where custody = 'parked'), 0) as parked
         from submissions where custody in ('parked', 'prefiled')",
    )
    .fetch_one(pool)
    .await
}

/// One submission, for who asks about it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) submission: SubmissionId,
    pub(crate) item: ItemId,
    pub(crate) data_version: DataVersion,
    pub(crate) custody: Custody,
    pub(crate) matter_code: String,
    pub(crate) checks: Value,
    pub(crate) received_at: i64,
}

type KnownRow = (Uuid, Uuid, i32, String, String, Value, i64);

/// A submission by its id.
pub(crate) async fn by_id(pool: &PgPool, id: SubmissionId) -> Result<Option<Known>, sqlx::Error> {
    let row: Option<KnownRow> = sqlx::query_as(
        "select submission, item, data_version, custody, matter_code, checks, received_at from submissions
         where submission = $1",
    )
    .bind(id.uuid())
    .fetch_optional(pool)
    .await?;
    row.map(known).transpose()
}

/// The newest submission of an item.
pub(crate) async fn newest(pool: &PgPool, item: ItemId) -> Result<Option<Known>, sqlx::Error> {
    let row: Option<KnownRow> = sqlx::query_as(
        "select submission, item, data_version, custody, matter_code, checks, received_at from submissions
         where item = $1 order by data_version desc, submission desc limit 1",
    )
    .bind(item.uuid())
    .fetch_optional(pool)
    .await?;
    row.map(known).transpose()
}

fn known(row: KnownRow) -> Result<Known, sqlx::Error> {
    let (submission, item, data_version, held, matter_code, checks, received_at) = row;
    Ok(Known {
        submission: SubmissionId::from_uuid(submission),
        item: item.try_into().map_err(decode)?,
        data_version: version(data_version)?,
        custody: custody(&held)?,
        matter_code,
        checks,
        received_at,
    })
}
