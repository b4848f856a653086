//! Reads every pack of a transfer on the side's own site: attested whole, its catalogue by range. Only where a pack is
//! not as it was signed are its members' own bytes read again, one by one.

use std::collections::{BTreeSet, HashMap};

use dengbei_chain::facts::SiteReceipt;
use dengbei_ocfl::Catalogue;
use dengbei_records::{EventHash, PackNumber};
use futures::{FutureExt as _, StreamExt as _, TryFutureExt as _};

use super::Transfers;
use super::gather::{FiledPack, Gathered, object_id};
use super::ranges::{self, Sound};
use crate::error::TransferError;
use crate::sites::{Attested, Expected, Name, Site, SiteFault};

/// Packs that are read at the same time.
const AT_ONCE: usize = 4;

/// How a pack is on the side's site.
#[derive(Debug)]
pub(crate) struct Found {
    /// What the site signed for; `None`: it is not as it should be.
    pub(crate) receipt: Option<Box<SiteReceipt>>,
    /// What is wrong with the pack as a whole; empty when nothing is.
    pub(crate) wrong: Option<Wrong>,
    /// What it holds, read on this site, or on another where this one's cannot be read.
    pub(crate) catalogue: Sound<Catalogue>,
    /// Where its ranges count from.
    pub(crate) base: u64,
    /// Whether the catalogue was read on the side's own site.
    pub(crate) is_own_catalogue: bool,
    /// Of a pack that is not as it should be: every member's own bytes.
    pub(crate) members: HashMap<EventHash, Sound<()>>,
}

/// What is wrong with a pack as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Other bytes than were signed.
    Differs,
    /// It cannot be read whole.
    Unreadable,
    /// It is not there.
    Missing,
}

impl Transfers {
    /// Reads every pack that holds members.
    pub(super) async fn examine(
        &self,
        site: &Site,
        gathered: &Gathered,
    ) -> Result<HashMap<PackNumber, Found>, TransferError> {
        let wanted = gathered.members_by_pack();
        let each = wanted.iter().filter_map(|(number, members)| {
            let pack = gathered.packs.get(number)?;
            let reading = self.one_pack(site, gathered, (pack, members));
            Some(reading.map_ok(|found| (*number, found)).boxed())
        });
        let each: Vec<_> = each.collect();
        let read: Vec<Result<_, TransferError>> =
            futures::stream::iter(each).buffer_unordered(AT_ONCE).collect().await;
        read.into_iter().collect()
    }

    async fn one_pack(
        &self,
        site: &Site,
        gathered: &Gathered,
        (pack, members): (&FiledPack, &BTreeSet<EventHash>),
    ) -> Result<Found, TransferError> {
        let batch = &pack.batch;
        let name = Name { pack: batch.pack, generation: batch.generation };
        let expected = Expected { digest: batch.pack_digest, bytes: batch.pack_bytes };
        let (wrong, length) = match site.attest(name, gathered.asked.purpose(), expected).await? {
            Attested::Good(receipt) => {
                let catalogue = ranges::catalogue(site, name, batch.pack_bytes).await?;
                return Ok(Found {
                    receipt: Some(receipt),
                    wrong: None,
                    base: catalogue.as_ref().map_or(0, |(_, base)| *base),
                    catalogue: catalogue.map(|(read, _)| read),
                    is_own_catalogue: true,
                    members: HashMap::new(),
                });
            }
            Attested::Differs { bytes, .. } => (Wrong::Differs, bytes.unwrap_or(batch.pack_bytes)),
            Attested::Unreadable => (Wrong::Unreadable, batch.pack_bytes),
            Attested::Missing => return Ok(missing(members)),
        };
        self.locate(site, gathered, (pack, members), (wrong, length)).await
    }

    /// Which members of a bad pack have bad bytes of their own.
    async fn locate(
        &self,
        site: &Site,
        gathered: &Gathered,
        (pack, members): (&FiledPack, &BTreeSet<EventHash>),
        (wrong, length): (Wrong, u64),
    ) -> Result<Found, TransferError> {
        let name = Name { pack: pack.batch.pack, generation: pack.batch.generation };
        let (read, is_own_catalogue) = self.trusted_catalogue(site, pack, length).await?;
        let mut states = HashMap::new();
        for event in members {
            let Some(filing) = gathered.filings.get(event) else { continue };
            let place = match &read {
                Ok((catalogue, base)) => catalogue.find(&object_id(&filing.fact)).map(|v| {
                    let start = base + v.offset;
                    start..start + v.length
                }),
                Err(_) => None,
            };
            let state = match place {
                None => Err("no catalogue tells where it lies".to_owned()),
                Some(range) if range.end > length => Err("the pack ends before it".to_owned()),
                Some(range) => ranges::version(site, name, range, filing.fact.inventory).await?,
            };
            states.insert(*event, state);
        }
        Ok(Found {
            receipt: None,
            wrong: Some(wrong),
            base: read.as_ref().map_or(0, |(_, base)| *base),
            catalogue: read.map(|(catalogue, _)| catalogue),
            is_own_catalogue,
            members: states,
        })
    }

    /// A catalogue that is the one that was signed: this site's, else any other's. Ranges are proved by the digests of
    /// what lies there.
    async fn trusted_catalogue(
        &self,
        site: &Site,
        pack: &FiledPack,
        length: u64,
    ) -> Result<(Sound<(Catalogue, u64)>, bool), SiteFault> {
        let name = Name { pack: pack.batch.pack, generation: pack.batch.generation };
        let is_signed = |read: &Sound<(Catalogue, u64)>| {
            read.as_ref().is_ok_and(|(c, _)| c.versions_root == pack.batch.versions_root)
        };
        let own = ranges::catalogue(site, name, length).await?;
        if is_signed(&own) {
            return Ok((own, true));
        }
        let mut silent = None;
        for other in self.sites.all().iter().filter(|other| other.name != site.name) {
            match ranges::catalogue(other, name, pack.batch.pack_bytes).await {
                Ok(read) if is_signed(&read) => return Ok((read, false)),
                Ok(_) => {}
                Err(fault) => silent = Some(fault),
            }
        }
        // What a silent site may still tell is waited for.
        match silent {
            Some(fault) => Err(fault),
            None => Ok((Err("no site has a sound catalogue of it".to_owned()), false)),
        }
    }
}

fn missing(members: &BTreeSet<EventHash>) -> Found {
    let gone = || Err("the pack is not on the site".to_owned());
    Found {
        receipt: None,
        wrong: Some(Wrong::Missing),
        base: 0,
        catalogue: Err("the pack is not on the site".to_owned()),
        is_own_catalogue: false,
        members: members.iter().map(|event| (*event, gone())).collect(),
    }
}
