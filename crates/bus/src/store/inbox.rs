//! `bus.inbox`, `bus.watermark`, `bus.settled`: what a consumer is done with.

use std::time::Duration;

use sqlx::postgres::{PgConnection, PgPool};

use super::{seconds, signed};

/// A bundle in a consumer's eyes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) consumer: &'a str,
    pub(crate) producer: &'a str,
    pub(crate) sequence: u64,
}

/// Claims whole bundles in this transaction, in the given order. False: one is done, or some of its events are; then the
/// transaction is of no use. Whoever else claims one, or one of its events, waits for the end of this transaction.
pub(crate) async fn claim_whole(tx: &mut PgConnection, places: &[Place<'_>]) -> Result<bool, sqlx::Error> {
    let consumer = places.first().map_or("", |place| place.consumer);
    sqlx::query_scalar(
        "select coalesce(bool_and(bus.claim_whole($1, b.producer, b.sequence)), true)
         from unnest($2::text[], $3::bigint[]) b (producer, sequence)",
    )
    .bind(consumer)
    .bind(places.iter().map(|place| place.producer).collect::<Vec<_>>())
    .bind(places.iter().map(|place| signed(place.sequence)).collect::<Vec<_>>())
    .fetch_one(tx)
    .await
}

/// Claims one event of a bundle that goes event by event, in this transaction. False: it is done.
pub(crate) async fn claim_event(
    tx: &mut PgConnection,
    place: Place<'_>,
    ordinal: usize,
) -> Result<bool, sqlx::Error> {
    lock(tx, place).await?;
    let inserted = sqlx::query(
        "insert into bus.settled (consumer, producer, sequence, ordinal) select $1, $2, $3, $4
         where not exists (select from bus.watermark where consumer = $1 and producer = $2 and up_to >= $3)
           and not exists (select from bus.inbox where consumer = $1 and producer = $2 and sequence = $3)
         on conflict do nothing",
    )
    .bind(place.consumer)
    .bind(place.producer)
    .bind(signed(place.sequence))
    .bind(i32::try_from(ordinal).unwrap_or(i32::MAX))
    .execute(tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Until the transaction ends nobody else claims anything of this bundle.
async fn lock(tx: &mut PgConnection, place: Place<'_>) -> Result<(), sqlx::Error> {
    sqlx::query("select bus.lock_bundle($1, $2, $3)")
        .bind(place.consumer)
        .bind(place.producer)
        .bind(signed(place.sequence))
        .execute(tx)
        .await
        .map(drop)
}

/// Which events of the bundle are done already.
pub(crate) async fn settled_events(pool: &PgPool, place: Place<'_>) -> Result<Vec<usize>, sqlx::Error> {
    let ordinals: Vec<i32> = sqlx::query_scalar(
        "select ordinal from bus.settled where consumer = $1 and producer = $2 and sequence = $3",
    )
    .bind(place.consumer)
    .bind(place.producer)
    .bind(signed(place.sequence))
    .fetch_all(pool)
    .await?;
    Ok(ordinals.into_iter().filter_map(|n| usize::try_from(n).ok()).collect())
}

/// Marks a bundle done whose events are all settled one by one.
pub(crate) async fn finish(tx: &mut PgConnection, place: Place<'_>, keep: bool) -> Result<(), sqlx::Error> {
    lock(tx, place).await?;
    sqlx::query("delete from bus.settled where consumer = $1 and producer = $2 and sequence = $3")
        .bind(place.consumer)
        .bind(place.producer)
        .bind(signed(place.sequence))
        .execute(&mut *tx)
        .await?;
    if keep {
        claim_whole(tx, &[place]).await?;
    }
    Ok(())
}

/// Which of these bundles are done, in the same order.
pub(crate) async fn are_done(
    pool: &PgPool,
    consumer: &str,
    bundles: &[(String, u64)],
) -> Result<Vec<bool>, sqlx::Error> {
    let producers: Vec<&str> = bundles.iter().map(|(producer, _)| producer.as_str()).collect();
    let sequences: Vec<i64> = bundles.iter().map(|(_, sequence)| signed(*sequence)).collect();
    sqlx::query_scalar(
        "select exists (select from bus.inbox i
                        where i.consumer = $1 and i.producer = b.producer and i.sequence = b.sequence)
             or exists (select from bus.watermark w
                        where w.consumer = $1 and w.producer = b.producer and w.up_to >= b.sequence)
         from unnest($2::text[], $3::bigint[]) with ordinality b (producer, sequence, place) order by b.place",
    )
    .bind(consumer)
    .bind(producers)
    .bind(sequences)
    .fetch_all(pool)
    .await
}

/// Raises the watermarks over what is gap-free, and drops those rows. Rows younger than `older_than` stay: a statement
/// that began before must still see them.
pub(crate) async fn compact(pool: &PgPool, consumer: &str, older_than: Duration) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query(
        "with above as (
             select i.producer, i.sequence,
                    i.sequence - row_number() over (partition by i.producer order by i.sequence)
                        - coalesce(w.up_to, 0) as gap
             from bus.inbox i left join bus.watermark w using (consumer, producer)
             where i.consumer = $1 and i.sequence > coalesce(w.up_to, 0)
               and i.settled_at < now() - make_interval(secs => $2)
         ), raised as (
             insert into bus.watermark (consumer, producer, up_to)
             select $1, producer, max(sequence) from above where gap = 0 group by producer
             on conflict (consumer, producer)
             do update set up_to = greatest(bus.watermark.up_to, excluded.up_to)
             returning producer, up_to
         )
         delete from bus.inbox i using raised r
         where i.consumer = $1 and i.producer = r.producer and i.sequence <= r.up_to
           and i.settled_at < now() - make_interval(secs => $2)",
    )
    .bind(consumer)
    .bind(seconds(older_than))
    .execute(pool)
    .await?;
    Ok(gone.rows_affected())
}

#[cfg(test)]
mod tests {
    use dengbei_kit::db;
    use dengbei_testkit::{PATIENCE, Postgres, eventually};

    use super::*;

    async fn database() -> PgPool {
        let url = Postgres::start().await.unwrap().database().await.unwrap();
        db::connect(&url, &[&crate::MIGRATOR]).await.unwrap()
    }

    async fn claim(pool: &PgPool, sequence: u64) -> bool {
        let place = Place { consumer: "query", producer: "ingest.1", sequence };
        claim_whole(&mut pool.acquire().await.unwrap(), &[place]).await.unwrap()
    }

    #[tokio::test]
    async fn the_watermark_rises_over_what_has_no_gap_and_remembers_it() {
        let pool = database().await;
        for sequence in [1, 2, 3, 5, 6] {
            assert!(claim(&pool, sequence).await);
        }
        assert_eq!(compact(&pool, "query", Duration::from_secs(60)).await.unwrap(), 0, "all are young");
        assert_eq!(compact(&pool, "query", Duration::ZERO).await.unwrap(), 3);
        let of = |n| ("ingest.1".to_owned(), n);
        let done = are_done(&pool, "query", &[of(2), of(4), of(5), of(7)]).await.unwrap();
        assert_eq!(done, [true, false, true, false]);
        assert!(!claim(&pool, 2).await, "below the watermark");
        assert!(!claim(&pool, 5).await, "above the gap");
        assert!(claim(&pool, 4).await);
        assert_eq!(compact(&pool, "query", Duration::ZERO).await.unwrap(), 3);
        assert!(!claim(&pool, 6).await);
    }

    const PLACE: Place<'static> = Place { consumer: "query", producer: "ingest.1", sequence: 7 };

    /// How another process fares that claims while `first` is claimed and not committed yet.
    async fn meanwhile(pool: &PgPool, first: Claimed, second: Claimed) -> bool {
        let mut tx = pool.begin().await.unwrap();
        assert!(first.claim(&mut tx).await);
        let (other, watch) = (pool.clone(), pool.clone());
        let second = tokio::spawn(async move {
            let mut tx = other.begin().await.unwrap();
            let is_ours = second.claim(&mut tx).await;
            tx.commit().await.unwrap();
            is_ours
        });
        eventually(PATIENCE, "the second waits for the first", async || {
            let waiting: i64 = sqlx::query_scalar("select count(*) from pg_locks where not granted")
                .fetch_one(&watch)
                .await?;
            anyhow::ensure!(waiting > 0);
            Ok(())
        })
        .await
        .unwrap();
        tx.commit().await.unwrap();
        second.await.unwrap()
    }

    #[derive(Clone, Copy)]
    enum Claimed {
        Whole,
        Event(usize),
        Finished,
    }

    impl Claimed {
        async fn claim(self, tx: &mut PgConnection) -> bool {
            match self {
                Self::Whole => claim_whole(tx, &[PLACE]).await.unwrap(),
                Self::Event(ordinal) => claim_event(tx, PLACE, ordinal).await.unwrap(),
                Self::Finished => finish(tx, PLACE, true).await.is_ok(),
            }
        }
    }

    #[tokio::test]
    async fn a_bundle_that_one_applies_whole_another_does_not_apply_event_by_event() {
        let pool = database().await;
        assert!(!meanwhile(&pool, Claimed::Whole, Claimed::Event(0)).await);
    }

    #[tokio::test]
    async fn a_bundle_that_one_applies_event_by_event_another_does_not_apply_whole() {
        let pool = database().await;
        assert!(!meanwhile(&pool, Claimed::Event(0), Claimed::Whole).await);
        assert!(!meanwhile(&pool, Claimed::Event(1), Claimed::Event(1)).await);
        assert!(meanwhile(&pool, Claimed::Event(2), Claimed::Event(3)).await);
    }

    #[tokio::test]
    async fn an_event_is_not_claimed_again_while_its_bundle_is_being_finished() {
        let pool = database().await;
        assert!(claim_event(&mut pool.acquire().await.unwrap(), PLACE, 0).await.unwrap());
        assert!(!meanwhile(&pool, Claimed::Finished, Claimed::Event(0)).await);
        assert!(!claim(&pool, 7).await);
    }

    #[tokio::test]
    async fn two_that_compact_at_once_leave_one_true_watermark() {
        let pool = database().await;
        for sequence in 1..=200 {
            assert!(claim(&pool, sequence).await);
        }
        let each = (0..8).map(|_| compact(&pool, "query", Duration::ZERO));
        let gone: u64 = futures::future::join_all(each).await.into_iter().map(Result::unwrap).sum();
        assert_eq!(gone, 200);
        assert!(!claim(&pool, 200).await && claim(&pool, 201).await);
    }

    #[tokio::test]
    async fn a_watermark_does_not_begin_above_a_gap() {
        let pool = database().await;
        assert!(claim(&pool, 2).await);
        assert_eq!(compact(&pool, "query", Duration::ZERO).await.unwrap(), 0);
        assert!(claim(&pool, 1).await);
    }
}
