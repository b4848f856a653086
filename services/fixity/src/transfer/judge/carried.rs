//! What is said of each item's content: by its filing run where that holds, by the checks that were run anew where not.

use std::collections::{BTreeMap, BTreeSet};

use dengbei_chain::{Member, ReusedRun};
use dengbei_checks::{CheckId, CheckOutcome, CheckResult, is_always_judged};
use dengbei_records::EventHash;

use super::super::anew::Again;
use super::super::gather::Filing;
use super::super::runs::Said;
use super::{Fault, Judge, MADE_BADLY, STORED_BADLY, fault};

const MENDED_AS_NEW: &str = "由立档单位更正该件后，随下一批移交 / the unit corrects the item, and hands it over with the next transfer";

impl Judge<'_> {
    /// Everything that is said of one member's content.
    pub(super) fn content_of_member(&mut self, member: &Member, filing: &Filing, code: &str) -> Vec<Fault> {
        let again = self.by.again.get(&member.event);
        let mut anew = BTreeSet::new();
        let mut faults = match again {
            Some(Again::Checked(outcomes)) => {
                anew = outcomes.iter().map(|o| o.id).collect();
                outcomes.iter().filter_map(|o| self.run_anew(o, code)).collect()
            }
            Some(Again::Unreadable(why)) => {
                let zh = format!("{code}：内容数据无法读取");
                let en = format!("its bytes cannot be read: {why}");
                vec![self.find(fault(CheckId::I07, zh, en, STORED_BADLY))]
            }
            Some(Again::Partial(wanted)) => wanted.iter().filter_map(|id| self.not_run(*id, code)).collect(),
            Some(Again::Unfit(_)) | None => Vec::new(),
        };
        if let Some(Again::Partial(wanted) | Again::Unfit(wanted)) = again {
            wanted.iter().for_each(|id| *self.anew.entry(*id).or_default() += 1);
        }
        faults.extend(self.said_of(filing, code, &anew));
        faults
    }

    /// A check that was run on what the pack holds.
    fn run_anew(&mut self, outcome: &CheckOutcome, code: &str) -> Option<Fault> {
        *self.anew.entry(outcome.id).or_default() += 1;
        self.tally(outcome.id, usize::from(outcome.result != CheckResult::NotApplicable));
        let first = outcome.findings.first();
        let zh = format!("{code}：{}", first.map_or(outcome.result.word(), |f| f.message.as_str()));
        let en = first.map_or("it could not be verified", |f| f.message_en.as_str());
        let mended = first.map(dengbei_checks::Finding::remedies).filter(|text| !text.is_empty());
        let found = Fault {
            remedy: mended.map_or(MENDED_AS_NEW.into(), Into::into),
            ..fault(outcome.id, zh.as_str(), en, MENDED_AS_NEW)
        };
        match outcome.result {
            CheckResult::Passed | CheckResult::NotApplicable => None,
            CheckResult::Failed => Some(self.note(found)),
            CheckResult::Warning => {
                self.note(found);
                None
            }
            CheckResult::Unverifiable => self.unverifiable(found, outcome.blocks_unverified),
        }
    }

    /// A check that should have been run anew, and could not be.
    fn not_run(&mut self, check: CheckId, code: &str) -> Option<Fault> {
        let zh = format!("{code}：本版本未存全部文件，无法重新检测");
        let en = "not all of its files lie in this version: the check could not be run anew";
        let blocks = self.by.law.carried().any(|l| l.check == check && l.blocks_unverified);
        self.unverifiable(fault(check, zh, en, MADE_BADLY), blocks)
    }

    fn unverifiable(&mut self, found: Fault, blocks: bool) -> Option<Fault> {
        self.unverified.insert(found.check);
        if blocks {
            return Some(self.note(found));
        }
        self.tally(found.check, 0).note(&found.zh, &found.en);
        None
    }

    /// What the filing run said: a warning there blocks where the transfer's severity does; evidence that it could not
    /// verify is no pass here either. What was run anew is not taken from it.
    fn said_of(&mut self, filing: &Filing, code: &str, anew: &BTreeSet<CheckId>) -> Vec<Fault> {
        let Some(said) = filing.prefiled.and_then(|p| self.by.said.get(&p)) else { return Vec::new() };
        let by = said.scheme.as_deref().and_then(|name| self.by.schemes.named(name));
        let mut faults = Vec::new();
        for outcome in said.notable.iter().filter(|o| !anew.contains(&o.id)) {
            if self.by.law.severity(outcome.id).is_none() {
                continue;
            }
            if !is_always_judged(outcome.id) {
                self.tally(outcome.id, 1);
            }
            let first = outcome.findings.first();
            if outcome.result == CheckResult::Unverifiable {
                self.unverified.insert(outcome.id);
                let zh = format!("{code}：{}", first.map_or("无法验证", |f| f.message.as_str()));
                self.tally(outcome.id, 0).note(&zh, first.map_or("unverifiable", |f| f.message_en.as_str()));
            }
            if outcome.result == CheckResult::Warning && self.by.law.is_stricter(by, outcome.id) {
                let zh = format!("{code}：{}", first.map_or("归档检测警告", |f| f.message.as_str()));
                let en = first.map_or("warned at filing", |f| f.message_en.as_str());
                faults.push(self.find(fault(outcome.id, zh, en, MADE_BADLY)));
            }
        }
        faults
    }

    /// The filing runs whose verdicts hold.
    pub(super) fn reused(&self) -> Vec<ReusedRun> {
        let mut runs: BTreeMap<EventHash, ReusedRun> = BTreeMap::new();
        for filing in self.gathered.list.members.iter().filter_map(|m| self.gathered.filings.get(&m.event)) {
            let Some(event) = filing.checked else { continue };
            let report = filing.prefiled.and_then(|p| self.by.said.get(&p)).and_then(|s: &Said| s.report);
            let run = runs.entry(event).or_insert(ReusedRun { event, report, items: 0 });
            run.items += 1;
        }
        runs.into_values().collect()
    }

    /// How a check of the items' content was answered: by how many anew, and whether any by its filing run.
    pub(super) fn answered(&mut self, check: CheckId, items: usize) -> Option<&'static str> {
        let anew = self.anew.get(&check).copied().unwrap_or_default();
        let carried = items.saturating_sub(anew);
        if is_always_judged(check) {
            self.tally(check, carried);
        } else if !self.tallies.contains_key(&check) && anew == 0 {
            return None;
        }
        if anew > 0 && carried > 0 {
            let (zh, en) =
                (format!("其中 {anew} 件按本方案重新检测"), format!("{anew} of them checked anew"));
            self.tally(check, 0).note(&zh, &en);
        }
        Some(if anew > 0 && carried == 0 { "" } else { "run" })
    }
}
