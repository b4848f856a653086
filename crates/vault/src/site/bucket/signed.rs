//! The two requests that `object_store` has no words for: completing a multipart upload only where its name is free,
//! and listing uploads that were begun and never completed. Signed by it, sent here.

use std::io;
use std::time::Duration;

use object_store::multipart::PartId;
use object_store::path::Path as Key;
use object_store::signer::{SignedUrlOptions, Signer as _};
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::{Bucket, failure};

/// How long a signed request may be sent.
const VALID: Duration = Duration::from_secs(900);
/// Completing is tried so often, with twice the pause each time.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// An upload that was begun.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BegunUpload {
    pub(super) key: String,
    pub(super) upload_id: String,
    /// RFC 3339.
    pub(super) initiated: String,
}

#[derive(Debug, Deserialize)]
struct Uploads {
    #[serde(rename = "Upload", default)]
    uploads: Vec<BegunUpload>,
}

#[derive(Debug, Serialize)]
#[serde(rename = "CompleteMultipartUpload")]
struct Complete {
    #[serde(rename = "Part")]
    parts: Vec<CompletePart>,
}

#[derive(Debug, Serialize)]
struct CompletePart {
    #[serde(rename = "PartNumber")]
    number: usize,
    #[serde(rename = "ETag")]
    etag: String,
    #[serde(rename = "ChecksumSHA256", skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

/// A part's id as `object_store` writes it where parts carry digests.
#[derive(Debug, Deserialize)]
struct AnsweredPart {
    e_tag: String,
    checksum_sha256: Option<String>,
}

impl Bucket {
    /// Makes an object of the parts, if nothing has its name.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] when something has.
    pub(super) async fn complete(&self, key: &Key, id: &str, parts: &[PartId]) -> io::Result<()> {
        let complete = Complete { parts: parts.iter().enumerate().map(part).collect() };
        let body = quick_xml::se::to_string(&complete).map_err(io::Error::other)?;
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.try_complete(key, id, &body).await {
                Err(Trouble::Passing(error)) => {
                    tracing::info!(%error, %key, "completing an upload is tried again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(Trouble::Lasting(error)) => return Err(error),
                Ok(()) => return Ok(()),
            }
        }
        self.try_complete(key, id, &body).await.map_err(|(Trouble::Passing(e) | Trouble::Lasting(e))| e)
    }

    async fn try_complete(&self, key: &Key, id: &str, body: &str) -> Result<(), Trouble> {
        let url = self.sign(Method::POST, key, [("uploadId", id)]).await.map_err(Trouble::Lasting)?;
        let asked = self.http.post(url).header("If-None-Match", "*").body(body.to_owned());
        let answer = asked.send().await.map_err(|e| Trouble::Passing(io::Error::other(e.without_url())))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|e| Trouble::Passing(io::Error::other(e.without_url())))?;
        match status {
            // A store answers 200 before it is done, and may find out afterwards.
            status if status.is_success() && !text.contains("<Error>") => Ok(()),
            status if status.is_success() => Err(Trouble::Passing(answered(status, &text))),
            StatusCode::PRECONDITION_FAILED => {
                Err(Trouble::Lasting(io::Error::new(io::ErrorKind::AlreadyExists, key.to_string())))
            }
            // 409: another is completing an upload of the same name right now.
            StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                Err(Trouble::Passing(answered(status, &text)))
            }
            status if status.is_server_error() => Err(Trouble::Passing(answered(status, &text))),
            status => Err(Trouble::Lasting(answered(status, &text))),
        }
    }

    /// The first thousand uploads under this site that were begun and not completed.
    pub(super) async fn begun_uploads(&self) -> io::Result<Vec<BegunUpload>> {
        let prefix = if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) };
        let query = [("uploads", ""), ("prefix", prefix.as_str())];
        let url = self.sign(Method::GET, &Key::default(), query).await?;
        let answer = self.http.get(url).send().await.map_err(|e| io::Error::other(e.without_url()))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|e| io::Error::other(e.without_url()))?;
        if !status.is_success() {
            return Err(answered(status, &text));
        }
        let found: Uploads = quick_xml::de::from_str(&text).map_err(io::Error::other)?;
        // Not every store heeds the prefix.
        Ok(found.uploads.into_iter().filter(|upload| upload.key.starts_with(&prefix)).collect())
    }

    async fn sign<const N: usize>(
        &self,
        method: Method,
        key: &Key,
        query: [(&str, &str); N],
    ) -> io::Result<reqwest::Url> {
        let options = SignedUrlOptions::new().with_query(query);
        self.store.signed_url_opts(method, key, VALID, &options).await.map_err(failure)
    }
}

enum Trouble {
    Passing(io::Error),
    Lasting(io::Error),
}

/// A part as it was answered: an element that holds an entity tag and a digest, or the tag alone.
fn part((index, id): (usize, &PartId)) -> CompletePart {
    let number = index + 1;
    match quick_xml::de::from_str::<AnsweredPart>(&id.content_id) {
        Ok(part) => CompletePart { number, etag: part.e_tag, sha256: part.checksum_sha256 },
        Err(_) => CompletePart { number, etag: id.content_id.clone(), sha256: None },
    }
}

fn answered(status: StatusCode, text: &str) -> io::Error {
    let kind = match status {
        StatusCode::NOT_FOUND => io::ErrorKind::NotConnected,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => io::ErrorKind::PermissionDenied,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, format!("{status}: {}", text.chars().take(500).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_told_as_the_store_answered_it() {
        let told = |content_id: &str| {
            let parts = vec![part((1, &PartId { content_id: content_id.into() }))];
            quick_xml::se::to_string(&Complete { parts }).unwrap()
        };
        assert_eq!(
            told("\"e-1\""),
            "<CompleteMultipartUpload><Part><PartNumber>2</PartNumber><ETag>\"e-1\"</ETag></Part></CompleteMultipartUpload>"
        );
        let with_digest =
            told("<PartMetadata><e_tag>e-1</e_tag><checksum_sha256>abc=</checksum_sha256></PartMetadata>");
        assert!(
            with_digest.contains("<ETag>e-1</ETag><ChecksumSHA256>abc=</ChecksumSHA256>"),
            "{with_digest}"
        );
    }

    #[test]
    fn begun_uploads_are_read_from_the_answer() {
        let answer = "<?xml version=\"1.0\"?><ListMultipartUploadsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <Bucket>b</Bucket><IsTruncated>false</IsTruncated><Upload><Key>p/packs/1</Key><UploadId>u</UploadId>\
             <Initiator><ID>x</ID></Initiator><Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload></ListMultipartUploadsResult>";
        let found: Uploads = quick_xml::de::from_str(answer).unwrap();
        let [upload] = &found.uploads[..] else { panic!("{found:?}") };
        assert_eq!((upload.key.as_str(), upload.upload_id.as_str()), ("p/packs/1", "u"));
        let none: Uploads = quick_xml::de::from_str("<ListMultipartUploadsResult/>").unwrap();
        assert!(none.uploads.is_empty());
    }
}
