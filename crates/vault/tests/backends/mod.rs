//! What the suites of sites share: packs to be put, and both backends with a way to their bytes past the site.

use std::collections::BTreeMap;
use std::sync::Arc;

use dengbei_kit::{S3, SiteStorage};
use dengbei_ocfl::{ContentFile, ObjectBuilder, PackPlan, PackSummary, PackWriter, Stamp, User};
use dengbei_records::{AreaCode, PackNumber, Timestamp};
use dengbei_testkit::Moto;
use dengbei_vault::{PackName, Site, SiteError, StoredPack};
use tempfile::TempDir;

pub const BUCKET: &str = "sites";

pub fn area() -> AreaCode {
    "330382".parse().unwrap()
}

pub fn name(number: u64) -> PackName {
    PackName::first(area(), PackNumber::new(number))
}

pub fn writer(number: u64, text: &str) -> PackWriter {
    let user = User { name: "登记".into(), address: "https://dengbei.example/".into() };
    let stamp = Stamp { created: Timestamp::from_millis(1_600_000_000_000), message: "归档".into(), user };
    let file = ContentFile::bytes("归档/记录.json", "record.json", text.to_owned()).unwrap();
    let version = ObjectBuilder::first("urn:uuid:1", stamp).unwrap().file(file).build().unwrap();
    PackWriter::new(PackPlan {
        area: area(),
        number: PackNumber::new(number),
        generation: 1,
        created: Timestamp::from_millis(1_700_000_000_000),
        labels: BTreeMap::new(),
        versions: vec![version],
    })
    .unwrap()
}

pub async fn put(site: &Site, number: u64, text: &str) -> Result<(StoredPack, PackSummary), SiteError> {
    let writer = writer(number, text);
    site.put_pack(&name(number), move |out| writer.write_in_memory(out)).await
}

/// A text that makes a pack of several parts.
pub fn large(word: &str) -> String {
    word.repeat((20 << 20) / word.len())
}

/// Where a site lies in a test.
pub enum Backend {
    Folder(TempDir),
    /// A prefix in the bucket.
    Bucket(Arc<Moto>, String),
}

impl Backend {
    pub fn folder() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    pub fn storage(&self) -> SiteStorage {
        match self {
            Self::Folder(folder) => folder.path().to_owned().into(),
            Self::Bucket(_, prefix) => {
                SiteStorage::Bucket { bucket: BUCKET.to_owned(), prefix: prefix.clone() }
            }
        }
    }

    pub fn s3(&self) -> Option<S3> {
        match self {
            Self::Folder(_) => None,
            Self::Bucket(moto, _) => Some(s3(&moto.endpoint())),
        }
    }

    pub async fn open(&self) -> Site {
        Site::open(&self.storage(), self.s3().as_ref()).await.unwrap()
    }

    /// What lies at a path, past the site.
    pub async fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        match self {
            Self::Folder(folder) => std::fs::read(folder.path().join(path)).ok(),
            Self::Bucket(moto, prefix) => moto.get(&format!("{BUCKET}/{prefix}/{path}")).await.unwrap(),
        }
    }

    pub async fn overwrite(&self, path: &str, bytes: Vec<u8>) {
        match self {
            Self::Folder(folder) => std::fs::write(folder.path().join(path), bytes).unwrap(),
            Self::Bucket(moto, prefix) => {
                moto.put(&format!("{BUCKET}/{prefix}/{path}"), bytes).await.unwrap();
            }
        }
    }

    /// What writers left behind.
    pub async fn left_over(&self) -> usize {
        match self {
            Self::Folder(folder) => std::fs::read_dir(folder.path().join("incoming")).unwrap().count(),
            Self::Bucket(moto, prefix) => {
                let begun = moto.begun_uploads(BUCKET).await.unwrap();
                begun.iter().filter(|key| key.starts_with(&format!("{prefix}/"))).count()
            }
        }
    }
}

pub fn s3(endpoint: &str) -> S3 {
    S3 {
        endpoint: endpoint.to_owned(),
        access_key: "test".into(),
        secret_key: "testtest".into(),
        allow_http: true,
        ..S3::default()
    }
}
