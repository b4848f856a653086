//! What an attempt and an item count for in the quality monitor (质量监控). Pure: a row in, its counts out. `store/quality.rs`
//! adds what a changed row counts for now and takes back what it counted for before, so that any order of the same facts,
//! told any number of times, ends in the same numbers.

use std::collections::{BTreeMap, BTreeSet};

/// Between the parts of `attempts.was`, as `store/attempts.rs` writes them.
pub(crate) const APART: char = '\u{1f}';

/// Where something comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct From {
    pub(crate) source_system: String,
    pub(crate) matter_code: String,
    pub(crate) unit_uscc: String,
    pub(crate) department: String,
}

/// What an attempt says that is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) received_on: Option<i32>,
    pub(crate) refused_on: Option<i32>,
    pub(crate) returned_on: Option<i32>,
    pub(crate) filed_on: Option<i32>,
    pub(crate) failed: Vec<String>,
    pub(crate) from: From,
}

impl Counted {
    /// As a row kept it: eight parts and the checks that failed.
    pub(crate) fn read(was: &str) -> Option<Self> {
        let parts: Vec<&str> = was.split(APART).collect();
        let [received, refused, returned, filed, source, matter, unit, department, failed] = parts[..] else {
            return None;
        };
        Some(Self {
            received_on: received.parse().ok(),
            refused_on: refused.parse().ok(),
            returned_on: returned.parse().ok(),
            filed_on: filed.parse().ok(),
            failed: failed.split(',').filter(|id| !id.is_empty()).map(Into::into).collect(),
            from: From {
                source_system: source.into(),
                matter_code: matter.into(),
                unit_uscc: unit.into(),
                department: department.into(),
            },
        })
    }
}

/// Received, refused, returned, filed.
pub(crate) type Four = [i64; 4];

/// What a transaction adds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) flow: BTreeMap<(i32, From), Four>,
    pub(crate) failures: BTreeMap<(i32, String, From), i64>,
    /// By closing day, source, matter: received, filed, returned, refused.
    pub(crate) closings: BTreeMap<(String, String, String), Four>,
}

impl Sums {
    /// Counts an attempt `n` times: 1, or -1 to take it back.
    pub(crate) fn attempt(&mut self, of: &Counted, n: i64) {
        let days = [of.received_on, of.refused_on, of.returned_on, of.filed_on];
        for (kind, day) in days.into_iter().enumerate() {
            if let Some(day) = day {
                self.flow.entry((day, of.from.clone())).or_default()[kind] += n;
            }
        }
        // On the day on which it came back; a failed check of one that is neither is not one of this monitor.
        if let Some(day) = of.returned_on.or(of.refused_on) {
            for check in of.failed.iter().collect::<BTreeSet<_>>() {
                *self.failures.entry((day, check.clone(), of.from.clone())).or_default() += n;
            }
        }
    }

    /// Counts `n` items that stand at `rank`; none stands below zero.
    pub(crate) fn items(&mut self, key: (&str, &str, &str), rank: i16, n: i64) {
        let place = match rank {
            ..0 => return,
            0 => Some(3),
            5 => Some(2),
            6 => Some(1),
            _ => None,
        };
        let (day, source, matter) = key;
        let four = self.closings.entry((day.into(), source.into(), matter.into())).or_default();
        four[0] += n;
        if let Some(place) = place {
            four[place] += n;
        }
    }

    /// Without what cancels out.
    pub(crate) fn settled(mut self) -> Self {
        self.flow.retain(|_, four| *four != [0; 4]);
        self.failures.retain(|_, n| *n != 0);
        self.closings.retain(|_, four| *four != [0; 4]);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn returned() -> Counted {
        let from = From { source_system: "ZWFW".into(), ..From::default() };
        let failed = vec!["A-08".into(), "A-08".into(), "U-01".into()];
        Counted { received_on: Some(3), returned_on: Some(4), failed, from, ..Counted::default() }
    }

    #[test]
    fn what_is_taken_back_leaves_nothing() {
        let mut sums = Sums::default();
        sums.attempt(&returned(), 1);
        assert_eq!((sums.flow.len(), sums.failures.len()), (2, 2), "a check counts once an attempt");
        sums.attempt(&returned(), -1);
        sums.items(("2026-11-02", "ZWFW", "m"), 5, 1);
        sums.items(("2026-11-02", "ZWFW", "m"), 5, -1);
        sums.items(("", "", ""), -1, 7);
        assert_eq!(sums.settled(), Sums::default());
    }

    #[test]
    fn a_row_reads_back_what_it_counted_for() {
        let text = ["3", "", "4", "", "ZWFW", "", "", "", "A-08,A-08,U-01"].join("\u{1f}");
        assert_eq!(Counted::read(&text), Some(returned()));
        assert_eq!(Counted::read(""), None, "a new row counted for nothing");
    }
}
