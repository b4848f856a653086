//! What the events of a receipt say together: one item's life, step by step, each step resting on the one before by
//! cause, root and number, each signed by those who stand for it. Before: `links.rs`, which proved that they hang
//! together. Its caller hands out the steps as [`crate::Proven`].

use std::collections::BTreeSet;

use dengbei_chain::facts::{
    BatchApplied, BatchFiled, BatchRegistered, CertificateIssued, ItemAccessioned, ItemChecked, ItemFiled,
    ItemPrefiled, PackSecured, Purpose, SiteReceipt, TransferAccepted, Verdict, Witness,
};
use dengbei_chain::{Event, Fact, FactKind};
use dengbei_records::AreaCode;

use crate::finding::Finding;
use crate::receipt::Receipt;
use crate::signatures::{Signatory, check};

/// The steps of one item's life, as far as the receipt goes.
pub(crate) struct Told<'a> {
    pub(crate) prefiled: &'a ItemPrefiled,
    pub(crate) filed: &'a ItemFiled,
    pub(crate) batch: &'a BatchFiled,
    pub(crate) applied: Option<&'a BatchApplied>,
    pub(crate) registered: Option<&'a BatchRegistered>,
    pub(crate) secured: Option<&'a PackSecured>,
    pub(crate) certificate: Option<&'a CertificateIssued>,
    pub(crate) accepted: Option<&'a TransferAccepted>,
    pub(crate) accessioned: Option<&'a ItemAccessioned>,
}

/// A fact with its event and its place in the receipt.
struct Step<'a, T> {
    at: usize,
    event: &'a Event,
    fact: &'a T,
}

/// Reads the story and refuses one that does not hold.
pub(crate) fn told<'a>(receipt: &Receipt, events: &'a [Event]) -> Result<Told<'a>, Finding> {
    let area = one_area(events)?;
    let filing = Filing::read(receipt, events, area)?;
    let desk = Desk::read(receipt, events, area, &filing)?;
    let handover = Handover::read(receipt, events, area, &filing, desk.certificate.as_ref())?;
    only_known_memberships(receipt, &filing, &desk, &handover)?;
    Ok(Told {
        prefiled: filing.prefiled.fact,
        filed: filing.filed.fact,
        batch: filing.batch.fact,
        applied: desk.applied.map(|s| s.fact),
        registered: desk.registered.map(|s| s.fact),
        secured: desk.secured.map(|s| s.fact),
        certificate: desk.certificate.map(|s| s.fact),
        accepted: handover.accepted.map(|s| s.fact),
        accessioned: handover.accessioned.map(|s| s.fact),
    })
}

/// 预归档 to 正式归档.
struct Filing<'a> {
    prefiled: Step<'a, ItemPrefiled>,
    checked: Step<'a, ItemChecked>,
    filed: Step<'a, ItemFiled>,
    batch: Step<'a, BatchFiled>,
}

impl<'a> Filing<'a> {
    fn read(receipt: &Receipt, events: &'a [Event], area: &AreaCode) -> Result<Self, Finding> {
        let filed = needed(events, FactKind::ItemFiled, item_filed)?;
        let prefiled = needed(events, FactKind::ItemPrefiled, item_prefiled)?;
        let checked = needed(events, FactKind::ItemChecked, item_checked)?;
        let batch = needed(events, FactKind::BatchFiled, batch_filed)?;
        let (f, p, b) = (filed.fact, prefiled.fact, batch.fact);
        holds(
            f.item == receipt.item && f.data_version == receipt.data_version,
            "回执讲的是另一件",
            "the events tell of another item or version",
        )?;
        holds(
            (p.item, p.data_version, p.submission) == (f.item, f.data_version, f.submission),
            "归档与预归档不是同一次提交",
            "filed and prefiled differ in submission",
        )?;
        caused(&filed, prefiled.event)?;
        caused(&filed, checked.event)?;
        holds(
            matches!(checked.fact.verdict, Verdict::Passed { .. }),
            "检测未通过",
            "the checks did not pass",
        )?;
        holds(b.pack == f.pack, "归档批与归档的存储包不同", "filed and its batch differ in pack")?;
        holds(b.unit_uscc == p.unit_uscc, "归档批属另一单位", "the batch is another unit's")?;
        let text = BatchFiled::signed_text(area, b.pack, &b.root, &b.pack_digest);
        check(Signatory::Unit, &b.unit_key, &text, &b.unit_signature)?;
        Ok(Self { prefiled, checked, filed, batch })
    }
}

/// 登记申请 to 发证.
struct Desk<'a> {
    applied: Option<Step<'a, BatchApplied>>,
    registered: Option<Step<'a, BatchRegistered>>,
    secured: Option<Step<'a, PackSecured>>,
    certificate: Option<Step<'a, CertificateIssued>>,
}

impl<'a> Desk<'a> {
    fn read(
        receipt: &Receipt,
        events: &'a [Event],
        area: &AreaCode,
        filing: &Filing<'a>,
    ) -> Result<Self, Finding> {
        let desk = Self {
            applied: one(events, FactKind::BatchApplied, batch_applied)?,
            registered: one(events, FactKind::BatchRegistered, batch_registered)?,
            secured: one(events, FactKind::PackSecured, pack_secured)?,
            certificate: one(events, FactKind::CertificateIssued, certificate_issued)?,
        };
        if let Some(applied) = &desk.applied {
            check_applied(applied, &filing.batch, area)?;
        }
        if let Some(registered) = &desk.registered {
            desk.check_registered(registered, filing, area)?;
        }
        if let Some(secured) = &desk.secured {
            let registered = desk.registered.as_ref().ok_or_else(|| lacking(FactKind::BatchRegistered))?;
            check_secured(secured, registered, &filing.batch, area)?;
        }
        if let Some(certificate) = &desk.certificate {
            desk.check_certificate(certificate, area)?;
        }
        desk.covers(receipt, filing)?;
        Ok(desk)
    }

    fn check_registered(
        &self,
        step: &Step<'_, BatchRegistered>,
        filing: &Filing<'_>,
        area: &AreaCode,
    ) -> Result<(), Finding> {
        let r = step.fact;
        let text =
            BatchRegistered::signed_text(area, &r.registration_no, r.batch, &r.root, &r.decision.digest);
        check(Signatory::Administration, &r.administration_key, &text, &r.administration_signature)?;
        holds(
            r.unit_uscc == filing.batch.fact.unit_uscc,
            "登记属另一单位",
            "the registration is another unit's",
        )?;
        if let Some(applied) = &self.applied {
            caused(step, applied.event)?;
            let a = applied.fact;
            holds(
                (a.batch, a.root, a.items) == (r.batch, r.root, r.items),
                "登记与申请不符",
                "registered and applied differ",
            )?;
        }
        Ok(())
    }

    fn check_certificate(&self, step: &Step<'_, CertificateIssued>, area: &AreaCode) -> Result<(), Finding> {
        let c = step.fact;
        let secured = self.secured.as_ref().ok_or_else(|| lacking(FactKind::PackSecured))?;
        let registered = self.registered.as_ref().ok_or_else(|| lacking(FactKind::BatchRegistered))?;
        caused(step, secured.event)?;
        let r = registered.fact;
        holds(
            (c.batch, &c.registration_no, &c.unit_uscc, c.items, c.root)
                == (r.batch, &r.registration_no, &r.unit_uscc, r.items, r.root),
            "证书与登记不符",
            "the certificate and the registration differ",
        )?;
        let text = CertificateIssued::signed_text(
            area,
            &c.certificate_no,
            &c.registration_no,
            &c.certificate.digest,
        );
        check(Signatory::Administration, &c.administration_key, &text, &c.administration_signature)
    }

    /// The registered root must be proven to cover the item's filing batch.
    fn covers(&self, receipt: &Receipt, filing: &Filing<'_>) -> Result<(), Finding> {
        if self.registered.is_none() && self.applied.is_none() {
            return Ok(());
        }
        let of = self.covering().ok_or_else(|| lacking(FactKind::BatchApplied))?;
        member(receipt, filing.batch.at, of)
    }

    fn covering(&self) -> Option<usize> {
        let certificate = self.certificate.as_ref().map(|s| s.at);
        certificate.or_else(|| self.applied.as_ref().map(|s| s.at))
    }
}

fn check_applied(
    step: &Step<'_, BatchApplied>,
    batch: &Step<'_, BatchFiled>,
    area: &AreaCode,
) -> Result<(), Finding> {
    let (a, b) = (step.fact, batch.fact);
    caused(step, batch.event)?;
    holds(
        a.packs.contains(&b.pack)
            && a.packs.len() == step.event.causes.len()
            && (&a.unit_uscc, &a.fonds_no, a.year) == (&b.unit_uscc, &b.fonds_no, b.year),
        "申请与归档批不符",
        "the application and the filing batch differ",
    )?;
    let text = BatchApplied::signed_text(area, a.batch, &a.root, &a.application.digest);
    check(Signatory::Unit, &a.unit_key, &text, &a.unit_signature)
}

fn check_secured(
    step: &Step<'_, PackSecured>,
    registered: &Step<'_, BatchRegistered>,
    batch: &Step<'_, BatchFiled>,
    area: &AreaCode,
) -> Result<(), Finding> {
    let (s, b) = (step.fact, batch.fact);
    caused(step, registered.event)?;
    caused(step, batch.event)?;
    holds(
        (s.pack, s.generation, s.batch) == (b.pack, b.generation, registered.fact.batch),
        "备份与登记的存储包不符",
        "secured and registered differ in pack",
    )?;
    let mut sites = BTreeSet::new();
    for receipt in &s.receipts {
        check_site(receipt, b, area)?;
        if matches!(receipt.witness, Witness::Signed { .. }) {
            sites.insert(&receipt.site);
        }
    }
    holds(
        !sites.is_empty() && sites.len() == s.receipts.len(),
        "备份回执缺少签名或重复",
        "a site's receipt is not signed, or stands twice",
    )
}

fn check_site(receipt: &SiteReceipt, batch: &BatchFiled, area: &AreaCode) -> Result<(), Finding> {
    let is_of_pack = (receipt.pack, receipt.generation, receipt.digest, receipt.versions_root, receipt.bytes)
        == (batch.pack, batch.generation, batch.pack_digest, batch.versions_root, batch.pack_bytes);
    holds(
        is_of_pack && receipt.purpose == Purpose::Backup,
        "备份回执讲的是另一个包",
        "a site's receipt is for other bytes or another purpose",
    )?;
    match &receipt.witness {
        Witness::Signed { key, signature } => {
            check(Signatory::Site, key, &receipt.signed_text(area), signature)
        }
        Witness::ObservedBy(_) => Ok(()),
    }
}

/// 交接 and 进馆.
struct Handover<'a> {
    accepted: Option<Step<'a, TransferAccepted>>,
    accessioned: Option<Step<'a, ItemAccessioned>>,
}

impl<'a> Handover<'a> {
    fn read(
        receipt: &Receipt,
        events: &'a [Event],
        area: &AreaCode,
        filing: &Filing<'a>,
        certificate: Option<&Step<'a, CertificateIssued>>,
    ) -> Result<Self, Finding> {
        let handover = Self {
            accepted: one(events, FactKind::TransferAccepted, transfer_accepted)?,
            accessioned: one(events, FactKind::ItemAccessioned, item_accessioned)?,
        };
        if let Some(accepted) = &handover.accepted {
            let certificate = certificate.ok_or_else(|| lacking(FactKind::CertificateIssued))?;
            caused(accepted, certificate.event)?;
            check_accepted(accepted.fact, filing.batch.fact, area)?;
        }
        if let Some(accessioned) = &handover.accessioned {
            let accepted = handover.accepted.as_ref().ok_or_else(|| lacking(FactKind::TransferAccepted))?;
            caused(accessioned, accepted.event)?;
            let (now, before) = (accessioned.fact, accepted.fact);
            holds(
                (&now.transfer_no, now.items, now.root, &now.members)
                    == (&before.transfer_no, before.items, before.root, &before.members),
                "进馆与交接不符",
                "accessioned and accepted differ",
            )?;
        }
        if let Some(of) = handover.covering() {
            member(receipt, filing.filed.at, of)?;
        }
        Ok(handover)
    }

    fn covering(&self) -> Option<usize> {
        let accessioned = self.accessioned.as_ref().map(|s| s.at);
        accessioned.or_else(|| self.accepted.as_ref().map(|s| s.at))
    }
}

fn check_accepted(a: &TransferAccepted, batch: &BatchFiled, area: &AreaCode) -> Result<(), Finding> {
    holds(
        a.packs.contains(&batch.pack),
        "移交不含该件的存储包",
        "the transfer does not hold the item's pack",
    )?;
    let text = TransferAccepted::signed_text(area, &a.transfer_no, &a.root, &a.handover.digest);
    check(Signatory::Unit, &a.unit_key, &text, &a.unit_signature)?;
    check(Signatory::Archive, &a.archive_key, &text, &a.archive_signature)
}

/// The memberships that the story rests on must be there, and no other one may.
fn only_known_memberships(
    receipt: &Receipt,
    filing: &Filing<'_>,
    desk: &Desk<'_>,
    handover: &Handover<'_>,
) -> Result<(), Finding> {
    member(receipt, filing.prefiled.at, filing.checked.at)?;
    member(receipt, filing.filed.at, filing.batch.at)?;
    let steps = 2 + usize::from(desk.covering().is_some()) + usize::from(handover.covering().is_some());
    holds(
        receipt.memberships.len() == steps,
        "成员证明多余或缺少",
        "there are more or fewer membership proofs than the story rests on",
    )
}

fn member(receipt: &Receipt, member: usize, of: usize) -> Result<(), Finding> {
    let is_there = receipt.memberships.iter().any(|m| (m.member as usize, m.of as usize) == (member, of));
    holds(is_there, "缺少成员证明", "a membership proof is missing")
}

fn one_area(events: &[Event]) -> Result<&AreaCode, Finding> {
    let area = &events[0].area;
    holds(events.iter().all(|e| e.area == *area), "事件属不同地区", "the events are of different areas")?;
    Ok(area)
}

fn caused<T>(step: &Step<'_, T>, cause: &Event) -> Result<(), Finding> {
    let (fact, by) = (step.event.fact_name(), cause.fact_name());
    holds(
        step.event.causes.contains(&cause.hash),
        &format!("{fact} 不以 {by} 为由"),
        &format!("{fact} does not name {by} as its cause"),
    )
}

fn holds(is_so: bool, zh: &str, en: &str) -> Result<(), Finding> {
    if is_so { Ok(()) } else { Err(Finding::new("receipt.story", "/events", zh, en)) }
}

fn lacking(kind: FactKind) -> Finding {
    Finding::new(
        "receipt.story",
        "/events",
        format!("缺少事件：{}", kind.word()),
        format!("an event is missing: {}", kind.name()),
    )
}

fn needed<'a, T>(
    events: &'a [Event],
    kind: FactKind,
    pick: fn(&'a Fact) -> Option<&'a T>,
) -> Result<Step<'a, T>, Finding> {
    one(events, kind, pick)?.ok_or_else(|| lacking(kind))
}

/// The one event of a kind. Two would leave open which of them is meant.
fn one<'a, T>(
    events: &'a [Event],
    kind: FactKind,
    pick: fn(&'a Fact) -> Option<&'a T>,
) -> Result<Option<Step<'a, T>>, Finding> {
    let mut found = events.iter().enumerate().filter_map(|(at, event)| {
        let fact = event.fact.as_ref().and_then(pick)?;
        Some(Step { at, event, fact })
    });
    let first = found.next();
    let zh = format!("同类事件不止一个：{}", kind.word());
    holds(found.next().is_none(), &zh, &format!("more than one event: {}", kind.name()))?;
    Ok(first)
}

fn item_prefiled(fact: &Fact) -> Option<&ItemPrefiled> {
    if let Fact::ItemPrefiled(f) = fact { Some(f) } else { None }
}

fn item_checked(fact: &Fact) -> Option<&ItemChecked> {
    if let Fact::ItemChecked(f) = fact { Some(f) } else { None }
}

fn item_filed(fact: &Fact) -> Option<&ItemFiled> {
    if let Fact::ItemFiled(f) = fact { Some(f) } else { None }
}

fn batch_filed(fact: &Fact) -> Option<&BatchFiled> {
    if let Fact::BatchFiled(f) = fact { Some(f) } else { None }
}

fn batch_applied(fact: &Fact) -> Option<&BatchApplied> {
    if let Fact::BatchApplied(f) = fact { Some(f) } else { None }
}

fn batch_registered(fact: &Fact) -> Option<&BatchRegistered> {
    if let Fact::BatchRegistered(f) = fact { Some(f) } else { None }
}

fn pack_secured(fact: &Fact) -> Option<&PackSecured> {
    if let Fact::PackSecured(f) = fact { Some(f) } else { None }
}

fn certificate_issued(fact: &Fact) -> Option<&CertificateIssued> {
    if let Fact::CertificateIssued(f) = fact { Some(f) } else { None }
}

fn transfer_accepted(fact: &Fact) -> Option<&TransferAccepted> {
    if let Fact::TransferAccepted(f) = fact { Some(f) } else { None }
}

fn item_accessioned(fact: &Fact) -> Option<&ItemAccessioned> {
    if let Fact::ItemAccessioned(f) = fact { Some(f) } else { None }
}
