//! What a batch is about: what its event states, what its lists name, what fixity heard of, and the bytes on the site.
//!
//! Before: the event that makes the batch. After: `batch.rs`. What is not here yet is waited for; after an hour the run goes
//! on with what there is, and the difference is its finding.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dengbei_chain::facts::{BatchFiled, ItemFiled};
use dengbei_chain::{DocumentRef, Event, Fact, MemberList};
use dengbei_checks::facts::Classes;
use dengbei_checks::{Arrived, Paper};
use dengbei_kit::documents;
use dengbei_records::{EventHash, ItemId, PackNumber, Sha256};

use super::Wholes;
use super::error::WholeError;
use crate::sites::Site;
use crate::store::packs;
use crate::store::transfers;
use crate::store::wholes::OpenWhole;

/// How long members are waited for: milliseconds.
const PATIENCE: i64 = 3_600_000;

/// What a batch states of itself.
#[derive(Debug, Clone)]
pub(super) struct Stated {
    pub(super) items: u64,
    pub(super) bytes: u64,
    pub(super) packs: Vec<PackNumber>,
    pub(super) papers: Vec<Paper>,
    /// The list of its members; none: those of its packs together.
    pub(super) members: Option<DocumentRef>,
    /// Which class of site holds what arrived.
    pub(super) class: &'static str,
}

/// Everything a run over a batch compares.
#[derive(Debug, Clone)]
pub(super) struct Gathered {
    pub(super) stated: Stated,
    pub(super) listed: Vec<Arrived>,
    pub(super) arrived: Vec<Arrived>,
    pub(super) items: Vec<ItemId>,
    pub(super) classes: Classes,
    /// Bytes of the packs as they lie on the site; `None`: no site of that class is configured.
    pub(super) bytes: Option<u64>,
}

impl Wholes {
    pub(super) async fn gather(&self, run: &OpenWhole, event: &Event) -> Result<Gathered, WholeError> {
        let stated = self.stated(event).await?;
        let batches = self.batches(&stated.packs).await?;
        let lists = match &stated.members {
            Some(members) => vec![self.list(members).await?],
            None => {
                let mut lists = Vec::new();
                for batch in &batches {
                    lists.push(self.list(&batch.members).await?);
                }
                lists
            }
        };
        let filings = packs::filings_of(&self.pool, &stated.packs).await?;
        let wanted: BTreeSet<EventHash> =
            lists.iter().flat_map(|l| l.members.iter().map(|m| m.event)).collect();
        let is_late = self.author.clock.now().millis() - run.opened_at.millis() > PATIENCE;
        if !is_late && wanted.iter().any(|hash| !filings.contains_key(hash)) {
            return Err(WholeError::NotYet("item.filed".to_owned()));
        }
        let bytes = self.bytes(&stated, &batches).await?;
        Ok(assemble(stated, &lists, filings, bytes))
    }

    async fn stated(&self, event: &Event) -> Result<Stated, WholeError> {
        match &event.fact {
            Some(Fact::BatchFiled(f)) => Ok(Stated {
                items: f.count.into(),
                bytes: f.pack_bytes,
                packs: vec![f.pack],
                papers: vec![paper("归档批签章", (f.count, f.pack_bytes, f.root))],
                members: Some(f.members.clone()),
                class: "primary",
            }),
            Some(Fact::BatchApplied(f)) => Ok(Stated {
                items: f.items.into(),
                bytes: f.bytes,
                packs: f.packs.clone(),
                papers: vec![paper("登记申请表", (f.items, f.bytes, f.root))],
                members: None,
                class: "primary",
            }),
            Some(Fact::TransferAccepted(f)) => {
                let mut papers = vec![paper("移交与接收登记表", (f.items, f.bytes, f.root))];
                let side = dengbei_chain::facts::Side::Archive;
                if let Some(run) = transfers::get(&self.pool, &f.transfer_no, side).await?
                    && let Some(Fact::TransferSubmitted(f)) = Event::read(run.event)?.fact
                {
                    papers.push(paper("移交", (f.items, f.bytes, f.root)));
                }
                Ok(Stated {
                    items: f.items.into(),
                    bytes: f.bytes,
                    packs: f.packs.clone(),
                    papers,
                    members: Some(f.members.clone()),
                    class: "archive",
                })
            }
            _ => Err(WholeError::Fault("an event that makes no batch".to_owned())),
        }
    }

    /// `batch.filed` of each pack.
    async fn batches(&self, wanted: &[PackNumber]) -> Result<Vec<BatchFiled>, WholeError> {
        let known = packs::newest(&self.pool, wanted).await?;
        if let Some(missing) = wanted.iter().find(|n| !known.iter().any(|p| p.pack == **n)) {
            return Err(WholeError::NotYet(format!("batch.filed of pack {missing}")));
        }
        let mut batches = Vec::with_capacity(known.len());
        for pack in known {
            if let Some(Fact::BatchFiled(batch)) = Event::read(pack.event)?.fact {
                batches.push(batch);
            }
        }
        Ok(batches)
    }

    async fn list(&self, members: &DocumentRef) -> Result<MemberList, WholeError> {
        let document = documents::fetch(&self.registration, &members.digest).await?;
        Ok(MemberList::read(&document.body, members)?)
    }

    /// Bytes of the packs as the site lists them. What is not there counts nothing.
    async fn bytes(&self, stated: &Stated, batches: &[BatchFiled]) -> Result<Option<u64>, WholeError> {
        let Ok(site) = self.sites.of_class(stated.class) else { return Ok(None) };
        let wanted: BTreeMap<u64, u32> = batches.iter().map(|b| (b.pack.get(), b.generation)).collect();
        Ok(Some(lengths(site, &wanted).await?))
    }
}

async fn lengths(site: &Site, wanted: &BTreeMap<u64, u32>) -> Result<u64, WholeError> {
    let (Some((&first, _)), Some((&last, _))) = (wanted.first_key_value(), wanted.last_key_value()) else {
        return Ok(0);
    };
    let (mut from, mut sum) = (first, 0);
    loop {
        let listed = site.list(from).await?;
        for one in &listed {
            if wanted.get(&one.name.pack.get()) == Some(&one.name.generation) {
                sum += one.bytes;
            }
        }
        match listed.last().map(|one| one.name.pack.get()) {
            // A page ends with a pack, of which other generations may stand on the next: begun again behind it.
            Some(at) if at < last => from = at + 1,
            _ => return Ok(sum),
        }
    }
}

fn paper(name: &str, (items, bytes, root): (u32, u64, Sha256)) -> Paper {
    Paper { name: name.to_owned(), items: items.into(), bytes: Some(bytes), root: Some(root) }
}

fn assemble(
    mut stated: Stated,
    lists: &[MemberList],
    filings: HashMap<EventHash, Event>,
    bytes: Option<u64>,
) -> Gathered {
    if let [list] = lists {
        let items = list.members.len() as u64;
        stated
            .papers
            .push(Paper { name: "成员清单".into(), items, bytes: None, root: Some(list.root()) });
    }
    let row = |item: ItemId| Arrived { record_no: item.to_string(), title: String::new() };
    let listed = lists.iter().flat_map(|l| l.members.iter().map(|m| row(m.item))).collect();
    let of_list: BTreeSet<EventHash> = lists.iter().flat_map(|l| l.members.iter().map(|m| m.event)).collect();
    // A transfer takes what is fit of a pack; a batch takes all of it.
    let is_part = stated.class == "archive";
    let mut here: Vec<ItemFiled> = Vec::with_capacity(filings.len());
    for (hash, event) in filings {
        if let Some(Fact::ItemFiled(filed)) = event.fact
            && (!is_part || of_list.contains(&hash))
        {
            here.push(filed);
        }
    }
    here.sort_by(|a, b| a.archival_code.cmp(&b.archival_code));
    let mut classes = Classes::new();
    for filed in &here {
        let class = classes.entry(filed.archival_code.class.to_string()).or_default();
        class.given.push(filed.archival_code.number);
    }
    Gathered {
        stated,
        listed,
        arrived: here.iter().map(|filed| row(filed.item)).collect(),
        items: here.iter().map(|filed| filed.item).collect(),
        classes,
        bytes,
    }
}
