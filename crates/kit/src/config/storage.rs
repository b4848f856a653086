//! Where a site keeps its packs: a folder, or a place in a bucket (对象存储). Text in the file, parsed once here.
//!
//! Not the storage itself: `dengbei_vault::Site` opens what this names.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use dengbei_records::Invalid;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Secret;

/// What a storage in a bucket begins with.
const SCHEME: &str = "s3://";

/// A path, or `s3://bucket/prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiteStorage {
    /// A folder that is mounted here.
    Folder(PathBuf),
    /// A place in a bucket; [`S3`] says how to reach it.
    Bucket {
        /// The bucket's name.
        bucket: String,
        /// What every key begins with, without slashes at the ends; empty: the whole bucket.
        prefix: String,
    },
}

impl SiteStorage {
    /// The folder, where it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            Self::Bucket { .. } => None,
        }
    }

    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.folder().is_some_and(|path| path.as_os_str().is_empty())
    }
}

impl Default for SiteStorage {
    fn default() -> Self {
        Self::Folder(PathBuf::new())
    }
}

impl From<PathBuf> for SiteStorage {
    fn from(path: PathBuf) -> Self {
        Self::Folder(path)
    }
}

impl FromStr for SiteStorage {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let Some(rest) = text.strip_prefix(SCHEME) else {
            // Another scheme is a slip, never a folder of that name.
            let is_url = text.contains("://");
            let invalid = || Invalid::new("存储位置 storage (/path, s3://bucket/prefix)", text);
            return if is_url { Err(invalid()) } else { Ok(Self::Folder(text.into())) };
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_matches('/');
        let is_bucket = (3..=63).contains(&bucket.len())
            && bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
        let is_prefix = prefix.is_empty()
            || prefix.split('/').all(|part| {
                !matches!(part, "" | "." | "..")
                    && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            });
        if !is_bucket || !is_prefix {
            return Err(Invalid::new("存储桶 bucket (s3://bucket/prefix)", text));
        }
        Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

impl fmt::Display for SiteStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "{SCHEME}{bucket}"),
            Self::Bucket { bucket, prefix } => write!(f, "{SCHEME}{bucket}/{prefix}"),
        }
    }
}

impl Serialize for SiteStorage {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SiteStorage {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How an S3-compatible store is reached, for every site whose storage is a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct S3 {
    /// URL of the store, without the bucket: `https://minio:9000`. Buckets are addressed by path.
    pub endpoint: String,
    /// Region that requests are signed for; most stores of one's own take any.
    pub region: String,
    /// Access key id.
    pub access_key: Secret,
    /// Secret access key.
    pub secret_key: Secret,
    /// Whether the endpoint may be plain `http://`: only in a network of one's own.
    pub allow_http: bool,
}

impl Default for S3 {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            region: "us-east-1".to_owned(),
            access_key: Secret::default(),
            secret_key: Secret::default(),
            allow_http: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storage_reads_and_writes_as_text() {
        for text in ["/srv/site", "s3://packs", "s3://packs/330382/primary", ""] {
            assert_eq!(text.parse::<SiteStorage>().unwrap().to_string(), text);
        }
        let read: SiteStorage = "s3://packs/a/".parse().unwrap();
        assert_eq!(read, SiteStorage::Bucket { bucket: "packs".into(), prefix: "a".into() });
        assert!(read.folder().is_none() && !read.is_empty() && SiteStorage::default().is_empty());
    }

    #[test]
    fn what_is_neither_a_folder_nor_a_bucket_is_refused() {
        for text in
            ["http://minio/packs", "s3://", "s3:///p", "s3://Packs", "s3://packs/../a", "s3://packs/a b"]
        {
            assert!(text.parse::<SiteStorage>().is_err(), "{text}");
        }
    }
}
