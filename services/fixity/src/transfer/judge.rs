//! What a side's checks decide. Pure: what was gathered, what the site holds, what the filing runs and checks run anew said
//! → a verdict on every member and an outcome of every check. What a failing check does is the scheme's to say ([`Law`]).
//!
//! Only a member whose own bytes, numbers or history are bad is unfit; the rest of a bad pack is fit. What contradicts
//! the papers of the whole transfer (I-01, I-02, I-12) makes all of it unfit.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use dengbei_chain::{CitedReceipt, Member, ReusedRun, TransferCheck, UnfitItem};
use dengbei_checks::{CheckId, Line, Property, Schemes, Severity};
use dengbei_records::{EventHash, PackNumber};

use super::anew::Again;
use super::gather::{Filing, Gathered, object_id};
use super::law::Law;
use super::packs::{Found, Wrong};
use super::runs::Said;

mod carried;
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
    remedy: Cow<'static, str>,
}

fn fault(check: CheckId, zh: impl Into<String>, en: impl Into<String>, remedy: &'static str) -> Fault {
    Fault { check, zh: zh.into(), en: en.into(), remedy: Cow::Borrowed(remedy) }
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

/// By what members are judged, beside what was gathered and found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct By<'a> {
    pub(crate) law: &'a Law,
    /// By one of which each was filed.
    pub(crate) schemes: &'a Schemes,
    /// What the filing runs said, by `item.prefiled`.
    pub(crate) said: &'a HashMap<EventHash, Said>,
    /// What was run anew, by `item.filed`.
    pub(crate) again: &'a HashMap<EventHash, Again>,
}

/// A run of judgement.
struct Judge<'a> {
    gathered: &'a Gathered,
    found: &'a HashMap<PackNumber, Found>,
    by: By<'a>,
    /// How many items were not answered for by their filing run.
    anew: HashMap<CheckId, usize>,
    tallies: BTreeMap<CheckId, Tally>,
    /// Whether some member is unfit for this check.
    decisive: HashSet<CheckId>,
    /// Whether some member carries what could not be verified.
    unverified: HashSet<CheckId>,
}

/// Judges one side of a transfer.
pub(crate) fn judge(gathered: &Gathered, found: &HashMap<PackNumber, Found>, by: By<'_>) -> Judged {
    let mut judge = Judge {
        gathered,
        found,
        by,
        anew: HashMap::new(),
        tallies: BTreeMap::new(),
        decisive: HashSet::new(),
        unverified: HashSet::new(),
    };
    let of_all = judge.whole();
    let shared = Shared { of_all, of_packs: judge.packs(), of_classes: judge.continuity() };
    let (fit, unfit) = judge.members(&shared);
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

    /// Notes a comparison of a check that the scheme runs; what is wrong is said of everything that it concerns, where it
    /// blocks.
    fn compare(&mut self, holds: bool, wrong: Fault) -> Option<Fault> {
        let severity = self.by.law.severity(wrong.check)?;
        if holds {
            self.tally(wrong.check, 1);
            return None;
        }
        let wrong = self.find(wrong);
        (severity == Severity::Blocks).then_some(wrong)
    }

    /// Counts what is wrong as compared, and notes it.
    fn find(&mut self, wrong: Fault) -> Fault {
        self.tally(wrong.check, 1);
        self.note(wrong)
    }

    /// Notes what is wrong with what was counted.
    fn note(&mut self, wrong: Fault) -> Fault {
        self.tally(wrong.check, 0).find(&wrong.zh, &wrong.en);
        wrong
    }

    fn members(&mut self, shared: &Shared) -> (Vec<Member>, Vec<UnfitItem>) {
        let (mut fit, mut unfit) = (Vec::new(), Vec::new());
        let mut seen = Seen::default();
        for member in &self.gathered.list.members {
            let filing = self.gathered.filings.get(&member.event);
            let mut faults = shared.of_all.clone();
            if let Some(filing) = filing {
                faults.extend(shared.of_packs.get(&filing.fact.pack).into_iter().flatten().cloned());
                let class = filing.fact.archival_code.class.to_string();
                faults.extend(shared.of_classes.get(&class).cloned());
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
        faults.extend(self.content_of_member(member, filing, &code));
        faults
    }

    /// I-07: its object is in the pack; A-02: it is the one that was filed, byte for byte.
    fn bytes_of_member(&mut self, member: &Member, filing: &Filing, code: &str) -> Vec<Fault> {
        let fact = &filing.fact;
        let Some(found) = self.found.get(&fact.pack) else {
            // Whatever the scheme says of papers: nobody looked at its bytes.
            let check = if self.by.law.blocks(CheckId::I12) { CheckId::I12 } else { CheckId::I07 };
            let wrong = fault(
                check,
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

    /// Every check over the whole, and every check of the items' content that was answered for.
    fn outcomes(&mut self) -> Vec<TransferCheck> {
        let law = self.by.law;
        let items = self.gathered.list.members.len();
        let mut outcomes: BTreeMap<CheckId, TransferCheck> = BTreeMap::new();
        for line in law.carried() {
            if let Some(reused) = self.answered(line.check, items) {
                outcomes.insert(line.check, self.outcome(line, reused));
            }
        }
        for line in law.whole() {
            outcomes.insert(line.check, self.outcome(line, ""));
        }
        outcomes.into_values().collect()
    }

    fn outcome(&mut self, line: &Line, reused: &str) -> TransferCheck {
        let id = line.check;
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
            alias: line.alias.clone(),
            name: id.name().to_owned(),
            name_en: id.name_en().to_owned(),
            property: property(id.property()).to_owned(),
            severity: line.rule.severity.as_str().to_owned(),
            result: result.to_owned(),
            compared: tally.compared,
            failed: tally.failed,
            reused: reused.to_owned(),
            findings: tally.findings,
        }
    }
}

/// What is wrong with more than one member.
#[derive(Debug)]
struct Shared {
    of_all: Vec<Fault>,
    of_packs: HashMap<PackNumber, Vec<Fault>>,
    /// By the class of archival codes.
    of_classes: HashMap<String, Fault>,
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
    let mut remedies: Vec<&str> = faults.iter().map(|f| &*f.remedy).collect();
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
