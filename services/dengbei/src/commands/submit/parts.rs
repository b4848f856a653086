//! How what was found is cut into uploads: a batch in parts of at most 50 packages and 64 MiB, what is larger alone,
//! and never two packages of one item in the same upload.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::find::{Lot, Parcel};

/// Packages of one upload.
const MOST_PACKAGES: usize = 50;
/// Bytes of one upload.
const MOST_BYTES: u64 = 64 << 20;

/// One upload.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) parcels: Vec<Parcel>,
    /// systemcode of the batch that it comes from.
    pub(super) source: String,
    /// Parts (by index) that hold an earlier package of an item of this one: they are decided first.
    pub(super) after: Vec<usize>,
}

/// How an upload goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// One package, through `/v1/packages`.
    Package,
    /// Packages with the catalogue at this path, through `/v1/batches`.
    Batch(PathBuf),
    /// A zip as it lies, through `/v1/batches`.
    BatchZip,
}

/// Cuts in the order of the lots.
pub(super) fn cut(lots: Vec<Lot>) -> Vec<Part> {
    let mut parts = Vec::new();
    for lot in lots {
        match lot {
            Lot::Alone(parcel) => parts.push(part(Kind::Package, vec![parcel], "")),
            Lot::BatchZip(parcel) => parts.push(part(Kind::BatchZip, vec![parcel], "")),
            Lot::Batch { catalogue, source, parcels } => cut_batch(&catalogue, &source, parcels, &mut parts),
        }
    }
    chain(&mut parts);
    parts
}

fn cut_batch(catalogue: &std::path::Path, source: &str, parcels: Vec<Parcel>, parts: &mut Vec<Part>) {
    let mut open: Vec<Parcel> = Vec::new();
    let mut close = |open: &mut Vec<Parcel>| {
        if !open.is_empty() {
            let goes_alone = matches!(&open[..], [one] if stands_out(one));
            let kind = if goes_alone { Kind::Package } else { Kind::Batch(catalogue.to_owned()) };
            parts.push(part(kind, std::mem::take(open), source));
        }
    };
    for parcel in parcels {
        let is_large = stands_out(&parcel);
        let bytes: u64 = open.iter().map(|p| p.bytes).sum();
        let is_same = parcel.number.is_some() && open.iter().any(|p| p.number == parcel.number);
        if is_large || is_same || open.len() == MOST_PACKAGES || bytes + parcel.bytes > MOST_BYTES {
            close(&mut open);
        }
        open.push(parcel);
        if is_large {
            close(&mut open);
        }
    }
    close(&mut open);
}

/// Too large for company, or not to be sent at all.
fn stands_out(parcel: &Parcel) -> bool {
    parcel.bytes > MOST_BYTES || parcel.fault.is_some()
}

fn part(kind: Kind, parcels: Vec<Parcel>, source: &str) -> Part {
    Part { kind, parcels, source: source.to_owned(), after: Vec::new() }
}

fn chain(parts: &mut [Part]) {
    let mut last: HashMap<String, usize> = HashMap::new();
    for (index, part) in parts.iter_mut().enumerate() {
        let numbers: HashSet<&String> = part.parcels.iter().filter_map(|p| p.number.as_ref()).collect();
        part.after = numbers.iter().filter_map(|number| last.get(*number).copied()).collect();
        part.after.sort_unstable();
        part.after.dedup();
        last.extend(numbers.into_iter().map(|number| (number.clone(), index)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(number: &str, bytes: u64) -> Parcel {
        Parcel {
            name: number.into(),
            path: number.into(),
            is_zip: false,
            bytes,
            number: (!number.is_empty()).then(|| number.into()),
            fault: None,
        }
    }

    fn batch(parcels: Vec<Parcel>) -> Lot {
        Lot::Batch { catalogue: "c.xml".into(), source: "ZWFW".into(), parcels }
    }

    #[test]
    fn a_batch_goes_in_parts_of_fifty() {
        let parts = cut(vec![batch((0..120).map(|n| parcel(&n.to_string(), 1000)).collect())]);
        assert_eq!(parts.iter().map(|p| p.parcels.len()).collect::<Vec<_>>(), [50, 50, 20]);
        assert!(parts.iter().all(|p| p.after.is_empty()));
    }

    #[test]
    fn what_is_larger_than_a_part_goes_alone_and_keeps_its_place() {
        let parts = cut(vec![batch(vec![
            parcel("a", 10),
            parcel("b", MOST_BYTES + 1),
            parcel("c", MOST_BYTES),
            parcel("d", 1),
        ])]);
        let kinds: Vec<bool> = parts.iter().map(|p| p.kind == Kind::Package).collect();
        assert_eq!(kinds, [false, true, false, false]);
        assert_eq!(parts[1].source, "ZWFW");
    }

    #[test]
    fn packages_of_one_item_go_one_after_another() {
        let parts = cut(vec![
            batch(vec![parcel("a", 1), parcel("b", 1), parcel("a", 1)]),
            Lot::Alone(parcel("b", 1)),
            Lot::Alone(parcel("", 1)),
            Lot::Alone(parcel("", 1)),
        ]);
        let after: Vec<&[usize]> = parts.iter().map(|p| &p.after[..]).collect();
        assert_eq!(after, [&[][..], &[0], &[0], &[], &[]]);
    }
}
