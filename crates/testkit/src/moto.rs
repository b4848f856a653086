//! A real server of the S3 protocol, `moto_server`: it honours conditional puts and multipart uploads. It does not check
//! signatures, and keeps everything in memory.

use std::process::{Child, Command};
use std::time::Duration;

use anyhow::Context as _;

use crate::process::free_port;
use crate::{Scratch, eventually};

/// It wants a signature, and does not look at it.
const SIGNED: &str =
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
/// A cold start loads much Python.
const START: Duration = Duration::from_secs(120);

/// A server of one's own. Ends when dropped.
#[derive(Debug)]
pub struct Moto {
    // Before the folder: reaped by then.
    _process: Child,
    scratch: Scratch,
    port: u16,
}

impl Moto {
    /// Starts one, and makes buckets of these names. `None`, and a line that says so, where it is not installed.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(buckets: &[&str]) -> anyhow::Result<Option<Self>> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|folder| folder.join("moto_server").is_file()) {
            println!("moto_server is not installed (./dev test does it): what needs buckets is left out");
            return Ok(None);
        }
        let scratch = Scratch::new("dengbei-moto-")?;
        let port = free_port()?;
        let mut command = Command::new("moto_server");
        let process =
            scratch.spawn("moto", "KILL", command.args(["-H", "127.0.0.1", "-p", &port.to_string()]))?;
        let moto = Self { _process: process, scratch, port };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let ready = eventually(START, "moto answers", async || {
            Ok(reqwest::get(moto.endpoint()).await?.error_for_status().map(drop)?)
        });
        ready.await.with_context(|| moto.scratch.log("moto"))?;
        for bucket in buckets {
            moto.put(bucket, Vec::new()).await?;
        }
        Ok(Some(moto))
    }

    /// The URL of the store.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn url(&self, key: &str) -> String {
        format!("{}/{key}", self.endpoint())
    }

    /// Puts an object at `bucket/key`, whatever was there: what an administrator, or damage, does.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> anyhow::Result<()> {
        let put = reqwest::Client::new().put(self.url(key)).header("authorization", SIGNED).body(bytes);
        Ok(put.send().await?.error_for_status().map(drop)?)
    }

    /// The object at `bucket/key`; `None`: there is none.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn get(&self, key: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let got = self.ask(key).await?;
        if got.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(got.error_for_status()?.bytes().await?.to_vec()))
    }

    /// The keys of a bucket (of at most a thousand) that begin with `prefix`.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn keys(&self, bucket: &str, prefix: &str) -> anyhow::Result<Vec<String>> {
        self.texts(&format!("{bucket}?list-type=2&prefix={prefix}"), "Key").await
    }

    /// The keys of multipart uploads that were begun and neither completed nor aborted.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn begun_uploads(&self, bucket: &str) -> anyhow::Result<Vec<String>> {
        self.texts(&format!("{bucket}?uploads"), "Key").await
    }

    async fn ask(&self, path: &str) -> reqwest::Result<reqwest::Response> {
        reqwest::Client::new().get(self.url(path)).header("authorization", SIGNED).send().await
    }

    /// The texts of an element in an answer.
    async fn texts(&self, path: &str, element: &str) -> anyhow::Result<Vec<String>> {
        let answer = self.ask(path).await?.error_for_status()?.text().await?;
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let texts =
            answer.split(&open).skip(1).filter_map(|rest| Some(rest.split_once(&close)?.0.to_owned()));
        Ok(texts.collect())
    }
}
