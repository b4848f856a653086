//! gRPC `Documents`: what registration states itself, and what it holds for the packs, of whichever service: there others
//! ask for what they lost with their database.

use dengbei_kit::documents::{self as own_documents, DocumentError};
use dengbei_kit::grpc::MAX_MESSAGE;
use dengbei_kit::status;
use dengbei_proto::v1;
use dengbei_proto::v1::documents_server::{Documents, DocumentsServer};
use dengbei_records::{ErrorClass, Problem, Sha256};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use crate::store::documents as held;

/// Serves them.
pub(crate) fn service(pool: PgPool) -> DocumentsServer<impl Documents> {
    DocumentsServer::new(Served { pool }).max_encoding_message_size(MAX_MESSAGE)
}

struct Served {
    pool: PgPool,
}

impl Served {
    async fn find(&self, digest: &Sha256) -> Result<Option<v1::GetDocumentReply>, DocumentError> {
        if let Some(own) = own_documents::get(&self.pool, digest).await? {
            return Ok(Some(v1::GetDocumentReply { body: own.body, media_type: own.media_type }));
        }
        let held = held::find(&mut *self.pool.acquire().await?, digest).await?;
        Ok(held.map(|d| v1::GetDocumentReply { body: d.body, media_type: d.media_type }))
    }
}

#[tonic::async_trait]
impl Documents for Served {
    async fn get(
        &self,
        request: Request<v1::GetDocumentRequest>,
    ) -> Result<Response<v1::GetDocumentReply>, Status> {
        let digest = Sha256::from_slice(&request.get_ref().digest).map_err(|e| {
            let text = "文档摘要无效";
            status::from_problem(&Problem::new("document.digest", ErrorClass::Invalid, text, e.to_string()))
        })?;
        match self.find(&digest).await {
            Ok(Some(reply)) => Ok(Response::new(reply)),
            Ok(None) => {
                let (zh, en) = ("没有此文档", "no such document");
                Err(status::from_problem(&Problem::new("document.missing", ErrorClass::NotFound, zh, en)))
            }
            Err(e) => Err(status::report(&status::plain(e.class()), &e)),
        }
    }
}
