//! What concerns more than one member: the transfer's own papers, every pack, the numbers of a class.

use std::collections::{BTreeMap, HashMap};

use dengbei_chain::facts::BatchFiled;
use dengbei_chain::root;
use dengbei_checks::{CheckId, Severity};
use dengbei_records::{AreaCode, EventHash, PackNumber};
use ed25519_dalek::{Signature, VerifyingKey};

use super::super::gather::{FiledPack, Gathered};
use super::super::packs::{Found, Wrong};
use super::{Fault, Judge, MADE_BADLY, STORED_BADLY, fault};

const KEPT_TOGETHER: &str = "补齐缺号的件后一并移交 / add the missing items, and hand the class over whole";

impl Judge<'_> {
    /// I-01, I-02, I-12: the transfer's own papers against its members.
    pub(super) fn whole(&mut self) -> Vec<Fault> {
        let Gathered { asked, list, packs, .. } = self.gathered;
        let count = list.members.len();
        let counted = fault(
            CheckId::I01,
            format!("移交件数 {} 与目录 {count} 件不符", asked.items),
            format!("{} items declared, {count} listed", asked.items),
            MADE_BADLY,
        );
        let holding = self.gathered.members_by_pack();
        let bytes: u64 = holding.keys().filter_map(|n| packs.get(n)).map(|p| p.batch.pack_bytes).sum();
        let sized = fault(
            CheckId::I02,
            format!("移交数据量 {} 与存储包 {bytes} 字节不符", asked.bytes),
            format!("{} bytes declared, the packs hold {bytes}", asked.bytes),
            MADE_BADLY,
        );
        let rooted = fault(
            CheckId::I12,
            "移交目录与事件所载根不符",
            "the member list does not make the event's root",
            MADE_BADLY,
        );
        let holds = [asked.items as usize == count, asked.bytes == bytes, list.root() == asked.root];
        [counted, sized, rooted]
            .into_iter()
            .zip(holds)
            .filter_map(|(wrong, ok)| self.compare(ok, wrong))
            .collect()
    }

    /// What concerns everything in a pack: A-01, U-07, A-18, I-11, S-03. Of a pack whose bytes differ from what was
    /// signed only the finding is kept here: each member's own bytes decide.
    pub(super) fn packs(&mut self) -> HashMap<PackNumber, Vec<Fault>> {
        let mut of_packs = HashMap::new();
        for number in self.gathered.members_by_pack().into_keys() {
            let (Some(pack), Some(found)) = (self.gathered.packs.get(&number), self.found.get(&number))
            else {
                continue;
            };
            self.bytes_of(number, found);
            let faults = self.content_of(pack, found);
            of_packs.insert(number, faults);
        }
        of_packs
    }

    fn bytes_of(&mut self, number: PackNumber, found: &Found) {
        let (zh, en) = match found.wrong {
            Some(Wrong::Missing) => ("不在备份点上", "is not on the site"),
            Some(Wrong::Unreadable) => ("无法读取", "cannot be read"),
            _ => ("摘要与签署的不符", "has another digest than was signed"),
        };
        let (zh, en) = (format!("存储包 {number} {zh}"), format!("pack {number} {en}"));
        self.compare(found.wrong.is_none(), fault(CheckId::A01, zh, en, STORED_BADLY));
        let (zh, en) =
            (format!("存储包 {number} 目录不可读"), format!("pack {number}: no readable catalogue"));
        let is_readable = found.is_own_catalogue && found.catalogue.is_ok();
        self.compare(is_readable, fault(CheckId::U07, zh, en, STORED_BADLY));
    }

    fn content_of(&mut self, pack: &FiledPack, found: &Found) -> Vec<Fault> {
        let (number, batch) = (pack.batch.pack, &pack.batch);
        let Ok(catalogue) = &found.catalogue else { return Vec::new() };
        let hashes: Vec<EventHash> =
            catalogue.versions.iter().filter_map(|v| pack.objects.get(v.object.as_str())).copied().collect();
        let is_chained = root(&hashes) == batch.root && is_signed(&catalogue.area, batch);
        let items = catalogue.versions.iter().filter(|v| v.object.as_str().starts_with("urn:uuid:")).count();
        let is_ours =
            |object: &str| pack.objects.contains_key(object) || object.starts_with("urn:dengbei:document:");
        let strangers = catalogue.versions.iter().filter(|v| !is_ours(v.object.as_str())).count();
        let chained = fault(
            CheckId::A18,
            format!("存储包 {number} 的归档事件与归档批签章不符"),
            format!("pack {number}: its filings do not make the root that the unit signed"),
            MADE_BADLY,
        );
        let counted = fault(
            CheckId::I11,
            format!("存储包 {number} 应有 {} 件，实有 {items} 件", batch.count),
            format!("pack {number} should hold {} items, it holds {items}", batch.count),
            MADE_BADLY,
        );
        let alien = fault(
            CheckId::S03,
            format!("存储包 {number} 有目录之外的对象 {strangers} 个"),
            format!("pack {number} holds {strangers} objects that nothing lists"),
            MADE_BADLY,
        );
        let holds = [is_chained, items == batch.count as usize, strangers == 0];
        [chained, counted, alien].into_iter().zip(holds).filter_map(|(w, ok)| self.compare(ok, w)).collect()
    }

    /// I-06: item numbers of a class run on. As built in a gap only warns: the rest may be in another transfer. Where it
    /// blocks, a class is handed over whole or not at all.
    pub(super) fn continuity(&mut self) -> HashMap<String, Fault> {
        let mut of_classes = HashMap::new();
        let Some(severity) = self.by.law.severity(CheckId::I06) else { return of_classes };
        let mut classes: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for filing in self.gathered.list.members.iter().filter_map(|m| self.gathered.filings.get(&m.event)) {
            let code = &filing.fact.archival_code;
            classes.entry(code.class.to_string()).or_default().push(code.number);
        }
        for (class, mut numbers) in classes {
            numbers.sort_unstable();
            self.tally(CheckId::I06, numbers.len());
            for pair in numbers.windows(2).filter(|pair| pair[1] > pair[0] + 1) {
                let (from, to) = (pair[0] + 1, pair[1] - 1);
                let zh = format!("{class}：件号 {from} 至 {to} 不在本次移交中");
                let en = format!("{class}: numbers {from} to {to} are not in this transfer");
                let gap = self.note(fault(CheckId::I06, zh, en, KEPT_TOGETHER));
                if severity == Severity::Blocks {
                    of_classes.entry(class.clone()).or_insert(gap);
                }
            }
        }
        of_classes
    }
}

fn is_signed(area: &AreaCode, batch: &BatchFiled) -> bool {
    let text = BatchFiled::signed_text(area, batch.pack, &batch.root, &batch.pack_digest);
    VerifyingKey::from_bytes(&batch.unit_key).is_ok_and(|key| {
        key.verify_strict(text.as_bytes(), &Signature::from_bytes(&batch.unit_signature)).is_ok()
    })
}
