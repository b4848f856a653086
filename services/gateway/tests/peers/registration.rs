//! The registration role behind the door: batches, transfers, policies, papers, and the bytes of a filed item.

use dengbei_proto::v1;
use dengbei_proto::v1::registration_server::Registration;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{BATCH, Roles, problem};

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
