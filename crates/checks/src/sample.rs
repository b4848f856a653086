//! 抽样: which items of many are looked at. The seed decides; whoever has it and the ids draws the same sample.

use dengbei_records::{ItemId, Sha256};
use serde::{Deserialize, Serialize};

/// A sample, so that it can be drawn again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// What decided.
    pub seed: String,
    /// Items of a hundred.
    pub percent: u64,
    /// How many there were.
    pub of: u64,
    /// The items taken, in order of their ids.
    pub items: Vec<ItemId>,
}

impl Sample {
    /// Draws: every item's place is SHA-256(seed ‖ 0x00 ‖ id), the first of every hundred begun are taken. The order of
    /// `items` and repetitions do not matter.
    pub fn draw(seed: &str, items: &[ItemId], percent: u64) -> Self {
        let mut ranked: Vec<(Sha256, ItemId)> = items.iter().map(|id| (place(seed, id), *id)).collect();
        ranked.sort_unstable();
        ranked.dedup();
        let of = ranked.len() as u64;
        let wanted = (of * percent.min(100)).div_ceil(100);
        ranked.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        let mut items: Vec<ItemId> = ranked.into_iter().map(|(_, id)| id).collect();
        items.sort_unstable();
        Self { seed: seed.to_owned(), percent, of, items }
    }

    /// Whether an item was taken.
    pub fn holds(&self, item: &ItemId) -> bool {
        self.items.binary_search(item).is_ok()
    }
}

fn place(seed: &str, id: &ItemId) -> Sha256 {
    let mut bytes = seed.as_bytes().to_vec();
    bytes.push(0);
    bytes.extend_from_slice(id.to_string().as_bytes());
    Sha256::of(&bytes)
}

#[cfg(test)]
mod tests {
    use dengbei_records::{IdKey, SourceSystem};

    use super::*;

    fn items(count: u32) -> Vec<ItemId> {
        let (key, source): (IdKey, SourceSystem) = (IdKey::from_bytes([7; 32]), "zwfw".parse().unwrap());
        (0..count).map(|n| ItemId::derive(&key, &source, &n.to_string())).collect()
    }

    #[test]
    fn the_seed_alone_decides() {
        let all = items(205);
        let drawn = Sample::draw("2026-Q4", &all, 10);
        let mut turned = all.clone();
        turned.reverse();
        turned.extend_from_slice(&all[..5]);
        assert_eq!(drawn, Sample::draw("2026-Q4", &turned, 10));
        assert_eq!((drawn.items.len(), drawn.of), (21, 205));
        assert_ne!(drawn.items, Sample::draw("2027-Q1", &all, 10).items);
        assert_eq!(all.iter().filter(|id| drawn.holds(id)).count(), 21);
    }

    #[test]
    fn nothing_and_everything_can_be_drawn() {
        assert!(Sample::draw("s", &items(10), 0).items.is_empty());
        assert_eq!(Sample::draw("s", &items(10), 100).items.len(), 10);
        assert_eq!(Sample::draw("s", &items(1), 1).items.len(), 1);
        assert!(Sample::draw("s", &[], 50).items.is_empty());
    }
}
