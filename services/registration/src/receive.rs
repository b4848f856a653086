//! 接管: custody of what ingest pre-filed, and which of several submissions of one item counts.
//!
//! A higher data version takes the place of a lower one that is not planned yet; behind a planned one it waits. Nothing
//! is stated here: `return_item.rs` does, when this database is known to be up to date. Before: `consumer.rs`.

use dengbei_chain::Event;
use dengbei_chain::facts::ItemPrefiled;
use dengbei_records::{EventHash, ItemId, Timestamp};
use sqlx::PgConnection;

use crate::store::items::{self, Rival, Standing};
use crate::wake::{self, Topic};

/// Takes custody of a run of pre-filed items.
pub(crate) async fn receive(
    tx: &mut PgConnection,
    arrived: &[(&Event, &ItemPrefiled)],
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let rows: Vec<(EventHash, &ItemPrefiled)> = arrived.iter().map(|(e, f)| (e.hash, *f)).collect();
    items::receive(tx, &rows, at).await?;
    dengbei_bus::keep_traces(tx, rows.iter().map(|(hash, _)| *hash)).await?;
    let ids: Vec<ItemId> = rows.iter().map(|(_, f)| f.item).collect();
    let losers = superseded(&items::rivals(tx, &ids).await?);
    for (loser, winner) in &losers {
        items::supersede(tx, *loser, *winner).await?;
    }
    if !losers.is_empty() {
        wake::on_commit(tx, Topic::Decided).await?;
    }
    Ok(())
}

/// Who gives way to whom, among the submissions of some items in the order of their versions and arrival.
fn superseded(rivals: &[Rival]) -> Vec<(EventHash, EventHash)> {
    let open = rivals.iter().filter(|r| matches!(r.standing, Standing::Prefiled | Standing::Ready));
    open.filter_map(|loser| winner_over(loser, rivals).map(|w| (loser.prefiled, w.prefiled))).collect()
}

fn winner_over<'a>(loser: &Rival, rivals: &'a [Rival]) -> Option<&'a Rival> {
    let same_item = || rivals.iter().filter(|r| r.item == loser.item && r.prefiled != loser.prefiled);
    let highest = same_item().filter(|r| r.data_version > loser.data_version).max_by_key(|r| r.data_version);
    highest.or_else(|| {
        // The same version twice: ingest lost its memory. What came first counts, and what is planned or filed.
        let twins = same_item().filter(|r| r.data_version == loser.data_version);
        let mut standing = twins.filter(|r| !matches!(r.standing, Standing::Returned | Standing::Superseded));
        standing.find(|r| {
            matches!(r.standing, Standing::Planned | Standing::Filed) || is_before(r, loser, rivals)
        })
    })
}

fn is_before(a: &Rival, b: &Rival, order: &[Rival]) -> bool {
    let at = |r: &Rival| order.iter().position(|o| o.prefiled == r.prefiled);
    at(a) < at(b)
}

#[cfg(test)]
mod tests {
    use dengbei_records::{DataVersion, IdKey, SubmissionId};

    use super::*;

    fn rival(n: u8, version: u32, standing: Standing) -> Rival {
        Rival {
            prefiled: EventHash::of(&[n]),
            item: ItemId::derive(&IdKey::from_bytes([1; 32]), &"ZWFW".parse().unwrap(), "1"),
            data_version: DataVersion::try_from(version).unwrap(),
            submission: SubmissionId::from_uuid(uuid::Uuid::from_u128(n.into())),
            standing,
        }
    }

    fn hash(n: u8) -> EventHash {
        EventHash::of(&[n])
    }

    #[test]
    fn a_higher_version_takes_the_place_of_what_is_not_planned() {
        for standing in [Standing::Prefiled, Standing::Ready] {
            let rivals = [rival(1, 1, standing), rival(2, 2, Standing::Prefiled)];
            assert_eq!(superseded(&rivals), [(hash(1), hash(2))]);
        }
    }

    #[test]
    fn a_higher_version_waits_behind_a_planned_one() {
        for standing in [Standing::Planned, Standing::Filed, Standing::Returned] {
            let rivals = [rival(1, 1, standing), rival(2, 2, Standing::Prefiled)];
            assert_eq!(superseded(&rivals), []);
        }
    }

    #[test]
    fn a_lower_version_that_comes_late_gives_way_to_the_highest() {
        let rivals = [
            rival(1, 1, Standing::Prefiled),
            rival(2, 2, Standing::Superseded),
            rival(3, 3, Standing::Filed),
        ];
        assert_eq!(superseded(&rivals), [(hash(1), hash(3))]);
    }

    #[test]
    fn a_new_attempt_after_a_return_counts_and_a_twin_does_not() {
        let again = [rival(1, 1, Standing::Returned), rival(2, 1, Standing::Prefiled)];
        assert_eq!(superseded(&again), []);
        let twins = [rival(1, 1, Standing::Prefiled), rival(2, 1, Standing::Prefiled)];
        assert_eq!(superseded(&twins), [(hash(2), hash(1))]);
        let filed = [rival(1, 1, Standing::Prefiled), rival(2, 1, Standing::Filed)];
        assert_eq!(superseded(&filed), [(hash(1), hash(2))]);
    }
}
