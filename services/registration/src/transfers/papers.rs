//! The papers of a transfer, made anew of what is fit: member list, 移交目录, 电子档案数字摘要表. What did not change
//! since the last making is taken over byte for byte. Blocking: reads packs and keys.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use dengbei_chain::{DocumentRef, MEMBERS, MemberList};
use dengbei_kit::seals::{SealKeys, Signed};
use dengbei_records::papers::{self, Body, Catalogue, CatalogueRow, DigestTable, PackLine, Seal, Sealed};
use dengbei_records::{AreaCode, PackNumber, Sha256, Timestamp, canonical};
use dengbei_vault::Site;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use super::pack::member_list;
use super::record::Records;
use super::{Transfers, WorkError, salt};
use crate::store::documents::{self, Held};
use crate::store::transfers::certified::{self, PackFacts};
use crate::store::transfers::members::{self, Member};
use crate::store::transfers::{Transfer, lists};
use crate::unit_keys::{KeyError, UnitKeys};

/// Everything that papers are made of.
#[derive(Debug)]
pub(super) struct Making {
    pub(super) area: AreaCode,
    pub(super) site: Site,
    pub(super) keys: UnitKeys,
    pub(super) key_folder: PathBuf,
    pub(super) transfer: Transfer,
    pub(super) unit: Body,
    pub(super) archive: Body,
    pub(super) members: Vec<Member>,
    pub(super) packs: Vec<PackFacts>,
    /// Whether nothing was taken out since the last making.
    is_same: bool,
    earlier: Earlier,
    pub(super) now: Timestamp,
}

/// Papers of the last making, where they are still at hand.
#[derive(Debug, Default)]
struct Earlier {
    members: Option<Held>,
    catalogue: Option<Held>,
    digests: Option<Held>,
}

/// Papers of one making.
#[derive(Debug)]
pub(super) struct Papers {
    pub(super) list: MemberList,
    pub(super) members: Held,
    pub(super) catalogue: Held,
    pub(super) digests: Held,
    pub(super) rows: Vec<CatalogueRow>,
    pub(super) table: DigestTable,
    pub(super) packs: Vec<PackNumber>,
    /// 数据量 of the packs.
    pub(super) bytes: u64,
}

impl Papers {
    pub(super) fn root(&self) -> Sha256 {
        self.list.root()
    }

    pub(super) fn items(&self) -> u32 {
        self.list.members.len() as u32
    }
}

impl Transfers {
    /// Gathers what the papers of a transfer are made of now.
    pub(super) async fn gather(
        &self,
        tx: &mut PgConnection,
        transfer: Transfer,
        now: Timestamp,
    ) -> Result<Making, WorkError> {
        let members = members::of(tx, &transfer.number).await?;
        let mut numbers: Vec<PackNumber> = members.iter().map(|m| m.stored.pack).collect();
        numbers.dedup();
        let packs = certified::facts(tx, &numbers).await?;
        let name = lists::unit_name(tx, &transfer.unit).await?;
        let unit = Body { name, code: transfer.unit.to_string(), mark: transfer.fonds.to_string() };
        let earlier = earlier(tx, &transfer).await?;
        Ok(Making {
            area: self.author.area.clone(),
            site: self.site.clone(),
            keys: self.keys.clone(),
            key_folder: self.key_folder.clone(),
            is_same: super::pack::root_of(&members) == transfer.root,
            transfer,
            unit,
            archive: self.author.bodies.archive.clone(),
            members,
            packs,
            earlier,
            now,
        })
    }
}

async fn earlier(tx: &mut PgConnection, transfer: &Transfer) -> Result<Earlier, WorkError> {
    let mut found = Earlier { members: documents::find(tx, &transfer.members).await?, ..Earlier::default() };
    if let Some(digest) = &transfer.catalogue {
        found.catalogue = documents::find(tx, digest).await?;
    }
    if let Some(digest) = &transfer.digests {
        found.digests = documents::find(tx, digest).await?;
    }
    Ok(found)
}

impl Making {
    /// Makes the papers. Reads `record.json` of every member that the last catalogue does not tell.
    pub(super) fn papers(&self, of: &str) -> Result<Papers, WorkError> {
        let (list, members) = self.list(of)?;
        let (catalogue, rows) = self.catalogue()?;
        let table = DigestTable { unit: self.unit.name.clone(), rows: self.lines() };
        let digests = match (&self.earlier.digests, self.is_same) {
            (Some(held), true) => held.clone(),
            _ => sealed(papers::DIGESTS, table.clone(), |body| self.unit_seal(papers::DIGESTS, body))?,
        };
        let packs = self.packs.iter().map(|p| p.pack).collect();
        let bytes = self.packs.iter().map(|p| p.bytes).sum();
        Ok(Papers { list, members, catalogue, digests, rows, table, packs, bytes })
    }

    fn list(&self, of: &str) -> Result<(MemberList, Held), WorkError> {
        if let (Some(held), true) = (&self.earlier.members, self.is_same) {
            let reference = DocumentRef::to(&held.body, &held.media_type);
            return Ok((MemberList::read(&held.body, &reference)?, held.clone()));
        }
        let list = member_list(of, &self.members)?;
        let (body, reference) = list.document()?;
        let held = Held { digest: reference.digest, media_type: MEMBERS.into(), body: body.into() };
        Ok((list, held))
    }

    fn catalogue(&self) -> Result<(Held, Vec<CatalogueRow>), WorkError> {
        let known = self.earlier.catalogue.as_ref().and_then(|held| body_of::<Catalogue>(held).ok());
        let known = known.map(|paper| paper.rows).unwrap_or_default();
        if let (Some(held), true) = (&self.earlier.catalogue, self.is_same && !known.is_empty()) {
            return Ok((held.clone(), known));
        }
        let rows = self.rows(known)?;
        let number = self.transfer.number.to_string();
        let paper = Catalogue { transfer_no: number, salt: salt()?, rows: rows.clone() };
        let held = sealed(papers::CATALOGUE, paper, |body| self.unit_seal(papers::CATALOGUE, body))?;
        Ok((held, rows))
    }

    fn rows(&self, known: Vec<CatalogueRow>) -> Result<Vec<CatalogueRow>, WorkError> {
        let mut known: HashMap<String, CatalogueRow> =
            known.into_iter().map(|row| (row.record.clone(), row)).collect();
        let mut records = Records::new(self.site.clone(), self.area.clone());
        let mut rows = Vec::with_capacity(self.members.len());
        for member in &self.members {
            match known.remove(&member.record.to_string()) {
                Some(row) => rows.push(row),
                None => rows.push(records.row(member)?),
            }
        }
        Ok(rows)
    }

    /// One line a pack, with the items of this transfer in it.
    fn lines(&self) -> Vec<PackLine> {
        let line = |p: &PackFacts| {
            let items = self.members.iter().filter(|m| m.stored.pack == p.pack).count() as u32;
            PackLine {
                pack: p.pack.get(),
                form: "在线".into(),
                content: format!("{}年度 {} 政务服务办件", p.year, p.retention.word()),
                items,
                algorithm: "SHA-256".into(),
                digest: p.digest.to_string(),
                bytes: p.bytes,
                gigabytes: papers::gigabytes(p.bytes),
            }
        };
        self.packs.iter().map(line).collect()
    }

    /// The unit's SM2 seal under a paper.
    fn unit_seal(&self, paper: &str, body: &Sha256) -> Result<Vec<Seal>, WorkError> {
        let keys = self.unit_keys()?;
        let what = Signed { paper, body, role: "unit.seal", name: &self.unit.name, at: self.now };
        Ok(vec![keys.seal_sm2(&what)?])
    }

    /// The unit's keys: made with its first matter, never here.
    pub(super) fn unit_keys(&self) -> Result<SealKeys, WorkError> {
        unit_keys(&self.keys, &self.key_folder, &self.transfer.unit)
    }
}

/// A unit's keys, which are made with its first matter and never again.
pub(crate) fn unit_keys(
    keys: &UnitKeys,
    folder: &Path,
    unit: &dengbei_records::UnitCode,
) -> Result<SealKeys, WorkError> {
    if !keys.has(unit) {
        return Err(KeyError::Missing(unit.clone()).into());
    }
    Ok(SealKeys::open_or_make(&folder.join("units"), unit.as_str())?)
}

/// A paper under its seals, as a document.
pub(crate) fn sealed<T: Serialize>(
    paper: &str,
    body: T,
    seal: impl FnOnce(&Sha256) -> Result<Vec<Seal>, WorkError>,
) -> Result<Held, WorkError> {
    let mut whole = Sealed { paper: paper.to_owned(), body, seals: Vec::new() };
    let digest = whole.body_digest()?;
    whole.seals = seal(&digest)?;
    let bytes = canonical::to_vec(&whole)?;
    Ok(Held { digest: Sha256::of(&bytes), media_type: papers::MEDIA_TYPE.into(), body: bytes.into() })
}

fn body_of<T: Serialize + DeserializeOwned>(held: &Held) -> Result<T, WorkError> {
    let paper: Sealed<T> = canonical::from_slice(&held.body)?;
    Ok(paper.body)
}
