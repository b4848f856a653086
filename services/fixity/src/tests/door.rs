//! Ingest as fixity sees it: `ReadStaged` over a real gRPC connection, from packages made here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use dengbei_formats::{Discard, MemorySource, PackageSource as _, examine, read_package};
use dengbei_kit::{Drain, grpc};
use dengbei_proto::v1;
use dengbei_proto::v1::ingest_server::{Ingest, IngestServer};
use dengbei_proto::v1::staged_part::Part;
use dengbei_records::{
    FilingForm, IdKey, ItemId, Matter, Reception, Retention, ScopeRow, Sha256, StoredFile, SubmissionId,
    Timestamp, canonical,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

pub(super) const MATTER: &str = "许可-00001-001";

/// A staged package: reception and files by content path.
#[derive(Debug, Clone)]
pub(super) struct Staged {
    pub(super) submission: SubmissionId,
    pub(super) item: ItemId,
    pub(super) reception: Bytes,
    pub(super) files: Vec<(StoredFile, Bytes)>,
}

impl Staged {
    pub(super) fn digest(&self) -> Sha256 {
        Sha256::of(&self.reception)
    }
}

/// A good package of item `n`; `change` may spoil its files before the reception is written.
pub(super) fn package(n: u32, record_no: &str, change: impl FnOnce(&mut Vec<(String, String)>)) -> Staged {
    let mut files = good(n, record_no);
    change(&mut files);
    let files: Vec<(String, Bytes)> = files.into_iter().map(|(path, text)| (path, text.into())).collect();
    let source = MemorySource::new(record_no, files.clone());
    let read = read_package(&source).unwrap();
    let facts = examine(&source, &mut Discard).unwrap();
    let stored: Vec<StoredFile> = facts
        .iter()
        .enumerate()
        .map(|(i, f)| StoredFile {
            path: f.path.clone(),
            content: if read.described_by.contains(&i) {
                format!("metadata/{i}.xml")
            } else {
                format!("files/{i:04}.txt")
            },
            bytes: f.bytes,
            format: f.inspection.format.to_string(),
            sha512: f.sha512,
            sm3: f.sm3,
        })
        .collect();
    let item = ItemId::derive(&IdKey::from_bytes([1; 32]), &"ZWFW".parse().unwrap(), &n.to_string());
    let submission = SubmissionId::from_uuid(Uuid::from_u128(u128::from(n)));
    let reception = Reception {
        salt: "00".repeat(32),
        item,
        submission,
        source_system: "ZWFW".parse().unwrap(),
        source_number: read.metadata.proj_id.clone(),
        data_version: 1.try_into().unwrap(),
        profile: read.profile.to_owned(),
        received_at: Timestamp::from_millis(1_800_000_000_000),
        package_digest: facts[0].sha512,
        derived: vec![],
        redactions: vec![],
        metadata: read.metadata.clone(),
        described_by: read.described_by.iter().map(|&i| stored[i].clone()).collect(),
        files: read.rows.iter().map(|r| r.to_entry(r.entry.map(|i| stored[i].clone()))).collect(),
    };
    let bytes = (0..source.entries().len()).map(|i| files[i].1.clone());
    let mut files: Vec<_> = stored.into_iter().zip(bytes).collect();
    files.sort_by(|a, b| a.0.content.cmp(&b.0.content));
    Staged { submission, item, reception: canonical::to_vec(&reception).unwrap().into(), files }
}

fn good(n: u32, record_no: &str) -> Vec<(String, String)> {
    let basic = format!(
        "<description title=\"基本信息描述\"><deptname>乐清市市场监督管理局</deptname>\
         <documentnumber>{record_no}</documentnumber><retentionperiod>30年</retentionperiod>\
         <archivetime>2026-03-05 11:00:00</archivetime><eventtype>01</eventtype><applyname>甲</applyname>\
         <mobile>19900000001</mobile><address>样例路1号</address><contactidcard>330382189001010016</contactidcard>\
         <projectname>甲申请食品经营许可</projectname><receivedepartmentname>乐清市市场监督管理局</receivedepartmentname>\
         <applytime>2026-03-02 09:00:00</applytime><receivetime>2026-03-02 09:30:00</receivetime>\
         <transacttime>2026-03-05 10:20:00</transacttime><projid>33038201260305{n:07}</projid>\
         <projectpassword></projectpassword><servicetype>承诺件</servicetype><servicecode>{MATTER}</servicecode>\
         <servicename>食品经营许可</servicename><deptid>33038201</deptid>\
         <organizationcode>11330382002534567A</organizationcode><areacode>330382</areacode>\
         <result>准予</result></description>"
    );
    let config = format!(
        "<description title=\"归档配置表\"><servicecode>{MATTER}</servicecode><servicename>食品经营许可</servicename>\
         <deptname>乐清市市场监督管理局</deptname><retentionperiod>30年</retentionperiod><deptid>33038201</deptid>\
         <eventtype>01</eventtype><filingranges><filingrange title=\"申请材料\"><file><filename>申请表.txt</filename>\
         <auxiliaryone>必要</auxiliaryone><auxiliarytwo>电子归档</auxiliarytwo></file></filingrange></filingranges>\
         </description>"
    );
    let step = |node: &str, at: &str| {
        format!(
            "<Opinion nodename=\"{node}\"><Author>乙</Author><Type>意见</Type><Body>同意</Body>\
             <Modified>{at}</Modified></Opinion>"
        )
    };
    let steps = [
        step("申请", "2026-03-02 09:00:00"),
        step("受理", "2026-03-02 09:30:00"),
        step("审核", "2026-03-03 09:30:00"),
        step("决定", "2026-03-05 10:20:00"),
    ];
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    vec![
        ("归档配置表.XML".into(), format!("{head}{config}")),
        ("基本信息描述.XML".into(), format!("{head}{basic}")),
        ("办理流程.XML".into(), format!("{head}<Opinions>{}</Opinions>", steps.concat())),
        ("申请材料/申请表.txt".into(), format!("申请表 {n}")),
    ]
}

/// The filing table of [`MATTER`].
pub(super) fn matter() -> Matter {
    Matter {
        matter_code: MATTER.parse().unwrap(),
        matter_name: "食品经营许可".into(),
        event_type: "01".into(),
        unit_name: "乐清市市场监督管理局".into(),
        unit_uscc: "11330382002534567A".parse().unwrap(),
        retention: Retention::ThirtyYears,
        scope_version: "2026-01".into(),
        in_force_from: "2026-01-01".into(),
        scope: vec![ScopeRow {
            phase: "01".into(),
            range: "申请材料".into(),
            material: "申请表".into(),
            necessary: true,
            form: FilingForm::Electronic,
        }],
    }
}

/// What is staged, shared with the server.
#[derive(Debug, Clone, Default)]
pub(super) struct Door(Arc<Mutex<HashMap<SubmissionId, Staged>>>);

impl Door {
    pub(super) fn put(&self, staged: &Staged) {
        self.0.lock().unwrap().insert(staged.submission, staged.clone());
    }

    pub(super) fn let_go(&self, staged: &Staged) {
        self.0.lock().unwrap().remove(&staged.submission);
    }

    /// Serves it; the URL.
    pub(super) async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = tonic::service::Routes::new(IngestServer::new(self.clone()));
        tokio::spawn(async move { grpc::serve_on(listener, "t", routes, Drain::new()).await.unwrap() });
        url
    }
}

#[tonic::async_trait]
impl Ingest for Door {
    async fn submit(
        &self,
        _: Request<Streaming<v1::SubmitPart>>,
    ) -> Result<Response<v1::SubmitReply>, Status> {
        Err(Status::unimplemented("fixity only reads"))
    }

    type ReadStagedStream = ReceiverStream<Result<v1::StagedPart, Status>>;

    async fn read_staged(
        &self,
        request: Request<v1::ReadStagedRequest>,
    ) -> Result<Response<Self::ReadStagedStream>, Status> {
        let (out, parts) = tokio::sync::mpsc::channel(4);
        let staged = self.0.lock().unwrap().clone();
        tokio::spawn(async move {
            for id in request.into_inner().submissions {
                for part in parts_of(staged.get(&SubmissionId::from_slice(&id).unwrap())) {
                    let part = v1::StagedPart { submission: id.clone(), part: Some(part) };
                    if out.send(Ok(part)).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(parts)))
    }

    async fn submission(
        &self,
        _: Request<v1::SubmissionRequest>,
    ) -> Result<Response<v1::SubmissionReply>, Status> {
        Err(Status::unimplemented("fixity only reads"))
    }

    async fn has_matters(
        &self,
        _: Request<v1::HasMattersRequest>,
    ) -> Result<Response<v1::HasMattersReply>, Status> {
        Err(Status::unimplemented("fixity only reads"))
    }

    async fn standing(&self, _: Request<v1::StandingRequest>) -> Result<Response<v1::StandingReply>, Status> {
        Err(Status::unimplemented("fixity only reads"))
    }
}

fn parts_of(staged: Option<&Staged>) -> Vec<Part> {
    let Some(staged) = staged else { return vec![Part::Missing("decided".into())] };
    let mut parts = vec![Part::Reception(staged.reception.clone())];
    for (file, bytes) in &staged.files {
        let pieces: Vec<Bytes> = if bytes.is_empty() {
            vec![Bytes::new()]
        } else {
            (0..bytes.len()).step_by(5_000).map(|at| bytes.slice(at..bytes.len().min(at + 5_000))).collect()
        };
        let mut offset = 0;
        for data in pieces {
            let after = offset + data.len() as u64;
            parts.push(Part::File(v1::FileChunk {
                path: file.path.clone(),
                content: file.content.clone(),
                offset,
                data,
                last: after == file.bytes,
            }));
            offset = after;
        }
    }
    parts
}
