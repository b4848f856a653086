//! 调阅: what registration holds of an item, and the bytes of a filed version as its packs have them.
//!
//! A version is one range read; files that it carries forward from an earlier version come from that version's pack.
//! Every digest is checked while reading.

use std::collections::BTreeMap;
use std::io::Read;

use bytes::Bytes;
use dengbei_kit::{db, status};
use dengbei_ocfl::Inventory;
use dengbei_records::{AreaCode, Custody, ErrorClass, ItemId, Problem, Sha512};
use dengbei_vault::{Site, SiteError};
use sqlx::PgPool;
use tokio::sync::mpsc;

use crate::filed_version;
use crate::store::documents;
use crate::store::history::{self, Known};
use crate::store::items::Standing;
use crate::store::packs::{self, Stored};
use crate::store::transfers::members;

/// Bytes of one chunk.
const CHUNK: usize = 256 * 1024;

/// Why something cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HoldingError {
    /// Registration never heard of it.
    #[error("未接管此件 / no such item")]
    NoSuchItem,
    /// It is not filed in that version.
    #[error("该件未归档 / the item is not filed in this version")]
    NotFiled,
    /// The version has no such file.
    #[error("该件没有此文件 / the item has no such file")]
    NoSuchFile,
    /// The site did not do it.
    #[error("主备份点不可用 / the primary site did not do it")]
    Site(#[from] SiteError),
    /// The database did not do it.
    #[error("登记库不可用 / the database does not answer")]
    Database(#[from] sqlx::Error),
    /// A fault of ours.
    #[error("登记服务内部错误 / a fault of ours")]
    Internal(#[source] anyhow::Error),
}

impl HoldingError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::NoSuchItem | Self::NotFiled | Self::NoSuchFile => ErrorClass::NotFound,
            // A pack that is not there is our fault, not the asker's.
            Self::Site(SiteError::NotFound(_)) | Self::Internal(_) => ErrorClass::Internal,
            Self::Site(e) => e.class(),
            Self::Database(e) => db::class(e),
        }
    }

    /// What the caller is told.
    pub(crate) fn problem(&self) -> Problem {
        let (class, said) =
            (self.class(), |code: &str, zh: &str, en: &str| Problem::new(code, ErrorClass::NotFound, zh, en));
        match self {
            Self::NoSuchItem => said("item.unknown", "未接管此件", "no such item"),
            Self::NotFiled => said("item.not_filed", "该件未归档", "the item is not filed in this version"),
            Self::NoSuchFile => said("item.no_such_file", "该件没有此文件", "the item has no such file"),
            _ => status::plain(class),
        }
    }
}

/// What registration holds of an item.
#[derive(Debug, Clone)]
pub(crate) struct Holding {
    pub(crate) custody: Custody,
    pub(crate) data_version: u32,
    pub(crate) filed: Option<Stored>,
    pub(crate) failed: Vec<String>,
    pub(crate) record: Bytes,
    pub(crate) report: Bytes,
}

/// A file of a filed version.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    logical: String,
    /// Under `content/`.
    content: String,
    sha512: Sha512,
}

/// A piece of a file.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) content: String,
    pub(crate) logical: String,
    pub(crate) offset: u64,
    pub(crate) data: Bytes,
    pub(crate) is_last: bool,
}

type Pieces = mpsc::Sender<Result<Piece, HoldingError>>;

/// Reads what is filed.
#[derive(Debug, Clone)]
pub(crate) struct Holdings {
    pub(crate) pool: PgPool,
    pub(crate) site: Site,
    pub(crate) area: AreaCode,
}

impl Holdings {
    /// What registration holds of an item.
    pub(crate) async fn holding(&self, item: ItemId) -> Result<Holding, HoldingError> {
        let mut connection = self.pool.acquire().await?;
        let submissions = history::submissions(&mut connection, item).await?;
        let newest = newest(&submissions).ok_or(HoldingError::NoSuchItem)?;
        let filed = packs::versions(&mut connection, &[item]).await?.pop();
        let is_accessioned = filed.is_some() && members::is_accessioned(&mut connection, item).await?;
        let report = match &newest.report {
            Some(digest) => documents::body(&mut connection, digest).await?.unwrap_or_default(),
            None => Bytes::new(),
        };
        drop(connection);
        let record = match &filed {
            Some(stored) => self.small_file(stored, "record.json").await?,
            None => Bytes::new(),
        };
        let custody = match (is_accessioned, filed.is_some()) {
            (true, _) => Custody::Accessioned,
            (false, true) => Custody::Filed,
            (false, false) => custody(newest.standing),
        };
        let data_version = filed.as_ref().map_or(newest.data_version.get(), |f| f.data_version);
        Ok(Holding { custody, data_version, filed, failed: newest.failed.clone(), record, report })
    }

    async fn small_file(&self, stored: &Stored, logical: &str) -> Result<Bytes, HoldingError> {
        let (send, mut pieces) = mpsc::channel(4);
        let (holdings, versions, logical) = (self.clone(), vec![stored.clone()], logical.to_owned());
        let reading = tokio::task::spawn_blocking(move || holdings.send(&versions, &logical, &send));
        let mut whole = Vec::new();
        while let Some(piece) = pieces.recv().await {
            whole.extend_from_slice(&piece?.data);
        }
        reading.await.map_err(|e| HoldingError::Internal(e.into()))??;
        Ok(whole.into())
    }

    /// Streams the files of a filed version: one by its path in the object or its received name, or all.
    pub(crate) async fn read(
        &self,
        item: ItemId,
        data_version: u32,
        path: String,
    ) -> Result<mpsc::Receiver<Result<Piece, HoldingError>>, HoldingError> {
        let mut versions = packs::versions(&mut *self.pool.acquire().await?, &[item]).await?;
        if data_version > 0 {
            let at = versions
                .iter()
                .rposition(|v| v.data_version == data_version)
                .ok_or(HoldingError::NotFiled)?;
            versions.truncate(at + 1);
        }
        if versions.is_empty() {
            return Err(HoldingError::NotFiled);
        }
        let (send, pieces) = mpsc::channel(8);
        let holdings = self.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(e) = holdings.send(&versions, &path, &send) {
                // The asker is gone when it failed first.
                let _ = send.blocking_send(Err(e));
            }
        });
        Ok(pieces)
    }

    /// On a blocking thread: sends the files of the newest of `versions`.
    fn send(&self, versions: &[Stored], path: &str, out: &Pieces) -> Result<(), HoldingError> {
        let newest = versions.last().ok_or(HoldingError::NotFiled)?;
        let inventory = filed_version::open(&self.site, &self.area, newest)?.inventory().clone();
        let wanted = wanted(&inventory, path)?;
        for stored in versions {
            let own: BTreeMap<&str, &Wanted> = wanted
                .iter()
                .filter(|(v, _, _)| *v == stored.object_version)
                .map(|(_, p, w)| (p.as_str(), w))
                .collect();
            if !own.is_empty() {
                self.send_version(stored, &own, out)?;
            }
        }
        Ok(())
    }

    fn send_version(
        &self,
        stored: &Stored,
        own: &BTreeMap<&str, &Wanted>,
        out: &Pieces,
    ) -> Result<(), HoldingError> {
        let version = filed_version::open(&self.site, &self.area, stored)?;
        let visited = version.for_each(|file, bytes| match own.get(file.path.as_str()) {
            Some(wanted) => send_file(wanted, file.len, bytes, out),
            None => Ok(()),
        });
        visited.map(drop).map_err(|e| SiteError::from(e).into())
    }
}

fn send_file(wanted: &Wanted, len: u64, bytes: &mut dyn Read, out: &Pieces) -> std::io::Result<()> {
    let mut offset = 0;
    loop {
        let mut data = Vec::with_capacity(CHUNK.min(usize::try_from(len - offset).unwrap_or(CHUNK)));
        Read::take(&mut *bytes, CHUNK as u64).read_to_end(&mut data)?;
        let got = data.len() as u64;
        let is_last = offset + got >= len || got == 0;
        let (content, logical) = (wanted.content.clone(), wanted.logical.clone());
        let piece = Piece { content, logical, offset, data: data.into(), is_last };
        if out.blocking_send(Ok(piece)).is_err() {
            return Err(std::io::Error::new(std::io::ErrorKind::BrokenPipe, "nobody reads any more"));
        }
        offset += got;
        if is_last {
            return Ok(());
        }
    }
}

/// The files asked for: version that holds the bytes, path in the object, names.
fn wanted(inventory: &Inventory, path: &str) -> Result<Vec<(u32, String, Wanted)>, HoldingError> {
    let entry = inventory.versions.get(&inventory.head);
    let mut found = Vec::new();
    for (sha512, names) in entry.into_iter().flat_map(|e| &e.state) {
        for (logical, place) in
            names.iter().filter_map(|n| Some((n, place_of(inventory, sha512, n.as_str())?)))
        {
            let (version, content) = split(&place).ok_or(HoldingError::NoSuchFile)?;
            let is_asked = path.is_empty() || path == content || path == logical.as_str();
            if is_asked {
                let (logical, content) = (logical.as_str().to_owned(), content.to_owned());
                found.push((version, place.clone(), Wanted { logical, content, sha512: *sha512 }));
            }
        }
    }
    found.sort_by(|a, b| a.2.content.cmp(&b.2.content));
    if found.is_empty() { Err(HoldingError::NoSuchFile) } else { Ok(found) }
}

/// Where the bytes of a logical path lie. Several files with the same bytes have a place each; they are handed out in
/// the order of the names.
fn place_of(inventory: &Inventory, sha512: &Sha512, logical: &str) -> Option<String> {
    let places = inventory.manifest.get(sha512)?;
    let names = inventory.versions.get(&inventory.head)?.state.get(sha512)?;
    let at = names.iter().position(|n| n.as_str() == logical)?;
    places.get(at).or_else(|| places.first()).cloned()
}

/// `v1/content/files/0001.pdf` → 1, `files/0001.pdf`.
fn split(place: &str) -> Option<(u32, &str)> {
    let (version, content) = place.split_once("/content/")?;
    Some((version.strip_prefix('v')?.parse().ok()?, content))
}

/// The submission that speaks for the item: the newest that was not superseded.
fn newest(submissions: &[Known]) -> Option<&Known> {
    let counts = |k: &&Known| !matches!(k.standing, Standing::Superseded | Standing::Superseding);
    submissions.iter().find(counts).or_else(|| submissions.first())
}

fn custody(standing: Standing) -> Custody {
    match standing {
        Standing::Prefiled => Custody::Prefiled,
        Standing::Ready | Standing::Planned => Custody::Planned,
        Standing::Failing | Standing::Returned => Custody::Returned,
        Standing::Superseding | Standing::Superseded => Custody::Superseded,
        Standing::Filed => Custody::Filed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_an_object_is_version_and_path() {
        assert_eq!(split("v12/content/files/0001.pdf"), Some((12, "files/0001.pdf")));
        assert_eq!(split("inventory.json"), None);
    }
}
