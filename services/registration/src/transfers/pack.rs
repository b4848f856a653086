//! 移交组包: picks what is certified and in the archive's range, by the unit's rule or by hand, and numbers it.
//!
//! Before: `certificate.issued` (`store/transfers/certified.rs`). After: fixity runs the unit's checks, `submit.rs`.
//! If we crash here (`transfer.packed`): it is packed, and fixity hears of it from the outbox.

use std::collections::BTreeSet;
use std::time::Duration;

use dengbei_chain::facts::TransferPacked;
use dengbei_chain::{Encoded, Fact, MEMBERS, Member as Listed, MemberList, Subject};
use dengbei_kit::faults;
use dengbei_records::policy::{TransferRule, UnitPolicy};
use dengbei_records::{EventHash, PackNumber, SerialNo, Series, Sha256, Timestamp};
use sqlx::PgConnection;

use super::{Transfers, WorkError, month, salt, step, year};
use crate::author::Statement;
use crate::metrics;
use crate::store::documents::Held;
use crate::store::transfers::certified::{self, CertifiedPack};
use crate::store::transfers::members::{self, Member, Unfit};
use crate::store::transfers::{self, Certificate, State, Transfer, steps};
use crate::store::{numbers, policies};

/// The most certificates in one transfer. A batch has at most 8 packs of 256 items: 10,240 items are the most.
pub(super) const MOST_CERTIFICATES: usize = 5;
/// Packs of one unit that are looked at.
const LOOKED_AT: i64 = 400;

/// What goes into one transfer.
#[derive(Debug)]
pub(super) struct Picked {
    pub(super) packs: Vec<CertifiedPack>,
    /// Two people of each side sign; else the rule's names stand.
    pub(super) is_by_hand: bool,
    /// Who proposed it, as shown.
    pub(super) by: String,
    pub(super) actor: Option<dengbei_chain::Actor>,
    pub(super) note: String,
}

impl Transfers {
    /// Packs everything that rules say is due.
    pub(super) async fn pack_due(&self) -> Result<usize, WorkError> {
        let mut packed = 0;
        let mut connection = self.pool.acquire().await?;
        let ranges = certified::retentions(&mut connection).await?;
        let units = certified::units_waiting(&mut connection, &ranges).await?;
        drop(connection);
        for unit in units {
            while self.pack_one_due(&unit).await? {
                packed += 1;
            }
        }
        Ok(packed)
    }

    async fn pack_one_due(&self, unit: &dengbei_records::UnitCode) -> Result<bool, WorkError> {
        let now = self.author.now();
        let mut tx = self.pool.begin().await?;
        let policy = policies::of(&mut tx, unit).await?;
        if policy.transfer == TransferRule::ByHand {
            return Ok(false);
        }
        transfers::lock(&mut tx).await?;
        let waiting = certified::waiting(&mut tx, unit, &policy.archive_range, LOOKED_AT).await?;
        let packs = choose(&policy, waiting, now, self.linger);
        if packs.is_empty() {
            return Ok(false);
        }
        let (by, note) = ("单位规则 rule".to_owned(), format!("规则版本 rule version {}", policy.version));
        let picked = Picked { packs, is_by_hand: false, by, actor: None, note };
        let number = self.pack(&mut tx, picked, now).await?;
        tx.commit().await?;
        if number.is_some() {
            faults::reach("transfer.packed");
        }
        Ok(number.is_some())
    }

    /// Packs what is free of these packs; `None` when nothing is.
    pub(super) async fn pack(
        &self,
        tx: &mut PgConnection,
        picked: Picked,
        now: Timestamp,
    ) -> Result<Option<SerialNo>, WorkError> {
        let numbers: Vec<PackNumber> = picked.packs.iter().map(|p| p.pack).collect();
        certified::take(tx, &numbers).await?;
        let found = members::free(tx, &numbers).await?;
        let held: BTreeSet<PackNumber> = found.free.iter().map(|m| m.stored.pack).collect();
        let Some(first) = picked.packs.iter().find(|p| held.contains(&p.pack)) else { return Ok(None) };
        let area = &self.author.area;
        let number = numbers::next_serial(tx, Series::Transfer, area, year(now)).await?;
        let list = member_list("transfer.packed", &found.free)?;
        let (body, reference) = list.document()?;
        let packs: Vec<PackNumber> = held.iter().copied().collect();
        let bytes = certified::facts(tx, &packs).await?.iter().map(|f| f.bytes).sum();
        let certificates = certificates(&picked.packs, &held);
        let fact = TransferPacked {
            transfer_no: number.clone(),
            unit_uscc: first.unit.clone(),
            fonds_no: first.fonds.clone(),
            items: found.free.len() as u32,
            bytes,
            root: list.root(),
            members: reference.clone(),
            packs: packs.clone(),
        };
        let event = self.packed_event(&fact, &certificates, picked.actor, now)?;
        let document = Held { digest: reference.digest, media_type: MEMBERS.into(), body: body.into() };
        self.keep(tx, &document, now).await?;
        let transfer = new_transfer(&fact, certificates, (event.hash, picked.is_by_hand), now);
        transfers::insert(tx, &transfer).await?;
        members::take_out(tx, &number, &elsewhere(&found.elsewhere, &held)).await?;
        steps::note(tx, &number, &step("packed", now, picked.by, picked.note)).await?;
        self.outbox.put(tx, &[event]).await?;
        metrics::transfer_reached(State::Packed);
        tracing::info!(%number, items = fact.items, packs = packs.len(), "a transfer is packed");
        Ok(Some(number))
    }

    fn packed_event(
        &self,
        fact: &TransferPacked,
        certificates: &[Certificate],
        actor: Option<dengbei_chain::Actor>,
        now: Timestamp,
    ) -> Result<Encoded, WorkError> {
        let causes = certificates.iter().map(|c| c.event).collect();
        let subject = Subject::Transfer(fact.transfer_no.clone());
        let statement = Statement { subject, causes, fact: Fact::TransferPacked(fact.clone()) };
        Ok(self.author.state_for(actor, statement, now)?)
    }
}

/// The transfer that a `transfer.packed` begins.
pub(super) fn new_transfer(
    fact: &TransferPacked,
    certificates: Vec<Certificate>,
    (packed, is_by_hand): (EventHash, bool),
    at: Timestamp,
) -> Transfer {
    Transfer {
        number: fact.transfer_no.clone(),
        state: State::Packed,
        unit: fact.unit_uscc.clone(),
        fonds: fact.fonds_no.clone(),
        is_by_hand,
        items: fact.items,
        bytes: fact.bytes,
        root: fact.root,
        members: fact.members.digest,
        digests: None,
        catalogue: None,
        handover: None,
        packed,
        submitted: None,
        accepted: None,
        accessioned: None,
        rejected: None,
        unit_signed: None,
        archive_signed: None,
        reasons: Vec::new(),
        packed_at: at,
        changed_at: at,
        packs: fact.packs.clone(),
        certificates,
    }
}

/// The list of members, in the order of packs.
pub(super) fn member_list(of: &str, members: &[Member]) -> Result<MemberList, WorkError> {
    let listed = |m: &Member| Listed {
        event: m.filed(),
        item: m.stored.item,
        data_version: m.data_version,
        detail: serde_json::Value::Null,
    };
    Ok(MemberList { of: of.to_owned(), salt: salt()?, members: members.iter().map(listed).collect() })
}

/// The root over members, as `item.filed` hashes.
pub(super) fn root_of(members: &[Member]) -> Sha256 {
    dengbei_chain::root(&members.iter().map(Member::filed).collect::<Vec<_>>())
}

/// The certificates of those packs that are in the transfer, oldest first.
fn certificates(packs: &[CertifiedPack], held: &BTreeSet<PackNumber>) -> Vec<Certificate> {
    let mut found: Vec<Certificate> = Vec::new();
    for pack in packs.iter().filter(|p| held.contains(&p.pack)) {
        if found.iter().all(|c| c.event != pack.certificate.event) {
            found.push(pack.certificate.clone());
        }
    }
    found
}

/// Items of the transfer's packs that are in the archive or in another transfer.
pub(super) fn elsewhere(members: &[Member], held: &BTreeSet<PackNumber>) -> Vec<Unfit> {
    let of_these = members.iter().filter(|m| held.contains(&m.stored.pack));
    let out = |m: &Member| Unfit {
        filed: m.filed(),
        item: m.stored.item,
        archival_code: m.stored.archival_code.clone(),
        side: "elsewhere".into(),
        failed: Vec::new(),
        remedy: String::new(),
    };
    of_these.map(out).collect()
}

/// What the rule hands over now: packs of at most five certificates, oldest first.
fn choose(
    policy: &UnitPolicy,
    waiting: Vec<CertifiedPack>,
    now: Timestamp,
    linger: Duration,
) -> Vec<CertifiedPack> {
    let is_due = |p: &CertifiedPack| match policy.transfer {
        TransferRule::AtOnce => true,
        TransferRule::Monthly => month(p.certified_at) < month(now),
        TransferRule::AfterYears(years) => u32::from(year(now)) > u32::from(p.year) + u32::from(years),
        TransferRule::ByHand => false,
    };
    let due: Vec<CertifiedPack> =
        waiting.into_iter().filter(|p| policy.takes(p.retention) && is_due(p)).collect();
    let mut events: Vec<EventHash> = Vec::new();
    for pack in &due {
        if !events.contains(&pack.certificate.event) {
            events.push(pack.certificate.event);
        }
    }
    let waited = |p: &CertifiedPack| now.millis() - p.certified_at.millis() >= linger.as_millis() as i64;
    let is_full = events.len() >= MOST_CERTIFICATES || due.first().is_some_and(waited);
    if policy.transfer == TransferRule::AtOnce && !is_full {
        return Vec::new();
    }
    events.truncate(MOST_CERTIFICATES);
    due.into_iter().filter(|p| events.contains(&p.certificate.event)).collect()
}

#[cfg(test)]
mod tests {
    use dengbei_records::Retention;

    use super::*;

    const HOUR: i64 = 3_600_000;
    /// 2026-11-22 12:00 in Beijing.
    const NOW: i64 = 1_795_320_000_000;

    fn pack(n: u8, retention: Retention, year: u16, hours_ago: i64) -> CertifiedPack {
        let area = "330382".parse().unwrap();
        let number = SerialNo::new(Series::Certificate, area, 2026, n.into()).unwrap();
        CertifiedPack {
            pack: PackNumber::new(n.into()),
            certificate: Certificate {
                event: EventHash::of(&[n]),
                number,
                batch: uuid::Uuid::from_u128(n.into()),
            },
            unit: "115113016823646795".parse().unwrap(),
            fonds: "J001".parse().unwrap(),
            year,
            retention,
            certified_at: Timestamp::from_millis(NOW - hours_ago * HOUR),
        }
    }

    fn chosen(rule: TransferRule, waiting: &[CertifiedPack]) -> Vec<u64> {
        let policy = UnitPolicy { transfer: rule, ..UnitPolicy::default_rule() };
        let now = Timestamp::from_millis(NOW);
        let packs = choose(&policy, waiting.to_vec(), now, Duration::from_secs(2 * 3600));
        packs.iter().map(|p| p.pack.get()).collect()
    }

    fn many(count: u8) -> Vec<CertifiedPack> {
        (1..=count).map(|n| pack(n, Retention::Permanent, 2026, 1)).collect()
    }

    #[test]
    fn what_is_due_at_once_waits_for_others_of_its_unit_but_not_long() {
        assert!(chosen(TransferRule::AtOnce, &many(4)).is_empty());
        assert_eq!(chosen(TransferRule::AtOnce, &many(7)), [1, 2, 3, 4, 5]);
        let old = [pack(1, Retention::Permanent, 2026, 2), pack(2, Retention::ThirtyYears, 2026, 0)];
        assert_eq!(chosen(TransferRule::AtOnce, &old), [1, 2]);
    }

    #[test]
    fn ten_years_stay_with_the_unit_and_do_not_fill_a_transfer() {
        let mut packs = many(4);
        packs.push(pack(9, Retention::TenYears, 2026, 100));
        assert!(chosen(TransferRule::AtOnce, &packs).is_empty());
    }

    #[test]
    fn monthly_takes_what_was_certified_in_an_earlier_month() {
        let packs =
            [pack(1, Retention::Permanent, 2026, 24 * 25), pack(2, Retention::Permanent, 2026, 24 * 20)];
        assert_eq!(chosen(TransferRule::Monthly, &packs), [1]);
    }

    #[test]
    fn years_are_full_years_after_the_year_of_closing() {
        let packs: Vec<_> =
            (2022..=2026).map(|y| pack((y - 2020) as u8, Retention::Permanent, y, 1)).collect();
        assert_eq!(chosen(TransferRule::AfterYears(2), &packs), [2, 3]);
        assert!(chosen(TransferRule::ByHand, &packs).is_empty());
    }
}
