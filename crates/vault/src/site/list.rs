//! Listings of a site: an area's packs, all of them or some from a number on, and how much there is.

use std::collections::BTreeMap;
use std::io;

use dengbei_records::{AreaCode, PackNumber};

use super::{Base, Site};
use crate::error::SiteError;
use crate::name::PackName;

/// How the reason beside what is set aside ends.
pub(super) const NOTE: &str = ".reason.json";
/// Below it a number's spelling begins with a zero: every longer number comes after it in the order of bytes too.
const ORDERED: u64 = 10_000_000;

/// A pack found on the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPack {
    /// Its name.
    pub name: PackName,
    /// Its length.
    pub len: u64,
}

/// What lies in an area's folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Packs, by number and generation.
    pub packs: Vec<ListedPack>,
    /// Paths that are no pack's name: nobody of us put them there.
    pub strangers: Vec<String>,
}

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
    /// What lies in an area's folder. An area without packs has an empty listing.
    ///
    /// # Errors
    /// [`SiteError::Unavailable`] when it cannot be read.
    pub async fn list_packs(&self, area: &AreaCode) -> Result<Listing, SiteError> {
        let folder = folder(area);
        self.listing(move |base| {
            let mut listing = Listing::default();
            base.visit(&folder, None, |path, len| {
                match pack(&path) {
                    Some(name) => listing.packs.push(ListedPack { name, len }),
                    None => listing.strangers.push(path),
                }
                true
            })?;
            listing.packs.sort_by(|a, b| a.name.cmp(&b.name));
            listing.strangers.sort();
            Ok(listing)
        })
        .await
    }

    /// The first packs of an area from number `from` on, at most `limit` of them, by number and generation. Strangers
    /// are left out. Memory is bound by `limit`.
    ///
    /// # Errors
    /// [`SiteError::Unavailable`] when it cannot be read.
    pub async fn list_from(
        &self,
        area: &AreaCode,
        from: PackNumber,
        limit: usize,
    ) -> Result<Vec<ListedPack>, SiteError> {
        let folder = folder(area);
        self.listing(move |base| {
            let after = (from.get() < ORDERED).then(|| format!("{folder}/{from}"));
            let mut first = BTreeMap::new();
            base.visit(&folder, after.as_deref(), |path, len| {
                let Some(name) = pack(&path).filter(|name| name.number >= from) else { return true };
                let number = name.number.get();
                first.insert((name.number, name.generation), ListedPack { name, len });
                if first.len() > limit {
                    first.pop_last();
                }
                // Enough, where what comes next in the order of bytes has a larger number.
                first.len() < limit || number >= ORDERED
            })?;
            Ok(first.into_values().collect())
        })
        .await
    }

    /// Counts what lies here. Looks at every file: a million packs take about a second in a folder, a thousand
    /// requests of a bucket.
    ///
    /// # Errors
    /// [`SiteError::Unavailable`] when it cannot be read.
    pub async fn holding(&self, area: &AreaCode) -> Result<Holding, SiteError> {
        let folder = folder(area);
        self.listing(move |base| {
            let mut holding = Holding::default();
            base.visit(&folder, None, |path, len| {
                let counts = u64::from(pack(&path).is_some());
                holding.packs += counts;
                holding.bytes += counts * len;
                true
            })?;
            base.visit("quarantine", None, |path, _| {
                holding.quarantined += u64::from(!path.ends_with(NOTE));
                true
            })?;
            Ok(holding)
        })
        .await
    }

    /// The areas that have packs here.
    ///
    /// # Errors
    /// [`SiteError::Unavailable`] when it cannot be read.
    pub async fn areas(&self) -> Result<Vec<AreaCode>, SiteError> {
        self.listing(|base| {
            let names = match base {
                Base::Folder(folder) => folder.folders("packs")?,
                Base::Bucket(bucket) => bucket.folders("packs")?,
            };
            let mut areas: Vec<AreaCode> = names.iter().filter_map(|name| name.parse().ok()).collect();
            areas.sort();
            Ok(areas)
        })
        .await
    }

    async fn listing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Base) -> io::Result<T> + Send + 'static,
    ) -> Result<T, SiteError> {
        self.blocking(|base| work(base).map_err(SiteError::io("packs"))).await
    }
}

impl Base {
    /// Every file under `folder` with its path and length until `seen` says enough. A bucket gives them in the order of
    /// their bytes and only those after `after`; a folder gives all, in no order.
    fn visit(
        &self,
        path: &str,
        after: Option<&str>,
        mut seen: impl FnMut(String, u64) -> bool,
    ) -> io::Result<()> {
        match self {
            // Not in order: none of them is the last.
            Self::Folder(folder) => folder.visit(path, |path, len| {
                seen(path, len);
            }),
            Self::Bucket(bucket) => bucket.visit(path, after, seen),
        }
    }
}

fn folder(area: &AreaCode) -> String {
    format!("packs/{area}")
}

fn pack(path: &str) -> Option<PackName> {
    path.strip_prefix("packs/")?.parse().ok()
}
