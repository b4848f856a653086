//! Ingest behind the door: takes packages and says what arrived.

use bytes::Bytes;
use dengbei_proto::v1;
use dengbei_proto::v1::ingest_server::Ingest;
use dengbei_proto::v1::submit_part::Part;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::{AT_THE_DOOR, Arrived, Roles, item, problem};

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
