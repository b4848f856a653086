//! Checks of wholes, tasks of persons, and the quality monitor's numbers.

use dengbei_chain::{DocumentRef, MemberList, TransferCheck, TransferReport};
use dengbei_checks::{BatchView, Scheme, Stage, check_batch};
use dengbei_proto::v1::documents_server::Documents;
use dengbei_proto::v1::fixity_server::Fixity;
use dengbei_proto::v1::intake_server::Intake;
use dengbei_proto::v1::quality_server::Quality;
use dengbei_records::Timestamp;

use super::county::{NOW, number};
use super::*;

const WHOLE: [u8; 32] = [0x1b; 32];

fn task() -> v1::CheckTask {
    v1::CheckTask {
        id: "0123456789abcdef0123456789abcdef".into(),
        check: "S-06".into(),
        check_name: "操作过程安全".into(),
        check_name_en: "safe procedure".into(),
        scope: "batch".into(),
        number: "2026-11".into(),
        stage: "C".into(),
        task: "核对操作人、时间、地点".into(),
        task_en: "compare operators, time and place".into(),
        persons: 2,
        state: "open".into(),
        opened_at: NOW,
        due_at: NOW,
        whole: WHOLE.to_vec().into(),
        ..Default::default()
    }
}

fn whole() -> v1::WholeSummary {
    v1::WholeSummary {
        id: WHOLE.to_vec().into(),
        scope: "batch".into(),
        number: "2026-11".into(),
        stage: "C".into(),
        scheme: "dengbei/service-item/1".into(),
        engine: dengbei_checks::ENGINE.into(),
        verdict: "unsigned".into(),
        holds: "unsigned".into(),
        began_at: NOW,
        ended_at: NOW,
        open_tasks: 1,
        ..Default::default()
    }
}

/// A real report of a month's session, sealed.
fn report() -> Vec<u8> {
    let view = BatchView::new("2026-11", Timestamp::from_millis(NOW));
    let report = check_batch(&view, Stage::C, &Scheme::builtin()).ended(Timestamp::from_millis(NOW));
    report.sealed("salt".to_owned()).unwrap().1
}

#[tonic::async_trait]
impl Fixity for County {
    async fn tasks(&self, _: Request<v1::TasksRequest>) -> Result<Response<v1::TasksReply>, Status> {
        Ok(Response::new(v1::TasksReply { tasks: vec![task()], open: 1, oldest: NOW }))
    }

    async fn sign_task(
        &self,
        _: Request<v1::SignTaskRequest>,
    ) -> Result<Response<v1::SignTaskReply>, Status> {
        Err(Status::unimplemented("pages that are looked at sign nothing"))
    }

    async fn wholes(&self, _: Request<v1::WholesRequest>) -> Result<Response<v1::WholesReply>, Status> {
        Ok(Response::new(v1::WholesReply { wholes: vec![whole()] }))
    }

    async fn whole(&self, request: Request<v1::WholeRequest>) -> Result<Response<v1::WholeReply>, Status> {
        if request.get_ref().id != WHOLE.as_slice() {
            return Err(nothing_of_that());
        }
        let report = report().into();
        Ok(Response::new(v1::WholeReply { whole: Some(whole()), report, tasks: vec![task()] }))
    }

    async fn check_system(
        &self,
        _: Request<v1::CheckSystemRequest>,
    ) -> Result<Response<v1::CheckSystemReply>, Status> {
        Err(Status::unimplemented("pages that are looked at check nothing"))
    }

    async fn rechecks(&self, _: Request<v1::RechecksRequest>) -> Result<Response<v1::RechecksReply>, Status> {
        Ok(Response::new(v1::RechecksReply::default()))
    }

    async fn recheck(&self, _: Request<v1::RecheckRequest>) -> Result<Response<v1::RechecksReply>, Status> {
        Err(Status::unimplemented("pages that are looked at say nothing"))
    }
}

fn flow() -> Option<v1::Flow> {
    Some(v1::Flow { received: 120, refused: 4, returned: 9, filed: 101 })
}

fn row(key: &str, second: &str) -> v1::FlowRow {
    v1::FlowRow { key: key.into(), second: second.into(), flow: flow(), ..Default::default() }
}

#[tonic::async_trait]
impl Quality for County {
    async fn quality(&self, _: Request<v1::QualityRequest>) -> Result<Response<v1::QualityReply>, Status> {
        let failed = v1::FailedRow { check: "U-04".into(), source_system: "zwfw".into(), submissions: 5 };
        let standing = v1::SourceStanding {
            source_system: "zwfw".into(),
            week: flow(),
            before: flow(),
            fails_more: true,
            is_silent: true,
            last_received_at: NOW,
            usual_days: 1,
            silent_days: 4,
        };
        Ok(Response::new(v1::QualityReply {
            matters: vec![row("zwfw", "330402-XK-00101-000")],
            units: vec![row("91330402MA2B0Y0H7Q", "")],
            departments: vec![row("91330402MA2B0Y0H7Q", "行政审批科")],
            weeks: vec![row("2026-11-16", "zwfw")],
            failed: vec![failed],
            sources: vec![standing],
            ..Default::default()
        }))
    }
}

#[tonic::async_trait]
impl Intake for County {
    async fn origins(&self, _: Request<v1::OriginsRequest>) -> Result<Response<v1::OriginsReply>, Status> {
        Err(Status::unimplemented("pages ask for no origins"))
    }

    async fn expect(&self, _: Request<v1::ExpectRequest>) -> Result<Response<v1::ExpectReply>, Status> {
        Err(Status::unimplemented("pages that are looked at state nothing"))
    }

    async fn expectations(
        &self,
        _: Request<v1::ExpectationsRequest>,
    ) -> Result<Response<v1::ExpectationsReply>, Status> {
        let expectation = v1::Expectation {
            source_system: "zwfw".into(),
            matter_code: "330402-XK-00101-000".into(),
            day: "2026-11-16".into(),
            count: 123,
            stated_at: NOW,
        };
        Ok(Response::new(v1::ExpectationsReply { expectations: vec![expectation], truncated: false }))
    }
}

/// The run in which the items passed; none of them has anything noted.
pub(super) fn run() -> (Vec<u8>, DocumentRef) {
    let list = MemberList { of: "item.checked".into(), salt: "00".repeat(32), members: Vec::new() };
    list.document().unwrap()
}

/// The archive's checks of the transfer.
pub(super) fn handed_over() -> (Vec<u8>, DocumentRef) {
    let check = TransferCheck {
        id: "A-01".into(),
        alias: "YJ-1-14".into(),
        name: "信息包摘要一致".into(),
        name_en: "package digest".into(),
        property: "authenticity".into(),
        severity: "B".into(),
        result: "passed".into(),
        compared: 1,
        failed: 0,
        reused: String::new(),
        findings: Vec::new(),
    };
    let report = TransferReport {
        transfer_no: number("YJ", 2),
        side: "archive".parse().unwrap(),
        scheme: "transfer/1".into(),
        engine: "dengbei/0.1".into(),
        site: "archive".into(),
        checked_at: Timestamp::from_millis(NOW),
        checked: 618,
        list: MemberList { of: "transfer.checked".into(), salt: "00".repeat(32), members: Vec::new() },
        unfit: Vec::new(),
        checks: vec![check],
        receipts: Vec::new(),
        reused: Vec::new(),
    };
    report.document().unwrap()
}

#[tonic::async_trait]
impl Documents for County {
    async fn get(
        &self,
        request: Request<v1::GetDocumentRequest>,
    ) -> Result<Response<v1::GetDocumentReply>, Status> {
        let wanted = &request.get_ref().digest;
        let found = [run(), handed_over()].into_iter().find(|(_, r)| r.digest.as_bytes() == wanted.as_ref());
        let (body, reference) = found.ok_or_else(nothing_of_that)?;
        Ok(Response::new(v1::GetDocumentReply { body: body.into(), media_type: reference.media_type }))
    }
}
