//! One filed version of an item, read from its pack by its range; by the pack's catalogue where the range is not known
//! (a database restored from an old dump, whose site lacked the pack then). Blocking.

use std::io::{BufReader, Read as _, Seek as _, SeekFrom, Take};
use std::ops::Range;

use dengbei_ocfl::VersionReader;
use dengbei_records::AreaCode;
use dengbei_vault::{PackFile, PackName, Site, SiteError};

use crate::draft;
use crate::store::packs::Stored;

const BUFFER: usize = 256 * 1024;

/// Opens a filed version: its inventory is read and is the one that was filed; its content streams.
pub(crate) fn open(
    site: &Site,
    area: &AreaCode,
    stored: &Stored,
) -> Result<VersionReader<BufReader<Take<PackFile>>>, SiteError> {
    let name = PackName::first(area.clone(), stored.pack);
    let range = match &stored.range {
        Some(range) => range.clone(),
        None => range_of(site, &name, &draft::object_of(stored.item))?,
    };
    let mut file = site.open_file(&name)?;
    file.seek(SeekFrom::Start(range.start)).map_err(SiteError::Unavailable)?;
    let len = range.end - range.start;
    let reader = VersionReader::open(BufReader::with_capacity(BUFFER, file.take(len)), len)?;
    if *reader.inventory_sha512() == stored.inventory {
        return Ok(reader);
    }
    let text = format!("{}: 清单与归档时不符 / its inventory is not the filed one", stored.item);
    Err(SiteError::Pack(dengbei_ocfl::PackError::Damaged(text)))
}

pub(crate) fn range_of(site: &Site, name: &PackName, object: &str) -> Result<Range<u64>, SiteError> {
    let pack = site.open_pack(name)?;
    let place = pack.places().find(|p| p.object.as_str() == object);
    place.map(|p| p.range).ok_or_else(|| SiteError::NotFound(format!("{name}: {object}")))
}
