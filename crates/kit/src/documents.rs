//! Documents that events cite by digest: stored in the event's own transaction, served to who packs them.

use bytes::Bytes;
use dengbei_proto::v1;
use dengbei_proto::v1::documents_client::DocumentsClient;
use dengbei_proto::v1::documents_server::{Documents, DocumentsServer};
use dengbei_records::{ErrorClass, Problem, Sha256};
use sqlx::postgres::{PgConnection, PgPool};
use tonic::{Request, Response, Status};

use crate::grpc::{MAX_MESSAGE, MeshChannel};
use crate::{db, status};

/// The largest document: it must fit in one message.
pub const MAX_DOCUMENT: usize = MAX_MESSAGE - 64 * 1024;
/// How long a fetch may take.
const FETCH: std::time::Duration = std::time::Duration::from_secs(30);

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Larger than [`MAX_DOCUMENT`].
    #[error("文档过大 / the document is too large: {0} bytes")]
    TooLarge(usize),
    /// The service that should have it does not.
    #[error("没有此文档 / there is no document {0}")]
    Missing(Sha256),
    /// What came has another digest.
    #[error("文档摘要不符 / the document's digest differs: {0}")]
    Differs(Sha256),
    /// The database did not do it.
    #[error("文档库不可用 / the document store does not answer")]
    Database(#[from] sqlx::Error),
    /// The peer did not do it.
    #[error("文档服务不可用 / the document's service does not answer")]
    Peer(#[from] Box<Status>),
}

impl DocumentError {
    /// What can be done about it.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::TooLarge(_) => ErrorClass::Invalid,
            Self::Missing(_) => ErrorClass::NotFound,
            Self::Differs(_) => ErrorClass::Internal,
            Self::Database(e) => db::class(e),
            Self::Peer(s) => status::class(s),
        }
    }

    fn problem(&self) -> Problem {
        match self {
            Self::TooLarge(_) => {
                Problem::new("document.too_large", self.class(), "文档过大", "the document is too large")
            }
            Self::Missing(_) => {
                Problem::new("document.missing", self.class(), "没有此文档", "no such document")
            }
            _ => status::plain(self.class()),
        }
    }
}

/// A stored document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// `application/vnd.dengbei.members+json`, …
    pub media_type: String,
    /// Its bytes.
    pub body: Bytes,
}

/// Stores a document in the caller's transaction; durable when that commits. The same again is harmless.
///
/// # Errors
/// [`DocumentError::TooLarge`], or the database's.
pub async fn put(tx: &mut PgConnection, body: &[u8], media_type: &str) -> Result<Sha256, DocumentError> {
    if body.len() > MAX_DOCUMENT {
        return Err(DocumentError::TooLarge(body.len()));
    }
    let digest = Sha256::of(body);
    sqlx::query(
        "insert into documents (digest, media_type, body) values ($1, $2, $3) on conflict do nothing",
    )
    .bind(digest.as_bytes().as_slice())
    .bind(media_type)
    .bind(body)
    .execute(tx)
    .await?;
    Ok(digest)
}

/// Reads a document of this service.
///
/// # Errors
/// The database's.
pub async fn get(pool: &PgPool, digest: &Sha256) -> Result<Option<Document>, DocumentError> {
    let row: Option<(String, Vec<u8>)> =
        sqlx::query_as("select media_type, body from documents where digest = $1")
            .bind(digest.as_bytes().as_slice())
            .fetch_optional(pool)
            .await?;
    Ok(row.map(|(media_type, body)| Document { media_type, body: body.into() }))
}

/// Fetches a document from the service that cited it, and checks its digest.
///
/// # Errors
/// [`DocumentError`].
pub async fn fetch(channel: &MeshChannel, digest: &Sha256) -> Result<Document, DocumentError> {
    let mut client = DocumentsClient::new(channel.clone()).max_decoding_message_size(MAX_MESSAGE);
    let mut request = Request::new(v1::GetDocumentRequest { digest: digest.as_bytes().to_vec().into() });
    request.set_timeout(FETCH);
    let reply = match client.get(request).await {
        Ok(reply) => reply.into_inner(),
        Err(s) if s.code() == tonic::Code::NotFound => return Err(DocumentError::Missing(*digest)),
        Err(s) => return Err(Box::new(s).into()),
    };
    if Sha256::of(&reply.body) != *digest {
        return Err(DocumentError::Differs(*digest));
    }
    Ok(Document { media_type: reply.media_type, body: reply.body })
}

/// Serves this service's documents.
pub fn service(pool: PgPool) -> DocumentsServer<impl Documents> {
    service_of(move |digest| {
        let pool = pool.clone();
        async move { get(&pool, &digest).await }
    })
}

/// Serves what `find` finds, for a service that holds more than its own.
pub fn service_of<F, Found>(find: F) -> DocumentsServer<impl Documents>
where
    F: Fn(Sha256) -> Found + Send + Sync + 'static,
    Found: Future<Output = Result<Option<Document>, DocumentError>> + Send + 'static,
{
    DocumentsServer::new(Served { find }).max_encoding_message_size(MAX_MESSAGE)
}

struct Served<F> {
    find: F,
}

#[tonic::async_trait]
impl<F, Found> Documents for Served<F>
where
    F: Fn(Sha256) -> Found + Send + Sync + 'static,
    Found: Future<Output = Result<Option<Document>, DocumentError>> + Send + 'static,
{
    async fn get(
        &self,
        request: Request<v1::GetDocumentRequest>,
    ) -> Result<Response<v1::GetDocumentReply>, Status> {
        let digest = Sha256::from_slice(&request.get_ref().digest).map_err(|e| {
            let text = "文档摘要无效";
            status::from_problem(&Problem::new("document.digest", ErrorClass::Invalid, text, e.to_string()))
        })?;
        let found = (self.find)(digest).await.and_then(|d| d.ok_or(DocumentError::Missing(digest)));
        let document = found.map_err(|e| status::report(&e.problem(), &e))?;
        Ok(Response::new(v1::GetDocumentReply { body: document.body, media_type: document.media_type }))
    }
}
