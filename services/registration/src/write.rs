//! Writing, the second of filing's three steps: the pack of a plan, on the primary site, read back.
//!
//! The pack is a pure function of its plan and the staged bytes: whoever writes it, and however often, the same bytes
//! come out. If we crash here, nothing or the whole pack lies on the site, and the plan is written again.
//! Before: `plan.rs`. After: `file.rs`.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::io;
use std::rc::Rc;

use dengbei_kit::faults;
use dengbei_ocfl::{Body, ObjectVersion, PackError, PackSummary, PackWriter, StreamedContent};
use dengbei_records::{AreaCode, ItemId, SubmissionId, Timestamp};
use dengbei_vault::{PackName, Site, SiteError, StoredPack};
use sqlx::PgPool;

use crate::draft::{self, VersionParts};
use crate::error::FilingError;
use crate::previous;
use crate::staged::{Feed, Key, StagedFile, Staging};
use crate::store::documents::Held;
use crate::store::plans::{self, Plan};

/// Writes packs.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) pool: PgPool,
    pub(crate) area: AreaCode,
    pub(crate) staging: Staging,
    pub(crate) site: Site,
}

/// A plan whose pack lies on the site.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) stored: StoredPack,
    pub(crate) summary: PackSummary,
    /// Files of its items, without what registration adds.
    pub(crate) files: u64,
}

impl Writer {
    /// Writes the pack of `plan` and reads it back.
    pub(crate) async fn write(
        &self,
        plan: &Plan,
        documents: &[Held],
        now: Timestamp,
    ) -> Result<Written, FilingError> {
        let versions = self.versions(plan, documents).await?;
        let wanted = wanted(plan, &versions)?;
        let files = versions.iter().take(plan.items.len()).map(|v| draft::received_files(&v.inventory)).sum();
        let pack = draft::pack(&self.area, &plan.head, versions);
        let name = PackName::first(self.area.clone(), plan.head.pack);
        let (stored, summary) = match self.put(&name, plan, pack.clone(), wanted.clone()).await {
            Err(FilingError::Site(SiteError::Conflict { existing, offered, .. }))
                if plans::is_open(&mut *self.pool.acquire().await?, plan.head.pack).await? =>
            {
                // The plan is open still, so no event ever named these bytes: they are nobody's pack.
                let reason = format!("已有内容 {existing} 未登记,应为 {offered} / not committed in the log");
                tracing::error!(%name, %existing, %offered, "a pack that nobody committed stands in the way: quarantined");
                self.site.quarantine(&name, &reason, now).await?;
                self.put(&name, plan, pack, wanted).await?
            }
            other => other?,
        };
        faults::reach("filing.written");
        Ok(Written { stored, summary, files })
    }

    async fn put(
        &self,
        name: &PackName,
        plan: &Plan,
        pack: dengbei_ocfl::PackPlan,
        wanted: HashSet<Key>,
    ) -> Result<(StoredPack, PackSummary), FilingError> {
        let writer = PackWriter::new(pack)?;
        let owners: HashMap<String, SubmissionId> = owners(plan);
        let submissions: Vec<SubmissionId> = plan.items.iter().map(|i| i.filed.submission).collect();
        let feed = self.staging.stream(submissions, wanted);
        let write = move |out: &mut dyn io::Write| stream(&writer, out, feed, &owners);
        Ok(self.site.put_pack(name, write).await?)
    }

    /// Every object version of the pack: items in the plan's order, then documents.
    async fn versions(&self, plan: &Plan, documents: &[Held]) -> Result<Vec<ObjectVersion>, FilingError> {
        let corrected = plan.items.iter().filter(|i| i.filed.object_version > 1);
        let ids: Vec<ItemId> = corrected.map(|i| i.filed.item).collect();
        let earlier = previous::of(&self.pool, &self.site, &self.area, &ids).await?;
        let mut versions = Vec::with_capacity(plan.items.len() + documents.len());
        for item in &plan.items {
            let record = plans::record(item)?;
            let previous = earlier.get(&item.filed.item).map(|p| &p.inventory);
            let (record_bytes, reception) = (item.record.clone(), item.reception);
            let parts = VersionParts { record: &record, record_bytes, reception, previous };
            let version = draft::version(plan.head.created, parts)?;
            if version.inventory_sha512 != item.filed.inventory {
                let text =
                    format!("{}: 清单与计划不符 / the inventory is not the planned one", item.filed.item);
                return Err(FilingError::Content(text));
            }
            versions.push(version);
        }
        for held in documents {
            versions.push(draft::document(&self.area, plan.head.created, held)?);
        }
        Ok(versions)
    }
}

/// Whose staged bytes an object's files are.
fn owners(plan: &Plan) -> HashMap<String, SubmissionId> {
    plan.items.iter().map(|i| (draft::object_of(i.filed.item), i.filed.submission)).collect()
}

/// The staged files that the pack takes: a correction leaves those that an earlier version holds.
fn wanted(plan: &Plan, versions: &[ObjectVersion]) -> Result<HashSet<Key>, FilingError> {
    let owners = owners(plan);
    let mut wanted = HashSet::new();
    for version in versions {
        for file in &version.files {
            if let Body::Stream { content, .. } = &file.body {
                let owner = owners.get(version.id.as_str());
                let owner =
                    owner.ok_or_else(|| FilingError::Content(format!("{}: no submission", version.id)))?;
                wanted.insert((*owner, content.as_str().to_owned()));
            }
        }
    }
    Ok(wanted)
}

/// On a blocking thread: lays the staged files into the pack.
fn stream(
    writer: &PackWriter,
    out: &mut dyn io::Write,
    feed: Feed,
    owners: &HashMap<String, SubmissionId>,
) -> Result<PackSummary, PackError> {
    let feed = Rc::new(RefCell::new(feed));
    writer.write(out, |content: StreamedContent<'_>| {
        let owner = owners.get(content.object.as_str());
        let owner =
            owner.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, content.object.to_string()))?;
        Ok(StagedFile::new(feed.clone(), (*owner, content.content.as_str().to_owned())))
    })
}
