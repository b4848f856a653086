//! What a plan freezes: records, object versions, packs. Pure: the same plan gives the same bytes, always.

use std::collections::BTreeMap;

use bytes::Bytes;
use dengbei_ocfl::{BuildError, ContentFile, Inventory, ObjectBuilder, ObjectVersion, PackPlan, Stamp, User};
use dengbei_records::{
    ArchivalCode, AreaCode, Invalid, ItemId, Reception, Record, Sha512, StoredFile, Timestamp, canonical,
};
use dengbei_vault::{PackName, Site, SiteError};

use crate::staged::RECEPTION;
use crate::store::document_packs::DocumentPlan;
use crate::store::documents::Held;
use crate::store::plans::PlanHead;
use crate::store::ready::Ready;

const RECORD: &str = "record.json";

/// The OCFL id of an item.
pub(crate) fn object_of(item: ItemId) -> String {
    format!("urn:uuid:{item}")
}

/// The OCFL id of a document.
pub(crate) fn object_of_document(digest: &dengbei_records::Sha256) -> String {
    format!("urn:dengbei:document:{digest}")
}

/// What makes an item's record.
#[derive(Debug, Clone)]
pub(crate) struct RecordParts<'a> {
    pub(crate) ready: &'a Ready,
    pub(crate) reception: Reception,
    pub(crate) code: ArchivalCode,
    pub(crate) salt: [u8; 32],
}

/// The digest of a document, when an OCFL id is one's.
pub(crate) fn document_of(object: &str) -> Option<dengbei_records::Sha256> {
    object.strip_prefix("urn:dengbei:document:")?.parse().ok()
}

/// The record of an item that is about to be filed, canonical JSON.
pub(crate) fn record(
    area: &AreaCode,
    head: &PlanHead,
    parts: RecordParts<'_>,
) -> Result<(Record, Bytes), Invalid> {
    let RecordParts { ready, reception, code, salt } = parts;
    let record = Record {
        salt: hex::encode(salt),
        item: ready.item,
        data_version: ready.data_version,
        archival_code: code,
        area: area.clone(),
        fonds_no: head.fonds.clone(),
        year: head.group.year,
        retention: head.group.retention,
        scope_version: ready.scope_version.clone(),
        reception: ready.reception,
        filed_at: head.created,
        source_system: ready.source_system.clone(),
        metadata: reception.metadata,
        files: reception.files,
        described_by: reception.described_by,
    };
    let bytes = canonical::to_vec(&record)?;
    Ok((record, bytes.into()))
}

/// What makes an item's object version.
#[derive(Debug, Clone)]
pub(crate) struct VersionParts<'a> {
    pub(crate) record: &'a Record,
    pub(crate) record_bytes: Bytes,
    /// Digest and length of the staged `reception.json`.
    pub(crate) reception: (Sha512, u64),
    /// The newest filed version's inventory, for a correction.
    pub(crate) previous: Option<&'a Inventory>,
}

/// The object version of an item: `record.json`, `reception.json`, then the files at their received names.
pub(crate) fn version(created: Timestamp, parts: VersionParts<'_>) -> Result<ObjectVersion, BuildError> {
    let record = parts.record;
    let message = if parts.previous.is_none() { "正式归档 filed" } else { "更正 corrected" };
    let stamp = stamp(&record.area, created, message);
    let mut builder = match parts.previous {
        None => ObjectBuilder::first(&object_of(record.item), stamp)?,
        Some(previous) => ObjectBuilder::next(previous, stamp)?,
    };
    builder = builder.file(ContentFile::bytes(RECORD, RECORD, parts.record_bytes)?);
    let (sha512, len) = parts.reception;
    builder = builder.file(ContentFile::streamed(RECEPTION, RECEPTION, sha512, len)?);
    let files = record.files.iter().filter_map(|row| row.file.as_ref()).chain(&record.described_by);
    for file in files {
        builder = builder.file(received(file)?);
    }
    builder.build()
}

fn received(file: &StoredFile) -> Result<ContentFile, Invalid> {
    ContentFile::streamed(&logical(&file.path), &file.content, file.sha512, file.bytes)
}

/// The received name, unless it would take the place of one of our own files.
fn logical(path: &str) -> String {
    let first = path.split('/').next().unwrap_or_default();
    if first == RECORD || first == RECEPTION { format!("received/{path}") } else { path.to_owned() }
}

/// The object of a document. Its media type is the version's message, so that a pack tells it.
pub(crate) fn document(
    area: &AreaCode,
    created: Timestamp,
    held: &Held,
) -> Result<ObjectVersion, BuildError> {
    let stamp = stamp(area, created, &held.media_type);
    let name = if held.media_type.ends_with("json") { "document.json" } else { "document" };
    let file = ContentFile::bytes(name, name, held.body.clone())?;
    ObjectBuilder::first(&object_of_document(&held.digest), stamp)?.file(file).build()
}

/// Files of an item's object version, without `record.json` and `reception.json`.
pub(crate) fn received_files(inventory: &Inventory) -> u64 {
    let names = inventory.versions.get(&inventory.head).into_iter().flat_map(|v| v.state.values());
    (names.map(Vec::len).sum::<usize>() as u64).saturating_sub(2)
}

/// The pack of documents alone.
pub(crate) fn document_pack(
    area: &AreaCode,
    plan: &DocumentPlan,
    held: &[Held],
) -> Result<PackPlan, BuildError> {
    let versions = held.iter().map(|h| document(area, plan.created, h)).collect::<Result<_, _>>()?;
    Ok(PackPlan {
        area: area.clone(),
        number: plan.pack,
        generation: 1,
        created: plan.created,
        labels: BTreeMap::from([("kind".to_owned(), "documents".to_owned())]),
        versions,
    })
}

/// Files of all items of a pack. Blocking.
pub(crate) fn count_files(site: &Site, name: &PackName) -> Result<u64, SiteError> {
    let mut pack = site.open_pack(name)?;
    let objects: Vec<String> = pack.places().map(|place| place.object.as_str().to_owned()).collect();
    let mut files = 0;
    for object in objects.iter().filter(|object| document_of(object).is_none()) {
        files += received_files(pack.version(object)?.inventory());
    }
    Ok(files)
}

fn stamp(area: &AreaCode, created: Timestamp, message: &str) -> Stamp {
    let user = User { name: format!("登备 dengbei/{area}"), address: format!("urn:dengbei:area:{area}") };
    Stamp { created, message: message.to_owned(), user }
}

/// The pack of a plan.
pub(crate) fn pack(area: &AreaCode, head: &PlanHead, versions: Vec<ObjectVersion>) -> PackPlan {
    let labels = [
        ("fonds", head.fonds.to_string()),
        ("retention", head.group.retention.code().to_owned()),
        ("unit", head.group.unit.to_string()),
        ("year", head.group.year.to_string()),
    ];
    PackPlan {
        area: area.clone(),
        number: head.pack,
        generation: 1,
        created: head.created,
        labels: labels.map(|(key, value)| (key.to_owned(), value)).into_iter().collect::<BTreeMap<_, _>>(),
        versions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_received_file_never_takes_the_place_of_the_record() {
        assert_eq!(logical("record.json"), "received/record.json");
        assert_eq!(logical("reception.json/x"), "received/reception.json/x");
        assert_eq!(logical("基本信息/record.json"), "基本信息/record.json");
    }

    #[test]
    fn a_document_is_named_by_its_digest_and_tells_its_media_type() {
        let body = Bytes::from_static(b"{}");
        let digest = dengbei_records::Sha256::of(&body);
        let held = Held { digest, media_type: "application/json".into(), body };
        let area = "330382".parse().unwrap();
        let made = document(&area, Timestamp::from_millis(1_700_000_000_123), &held).unwrap();
        assert_eq!(made.id.as_str(), format!("urn:dengbei:document:{digest}"));
        assert_eq!(made.inventory.versions[&made.version].message, "application/json");
    }
}
