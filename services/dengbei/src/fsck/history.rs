//! What the events say, item by item, and whether they agree with each other.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use dengbei_chain::facts::{BatchFiled, ItemFiled, ItemPrefiled, PackWritten, Verdict};
use dengbei_chain::{Event, Fact};
use dengbei_records::{ArchivalCode, EventHash, ItemId, Sha256, SubmissionId};

use super::Report;

/// One filing, as its event tells it.
#[derive(Debug, Clone)]
pub(crate) struct Filing {
    pub(crate) index: u64,
    pub(crate) hash: EventHash,
    pub(crate) fact: ItemFiled,
    pub(crate) causes: Vec<EventHash>,
}

/// How a submission ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decision {
    pub(crate) index: u64,
    pub(crate) how: &'static str,
}

/// The log, sorted by what it tells.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) prefiled: HashMap<EventHash, ItemPrefiled>,
    pub(crate) filed: Vec<Filing>,
    pub(crate) batches: BTreeMap<u64, (EventHash, BatchFiled)>,
    /// 文档包: packs that hold documents alone.
    pub(crate) written: BTreeMap<u64, (EventHash, PackWritten)>,
    /// Submissions that ended: filed, returned or superseded.
    pub(crate) decided: HashMap<SubmissionId, Decision>,
    /// Runs: hash → (count, root, report digest); failures are in `failed_runs`.
    pub(crate) passed_runs: HashMap<EventHash, (u32, Sha256, Sha256)>,
    pub(crate) hashes: HashSet<EventHash>,
}

impl History {
    /// Sorts the log. Invariants: `event.cause`, `item.filed_once`, `item.decided_once`, `code.unique`,
    /// `code.gap_free`, `pack.gap_free`, `batch.signature`, `item.story`.
    pub(crate) fn of(events: &[Event], report: &mut Report) -> Self {
        let mut history = Self { hashes: events.iter().map(|e| e.hash).collect(), ..Self::default() };
        for (index, event) in (0..).zip(events) {
            history.take(index, event, report);
        }
        for event in events {
            for cause in event.causes.iter().filter(|c| !history.hashes.contains(c)) {
                report.find(
                    "event.cause",
                    event.hash,
                    format!("起因不在登记簿中 / cause not in the log: {cause}"),
                );
            }
        }
        history.codes(report);
        history.stories(report);
        history.packs_without_gaps(report);
        report.count("已归档 filed", history.filed.len() as u64);
        report.count("归档批 filing batches", history.batches.len() as u64);
        history
    }

    fn take(&mut self, index: u64, event: &Event, report: &mut Report) {
        match &event.fact {
            Some(Fact::ItemPrefiled(f)) => {
                self.prefiled.insert(event.hash, f.clone());
            }
            Some(Fact::ItemFiled(f)) => {
                self.decide(index, f.submission, "filed", report);
                self.filed.push(Filing {
                    index,
                    hash: event.hash,
                    fact: f.clone(),
                    causes: event.causes.clone(),
                });
            }
            Some(Fact::ItemReturned(f)) => self.decide(index, f.submission, "returned", report),
            Some(Fact::ItemSuperseded(f)) => self.decide(index, f.submission, "superseded", report),
            Some(Fact::ItemChecked(f)) => {
                if let Verdict::Passed { count, root } = f.verdict {
                    self.passed_runs.insert(event.hash, (count, root, f.report.digest));
                }
            }
            Some(Fact::BatchFiled(f)) => self.take_batch(event, f, report),
            Some(Fact::PackWritten(f)) => self.take_written(event, f, report),
            _ => {}
        }
    }

    fn take_written(&mut self, event: &Event, f: &PackWritten, report: &mut Report) {
        if self.written.insert(f.pack.get(), (event.hash, f.clone())).is_some() {
            report.find("pack.once", f.pack, "同一包号写入两次 / a pack number was written twice");
        }
    }

    /// The numbers of all packs that the log tells of.
    pub(crate) fn pack_numbers(&self) -> BTreeSet<u64> {
        self.batches.keys().chain(self.written.keys()).copied().collect()
    }

    /// Digest and length of a pack, as stated when it was written.
    pub(crate) fn pack(&self, number: u64) -> Option<(EventHash, Sha256, u64)> {
        let filed = self.batches.get(&number).map(|(hash, f)| (*hash, f.pack_digest, f.pack_bytes));
        filed.or_else(|| self.written.get(&number).map(|(hash, f)| (*hash, f.pack_digest, f.pack_bytes)))
    }

    fn take_batch(&mut self, event: &Event, f: &BatchFiled, report: &mut Report) {
        let text = BatchFiled::signed_text(&event.area, f.pack, &f.root, &f.pack_digest);
        let signed = super::is_signed(&f.unit_key, &text, &f.unit_signature);
        if !signed {
            report.find("batch.signature", f.pack, "单位签名不对 / the unit's signature is wrong");
        }
        if self.batches.insert(f.pack.get(), (event.hash, f.clone())).is_some() {
            report.find("pack.once", f.pack, "同一包号归档两次 / a pack number was filed twice");
        }
    }

    fn decide(&mut self, index: u64, submission: SubmissionId, how: &'static str, report: &mut Report) {
        if let Some(before) = self.decided.insert(submission, Decision { index, how }) {
            report.find("item.decided_once", submission, format!("{}, {how}", before.how));
        }
    }

    fn codes(&self, report: &mut Report) {
        let mut owners: BTreeMap<&ArchivalCode, ItemId> = BTreeMap::new();
        let mut versions = BTreeSet::new();
        for filing in &self.filed {
            let owner = *owners.entry(&filing.fact.archival_code).or_insert(filing.fact.item);
            if owner != filing.fact.item {
                report.find(
                    "code.unique",
                    &filing.fact.archival_code,
                    format!("{owner}, {}", filing.fact.item),
                );
            }
            if !versions.insert((filing.fact.item, filing.fact.data_version)) {
                report.find("item.filed_once", filing.fact.item, filing.fact.data_version);
            }
        }
        let mut counters: BTreeMap<String, (u32, u32)> = BTreeMap::new();
        for code in owners.keys() {
            let (count, highest) = counters.entry(code.class.to_string()).or_default();
            *count += 1;
            *highest = code.number.max(*highest);
        }
        for (class, (count, highest)) in counters {
            if count != highest {
                report.find(
                    "code.gap_free",
                    class,
                    format!("{count} 个档号，最大件号 {highest} / {count} codes up to {highest}"),
                );
            }
        }
    }

    /// A filing names the arrival and the verdict that it rests on.
    fn stories(&self, report: &mut Report) {
        for filing in &self.filed {
            let of_this =
                |p: &ItemPrefiled| p.item == filing.fact.item && p.submission == filing.fact.submission;
            let arrived = filing.causes.iter().filter_map(|c| self.prefiled.get(c)).any(of_this);
            let passed = filing.causes.iter().any(|c| self.passed_runs.contains_key(c));
            if !arrived || !passed {
                report.find(
                    "item.story",
                    filing.fact.item,
                    format!("预归档 prefiled: {arrived}, 检测通过 passed: {passed}"),
                );
            }
            if !self.batches.contains_key(&filing.fact.pack.get()) {
                report.find(
                    "item.batch",
                    filing.fact.item,
                    format!("归档批不在 / no batch.filed for pack {}", filing.fact.pack),
                );
            }
        }
    }

    fn packs_without_gaps(&self, report: &mut Report) {
        let numbers = self.pack_numbers();
        if numbers.len() != self.batches.len() + self.written.len() {
            report.find(
                "pack.once",
                "-",
                "归档包与文档包同号 / a number is of a filed pack and of a document pack",
            );
        }
        for (n, pack) in numbers.iter().enumerate() {
            if *pack != n as u64 + 1 {
                report.find("pack.gap_free", n + 1, format!("缺包 / the next pack is {pack}"));
                return;
            }
        }
    }
}
