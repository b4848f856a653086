//! Attempts and the items they stand for, in one statement however many events a bundle holds.
//!
//! Which attempt stands is the greatest by (filed, kept, data version, submission): each attempt only ever grows in
//! that order, so an item's row is merged by comparing, without looking at the item's other attempts.

use dengbei_records::{EventHash, ItemId};
use sqlx::{FromRow, PgConnection};

use super::packs;
use super::tallies::Tally;
use crate::attempt::Attempt;
use crate::counted::{Counted, Sums};
use crate::derive::Changes;

/// Items that moved alike; or, where `says` is set, attempts that counted for the same and now count for the same.
#[derive(Debug, FromRow)]
struct Moved {
    was: Option<String>,
    says: Option<String>,
    unit_uscc: String,
    rank: i16,
    pack: i64,
    was_unit: String,
    was_rank: i16,
    was_pack: i64,
    source_system: String,
    matter_code: String,
    closed_on: String,
    was_source: String,
    was_matter: String,
    was_closed: String,
    n: i64,
}

/// The same merge as [`Attempt::merge`], between what is known and what comes; then the items', and what is counted.
const PUT: &str = "with a as (
    insert into query.attempts as a (submission, item, data_version, rank, changed_at, year, failed, source_system,
                                     matter_code, unit_uscc, retention, archival_code, pack, prefiled, filed,
                                     received_on, refused_on, returned_on, filed_on, department, closed_on)
    select s, i, v, r, c, y, coalesce(string_to_array(nullif(f, ''), E'\\x1f'), '{}'), src, m, u, ret, code, p, pf, fl,
           o1, o2, o3, o4, dep, clo
    from unnest($1::uuid[], $2::uuid[], $3::int[], $4::smallint[], $5::bigint[], $6::int[], $7::text[], $8::text[],
                $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::bytea[], $15::bytea[],
                $16::int[], $17::int[], $18::int[], $19::int[], $20::text[], $21::text[])
         as t(s, i, v, r, c, y, f, src, m, u, ret, code, p, pf, fl, o1, o2, o3, o4, dep, clo) order by s
    on conflict (submission) do update set
        changed_at = case when (excluded.rank, excluded.changed_at) > (a.rank, a.changed_at)
                          then excluded.changed_at else a.changed_at end,
        rank = greatest(a.rank, excluded.rank),
        year = greatest(a.year, excluded.year),
        failed = case when cardinality(a.failed) = 0 then excluded.failed else a.failed end,
        source_system = case when excluded.prefiled is not null then excluded.source_system
                             else coalesce(a.source_system, excluded.source_system) end,
        matter_code = case when excluded.prefiled is not null then excluded.matter_code
                           else coalesce(a.matter_code, excluded.matter_code) end,
        unit_uscc = case when excluded.prefiled is not null then excluded.unit_uscc
                         else coalesce(a.unit_uscc, excluded.unit_uscc) end,
        item = coalesce(a.item, excluded.item),
        data_version = greatest(a.data_version, excluded.data_version),
        received_on = least(a.received_on, excluded.received_on),
        refused_on = least(a.refused_on, excluded.refused_on),
        returned_on = least(a.returned_on, excluded.returned_on),
        filed_on = least(a.filed_on, excluded.filed_on),
        department = coalesce(a.department, excluded.department),
        closed_on = coalesce(a.closed_on, excluded.closed_on),
        was = concat(a.received_on, E'\\x1f', a.refused_on, E'\\x1f', a.returned_on, E'\\x1f', a.filed_on, E'\\x1f',
                     a.source_system, E'\\x1f', a.matter_code, E'\\x1f', a.unit_uscc, E'\\x1f', a.department,
                     E'\\x1f', array_to_string(a.failed, ',')),
        retention = coalesce(a.retention, excluded.retention),
        archival_code = coalesce(a.archival_code, excluded.archival_code),
        pack = coalesce(a.pack, excluded.pack),
        prefiled = coalesce(a.prefiled, excluded.prefiled),
        filed = coalesce(a.filed, excluded.filed)
    returning submission, item, data_version, rank, changed_at, coalesce(pack, 0) as pack,
              coalesce(unit_uscc, '') as unit_uscc, coalesce(matter_code, '') as matter_code,
              coalesce(source_system, '') as source_system, coalesce(closed_on, '') as closed_on, was,
              concat(received_on, E'\\x1f', refused_on, E'\\x1f', returned_on, E'\\x1f', filed_on, E'\\x1f',
                     source_system, E'\\x1f', matter_code, E'\\x1f', unit_uscc, E'\\x1f', department, E'\\x1f',
                     array_to_string(failed, ',')) as says
), i as (
    insert into query.items as i (item, submission, data_version, rank, changed_at, pack, unit_uscc, matter_code,
                                  source_system, closed_on)
    select item, submission, data_version, rank, changed_at, pack, unit_uscc, matter_code, source_system, closed_on
    from (
        select distinct on (item) * from a where item is not null
        order by item, rank >= 6 desc, rank > 0 desc, data_version desc, submission desc) as best
    order by item
    on conflict (item) do update set
        was_rank = i.rank, was_pack = i.pack, was_unit = i.unit_uscc, was_source = i.source_system,
        was_matter = i.matter_code, was_closed = i.closed_on, source_system = excluded.source_system,
        closed_on = excluded.closed_on,
        submission = excluded.submission, data_version = excluded.data_version, rank = excluded.rank,
        changed_at = excluded.changed_at, pack = excluded.pack, unit_uscc = excluded.unit_uscc,
        matter_code = excluded.matter_code
    where (excluded.rank >= 6, excluded.rank > 0, excluded.data_version, excluded.submission)
              > (i.rank >= 6, i.rank > 0, i.data_version, i.submission)
       or (i.submission = excluded.submission
           and (i.rank, i.changed_at, i.pack, i.unit_uscc, i.matter_code, i.source_system, i.closed_on)
               is distinct from (excluded.rank, excluded.changed_at, excluded.pack, excluded.unit_uscc,
                                 excluded.matter_code, excluded.source_system, excluded.closed_on))
    returning unit_uscc, rank, pack, was_unit, was_rank, was_pack, source_system, matter_code, closed_on, was_source,
              was_matter, was_closed
)
select null as was, null as says, unit_uscc, rank, pack, was_unit, was_rank, was_pack, source_system, matter_code,
       closed_on, was_source, was_matter, was_closed, count(*) as n
from i group by 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
union all
select was, says, '', 0::smallint, 0::bigint, '', 0::smallint, 0::bigint, '', '', '', '', '', '', count(*)
from a where was <> says group by 1, 2";

/// Merges what is known of submissions, and lets their items follow.
pub(crate) async fn put(tx: &mut PgConnection, changes: &Changes, tally: &mut Tally) -> sqlx::Result<()> {
    if changes.attempts.is_empty() {
        return Ok(());
    }
    let of = Columns(changes.attempts.values().collect());
    let moved: Vec<Moved> = sqlx::query_as(PUT)
        .bind(of.column(|a| a.submission.uuid()))
        .bind(of.column(|a| a.item.map(ItemId::uuid)))
        .bind(of.column(|a| i32::try_from(a.data_version).unwrap_or(i32::MAX)))
        .bind(of.column(|a| a.rank.number()))
        .bind(of.column(|a| a.changed_at))
        .bind(of.column(|a| i32::from(a.year)))
        .bind(of.column(|a| a.failed.join("\u{1f}")))
        .bind(of.column(|a| a.source_system.clone()))
        .bind(of.column(|a| a.matter_code.clone()))
        .bind(of.column(|a| a.unit_uscc.clone()))
        .bind(of.column(|a| a.retention.clone()))
        .bind(of.column(|a| a.archival_code.clone()))
        .bind(of.column(|a| a.pack.map(u64::cast_signed)))
        .bind(of.column(|a| bytes(a.prefiled)))
        .bind(of.column(|a| bytes(a.filed)))
        .bind(of.column(|a| a.on.received))
        .bind(of.column(|a| a.on.refused))
        .bind(of.column(|a| a.on.returned))
        .bind(of.column(|a| a.on.filed))
        .bind(of.column(|a| a.department.clone()))
        .bind(of.column(|a| a.closed_on.clone()))
        .fetch_all(&mut *tx)
        .await?;
    let mut standing = packs::Standing::new();
    for m in moved {
        if let Some(says) = &m.says {
            count_attempts(&mut tally.quality, (m.was.as_deref().unwrap_or_default(), says), m.n)?;
            continue;
        }
        tally.quality.items((&m.was_closed, &m.was_source, &m.was_matter), m.was_rank, -m.n);
        tally.quality.items((&m.closed_on, &m.source_system, &m.matter_code), m.rank, m.n);
        tally.custody(&m.was_unit, m.was_rank, -m.n);
        tally.custody(&m.unit_uscc, m.rank, m.n);
        *standing.entry(m.was_pack).or_default() -= m.n;
        *standing.entry(m.pack).or_default() += m.n;
    }
    packs::add_standing(tx, &standing).await
}

/// Takes back what attempts counted for, and adds what they count for now.
fn count_attempts(sums: &mut Sums, (was, says): (&str, &str), n: i64) -> sqlx::Result<()> {
    let read = |text: &str| {
        Counted::read(text).ok_or_else(|| sqlx::Error::Decode(format!("attempts.was {text}").into()))
    };
    if !was.is_empty() {
        sums.attempt(&read(was)?, -n);
    }
    sums.attempt(&read(says)?, n);
    Ok(())
}

struct Columns<'a>(Vec<&'a Attempt>);

impl Columns<'_> {
    fn column<T>(&self, pick: fn(&Attempt) -> T) -> Vec<T> {
        self.0.iter().map(|attempt| pick(attempt)).collect()
    }
}

fn bytes(hash: Option<EventHash>) -> Option<Vec<u8>> {
    hash.map(|hash| hash.as_bytes().to_vec())
}
