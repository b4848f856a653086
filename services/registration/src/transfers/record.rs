//! One line of the 移交目录 from the frozen `record.json` in the pack. Blocking.

use std::io::{BufReader, Read as _, Seek as _, SeekFrom};

use dengbei_ocfl::{PackError, VersionReader};
use dengbei_records::papers::CatalogueRow;
use dengbei_records::{AreaCode, PackNumber, Record, Sha256, canonical};
use dengbei_vault::{PackFile, PackName, Site, SiteError};

use super::WorkError;
use crate::draft;
use crate::filed_version;
use crate::store::transfers::members::Member;

/// Inventories and records are small.
const BUFFER: usize = 16 * 1024;
/// The largest record.
const MOST: u64 = 16 << 20;

/// Reads records; the pack that was read last stays open.
pub(super) struct Records {
    site: Site,
    area: AreaCode,
    open: Option<(PackNumber, PackFile)>,
}

impl Records {
    pub(super) const fn new(site: Site, area: AreaCode) -> Self {
        Self { site, area, open: None }
    }

    /// The catalogue's line of a member.
    pub(super) fn row(&mut self, member: &Member) -> Result<CatalogueRow, WorkError> {
        let bytes = self.read(member)?;
        if Sha256::of(&bytes) != member.record {
            return Err(damaged(member, "record.json").into());
        }
        let record: Record = canonical::from_slice(&bytes)?;
        Ok(line(member, &record))
    }

    fn read(&mut self, member: &Member) -> Result<Vec<u8>, SiteError> {
        let stored = &member.stored;
        let name = PackName::first(self.area.clone(), stored.pack);
        let range = match &stored.range {
            Some(range) => range.clone(),
            None => filed_version::range_of(&self.site, &name, &draft::object_of(stored.item))?,
        };
        let file = self.file(&name)?;
        file.seek(SeekFrom::Start(range.start)).map_err(SiteError::Unavailable)?;
        let reader =
            VersionReader::open(BufReader::with_capacity(BUFFER, &mut *file), range.end - range.start)?;
        if *reader.inventory_sha512() != stored.inventory {
            return Err(damaged(member, "inventory.json"));
        }
        let located = reader.locate(range.start)?;
        let place = located.iter().find(|l| l.path.ends_with("/content/record.json"));
        let place = place.ok_or_else(|| damaged(member, "record.json"))?.range.clone();
        let len = place.end - place.start;
        if len > MOST {
            return Err(damaged(member, "record.json"));
        }
        file.seek(SeekFrom::Start(place.start)).map_err(SiteError::Unavailable)?;
        let mut bytes = Vec::new();
        file.take(len).read_to_end(&mut bytes).map_err(SiteError::Unavailable)?;
        Ok(bytes)
    }

    fn file(&mut self, name: &PackName) -> Result<&mut PackFile, SiteError> {
        let file = match self.open.take().filter(|(number, _)| *number == name.number) {
            Some((_, file)) => file,
            None => self.site.open_file(name)?,
        };
        Ok(&mut self.open.insert((name.number, file)).1)
    }
}

fn damaged(member: &Member, what: &str) -> SiteError {
    let text = format!("{}: {what} 与归档时不符 / is not the filed one", member.stored.archival_code);
    SiteError::Pack(PackError::Damaged(text))
}

fn line(member: &Member, record: &Record) -> CatalogueRow {
    let files = || record.files.iter().filter_map(|row| row.file.as_ref()).chain(&record.described_by);
    CatalogueRow {
        archival_code: member.stored.archival_code.to_string(),
        title: record.metadata.title.clone(),
        closed_on: date(&record.metadata.close_time),
        retention: record.retention.word().into(),
        security: security(&record.metadata.security).into(),
        files: files().count() as u32,
        bytes: files().map(|f| f.bytes).sum(),
        pack: member.stored.pack.get(),
        record: member.record.to_string(),
    }
}

/// `2026-03-02 10:20:00`, `20260302102000` → `2026-03-02`; other texts as they came.
fn date(text: &str) -> String {
    let head: String = text.chars().take(10).collect();
    if chrono::NaiveDate::parse_from_str(&head, "%Y-%m-%d").is_ok() {
        return head;
    }
    let compact: String = text.chars().take(8).collect();
    chrono::NaiveDate::parse_from_str(&compact, "%Y%m%d").map_or_else(|_| text.to_owned(), |d| d.to_string())
}

/// 密级 as offices write it.
fn security(code: &str) -> &str {
    match code {
        "0" => "公开",
        "1" => "限制",
        "2" => "秘密",
        "3" => "机密",
        "4" => "绝密",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_from_what_senders_write() {
        assert_eq!(date("2026-03-02 10:20:00"), "2026-03-02");
        assert_eq!(date("20260302102000"), "2026-03-02");
        assert_eq!(date("三月二日"), "三月二日");
        assert_eq!(date(""), "");
    }
}
