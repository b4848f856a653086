//! Listings of a site whose packs are too many to hold at once.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use dengbei_records::{AreaCode, PackNumber};

use crate::disk::blocking;
use crate::error::SiteError;
use crate::name::PackName;
use crate::site::{ListedPack, Site};

/// How much lies on a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holding {
    /// Packs of the area.
    pub packs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files set aside in the quarantine, without their reasons.
    pub quarantined: u64,
}

impl Site {
    /// The first packs of an area from number `from` on, at most `limit` of them, by number and generation. Strangers
    /// are left out. Memory is bound by `limit`.
    ///
    /// # Errors
    /// [`SiteError::Unavailable`] when the folder cannot be read.
    pub async fn list_from(
        &self,
        area: &AreaCode,
        from: PackNumber,
        limit: usize,
    ) -> Result<Vec<ListedPack>, SiteError> {
        let (site, area) = (self.clone(), area.clone());
        let work = move || {
            let mut first = BTreeMap::new();
            site.visit(&area, |name, len| {
                if name.number >= from {
                    first.insert((name.number, name.generation), ListedPack { name, len });
                    if first.len() > limit {
                        first.pop_last();
                    }
                }
            })?;
            Ok(first.into_values().collect())
        };
        let listed: io::Result<_> = blocking(work).await.map_err(SiteError::Unavailable)?;
        listed.map_err(SiteError::Unavailable)
    }

    /// Counts what lies here. Looks at every file: takes about a second for a million packs.
    ///
    /// # Errors
    /// [`SiteError::Unavailable`] when a folder cannot be read.
    pub async fn holding(&self, area: &AreaCode) -> Result<Holding, SiteError> {
        let (site, area) = (self.clone(), area.clone());
        let work = move || {
            let mut holding = Holding::default();
            site.visit(&area, |_, len| {
                holding.packs += 1;
                holding.bytes += len;
            })?;
            for entry in fs::read_dir(site.folder().join("quarantine"))? {
                let is_note = entry?.file_name().to_string_lossy().ends_with(".reason.json");
                holding.quarantined += u64::from(!is_note);
            }
            Ok(holding)
        };
        let holding: io::Result<_> = blocking(work).await.map_err(SiteError::Unavailable)?;
        holding.map_err(SiteError::Unavailable)
    }

    /// Every pack of an area with its length, in no order. Blocking.
    fn visit(&self, area: &AreaCode, mut seen: impl FnMut(PackName, u64)) -> io::Result<()> {
        let folder = self.folder().join("packs").join(area.as_str());
        let entries = match fs::read_dir(folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = format!("{area}/{}", entry.file_name().to_string_lossy());
            let Ok(name) = name.parse::<PackName>() else { continue };
            match entry.metadata() {
                Ok(found) => seen(name, found.len()),
                // Set aside meanwhile.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}
