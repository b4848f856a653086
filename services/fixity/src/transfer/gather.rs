//! What a run is about: the event that asks, the transfer's member list, every member's filing, every pack.
//!
//! Everything comes from events and documents cited by digest; what has not arrived is waited for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dengbei_chain::facts::{BatchFiled, ItemFiled, Purpose, Side};
use dengbei_chain::{DocumentRef, Event, Fact, MemberList};
use dengbei_kit::documents;
use dengbei_records::{EventHash, FondsNo, PackNumber, SerialNo, Sha256};

use super::Transfers;
use crate::error::TransferError;
use crate::store::transfers::{self, TransferRun};
use crate::store::{copies, packs};

/// What the event says.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) transfer_no: SerialNo,
    pub(crate) side: Side,
    pub(crate) fonds: FondsNo,
    pub(crate) items: u32,
    pub(crate) bytes: u64,
    pub(crate) root: Sha256,
    pub(crate) members: DocumentRef,
    pub(crate) packs: Vec<PackNumber>,
    pub(crate) causes: Vec<EventHash>,
}

impl Asked {
    /// Whose copy is checked: the unit's is the primary, the archive's its own.
    pub(crate) fn site_class(&self) -> &'static str {
        if self.side == Side::Unit { "primary" } else { "archive" }
    }

    /// What the site signs that it holds the copy for.
    pub(crate) fn purpose(&self) -> Purpose {
        if self.side == Side::Storing { Purpose::Accession } else { Purpose::Storage }
    }
}

/// A member's filing.
#[derive(Debug, Clone)]
pub(crate) struct Filing {
    pub(crate) fact: ItemFiled,
    /// `item.prefiled`
    pub(crate) prefiled: Option<EventHash>,
    /// `item.checked`
    pub(crate) checked: Option<EventHash>,
}

/// A pack with the filings inside.
#[derive(Debug, Clone)]
pub(crate) struct FiledPack {
    pub(crate) batch: BatchFiled,
    /// `item.filed` of every item inside, by object id.
    pub(crate) objects: HashMap<String, EventHash>,
}

/// Everything a run is about.
#[derive(Debug, Clone)]
pub(crate) struct Gathered {
    pub(crate) asked: Asked,
    pub(crate) list: MemberList,
    pub(crate) filings: HashMap<EventHash, Filing>,
    pub(crate) packs: BTreeMap<PackNumber, FiledPack>,
    /// On storing: the `pack.stored` of each pack.
    pub(crate) stored: HashMap<PackNumber, EventHash>,
}

impl Gathered {
    /// Packs that hold members, and the members in each.
    pub(crate) fn members_by_pack(&self) -> BTreeMap<PackNumber, BTreeSet<EventHash>> {
        let mut by_pack: BTreeMap<PackNumber, BTreeSet<EventHash>> = BTreeMap::new();
        for member in &self.list.members {
            if let Some(filing) = self.filings.get(&member.event) {
                by_pack.entry(filing.fact.pack).or_default().insert(member.event);
            }
        }
        by_pack
    }
}

impl Transfers {
    pub(super) async fn gather(&self, run: &TransferRun) -> Result<Gathered, TransferError> {
        let asked = self.asked(run).await?;
        let document = documents::fetch(&self.registration, &asked.members.digest).await?;
        let list = MemberList::read(&document.body, &asked.members)?;
        let packs = self.packs(&asked).await?;
        let filings = packs::filings_of(&self.pool, &asked.packs).await?;
        let (packs, filings) = assemble(packs, filings, &list)?;
        let stored = self.stored(&asked).await?;
        Ok(Gathered { asked, list, filings, packs, stored })
    }

    async fn asked(&self, run: &TransferRun) -> Result<Asked, TransferError> {
        let packed = match run.side {
            Side::Unit => run.clone(),
            _ => transfers::get(&self.pool, &run.transfer_no, Side::Unit)
                .await?
                .ok_or_else(|| TransferError::NotYet(format!("transfer.packed of {}", run.transfer_no)))?,
        };
        let Some(Fact::TransferPacked(packed)) = Event::read(packed.event)?.fact else {
            return Err(TransferError::Fault("the run of the unit holds another event".into()));
        };
        let mut asked = Asked {
            transfer_no: run.transfer_no.clone(),
            side: run.side,
            fonds: packed.fonds_no,
            items: packed.items,
            bytes: packed.bytes,
            root: packed.root,
            members: packed.members,
            packs: packed.packs,
            causes: vec![run.asked],
        };
        match Event::read(run.event.clone())?.fact {
            Some(Fact::TransferPacked(_)) => {}
            Some(Fact::TransferSubmitted(fact)) => {
                (asked.items, asked.bytes, asked.root) = (fact.items, fact.bytes, fact.root);
                asked.members = fact.members;
            }
            Some(Fact::TransferAccepted(fact)) => {
                (asked.items, asked.bytes, asked.root) = (fact.items, fact.bytes, fact.root);
                (asked.members, asked.packs) = (fact.members, fact.packs);
            }
            _ => return Err(TransferError::Fault("a run holds an event that asks for nothing".into())),
        }
        Ok(asked)
    }

    async fn packs(&self, asked: &Asked) -> Result<Vec<packs::Pack>, TransferError> {
        let known = packs::newest(&self.pool, &asked.packs).await?;
        match asked.packs.iter().find(|n| !known.iter().any(|p| p.pack == **n)) {
            Some(missing) => Err(TransferError::NotYet(format!("batch.filed of pack {missing}"))),
            None => Ok(known),
        }
    }

    /// On storing, the archive's receipts: all of them, or it is too early.
    async fn stored(&self, asked: &Asked) -> Result<HashMap<PackNumber, EventHash>, TransferError> {
        if asked.side != Side::Storing {
            return Ok(HashMap::new());
        }
        let site = self.sites.of_class(asked.site_class())?.name.clone();
        let found =
            copies::receipts_for(&self.pool, &asked.packs, Purpose::Accession, asked.site_class()).await?;
        let stored: HashMap<PackNumber, EventHash> = found
            .into_iter()
            .filter(|(at, _, _)| *at == site)
            .map(|(_, pack, event)| (pack, event))
            .collect();
        match asked.packs.iter().find(|pack| !stored.contains_key(pack)) {
            Some(missing) => Err(TransferError::NotYet(format!("pack.stored (accession) of pack {missing}"))),
            None => Ok(stored),
        }
    }
}

type Assembled = (BTreeMap<PackNumber, FiledPack>, HashMap<EventHash, Filing>);

/// Sorts filings into their packs. A member whose filing is not known is waited for while a pack's filings are not
/// complete; once they are, it is a finding.
fn assemble(
    packs: Vec<packs::Pack>,
    events: HashMap<EventHash, Event>,
    list: &MemberList,
) -> Result<Assembled, TransferError> {
    let mut filed = BTreeMap::new();
    for pack in packs {
        // A pack of documents holds no item: what the list says of it is a finding.
        if let Some(Fact::BatchFiled(batch)) = Event::read(pack.event)?.fact {
            filed.insert(pack.pack, FiledPack { batch, objects: HashMap::new() });
        }
    }
    let mut filings = HashMap::with_capacity(events.len());
    for (hash, event) in events {
        let Some(Fact::ItemFiled(fact)) = event.fact else { continue };
        if let Some(pack) = filed.get_mut(&fact.pack) {
            pack.objects.insert(object_id(&fact), hash);
        }
        let (prefiled, checked) = (event.causes.first().copied(), event.causes.get(1).copied());
        filings.insert(hash, Filing { fact, prefiled, checked });
    }
    let incomplete = filed.values().find(|p| p.objects.len() < p.batch.count as usize);
    match (incomplete, list.members.iter().find(|m| !filings.contains_key(&m.event))) {
        (Some(pack), _) => Err(TransferError::NotYet(format!("item.filed of pack {}", pack.batch.pack))),
        (None, _) => Ok((filed, filings)),
    }
}

/// OCFL object of an item.
pub(crate) fn object_id(filed: &ItemFiled) -> String {
    format!("urn:uuid:{}", filed.item)
}
