//! Where staged bytes lie, and what of them is to be let go. A row points at bytes that were durable before it.

use std::collections::HashMap;

use dengbei_records::{Sha256, SubmissionId};
use dengbei_vault::{Owned, SegmentId};
use sqlx::postgres::PgPool;
use uuid::Uuid;

use super::{decode, unsigned};
use crate::stage::Place;

/// A staged submission: where, and the digest of its `reception.json`.
pub(crate) type Staged = (Place, Sha256);

type PlaceRow = (Uuid, i64, i64, i64, i64, Vec<String>, Vec<u8>);

/// Where the bytes of these submissions lie, of those that are undecided.
pub(crate) async fn of(
    pool: &PgPool,
    submissions: &[SubmissionId],
) -> Result<HashMap<SubmissionId, Staged>, sqlx::Error> {
    let ids: Vec<Uuid> = submissions.iter().map(|s| s.uuid()).collect();
    let rows: Vec<PlaceRow> = sqlx::query_as(
        "select submission, segment, place, length, reception_len, contents, reception from submissions
         where submission = any($1) and custody in ('parked', 'prefiled')",
    )
    .bind(&ids)
    .fetch_all(pool)
    .await?;
    let mut staged = HashMap::with_capacity(rows.len());
    for (submission, segment, start, length, reception_len, contents, reception) in rows {
        let place = Place {
            segment: unsigned(segment)?,
            start: unsigned(start)?,
            length: unsigned(length)?,
            reception_len: unsigned(reception_len)?,
            contents,
        };
        let reception = Sha256::from_slice(&reception).map_err(decode)?;
        staged.insert(SubmissionId::from_uuid(submission), (place, reception));
    }
    Ok(staged)
}

/// A piece of a segment: (segment, first byte, bytes).
pub(crate) type Piece = (u64, u64, u64);

/// Everything that must stay on the staging disk.
pub(crate) async fn live(pool: &PgPool) -> Result<Vec<Piece>, sqlx::Error> {
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
        "select segment, place, length from submissions where custody in ('parked', 'prefiled')",
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(|(s, p, l)| Ok((unsigned(s)?, unsigned(p)?, unsigned(l)?))).collect()
}

/// A decided submission whose bytes are still staged, and where.
pub(crate) type Decided = (SubmissionId, Piece);

/// Decided submissions that are to be let go from the segments that are ours, segment by segment: those of a closed
/// segment in which nothing is undecided, and those that were decided `before` and wait no longer.
pub(crate) async fn to_let_go(
    pool: &PgPool,
    owned: &[Owned],
    before: i64,
) -> Result<Vec<Vec<Decided>>, sqlx::Error> {
    let of = |wanted: fn(&Owned) -> bool| -> Vec<i64> {
        owned.iter().filter(|o| wanted(o)).map(|o| o.segment.get().cast_signed()).collect()
    };
    let segments: Vec<i64> = sqlx::query_scalar(
        "select s.segment from (
             select segment, min(decided_at) as since from submissions
             where segment is not null and segment = any($2) and custody not in ('parked', 'prefiled')
             group by segment) s
         where s.since <= $1
            or (s.segment = any($3)
                and not exists (select from submissions u
                                where u.segment = s.segment and u.custody in ('parked', 'prefiled')))
         order by s.segment limit 16",
    )
    .bind(before)
    .bind(of(|_| true))
    .bind(of(|o| o.is_closed))
    .fetch_all(pool)
    .await?;
    let rows: Vec<(Uuid, i64, i64, i64)> = sqlx::query_as(
        "select submission, segment, place, length from submissions
         where segment = any($1) and custody not in ('parked', 'prefiled') order by segment",
    )
    .bind(&segments)
    .fetch_all(pool)
    .await?;
    let decided = |(id, s, p, l): (Uuid, i64, i64, i64)| {
        Ok((SubmissionId::from_uuid(id), (unsigned(s)?, unsigned(p)?, unsigned(l)?)))
    };
    let rows = rows.into_iter().map(decided).collect::<Result<Vec<Decided>, sqlx::Error>>()?;
    Ok(rows.chunk_by(|(_, a), (_, b)| a.0 == b.0).map(<[Decided]>::to_vec).collect())
}

/// Everything that has a row in these segments, decided or not: what is decided is let go the usual way.
pub(crate) async fn staged_in(pool: &PgPool, segments: &[SegmentId]) -> Result<Vec<Piece>, sqlx::Error> {
    let rows: Vec<(i64, i64, i64)> =
        sqlx::query_as("select segment, place, length from submissions where segment = any($1)")
            .bind(segments.iter().map(|s| s.get().cast_signed()).collect::<Vec<_>>())
            .fetch_all(pool)
            .await?;
    rows.into_iter().map(|(s, p, l)| Ok((unsigned(s)?, unsigned(p)?, unsigned(l)?))).collect()
}

/// Whether there is a row for a submission, whatever became of it.
pub(crate) async fn is_known(pool: &PgPool, submission: SubmissionId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select exists (select from submissions where submission = $1)")
        .bind(submission.uuid())
        .fetch_one(pool)
        .await
}

/// Segments that are not among `ours` and still have rows of what is decided.
pub(crate) async fn decided_elsewhere(
    pool: &PgPool,
    ours: &[SegmentId],
    limit: i64,
) -> Result<Vec<SegmentId>, sqlx::Error> {
    let rows: Vec<i64> = sqlx::query_scalar(
        "select distinct segment from submissions
         where segment is not null and custody not in ('parked', 'prefiled') and segment <> all($1)
         order by segment limit $2",
    )
    .bind(ours.iter().map(|s| s.get().cast_signed()).collect::<Vec<_>>())
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(|segment| Ok(SegmentId::new(unsigned(segment)?))).collect()
}

/// Notes that everything decided of a segment is gone.
pub(crate) async fn struck_out(pool: &PgPool, segment: SegmentId) -> Result<(), sqlx::Error> {
    sqlx::query(
        "update submissions set segment = null, place = null, length = null, reception_len = null, contents = null
         where segment = $1 and custody not in ('parked', 'prefiled')",
    )
    .bind(segment.get().cast_signed())
    .execute(pool)
    .await
    .map(drop)
}

/// Notes that the bytes are gone.
pub(crate) async fn gone(pool: &PgPool, submissions: &[SubmissionId]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = submissions.iter().map(|s| s.uuid()).collect();
    sqlx::query(
        "update submissions set segment = null, place = null, length = null, reception_len = null, contents = null
         where submission = any($1) and custody not in ('parked', 'prefiled')",
    )
    .bind(&ids)
    .execute(pool)
    .await
    .map(drop)
}
