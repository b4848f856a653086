//! Roles behind the door, over real gRPC: they answer as told, so that what is tested is the door.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use dengbei_kit::{Drain, RoleConfig, grpc, status};
use dengbei_proto::v1;
use dengbei_proto::v1::ingest_server::{Ingest, IngestServer};
use dengbei_proto::v1::operations_server::{Operations, OperationsServer};
use dengbei_proto::v1::query_server::{Query, QueryServer};
use dengbei_proto::v1::register_server::{Register, RegisterServer};
use dengbei_proto::v1::registration_server::{Registration, RegistrationServer};
use dengbei_proto::v1::replication_server::{Replication, ReplicationServer};
use dengbei_proto::v1::submit_part::Part;
use dengbei_records::{ErrorClass, Problem};
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};

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

fn batch() -> v1::BatchSummary {
    v1::BatchSummary {
        batch: BATCH.parse::<uuid::Uuid>().unwrap().as_bytes().to_vec().into(),
        state: "applied".into(),
        unit_name: "<i>单位</i>".into(),
        packs: vec![1, 2],
        items: 3,
        applied_at: 1_790_000_000_000,
        changed_at: 1_790_000_000_000,
        ..Default::default()
    }
}

fn transfer(transfer_no: &str) -> v1::TransferReply {
    let transfer = v1::TransferSummary {
        transfer_no: transfer_no.into(),
        state: "submitted".into(),
        unit_name: "<i>单位</i>".into(),
        changed_at: 1_790_000_000_000,
        ..Default::default()
    };
    v1::TransferReply { transfer: Some(transfer), ..Default::default() }
}

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
impl Ingest for Roles {
    async fn submit(
        &self,
        request: Request<Streaming<v1::SubmitPart>>,
    ) -> Result<Response<v1::SubmitReply>, Status> {
        let mut parts = request.into_inner();
        let mut arrived = Arrived::default();
        while let Some(part) = parts.message().await? {
            match part.part.unwrap() {
                Part::Head(head) if head.name == "full house" => return Err(problem("exhausted")),
                Part::Head(head) => arrived.head = head,
                Part::Chunk(chunk) => {
                    arrived.chunks.push(chunk.len());
                    arrived.bytes.extend(chunk);
                }
            }
        }
        arrived.ended = true;
        let outcome = arrived.head.name.clone();
        *self.arrived.lock().unwrap() = arrived;
        let check = |id: &str, result: &str| v1::CheckResult {
            id: id.into(),
            severity: "block".into(),
            result: result.into(),
            message: "月份无效".into(),
            ..Default::default()
        };
        let is_known = outcome != "refused";
        let package = v1::PackageReply {
            name: "p".into(),
            submission: vec![1; 16].into(),
            item: if is_known { item() } else { Bytes::new() },
            custody: if is_known { "prefiled".into() } else { String::new() },
            checks: vec![check("A-08", "failed"), check("A-02", "passed")],
            data_version: 1,
            problem: None,
            outcome,
        };
        Ok(Response::new(v1::SubmitReply { packages: vec![package], batch_checks: vec![] }))
    }

    type ReadStagedStream = ReceiverStream<Result<v1::StagedPart, Status>>;

    async fn read_staged(
        &self,
        _: Request<v1::ReadStagedRequest>,
    ) -> Result<Response<Self::ReadStagedStream>, Status> {
        Err(Status::unimplemented("not asked by the door"))
    }

    async fn submission(
        &self,
        request: Request<v1::SubmissionRequest>,
    ) -> Result<Response<v1::SubmissionReply>, Status> {
        let item = request.into_inner().item;
        if item != AT_THE_DOOR.parse::<uuid::Uuid>().unwrap().as_bytes().as_slice() {
            return Err(problem("not_found"));
        }
        let check = v1::CheckResult { id: "S-02".into(), severity: "block".into(), ..Default::default() };
        let outcome = "refused".into();
        Ok(Response::new(v1::SubmissionReply { item, outcome, checks: vec![check], ..Default::default() }))
    }

    async fn has_matters(
        &self,
        _: Request<v1::HasMattersRequest>,
    ) -> Result<Response<v1::HasMattersReply>, Status> {
        Ok(Response::new(v1::HasMattersReply { missing: 0 }))
    }

    async fn standing(&self, _: Request<v1::StandingRequest>) -> Result<Response<v1::StandingReply>, Status> {
        Ok(Response::new(v1::StandingReply { parked: 3, ..Default::default() }))
    }
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
impl Registration for Roles {
    async fn publish_matters(
        &self,
        request: Request<v1::PublishMattersRequest>,
    ) -> Result<Response<v1::PublishMattersReply>, Status> {
        match std::str::from_utf8(&request.get_ref().body).unwrap() {
            "[]" => Ok(Response::new(v1::PublishMattersReply { published: 2, unchanged: 1 })),
            class => Err(problem(class)),
        }
    }

    async fn holding(&self, _: Request<v1::HoldingRequest>) -> Result<Response<v1::HoldingReply>, Status> {
        Ok(Response::new(v1::HoldingReply::default()))
    }

    type ReadFiledStream = ReceiverStream<Result<v1::FiledChunk, Status>>;

    async fn read_filed(
        &self,
        request: Request<v1::ReadFiledRequest>,
    ) -> Result<Response<Self::ReadFiledStream>, Status> {
        let breaks = request.get_ref().data_version == 9;
        let (to, from) = tokio::sync::mpsc::channel(8);
        let chunk = |path: &str, offset, data: &'static [u8], last| v1::FiledChunk {
            path: path.into(),
            logical: if path == "record.json" {
                "record.json".into()
            } else {
                "申请材料/申请表.pdf".into()
            },
            offset,
            data: data.into(),
            last,
        };
        tokio::spawn(async move {
            let _ = to.send(Ok(chunk("record.json", 0, b"{}", true))).await;
            let _ = to.send(Ok(chunk("files/0001.pdf", 0, b"%PDF", false))).await;
            if breaks {
                let _ = to.send(Err(Status::internal("the disk"))).await;
            } else {
                let _ = to.send(Ok(chunk("files/0001.pdf", 4, b"-1.4", true))).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(from)))
    }

    async fn filing(&self, _: Request<v1::FilingRequest>) -> Result<Response<v1::FilingReply>, Status> {
        Ok(Response::new(v1::FilingReply { ready: 7, ..Default::default() }))
    }

    async fn batches(
        &self,
        request: Request<v1::BatchesRequest>,
    ) -> Result<Response<v1::BatchesReply>, Status> {
        let shown = request.get_ref().limit as usize;
        let waiting = vec![v1::WaitingPack { pack: 9, ..Default::default() }];
        Ok(Response::new(v1::BatchesReply { batches: vec![batch(); shown], waiting, ..Default::default() }))
    }

    async fn batch(&self, request: Request<v1::BatchRequest>) -> Result<Response<v1::BatchReply>, Status> {
        let asked = request.into_inner();
        if asked.registration_no.is_empty() && asked.batch != batch().batch {
            return Err(problem("not_found"));
        }
        let step = v1::BatchStep { step: "apply".into(), by: "林梅".into(), ..Default::default() };
        Ok(Response::new(v1::BatchReply { batch: Some(batch()), steps: vec![step] }))
    }

    async fn decide_batch(
        &self,
        request: Request<v1::DecideBatchRequest>,
    ) -> Result<Response<v1::BatchReply>, Status> {
        self.decided.lock().unwrap().push(request.into_inner());
        Ok(Response::new(v1::BatchReply { batch: Some(batch()), steps: vec![] }))
    }

    async fn transfers(
        &self,
        request: Request<v1::TransfersRequest>,
    ) -> Result<Response<v1::TransfersReply>, Status> {
        let shown = request.get_ref().limit as usize;
        let transfers = vec![transfer("YJ-1").transfer.unwrap(); shown];
        Ok(Response::new(v1::TransfersReply { transfers, ..Default::default() }))
    }

    async fn transfer(
        &self,
        request: Request<v1::TransferRequest>,
    ) -> Result<Response<v1::TransferReply>, Status> {
        Ok(Response::new(transfer(&request.get_ref().transfer_no)))
    }

    async fn decide_transfer(
        &self,
        request: Request<v1::DecideTransferRequest>,
    ) -> Result<Response<v1::TransferReply>, Status> {
        let asked = request.into_inner();
        let reply = transfer(&asked.transfer_no);
        self.signed.lock().unwrap().push(asked);
        Ok(Response::new(reply))
    }

    async fn policy(
        &self,
        request: Request<v1::UnitPolicyRequest>,
    ) -> Result<Response<v1::UnitPolicyReply>, Status> {
        let policy = serde_json::to_vec(&dengbei_records::policy::UnitPolicy::default_rule()).unwrap();
        let is_default = request.get_ref().unit_uscc.is_empty();
        Ok(Response::new(v1::UnitPolicyReply { policy: policy.into(), is_default }))
    }

    async fn set_policy(
        &self,
        request: Request<v1::SetUnitPolicyRequest>,
    ) -> Result<Response<v1::UnitPolicyReply>, Status> {
        let policy = request.into_inner().policy;
        Ok(Response::new(v1::UnitPolicyReply { policy, is_default: false }))
    }

    async fn paper(&self, request: Request<v1::PaperRequest>) -> Result<Response<v1::PaperReply>, Status> {
        let asked = request.into_inner();
        let body = format!("{} {} {}", asked.kind, asked.id, asked.format);
        let file_name = format!("{}\"\r\n登.{}", asked.kind, asked.format);
        Ok(Response::new(v1::PaperReply { body: body.into(), media_type: String::new(), file_name }))
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
