//! 来源: where submissions come from, as their packages say it.

use sqlx::postgres::{PgConnection, PgPool};
use uuid::Uuid;

use dengbei_records::SubmissionId;

use crate::origin::Origin;

/// Keeps origins, each once.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    rows: &[(SubmissionId, &Origin)],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    fn each<'a>(rows: &[(SubmissionId, &'a Origin)], of: fn(&'a Origin) -> &'a str) -> Vec<&'a str> {
        rows.iter().map(|(_, origin)| of(origin)).collect()
    }
    sqlx::query(
        "insert into origins (submission, source_system, matter_code, unit_uscc, department, closed_on)
         select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
         on conflict do nothing",
    )
    .bind(rows.iter().map(|(id, _)| id.uuid()).collect::<Vec<_>>())
    .bind(each(rows, |o| &o.source_system))
    .bind(each(rows, |o| &o.matter_code))
    .bind(each(rows, |o| &o.unit_uscc))
    .bind(each(rows, |o| &o.department))
    .bind(each(rows, |o| &o.closed_on))
    .execute(tx)
    .await
    .map(drop)
}

type Row = (Uuid, String, String, String, String, String);

/// What is known of these; of those that came before this was kept, what their submission says.
pub(crate) async fn of(pool: &PgPool, ids: &[Uuid]) -> Result<Vec<(Uuid, Origin)>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select coalesce(o.submission, s.submission), coalesce(o.source_system, s.source_system),
                coalesce(o.matter_code, s.matter_code), coalesce(o.unit_uscc, ''), coalesce(o.department, ''),
                coalesce(o.closed_on, s.closed_on)
         from unnest($1::uuid[]) as asked(id)
         left join origins o on o.submission = asked.id
         left join submissions s on s.submission = asked.id
         where o.submission is not null or s.submission is not null",
    )
    .bind(ids)
    .fetch_all(pool)
    .await?;
    let origin = |(id, source_system, matter_code, unit_uscc, department, closed_on): Row| {
        (id, Origin { source_system, matter_code, unit_uscc, department, closed_on })
    };
    Ok(rows.into_iter().map(origin).collect())
}
