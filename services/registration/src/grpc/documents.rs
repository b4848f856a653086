//! gRPC `Documents`: what registration states itself, and what it holds for the packs, of whichever service: there others
//! ask for what they lost with their database.

use dengbei_kit::documents::{self as own_documents, Document, DocumentError};
use dengbei_proto::v1::documents_server::{Documents, DocumentsServer};
use dengbei_records::Sha256;
use sqlx::PgPool;

use crate::store::documents as held;

/// Serves them.
pub(crate) fn service(pool: PgPool) -> DocumentsServer<impl Documents> {
    own_documents::service_of(move |digest| find(pool.clone(), digest))
}

async fn find(pool: PgPool, digest: Sha256) -> Result<Option<Document>, DocumentError> {
    if let Some(own) = own_documents::get(&pool, &digest).await? {
        return Ok(Some(own));
    }
    let held = held::find(&mut *pool.acquire().await?, &digest).await?;
    Ok(held.map(|d| Document { media_type: d.media_type, body: d.body }))
}
