//! Every pack on the site against the events that tell of it, and every event against its pack.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dengbei_chain::MemberList;
use dengbei_chain::facts::{BatchFiled, DocumentRef, PackWritten};
use dengbei_ocfl::{PackReport, VersionReader};
use dengbei_records::{Record, Sha256, canonical};
use dengbei_vault::{Listing, PackName, Site, SiteError};
use tokio::task::block_in_place;

use super::Report;
use super::databases::Tables;
use super::history::{Filing, History};

/// What one pack holds of documents: digest → bytes.
pub(super) type Documents = HashMap<Sha256, Vec<u8>>;

/// Walks the site's packs; gives every document there is, in packs and tables. Invariants: `pack.missing`, `pack.orphan`, `pack.digest`, `pack.sound`,
/// `pack.documents`, `batch.members`, `item.record`, `item.inventory`, `item.reception`, `run.members`.
///
/// # Errors
/// When the site cannot be read.
pub(super) async fn walk(
    site: &Site,
    history: &History,
    tables: Option<&Tables>,
    report: &mut Report,
) -> anyhow::Result<Documents> {
    let mut documents = Documents::new();
    let mut found = BTreeSet::new();
    let by_pack = filings_by_pack(history);
    let all = all(site).await?;
    for path in all.strangers.iter().filter(|path| path.ends_with(".tar")) {
        report.find("pack.orphan", path, "不是存储包 / no pack's name");
    }
    for name in all.packs.into_iter().map(|pack| pack.name) {
        let number = name.number.get();
        if let Some((_, written)) = history.written.get(&number) {
            found.insert(number);
            block_in_place(|| documents_alone((site, &name), written, &mut documents, report))?;
            continue;
        }
        let Some((_, batch)) = history.batches.get(&number) else {
            if tables.is_some_and(|tables| !tables.may_be_unsealed(number)) {
                report.find("pack.orphan", name, "没有归档批 / no batch.filed tells of it");
            }
            continue;
        };
        found.insert(number);
        let filings = by_pack.get(&number).map_or(&[][..], Vec::as_slice);
        let pack = Pack { site, name: &name, batch, filings, history };
        block_in_place(|| pack.check(&mut documents, report))?;
    }
    for pack in history.pack_numbers().iter().filter(|n| !found.contains(n)) {
        report.find("pack.missing", pack, "包文件不在 / the pack's file is not there");
    }
    if let Some(tables) = tables {
        documents.extend(tables.documents.iter().map(|(digest, body)| (*digest, body.clone())));
        runs(history, &documents, report);
    }
    Ok(documents)
}

/// A pack of documents: its bytes are the ones stated, and every document in it is counted.
fn documents_alone(
    (site, name): (&Site, &PackName),
    written: &PackWritten,
    documents: &mut Documents,
    report: &mut Report,
) -> anyhow::Result<()> {
    match verify(site, name) {
        Ok(verified) if verified.is_sound() && verified.sha256 == written.pack_digest => {
            report.count("存储包 packs", 1);
            report.count("字节 bytes in packs", verified.len);
        }
        Ok(_) => {
            report.find("pack.digest", written.pack, "与写入时不同 / not the pack that was written");
            return Ok(());
        }
        Err(e) => {
            report.find("pack.sound", written.pack, dengbei_kit::status::chain(&e));
            return Ok(());
        }
    }
    let mut pack = site.open_pack(name)?;
    if pack.catalogue().versions_root != written.versions_root {
        report.find("pack.versions_root", written.pack, "与写入时不同 / not the one that was stated");
    }
    let objects: Vec<String> =
        pack.catalogue().versions.iter().map(|v| v.object.as_str().to_owned()).collect();
    if objects.len() != written.documents as usize {
        report.find("pack.documents", written.pack, format!("{} / {}", objects.len(), written.documents));
    }
    for object in objects {
        documents.extend(document(pack.version(&object)?)?);
    }
    Ok(())
}

fn filings_by_pack(history: &History) -> BTreeMap<u64, Vec<&Filing>> {
    let mut by_pack: BTreeMap<u64, Vec<&Filing>> = BTreeMap::new();
    for filing in &history.filed {
        by_pack.entry(filing.fact.pack.get()).or_default().push(filing);
    }
    by_pack
}

/// Every pack on a site, of whatever area.
pub(super) async fn all(site: &Site) -> Result<Listing, SiteError> {
    let mut all = Listing::default();
    for area in site.areas().await? {
        let listing = site.list_packs(&area).await?;
        all.packs.extend(listing.packs);
        all.strangers.extend(listing.strangers);
    }
    Ok(all)
}

/// The names of [`all`] packs on a site.
///
/// # Errors
/// When the site cannot be read.
pub(crate) async fn names(site: &Site) -> Result<Vec<PackName>, SiteError> {
    Ok(all(site).await?.packs.into_iter().map(|pack| pack.name).collect())
}

/// Reads a pack whole and checks every digest in it. Blocking.
fn verify(site: &Site, name: &PackName) -> Result<PackReport, SiteError> {
    Ok(site.open_pack(name)?.verify()?)
}

struct Pack<'a> {
    site: &'a Site,
    name: &'a PackName,
    batch: &'a BatchFiled,
    filings: &'a [&'a Filing],
    history: &'a History,
}

impl Pack<'_> {
    fn check(&self, documents: &mut Documents, report: &mut Report) -> anyhow::Result<()> {
        let verified = match verify(self.site, self.name) {
            Ok(verified) => verified,
            Err(e) => {
                report.find("pack.sound", self.batch.pack, dengbei_kit::status::chain(&e));
                return Ok(());
            }
        };
        for finding in &verified.findings {
            report.find("pack.sound", self.batch.pack, format!("{}: {}", finding.code, finding.detail));
        }
        if verified.sha256 != self.batch.pack_digest {
            report.find("pack.digest", self.batch.pack, "与归档批所记不同 / not the pack that was signed");
        }
        report.count("存储包 packs", 1);
        report.count("字节 bytes in packs", verified.len);
        if verified.is_sound() { self.contents(documents, report) } else { Ok(()) }
    }

    fn contents(&self, documents: &mut Documents, report: &mut Report) -> anyhow::Result<()> {
        let mut pack = self.site.open_pack(self.name)?;
        if pack.catalogue().versions_root != self.batch.versions_root {
            report.find(
                "pack.versions_root",
                self.batch.pack,
                "与归档批所记不同 / not the one that was signed",
            );
        }
        let objects: Vec<String> =
            pack.catalogue().versions.iter().map(|v| v.object.as_str().to_owned()).collect();
        let mut order = Vec::new();
        for object in objects {
            let version = pack.version(&object)?;
            if let Some(item) = object.strip_prefix("urn:uuid:") {
                order.extend(self.item(item, version, report)?);
            } else {
                documents.extend(document(version)?);
            }
        }
        let hashes: Vec<_> = order.iter().map(|filing| filing.hash).collect();
        if hashes.len() != self.batch.count as usize || dengbei_chain::root(&hashes) != self.batch.root {
            report.find(
                "batch.members",
                self.batch.pack,
                "包内各件与归档批的根不符 / the items inside do not make the signed root",
            );
        }
        Ok(())
    }

    /// The filing that tells of this object version; its record and inventory must be the ones filed.
    fn item<R: std::io::Read>(
        &self,
        item: &str,
        version: VersionReader<R>,
        report: &mut Report,
    ) -> anyhow::Result<Option<&Filing>> {
        let (head, inventory) = (version.inventory().head.get(), *version.inventory_sha512());
        let told =
            self.filings.iter().find(|f| f.fact.item.to_string() == item && f.fact.object_version == head);
        let Some(filing) = told else {
            report.find(
                "item.filed",
                item,
                format!("包 {} 内有未归档的件 / not filed by any event", self.batch.pack),
            );
            return Ok(None);
        };
        if inventory != filing.fact.inventory {
            report.find("item.inventory", item, "对象清单与事件不符 / not the inventory that was filed");
        }
        let (record, reception) = records(version)?;
        if Sha256::of(&record) != filing.fact.record {
            report.find("item.record", item, "记录与事件不符 / not the record that was filed");
        }
        let received = filing
            .causes
            .iter()
            .filter_map(|c| self.history.prefiled.get(c))
            .any(|p| p.reception == Sha256::of(&reception));
        let agrees = canonical::from_slice::<Record>(&record).is_ok_and(|r| {
            r.archival_code == filing.fact.archival_code && r.reception == Sha256::of(&reception)
        });
        if !received || !agrees {
            report.find("item.reception", item, "接收单与事件不符 / record, reception and events disagree");
        }
        report.count("包内件 items in packs", 1);
        Ok(Some(filing))
    }
}

fn records<R: std::io::Read>(version: VersionReader<R>) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let inventory = version.inventory().clone();
    let place = |logical| inventory.locate(inventory.head, logical).map(|(_, place)| place.to_owned());
    let (record_at, reception_at) = (place("record.json"), place("reception.json"));
    let (mut record, mut reception) = (Vec::new(), Vec::new());
    version.for_each(|content, reader| {
        if Some(&content.path) == record_at.as_ref() {
            reader.read_to_end(&mut record)?;
        } else if Some(&content.path) == reception_at.as_ref() {
            reader.read_to_end(&mut reception)?;
        }
        Ok(())
    })?;
    Ok((record, reception))
}

/// The bytes of a document object, keyed by their own digest.
fn document<R: std::io::Read>(version: VersionReader<R>) -> anyhow::Result<Vec<(Sha256, Vec<u8>)>> {
    let mut found = Vec::new();
    version.for_each(|_, reader| {
        let mut body = Vec::new();
        reader.read_to_end(&mut body)?;
        found.push((Sha256::of(&body), body));
        Ok(())
    })?;
    Ok(found)
}

/// Every run's member list is there, makes the signed root, and covers the filings that rest on it.
fn runs(history: &History, documents: &Documents, report: &mut Report) {
    let mut covered: HashMap<_, BTreeSet<_>> = HashMap::new();
    for (run, (count, root, digest)) in &history.passed_runs {
        let Some(body) = documents.get(digest) else {
            report.find("run.document", run, format!("检测报告不在 / the report is nowhere: {digest}"));
            continue;
        };
        let reference = DocumentRef { digest: *digest, bytes: body.len() as u64, media_type: String::new() };
        match MemberList::read(body, &reference) {
            Ok(list) if list.root() == *root && list.members.len() == *count as usize => {
                covered.insert(*run, list.hashes().into_iter().collect());
            }
            _ => {
                report.find(
                    "run.members",
                    run,
                    "成员清单与事件不符 / the member list does not make the root",
                );
            }
        }
    }
    for filing in &history.filed {
        let prefiled: Vec<_> = filing.causes.iter().filter(|c| history.prefiled.contains_key(c)).collect();
        let rests = filing
            .causes
            .iter()
            .filter_map(|c| covered.get(c))
            .any(|members| prefiled.iter().any(|p| members.contains(p)));
        if !rests {
            report.find(
                "item.passed",
                filing.fact.item,
                "检测通过的成员中没有该件 / the run it rests on does not cover it",
            );
        }
    }
}
