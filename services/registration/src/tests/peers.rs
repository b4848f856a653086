//! What ingest and fixity answer to registration, held in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use dengbei_kit::{Drain, grpc};
use dengbei_proto::v1;
use dengbei_proto::v1::documents_server::{Documents, DocumentsServer};
use dengbei_proto::v1::ingest_server::{Ingest, IngestServer};
use dengbei_proto::v1::staged_part::Part;
use dengbei_records::{Sha256, SubmissionId};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};

/// One submission's staged bytes.
#[derive(Clone)]
pub(super) struct Staged {
    pub(super) reception: Bytes,
    /// Received path, path in the object, bytes.
    pub(super) files: Vec<(String, String, Bytes)>,
}

/// Ingest and fixity, as one server.
#[derive(Clone, Default)]
pub(super) struct Peers {
    pub(super) staged: Arc<Mutex<HashMap<SubmissionId, Staged>>>,
    pub(super) documents: Arc<Mutex<HashMap<Sha256, (String, Bytes)>>>,
    pub(super) is_down: Arc<AtomicBool>,
}

impl Peers {
    /// Serves until the drain; gives the URL.
    pub(super) async fn serve(&self, token: &str, drain: &Drain) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes =
            Routes::new(IngestServer::new(self.clone())).add_service(DocumentsServer::new(self.clone()));
        let (token, drain) = (token.to_owned(), drain.clone());
        tokio::spawn(async move { grpc::serve_on(listener, &token, routes, drain).await });
        url
    }

    fn answer(&self) -> Result<(), Status> {
        if self.is_down.load(Ordering::SeqCst) { Err(Status::unavailable("down")) } else { Ok(()) }
    }

    fn parts(&self, submission: SubmissionId) -> Vec<Part> {
        let Some(staged) = self.staged.lock().unwrap().get(&submission).cloned() else {
            return vec![Part::Missing("gone".into())];
        };
        let mut parts = vec![Part::Reception(staged.reception)];
        for (path, content, data) in staged.files {
            // Small chunks, so that a file comes in several.
            let chunks: Vec<Bytes> = data.chunks(1000).map(Bytes::copy_from_slice).collect();
            let (mut offset, count) = (0, chunks.len());
            for (n, data) in chunks.into_iter().enumerate() {
                let (path, content, last) = (path.clone(), content.clone(), n + 1 == count);
                parts.push(Part::File(v1::FileChunk { path, content, offset, data: data.clone(), last }));
                offset += data.len() as u64;
            }
        }
        parts
    }
}

#[tonic::async_trait]
impl Ingest for Peers {
    async fn submit(
        &self,
        _: Request<Streaming<v1::SubmitPart>>,
    ) -> Result<Response<v1::SubmitReply>, Status> {
        Err(Status::unimplemented("submit"))
    }

    type ReadStagedStream = BoxStream<'static, Result<v1::StagedPart, Status>>;

    async fn read_staged(
        &self,
        request: Request<v1::ReadStagedRequest>,
    ) -> Result<Response<Self::ReadStagedStream>, Status> {
        self.answer()?;
        let mut all = Vec::new();
        for raw in request.into_inner().submissions {
            let id = SubmissionId::from_slice(&raw).unwrap();
            let part = |part| Ok(v1::StagedPart { submission: raw.clone(), part: Some(part) });
            all.extend(self.parts(id).into_iter().map(part));
        }
        Ok(Response::new(futures::stream::iter(all).boxed()))
    }

    async fn submission(
        &self,
        _: Request<v1::SubmissionRequest>,
    ) -> Result<Response<v1::SubmissionReply>, Status> {
        Err(Status::unimplemented("submission"))
    }

    async fn has_matters(
        &self,
        _: Request<v1::HasMattersRequest>,
    ) -> Result<Response<v1::HasMattersReply>, Status> {
        Err(Status::unimplemented("has_matters"))
    }

    async fn standing(&self, _: Request<v1::StandingRequest>) -> Result<Response<v1::StandingReply>, Status> {
        Err(Status::unimplemented("standing"))
    }
}

#[tonic::async_trait]
impl Documents for Peers {
    async fn get(
        &self,
        request: Request<v1::GetDocumentRequest>,
    ) -> Result<Response<v1::GetDocumentReply>, Status> {
        self.answer()?;
        let digest = Sha256::from_slice(&request.get_ref().digest).unwrap();
        let found = self.documents.lock().unwrap().get(&digest).cloned();
        let (media_type, body) = found.ok_or_else(|| Status::not_found("no such document"))?;
        Ok(Response::new(v1::GetDocumentReply { body, media_type }))
    }
}
