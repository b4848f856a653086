//! Reaching a bucket, finding out whether it keeps its word, and sweeping what crashed writers left.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use dengbei_kit::S3;
use dengbei_records::{Clock as _, SystemClock};
use object_store::aws::{AmazonS3, AmazonS3Builder, Checksum};
use object_store::multipart::MultipartStore as _;
use object_store::path::Path as Key;
use object_store::{BackoffConfig, ClientOptions, ObjectStore as _, PutMode, PutPayload, RetryConfig};
use tokio::runtime::Handle;

use super::{Bucket, failure};
use crate::error::SiteError;

/// An object that every site has, so that putting it again must be refused.
const MARK: &str = "site.txt";
const MARK_TEXT: &str = "登备备份点存储 / a site's storage of dengbei: packs/, log/, quarantine/\n";
/// A part, or the largest range, takes no longer.
const ANSWER: Duration = Duration::from_secs(120);
const CONNECT: Duration = Duration::from_secs(5);
/// How long a store may take to say that it is there.
const ALIVE: Duration = Duration::from_secs(10);
/// How often the proof is tried.
const PROOFS: usize = 5;
/// An upload that was begun so long ago has no living writer.
const ABANDONED_MILLIS: i64 = 24 * 3_600_000;

impl Bucket {
    /// Reaches the bucket; nothing is asked yet.
    pub(in crate::site) fn at(bucket: &str, prefix: &str, s3: Option<&S3>) -> Result<Self, SiteError> {
        let s3 = s3.ok_or_else(|| SiteError::Misconfigured("s3".to_owned()))?;
        let needed =
            [("endpoint", &*s3.endpoint), ("access_key", &s3.access_key), ("secret_key", &s3.secret_key)];
        if let Some((missing, _)) = needed.iter().find(|(_, value)| value.is_empty()) {
            return Err(SiteError::Misconfigured(format!("s3.{missing}")));
        }
        if s3.endpoint.starts_with("http:") && !s3.allow_http {
            return Err(SiteError::Misconfigured("s3.allow_http".to_owned()));
        }
        let store = store(bucket, s3).map_err(|e| SiteError::Unavailable(failure(e)))?;
        let http = reqwest::Client::builder().timeout(ANSWER).connect_timeout(CONNECT).build();
        Ok(Self {
            store: Arc::new(store),
            http: http.map_err(|e| SiteError::Unavailable(io::Error::other(e)))?,
            prefix: prefix.into(),
            runtime: Handle::current(),
        })
    }

    /// Puts the mark and proves that the store never overwrites what it was told to create; then sweeps.
    pub(in crate::site) async fn open(self) -> Result<Self, SiteError> {
        let fail = || SiteError::io(self.describe());
        let mark = self.key(MARK).map_err(fail())?;
        self.create(&mark).await.map_err(fail())?;
        if self.create(&mark).await.map_err(fail())? || !self.refuses_parts(&mark).await.map_err(fail())? {
            return Err(SiteError::Overwrites(self.describe()));
        }
        if let Err(error) = self.sweep().await {
            tracing::warn!(%error, bucket = self.describe(), "abandoned uploads were not swept: have a lifecycle rule");
        }
        Ok(self)
    }

    fn describe(&self) -> String {
        format!("{}/{}", self.store, self.prefix)
    }

    /// Creates the mark; whether it was not there.
    async fn create(&self, mark: &Key) -> io::Result<bool> {
        let put =
            self.store.put_opts(mark, PutPayload::from_static(MARK_TEXT.as_bytes()), PutMode::Create.into());
        match put.await.map_err(failure) {
            Ok(_) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Whether completing an upload whose name is taken is refused.
    /// Where several processes open one bucket at once, a store may lose an upload of the mark: that proves nothing,
    /// and it is tried again.
    async fn refuses_parts(&self, mark: &Key) -> io::Result<bool> {
        for _ in 1..PROOFS {
            match self.refuses_one(mark).await {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                proven => return proven,
            }
        }
        self.refuses_one(mark).await
    }

    async fn refuses_one(&self, mark: &Key) -> io::Result<bool> {
        let id = self.store.create_multipart(mark).await.map_err(failure)?;
        let body = PutPayload::from_static(MARK_TEXT.as_bytes());
        let part = self.store.put_part(mark, &id, 0, body).await.map_err(failure)?;
        match self.complete(mark, &id, &[part]).await {
            Ok(()) => Ok(false),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                self.store.abort_multipart(mark, &id).await.map_err(failure)?;
                Ok(true)
            }
            Err(e) => Err(e),
        }
    }

    /// Aborts uploads that were begun a day ago or earlier.
    async fn sweep(&self) -> io::Result<()> {
        let before = SystemClock.now().millis() - ABANDONED_MILLIS;
        for upload in self.begun_uploads().await? {
            let begun = chrono::DateTime::parse_from_rfc3339(&upload.initiated).map_err(io::Error::other)?;
            if begun.timestamp_millis() < before {
                let key = Key::parse(&upload.key).map_err(io::Error::other)?;
                self.store.abort_multipart(&key, &upload.upload_id).await.map_err(failure)?;
                tracing::info!(
                    key = upload.key,
                    begun = upload.initiated,
                    "swept an upload that was never finished"
                );
            }
        }
        Ok(())
    }

    /// Whether the store answers for this site.
    pub(in crate::site) async fn answers(&self) -> io::Result<()> {
        match tokio::time::timeout(ALIVE, self.head(MARK)).await {
            Ok(found) => found.map(drop),
            Err(late) => Err(io::Error::new(io::ErrorKind::TimedOut, late)),
        }
    }
}

fn store(bucket: &str, s3: &S3) -> object_store::Result<AmazonS3> {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(5),
        base: 2.0,
    };
    AmazonS3Builder::new()
        .with_client_options(ClientOptions::new().with_timeout(ANSWER).with_connect_timeout(CONNECT))
        .with_retry(RetryConfig { backoff, max_retries: 6, retry_timeout: Duration::from_secs(60) })
        .with_bucket_name(bucket)
        .with_endpoint(&s3.endpoint)
        .with_region(&s3.region)
        .with_access_key_id(&*s3.access_key)
        .with_secret_access_key(&*s3.secret_key)
        .with_allow_http(s3.allow_http)
        .with_virtual_hosted_style_request(false)
        // The store compares every object and part with its digest before it takes it.
        .with_checksum_algorithm(Checksum::SHA256)
        // One request a key: every store knows it, not every store knows deletion in bulk.
        .with_disable_bulk_delete(true)
        .build()
}
