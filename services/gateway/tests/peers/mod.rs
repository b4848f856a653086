//! Roles behind the door, over real gRPC: they answer as told, so that what is tested is the door. Ingest and registration
//! have files of their own.

mod ingest;
mod registration;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use dengbei_kit::{Drain, RoleConfig, grpc, status};
use dengbei_proto::v1;
use dengbei_proto::v1::ingest_server::IngestServer;
use dengbei_proto::v1::operations_server::{Operations, OperationsServer};
use dengbei_proto::v1::query_server::{Query, QueryServer};
use dengbei_proto::v1::register_server::{Register, RegisterServer};
use dengbei_proto::v1::registration_server::RegistrationServer;
use dengbei_proto::v1::replication_server::{Replication, ReplicationServer};
use dengbei_records::{ErrorClass, Problem};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

pub(crate) const TOKEN: &str = "geheim";
pub(crate) const ITEM: &str = "0a0b0c0d-0e0f-8001-8002-030405060708";

/// An item that ingest alone knows.
pub(crate) const AT_THE_DOOR: &str = "0a0b0c0d-0e0f-8001-8002-03040506070a";

/// What arrived at ingest: chunk sizes, and whether the stream came to its end.
#[derive(Debug, Default, Clone)]
pub(crate) struct Arrived {
    pub(crate) chunks: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) ended: bool,
    pub(crate) head: v1::SubmitHead,
}

#[derive(Clone, Default)]
pub(crate) struct Roles {
    pub(crate) arrived: Arc<Mutex<Arrived>>,
    /// Decisions about registration batches, as they came.
    pub(crate) decided: Arc<Mutex<Vec<v1::DecideBatchRequest>>>,
    /// Decisions about transfers, as they came.
    pub(crate) signed: Arc<Mutex<Vec<v1::DecideTransferRequest>>>,
    /// The last list that was asked of query.
    pub(crate) asked: Arc<Mutex<v1::ItemsRequest>>,
}

/// A registration batch, as the fakes know it.
pub(crate) const BATCH: &str = "0a0b0c0d-0e0f-7001-8002-030405060708";

/// Starts them and gives the configuration of a door before them.
pub(crate) async fn start(roles: &Roles) -> RoleConfig {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = Routes::new(IngestServer::new(roles.clone()))
        .add_service(QueryServer::new(roles.clone()))
        .add_service(RegistrationServer::new(roles.clone()))
        .add_service(RegisterServer::new(roles.clone()))
        .add_service(ReplicationServer::new(roles.clone()))
        .add_service(OperationsServer::new(roles.clone()));
    tokio::spawn(async move { grpc::serve_on(listener, "mesh", routes, Drain::new()).await });
    let mut config = config(&url);
    config.peers.replication = url;
    config
}

pub(crate) fn config(url: &str) -> RoleConfig {
    serde_json::from_value(serde_json::json!({
        "role": "gateway", "area": "330382", "mesh_token": "mesh", "door_token": TOKEN,
        "peers": { "ingest": url, "registration": url, "fixity": url, "query": url },
        "limits": { "package_bytes": 1 << 20 },
    }))
    .unwrap()
}

fn problem(class: &str) -> Status {
    let class: ErrorClass = serde_json::from_value(class.into()).unwrap();
    status::from_problem(&Problem::new("test.code", class, "中文", "English").with_remedy("改正"))
}

fn item() -> Bytes {
    ITEM.parse::<uuid::Uuid>().unwrap().as_bytes().to_vec().into()
}

#[tonic::async_trait]
impl Query for Roles {
    async fn item(&self, request: Request<v1::ItemRequest>) -> Result<Response<v1::ItemReply>, Status> {
        if request.get_ref().item != item() {
            return Err(problem("not_found"));
        }
        let history = v1::HistoryEvent {
            hash: vec![5; 32].into(),
            fact: "item.prefiled".into(),
            recorded_at: 1_790_000_000_000,
            summary: "<script>alert(1)</script>".into(),
            ..Default::default()
        };
        Ok(Response::new(v1::ItemReply { item: Some(summary()), history: vec![history] }))
    }

    async fn states(&self, request: Request<v1::StatesRequest>) -> Result<Response<v1::StatesReply>, Status> {
        let request = request.into_inner();
        let attempt = |submission: &Bytes| v1::Attempt {
            submission: submission.clone(),
            item: item(),
            custody: "planned".into(),
            ..Default::default()
        };
        let items = request.items.iter().map(|_| summary()).collect();
        let submissions = request.submissions.iter().map(attempt).collect();
        Ok(Response::new(v1::StatesReply { items, submissions }))
    }

    async fn items(&self, request: Request<v1::ItemsRequest>) -> Result<Response<v1::ItemsReply>, Status> {
        let shown = request.get_ref().limit as usize;
        *self.asked.lock().unwrap() = request.into_inner();
        Ok(Response::new(v1::ItemsReply { items: vec![summary(); shown], total: 12_408 }))
    }

    async fn figures(&self, _: Request<v1::FiguresRequest>) -> Result<Response<v1::FiguresReply>, Status> {
        Ok(Response::new(v1::FiguresReply::default()))
    }
}

fn summary() -> v1::ItemSummary {
    v1::ItemSummary {
        item: item(),
        data_version: 1,
        custody: "filed".into(),
        registration: "unregistered".into(),
        preservation: "stored".into(),
        access: "closed".into(),
        matter_name: "<b>备案</b>".into(),
        unit_name: "\"><img src=x>".into(),
        archival_code: "J019-ZY·QT·2026·D30-00001".into(),
        pack: 1,
        changed_at: 1_790_000_000_000,
        ..Default::default()
    }
}

#[tonic::async_trait]
impl Replication for Roles {
    async fn sites(&self, _: Request<v1::SitesRequest>) -> Result<Response<v1::SitesReply>, Status> {
        let site = v1::SiteStanding { site: "primary".into(), answers: true, ..Default::default() };
        Ok(Response::new(v1::SitesReply { sites: vec![site] }))
    }

    async fn copies(&self, request: Request<v1::CopiesRequest>) -> Result<Response<v1::CopiesReply>, Status> {
        let receipt =
            v1::SiteReceipt { site: "remote".into(), digest: vec![7; 32].into(), ..Default::default() };
        let copy = v1::PackCopy { site: "remote".into(), receipts: vec![receipt], ..Default::default() };
        let pack = request.get_ref().pack;
        Ok(Response::new(v1::CopiesReply { pack, secured: true, copies: vec![copy] }))
    }

    async fn troubles(&self, _: Request<v1::TroublesRequest>) -> Result<Response<v1::TroublesReply>, Status> {
        let trouble = v1::PackTrouble { kind: "damaged".into(), ..Default::default() };
        Ok(Response::new(v1::TroublesReply { troubles: vec![trouble] }))
    }

    async fn policy(&self, _: Request<v1::PolicyRequest>) -> Result<Response<v1::PolicyReply>, Status> {
        Ok(Response::new(v1::PolicyReply { policy: Bytes::from_static(b"{}") }))
    }
}

#[tonic::async_trait]
impl Register for Roles {
    async fn append(&self, _: Request<v1::AppendRequest>) -> Result<Response<v1::AppendReply>, Status> {
        Err(Status::unimplemented("not asked by the door"))
    }

    async fn sealed_up_to(
        &self,
        _: Request<v1::SealedUpToRequest>,
    ) -> Result<Response<v1::SealedUpToReply>, Status> {
        Err(Status::unimplemented("not asked by the door"))
    }

    async fn bundles(&self, _: Request<v1::BundlesRequest>) -> Result<Response<v1::BundlesReply>, Status> {
        Err(Status::unimplemented("not asked by the door"))
    }

    async fn entries(&self, _: Request<v1::EntriesRequest>) -> Result<Response<v1::EntriesReply>, Status> {
        Err(Status::unimplemented("not asked by the door"))
    }

    async fn log_file(
        &self,
        request: Request<v1::LogFileRequest>,
    ) -> Result<Response<v1::LogFileReply>, Status> {
        let path = request.into_inner().path;
        let immutable = path != "checkpoint";
        Ok(Response::new(v1::LogFileReply { body: path.into(), immutable }))
    }

    async fn receipt(&self, _: Request<v1::ReceiptRequest>) -> Result<Response<v1::ReceiptReply>, Status> {
        Ok(Response::new(v1::ReceiptReply { receipt: Bytes::from_static(b"{\"a\":1}") }))
    }
}

#[tonic::async_trait]
impl Operations for Roles {
    async fn queues(&self, _: Request<v1::QueuesRequest>) -> Result<Response<v1::QueuesReply>, Status> {
        Ok(Response::new(v1::QueuesReply { dead_letters: 1, ..Default::default() }))
    }

    async fn dead_letters(
        &self,
        _: Request<v1::DeadLettersRequest>,
    ) -> Result<Response<v1::DeadLettersReply>, Status> {
        let letter =
            v1::DeadLetter { hash: vec![7; 32].into(), reason: "<i>坏</i>".into(), ..Default::default() };
        Ok(Response::new(v1::DeadLettersReply { letters: vec![letter] }))
    }

    async fn retry_dead_letters(
        &self,
        request: Request<v1::RetryDeadLettersRequest>,
    ) -> Result<Response<v1::RetryDeadLettersReply>, Status> {
        let retried = u32::try_from(request.get_ref().hashes.len()).unwrap();
        Ok(Response::new(v1::RetryDeadLettersReply { retried }))
    }
}
