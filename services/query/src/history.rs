//! An item's history in causal order: after its causes, an event that speaks for many after the member it covers,
//! and only among what is independent by the time it was recorded. Pure.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use dengbei_records::EventHash;
use uuid::Uuid;

/// One event of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) hash: EventHash,
    pub(crate) id: Uuid,
    pub(crate) fact: String,
    pub(crate) subject: String,
    pub(crate) recorded_at: i64,
    pub(crate) causes: Vec<EventHash>,
    /// It speaks for many: a check run, or something said of the item's pack, batch or transfer.
    pub(crate) by_membership: bool,
    /// The item's own event that this one speaks for.
    pub(crate) member: Option<EventHash>,
    pub(crate) bytes: Bytes,
    pub(crate) traceparent: String,
}

impl Entry {
    fn after(&self) -> impl Iterator<Item = &EventHash> {
        self.causes.iter().chain(&self.member)
    }
}

/// Sorts causally. Causes outside the history (a matter's, another item's) do not hold anything back.
pub(crate) fn in_causal_order(entries: Vec<Entry>) -> Vec<Entry> {
    let mut waits: HashMap<EventHash, usize> = HashMap::new();
    let mut then: HashMap<EventHash, Vec<EventHash>> = HashMap::new();
    let known: BTreeSet<EventHash> = entries.iter().map(|e| e.hash).collect();
    for entry in &entries {
        let before: BTreeSet<&EventHash> = entry.after().filter(|h| known.contains(h)).collect();
        waits.insert(entry.hash, before.len());
        for hash in before {
            then.entry(*hash).or_default().push(entry.hash);
        }
    }
    let mut by_hash: HashMap<EventHash, Entry> = entries.into_iter().map(|e| (e.hash, e)).collect();
    let mut ready: BTreeSet<(i64, EventHash)> = by_hash
        .values()
        .filter(|e| waits.get(&e.hash) == Some(&0))
        .map(|e| (e.recorded_at, e.hash))
        .collect();
    let mut sorted = Vec::with_capacity(by_hash.len());
    while let Some((_, hash)) = ready.pop_first() {
        for next in then.remove(&hash).unwrap_or_default() {
            let left = waits.entry(next).and_modify(|n| *n -= 1).or_default();
            if let (0, Some(entry)) = (*left, by_hash.get(&next)) {
                ready.insert((entry.recorded_at, next));
            }
        }
        sorted.extend(by_hash.remove(&hash));
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u8) -> EventHash {
        EventHash::from_bytes([n; 32])
    }

    fn entry(n: u8, at: i64, causes: &[u8], member: Option<u8>) -> Entry {
        Entry {
            hash: hash(n),
            id: Uuid::nil(),
            fact: "item.prefiled".into(),
            subject: String::new(),
            recorded_at: at,
            causes: causes.iter().map(|c| hash(*c)).collect(),
            by_membership: member.is_some(),
            member: member.map(hash),
            bytes: Bytes::new(),
            traceparent: String::new(),
        }
    }

    fn order(entries: Vec<Entry>) -> Vec<u8> {
        in_causal_order(entries).iter().map(|e| e.hash.as_bytes()[0]).collect()
    }

    #[test]
    fn causes_come_first_whatever_the_clocks_say() {
        let history = vec![entry(3, 1, &[1, 2], None), entry(2, 2, &[9], Some(1)), entry(1, 7, &[8], None)];
        assert_eq!(order(history), [1, 2, 3]);
    }

    #[test]
    fn what_is_independent_goes_by_time() {
        let history = vec![entry(1, 30, &[], None), entry(2, 10, &[], None), entry(3, 20, &[], None)];
        assert_eq!(order(history), [2, 3, 1]);
    }

    #[test]
    fn a_batch_stands_after_the_member_it_signs() {
        let history = vec![entry(4, 1, &[], Some(3)), entry(3, 9, &[1], None), entry(1, 5, &[], None)];
        assert_eq!(order(history), [1, 3, 4]);
    }
}
