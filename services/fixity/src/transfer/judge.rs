//! What a side's checks decide. Pure: what was gathered, what the site holds, what the filing runs said → a verdict on
//! every member and an outcome of every check.
//!
//! Only a member whose own bytes, numbers or history are bad is unfit; the rest of a bad pack is fit. What contradicts
//! the papers of the whole transfer (I-01, I-02, I-12) makes all of it unfit.

use std::collections::{BTreeMap, HashMap, HashSet};

use dengbei_chain::{CitedReceipt, Member, ReusedRun, TransferCheck, UnfitItem};
use dengbei_checks::{CheckId, CheckResult, Property, Scheme, Scope, Severity, Stage, is_always_judged};
use dengbei_records::{EventHash, PackNumber};

use super::gather::{Filing, Gathered, object_id};
use super::packs::{Found, Wrong};
use super::runs::Said;

mod whole;

/// Lines kept of one check.
const MOST_FINDINGS: usize = 100;
const STORED_BADLY: &str = "由备份服务从完好副本修复后，随下一批移交 / have replication repair it, then hand it over with the next transfer";
const MADE_BADLY: &str = "由立档单位核对后重新组包 / the unit packs the transfer again";

/// What the checks decide.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) fit: Vec<Member>,
    pub(crate) unfit: Vec<UnfitItem>,
    pub(crate) checks: Vec<TransferCheck>,
    pub(crate) receipts: Vec<CitedReceipt>,
    pub(crate) reused: Vec<ReusedRun>,
}

/// One thing that is wrong with a member.
#[derive(Debug, Clone)]
struct Fault {
    check: CheckId,
    zh: String,
    en: String,
    remedy: &'static str,
}

fn fault(check: CheckId, zh: impl Into<String>, en: impl Into<String>, remedy: &'static str) -> Fault {
    Fault { check, zh: zh.into(), en: en.into(), remedy }
}

/// What one check saw.
#[derive(Debug, Default)]
struct Tally {
    compared: u32,
    failed: u32,
    findings: Vec<String>,
}

impl Tally {
    fn find(&mut self, zh: &str, en: &str) {
        self.failed += 1;
        self.note(zh, en);
    }

    /// A line that is no fault.
    fn note(&mut self, zh: &str, en: &str) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(format!("{zh} / {en}"));
        }
    }
}

/// A run of judgement.
struct Judge<'a> {
    gathered: &'a Gathered,
    found: &'a HashMap<PackNumber, Found>,
    said: &'a HashMap<EventHash, Said>,
    tallies: BTreeMap<CheckId, Tally>,
    /// Whether some member is unfit for this check.
    decisive: HashSet<CheckId>,
    /// Whether some member carries what could not be verified.
    unverified: HashSet<CheckId>,
    package: Scheme,
}

/// Judges one side of a transfer.
pub(crate) fn judge(
    gathered: &Gathered,
    found: &HashMap<PackNumber, Found>,
    said: &HashMap<EventHash, Said>,
) -> Judged {
    let mut judge = Judge {
        gathered,
        found,
        said,
        tallies: BTreeMap::new(),
        decisive: HashSet::new(),
        unverified: HashSet::new(),
        package: Scheme::builtin(),
    };
    let of_all = judge.whole();
    let of_packs = judge.packs();
    judge.continuity();
    let (fit, unfit) = judge.members(&of_all, &of_packs);
    let receipts = found.iter().filter_map(|(pack, f)| {
        Some(CitedReceipt::to(f.receipt.as_deref()?, gathered.stored.get(pack).copied()))
    });
    let mut receipts: Vec<CitedReceipt> = receipts.collect();
    receipts.sort_by_key(|r| r.pack);
    Judged { fit, unfit, receipts, reused: judge.reused(), checks: judge.outcomes() }
}

impl Judge<'_> {
    fn tally(&mut self, check: CheckId, compared: usize) -> &mut Tally {
        let tally = self.tallies.entry(check).or_default();
        tally.compared = tally.compared.saturating_add(u32::try_from(compared).unwrap_or(u32::MAX));
        tally
    }

    /// Notes a comparison; what is wrong is said of everything that it concerns.
    fn compare(&mut self, holds: bool, wrong: Fault) -> Option<Fault> {
        let tally = self.tally(wrong.check, 1);
        if holds {
            return None;
        }
        tally.find(&wrong.zh, &wrong.en);
        Some(wrong)
    }

    fn members(
        &mut self,
        of_all: &[Fault],
        of_packs: &HashMap<PackNumber, Vec<Fault>>,
    ) -> (Vec<Member>, Vec<UnfitItem>) {
        let (mut fit, mut unfit) = (Vec::new(), Vec::new());
        let mut seen = Seen::default();
        for member in &self.gathered.list.members {
            let filing = self.gathered.filings.get(&member.event);
            let mut faults = of_all.to_vec();
            if let Some(of_pack) = filing.and_then(|f| of_packs.get(&f.fact.pack)) {
                faults.extend(of_pack.iter().cloned());
            }
            faults.extend(self.member(member, filing, &mut seen));
            if faults.is_empty() {
                fit.push(Member { detail: serde_json::Value::Null, ..member.clone() });
            } else {
                self.decisive.extend(faults.iter().map(|f| f.check));
                unfit.push(unfit_item(member, filing, &faults));
            }
        }
        (fit, unfit)
    }

    /// One member's own numbers, history and bytes.
    fn member(&mut self, member: &Member, filing: Option<&Filing>, seen: &mut Seen) -> Vec<Fault> {
        let named = || member.item.to_string();
        let Some(filing) = filing else {
            let wrong =
                fault(CheckId::A18, format!("{}：没有归档事件", named()), "no filing event", MADE_BADLY);
            return self.compare(false, wrong).into_iter().collect();
        };
        let fact = &filing.fact;
        let code = fact.archival_code.to_string();
        let is_of_list = fact.item == member.item && fact.data_version == member.data_version;
        let checks = [
            (
                is_of_list && filing.prefiled.is_some() && filing.checked.is_some(),
                fault(
                    CheckId::A18,
                    format!("{code}：目录与归档事件不符"),
                    "the list differs from the filing",
                    MADE_BADLY,
                ),
            ),
            (
                fact.archival_code.class.fonds == self.gathered.asked.fonds,
                fault(
                    CheckId::A12,
                    format!("{code}：档号不属于移交全宗"),
                    "the code is of another fonds",
                    MADE_BADLY,
                ),
            ),
            (
                seen.is_new(member, filing),
                fault(CheckId::A13, format!("{code}：目录中重复"), "listed twice", MADE_BADLY),
            ),
        ];
        let mut faults: Vec<Fault> =
            checks.into_iter().filter_map(|(holds, wrong)| self.compare(holds, wrong)).collect();
        faults.extend(self.bytes_of_member(member, filing, &code));
        faults.extend(self.said_of(filing, &code));
        faults
    }

    /// I-07: its object is in the pack; A-02: it is the one that was filed, byte for byte.
    fn bytes_of_member(&mut self, member: &Member, filing: &Filing, code: &str) -> Vec<Fault> {
        let fact = &filing.fact;
        let Some(found) = self.found.get(&fact.pack) else {
            let wrong = fault(
                CheckId::I12,
                format!("{code}：所在存储包不在移交之列"),
                "its pack is not in the transfer",
                MADE_BADLY,
            );
            return self.compare(false, wrong).into_iter().collect();
        };
        if found.wrong.is_some() {
            return self.bytes_of_bad_pack(member, found, code);
        }
        let Ok(catalogue) = &found.catalogue else {
            let wrong = fault(
                CheckId::U07,
                format!("{code}：存储包目录不可读"),
                "the pack's catalogue cannot be read",
                STORED_BADLY,
            );
            return self.compare(false, wrong).into_iter().collect();
        };
        let version = catalogue.find(&object_id(fact)).filter(|v| v.version.get() == fact.object_version);
        let absent = fault(CheckId::I07, format!("{code}：不在存储包中"), "not in the pack", MADE_BADLY);
        if let Some(wrong) = self.compare(version.is_some(), absent) {
            return vec![wrong];
        }
        let is_filed = version.is_some_and(|v| v.inventory == fact.inventory);
        let differs =
            fault(CheckId::A02, format!("{code}：与归档时摘要不符"), "not what was filed", MADE_BADLY);
        self.compare(is_filed, differs).into_iter().collect()
    }

    fn bytes_of_bad_pack(&mut self, member: &Member, found: &Found, code: &str) -> Vec<Fault> {
        let why = match found.members.get(&member.event) {
            Some(Ok(())) => {
                self.tally(CheckId::I07, 1);
                self.tally(CheckId::A02, 1);
                return Vec::new();
            }
            Some(Err(why)) => why.as_str(),
            None => "not looked at",
        };
        self.decisive.insert(CheckId::A01);
        let check = if found.wrong == Some(Wrong::Differs) { CheckId::A02 } else { CheckId::I07 };
        let zh = format!("{code}：内容数据已损坏或缺失");
        let en = format!("its bytes are damaged or missing: {why}");
        self.compare(false, fault(check, zh, en, STORED_BADLY)).into_iter().collect()
    }

    /// What the filing run said: a warning there blocks where the transfer's severity does; evidence that it could not
    /// verify is no pass here either.
    fn said_of(&mut self, filing: &Filing, code: &str) -> Vec<Fault> {
        let notable = filing.prefiled.and_then(|p| self.said.get(&p)).map(|s| s.notable.as_slice());
        let mut faults = Vec::new();
        for outcome in notable.unwrap_or_default() {
            if !is_always_judged(outcome.id) {
                self.tally(outcome.id, 1);
            }
            if outcome.result == CheckResult::Unverifiable {
                self.unverified.insert(outcome.id);
                let first = outcome.findings.first();
                let zh = format!("{code}：{}", first.map_or("无法验证", |f| f.message.as_str()));
                self.tally(outcome.id, 0).note(&zh, first.map_or("unverifiable", |f| f.message_en.as_str()));
            }
            if outcome.result != CheckResult::Warning {
                continue;
            }
            let at = |stage| self.package.severity(stage, outcome.id);
            let is_stricter = at(Stage::G) == Some(Severity::Warns) && at(Stage::Y) == Some(Severity::Blocks);
            if !is_stricter {
                continue;
            }
            let first = outcome.findings.first();
            let zh = format!("{code}：{}", first.map_or("归档检测警告", |f| f.message.as_str()));
            let en = first.map_or("warned at filing", |f| f.message_en.as_str());
            faults.extend(self.compare(false, fault(outcome.id, zh, en, MADE_BADLY)));
        }
        faults
    }

    /// The filing runs whose verdicts hold.
    fn reused(&self) -> Vec<ReusedRun> {
        let mut runs: BTreeMap<EventHash, ReusedRun> = BTreeMap::new();
        for filing in self.gathered.list.members.iter().filter_map(|m| self.gathered.filings.get(&m.event)) {
            let Some(event) = filing.checked else { continue };
            let report = filing.prefiled.and_then(|p| self.said.get(&p)).and_then(|s| s.report);
            let run = runs.entry(event).or_insert(ReusedRun { event, report, items: 0 });
            run.items += 1;
        }
        runs.into_values().collect()
    }

    /// Every check of the transfer's scheme, and every check of the package's that the filing runs answer for.
    fn outcomes(&mut self) -> Vec<TransferCheck> {
        let transfer = Scheme::transfer();
        let items = self.gathered.list.members.len();
        let mut outcomes: BTreeMap<CheckId, TransferCheck> = BTreeMap::new();
        let of_items: Vec<(CheckId, Severity)> =
            self.package.checks(Stage::Y).filter(|(id, _)| id.scope() == Scope::Item).collect();
        for (id, severity) in
            of_items.into_iter().filter(|(id, _)| transfer.severity(Stage::Y, *id).is_none())
        {
            if is_always_judged(id) {
                self.tally(id, items);
            } else if !self.tallies.contains_key(&id) {
                continue;
            }
            outcomes.insert(id, self.outcome(id, severity, "run"));
        }
        for (id, severity) in transfer.checks(Stage::Y) {
            outcomes.insert(id, self.outcome(id, severity, ""));
        }
        outcomes.into_values().collect()
    }

    fn outcome(&mut self, id: CheckId, severity: Severity, reused: &str) -> TransferCheck {
        let tally = self.tallies.remove(&id).unwrap_or_default();
        let result = match (tally.failed, self.decisive.contains(&id)) {
            (_, true) => "failed",
            (0, false) if self.unverified.contains(&id) => "unverifiable",
            (0, false) if tally.compared == 0 => "not_applicable",
            (0, false) => "passed",
            _ => "warning",
        };
        TransferCheck {
            id: id.to_string(),
            alias: id.alias(Stage::Y),
            name: id.name().to_owned(),
            name_en: id.name_en().to_owned(),
            property: property(id.property()).to_owned(),
            severity: severity.as_str().to_owned(),
            result: result.to_owned(),
            compared: tally.compared,
            failed: tally.failed,
            reused: reused.to_owned(),
            findings: tally.findings,
        }
    }
}

/// What the list named so far.
#[derive(Debug, Default)]
struct Seen {
    events: HashSet<EventHash>,
    codes: HashMap<String, dengbei_records::ItemId>,
}

impl Seen {
    /// An event once; an archival code by one item alone, in however many versions.
    fn is_new(&mut self, member: &Member, filing: &Filing) -> bool {
        let holder = *self.codes.entry(filing.fact.archival_code.to_string()).or_insert(member.item);
        self.events.insert(member.event) && holder == member.item
    }
}

fn unfit_item(member: &Member, filing: Option<&Filing>, faults: &[Fault]) -> UnfitItem {
    let mut failed: Vec<String> = faults.iter().map(|f| f.check.to_string()).collect();
    failed.sort();
    failed.dedup();
    let mut remedies: Vec<&str> = faults.iter().map(|f| f.remedy).collect();
    remedies.sort_unstable();
    remedies.dedup();
    let joined = |texts: Vec<&str>| texts.join("；");
    UnfitItem {
        item: member.item,
        archival_code: filing.map(|f| f.fact.archival_code.clone()),
        event: member.event,
        failed,
        message: joined(faults.iter().map(|f| f.zh.as_str()).collect()),
        message_en: faults.iter().map(|f| f.en.as_str()).collect::<Vec<_>>().join("; "),
        remedy: joined(remedies),
    }
}

fn property(property: Property) -> &'static str {
    match property {
        Property::Authenticity => "authenticity",
        Property::Integrity => "integrity",
        Property::Usability => "usability",
        Property::Security => "security",
    }
}
