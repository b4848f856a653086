//! Roles that hold a believable county: what the console shows when everything answers.

#![allow(
    clippy::unwrap_used,
    clippy::unimplemented,
    dead_code,
    unused_imports,
    reason = "stands in for roles in tests"
)]

mod checks;
mod county;
mod desk;
mod papers;
mod sites;

use bytes::Bytes;
use county::{MINUTE, NOW, UNITS, broken, life, summary};
use dengbei_kit::{Drain, RoleConfig, grpc, status};
use dengbei_proto::v1;
use dengbei_proto::v1::documents_server::DocumentsServer;
use dengbei_proto::v1::fixity_server::FixityServer;
use dengbei_proto::v1::ingest_server::{Ingest, IngestServer};
use dengbei_proto::v1::intake_server::IntakeServer;
use dengbei_proto::v1::operations_server::{Operations, OperationsServer};
use dengbei_proto::v1::quality_server::QualityServer;
use dengbei_proto::v1::query_server::{Query, QueryServer};
use dengbei_proto::v1::register_server::{Register, RegisterServer};
use dengbei_proto::v1::registration_server::RegistrationServer;
use dengbei_proto::v1::replication_server::ReplicationServer;
use dengbei_records::{ErrorClass, Problem};
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};

pub(crate) use county::{batch, item, number};

pub(crate) const TOKEN: &str = "geheim";

/// All roles at once.
#[derive(Clone, Default)]
pub(crate) struct County;

/// Starts them and gives the configuration of a door before them.
pub(crate) async fn start() -> RoleConfig {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = Routes::new(IngestServer::new(County))
        .add_service(QueryServer::new(County))
        .add_service(RegistrationServer::new(County))
        .add_service(RegisterServer::new(County))
        .add_service(ReplicationServer::new(County))
        .add_service(DocumentsServer::new(County))
        .add_service(FixityServer::new(County))
        .add_service(QualityServer::new(County))
        .add_service(IntakeServer::new(County))
        .add_service(OperationsServer::new(County));
    tokio::spawn(async move { grpc::serve_on(listener, "mesh", routes, Drain::new()).await });
    serde_json::from_value(serde_json::json!({
        "role": "gateway", "area": "330402", "mesh_token": "mesh", "door_token": TOKEN,
        "peers": { "ingest": url, "registration": url, "fixity": url, "query": url, "replication": url },
        "limits": { "package_bytes": 1 << 20 },
    }))
    .unwrap()
}

pub(crate) fn nothing_of_that() -> Status {
    let problem = Problem::new("test.unknown", ErrorClass::NotFound, "没有此对象", "there is no such thing");
    status::from_problem(&problem)
}

fn check(id: &str, zh: &str, en: &str) -> v1::CheckResult {
    v1::CheckResult {
        id: id.into(),
        severity: "block".into(),
        result: "failed".into(),
        message: zh.into(),
        message_en: en.into(),
        place: "信息包".into(),
        remedy: "重新打包后再次提交".into(),
    }
}

#[tonic::async_trait]
impl Ingest for County {
    async fn submit(
        &self,
        _: Request<Streaming<v1::SubmitPart>>,
    ) -> Result<Response<v1::SubmitReply>, Status> {
        Err(Status::unimplemented("pages submit nothing"))
    }

    type ReadStagedStream = ReceiverStream<Result<v1::StagedPart, Status>>;

    async fn read_staged(
        &self,
        _: Request<v1::ReadStagedRequest>,
    ) -> Result<Response<Self::ReadStagedStream>, Status> {
        Err(Status::unimplemented("pages read no staged files"))
    }

    async fn submission(
        &self,
        request: Request<v1::SubmissionRequest>,
    ) -> Result<Response<v1::SubmissionReply>, Status> {
        let checks = vec![check("U-07", "压缩比超过 100，疑为压缩炸弹", "ratio over 100: a bomb")];
        let reply = v1::SubmissionReply {
            item: request.into_inner().item,
            outcome: "refused".into(),
            checks,
            ..Default::default()
        };
        Ok(Response::new(reply))
    }

    async fn has_matters(
        &self,
        _: Request<v1::HasMattersRequest>,
    ) -> Result<Response<v1::HasMattersReply>, Status> {
        Ok(Response::new(v1::HasMattersReply { missing: 0 }))
    }

    async fn standing(&self, _: Request<v1::StandingRequest>) -> Result<Response<v1::StandingReply>, Status> {
        Ok(Response::new(v1::StandingReply {
            undecided: 42,
            undecided_bytes: 64_680_000,
            parked: 37,
            free_bytes: 412 << 30,
            ..Default::default()
        }))
    }
}

#[tonic::async_trait]
impl Query for County {
    async fn item(&self, request: Request<v1::ItemRequest>) -> Result<Response<v1::ItemReply>, Status> {
        let asked = request.into_inner().item;
        let n = (0..400).find(|n| item(*n) == asked).ok_or_else(nothing_of_that)?;
        let found = if n >= 200 { broken(n, "returned") } else { summary(n) };
        let history = life(n);
        let take = match (found.custody.as_str(), found.registration.as_str()) {
            ("accessioned", _) => history.len(),
            (_, "certified") => 10,
            (_, "backed_up") => 9,
            (_, "registered") => 5,
            ("filed", _) => 4,
            _ => 1,
        };
        Ok(Response::new(v1::ItemReply {
            item: Some(found),
            history: history.into_iter().take(take).collect(),
        }))
    }

    async fn states(&self, _: Request<v1::StatesRequest>) -> Result<Response<v1::StatesReply>, Status> {
        Ok(Response::new(v1::StatesReply::default()))
    }

    async fn items(&self, request: Request<v1::ItemsRequest>) -> Result<Response<v1::ItemsReply>, Status> {
        let request = request.into_inner();
        let limit = request.limit as usize;
        let (items, total): (Vec<v1::ItemSummary>, u64) = match request.custody.as_str() {
            custody @ ("returned" | "refused") => ((200..206).map(|n| broken(n, custody)).collect(), 6),
            "parked" => ((300..337).map(parked).take(limit).collect(), 37),
            _ if request.pack > 0 => {
                ((0..400).map(summary).filter(|s| s.pack == request.pack).take(limit).collect(), 184)
            }
            _ => ((0..200).map(summary).take(limit).collect(), 12_408),
        };
        Ok(Response::new(v1::ItemsReply { items, total }))
    }

    async fn figures(&self, _: Request<v1::FiguresRequest>) -> Result<Response<v1::FiguresReply>, Status> {
        Ok(Response::new(figures()))
    }
}

fn parked(n: usize) -> v1::ItemSummary {
    let matter_code = ["QT00990101", "QT00990102", "XK00871000"][n % 3].into();
    v1::ItemSummary {
        matter_code,
        matter_name: String::new(),
        unit_name: String::new(),
        failed: vec![],
        ..broken(n, "parked")
    }
}

fn figures() -> v1::FiguresReply {
    let map = |pairs: &[(&str, u64)]| pairs.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect();
    let unit = |(i, (uscc, name, _)): (u64, &(&str, &str, &str))| v1::UnitFigures {
        unit_uscc: (*uscc).into(),
        unit_name: (*name).into(),
        prefiled: 4_120 - i * 530,
        filed: 4_120 - i * 530 - i * i * 11,
        returned: i * 2,
        certified: 3_700 - i * 500,
        accessioned: 2_400 - i * 330,
    };
    let day = |i: u64| v1::Day {
        day: format!("2026-11-{:02}", 9 + i),
        prefiled: 700 + (i * 137) % 260 - if i % 7 > 4 { 520 } else { 0 },
        filed: 660 + (i * 137) % 240 - if i % 7 > 4 { 520 } else { 0 },
        returned: i % 3,
        accessioned: 400 + i * 9,
    };
    v1::FiguresReply {
        custody: map(&[
            ("parked", 37),
            ("prefiled", 18),
            ("planned", 24),
            ("filed", 7_812),
            ("returned", 6),
            ("accessioned", 8_451),
            ("refused", 4),
        ]),
        registration: map(&[
            ("unregistered", 512),
            ("applied", 320),
            ("registered", 184),
            ("backed_up", 96),
            ("certified", 15_151),
        ]),
        preservation: map(&[("stored", 1_016), ("secured", 15_247)]),
        events: 48_210,
        log_index: 48_209,
        units: (0_u64..).zip(&UNITS).map(unit).collect(),
        days: (0..14).map(day).collect(),
        failed: map(&[("A-08", 31), ("I-09", 17), ("U-04", 9), ("S-02", 2), ("I-05", 6), ("A-15", 1)]),
    }
}

#[tonic::async_trait]
impl Register for County {
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

    async fn log_file(&self, _: Request<v1::LogFileRequest>) -> Result<Response<v1::LogFileReply>, Status> {
        let body = "dengbei/330402\n48210\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n\n— dengbei/330402 Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
        Ok(Response::new(v1::LogFileReply { body: body.into(), immutable: false }))
    }

    async fn receipt(&self, _: Request<v1::ReceiptRequest>) -> Result<Response<v1::ReceiptReply>, Status> {
        Ok(Response::new(v1::ReceiptReply { receipt: Bytes::from_static(b"{}") }))
    }
}

#[tonic::async_trait]
impl Operations for County {
    async fn queues(&self, _: Request<v1::QueuesRequest>) -> Result<Response<v1::QueuesReply>, Status> {
        let reply = v1::QueuesReply {
            service: "fixity".into(),
            outbox_unsealed: 3,
            pending: 2,
            dead_letters: 1,
            log_index: 48_206,
            consumer: "fixity".into(),
            ..Default::default()
        };
        Ok(Response::new(reply))
    }

    async fn dead_letters(
        &self,
        _: Request<v1::DeadLettersRequest>,
    ) -> Result<Response<v1::DeadLettersReply>, Status> {
        let letter = v1::DeadLetter {
            service: "fixity".into(),
            hash: vec![7; 32].into(),
            fact: "transfer.submitted".into(),
            subject: format!("transfer/{}", number("YJ", 3)),
            reason: "档案馆备份点无应答，第 8 次仍失败 / the archive's site does not answer".into(),
            tries: 8,
            since: NOW - 90 * MINUTE,
            ..Default::default()
        };
        Ok(Response::new(v1::DeadLettersReply { letters: vec![letter] }))
    }

    async fn retry_dead_letters(
        &self,
        _: Request<v1::RetryDeadLettersRequest>,
    ) -> Result<Response<v1::RetryDeadLettersReply>, Status> {
        Ok(Response::new(v1::RetryDeadLettersReply { retried: 1 }))
    }
}
