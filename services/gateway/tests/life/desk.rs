//! Registration's desk in the believable county: batches, transfers, papers, rules.

use bytes::Bytes;
use dengbei_proto::v1;
use dengbei_proto::v1::registration_server::Registration;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::county::{DAY, MINUTE, NOW, UNITS, batch, item, number};
use super::{County, nothing_of_that, papers};

const STATES: [&str; 9] = [
    "certified",
    "applied",
    "checked",
    "accepted",
    "registered",
    "backed_up",
    "certified",
    "certified",
    "declined",
];
const STEPS: [&str; 7] = ["apply", "accept", "receive", "check", "register", "secure", "certify"];

fn of(n: u32) -> v1::BatchSummary {
    let (state, unit) = (STATES[(n as usize - 1) % STATES.len()], UNITS[(n as usize - 1) % UNITS.len()]);
    let is_numbered = matches!(state, "registered" | "backed_up" | "certified");
    let waits_for = match state {
        "applied" => "登记机关受理 / acceptance by the administration",
        "checked" => "登记机关另一人审核 / review by another person",
        _ => "",
    };
    let packs: Vec<u64> = (0..u64::from(n % 4 + 1)).map(|i| 17 + u64::from(n) + i).collect();
    v1::BatchSummary {
        batch: batch(n.into()),
        state: state.into(),
        registration_no: if is_numbered { number("DJ", n).to_string() } else { String::new() },
        certificate_no: if state == "certified" { number("ZS", n).to_string() } else { String::new() },
        unit_uscc: unit.0.into(),
        unit_name: unit.1.into(),
        fonds_no: unit.2.into(),
        year: 2026,
        items: 184 * packs.len() as u32,
        files: 552 * packs.len() as u64,
        bytes: 4_812_544 * packs.len() as u64,
        applied_at: NOW - i64::from(n) * 3 * 60 * MINUTE,
        changed_at: NOW - i64::from(n) * 2 * 60 * MINUTE,
        waits_for: waits_for.into(),
        reasons: if state == "declined" { vec!["catalogue.incomplete".into()] } else { vec![] },
        secured_packs: if matches!(state, "certified" | "backed_up") { packs.clone() } else { vec![] },
        packs,
    }
}

fn reply(n: u32) -> v1::BatchReply {
    let summary = of(n);
    let taken = match summary.state.as_str() {
        "applied" | "declined" => 1,
        "accepted" => 2,
        "checked" => 4,
        "registered" => 5,
        "backed_up" => 6,
        _ => 7,
    };
    let people = [
        "沈洁",
        "登记机关经办（规则代办）",
        "登记机关经办（规则代办）",
        "登记机关经办（规则代办）",
        "周敏",
        "",
        "周敏",
    ];
    let mut steps: Vec<v1::BatchStep> = (0..taken)
        .map(|i| v1::BatchStep {
            step: STEPS[i].into(),
            at: summary.applied_at + i as i64 * 95_000,
            by: people[i].into(),
            note: if STEPS[i] == "check" {
                "5 个存储包在主备份点读回，摘要与归档批一致".into()
            } else {
                String::new()
            },
        })
        .collect();
    if summary.state == "declined" {
        steps.push(v1::BatchStep {
            step: "decline".into(),
            at: summary.changed_at,
            by: "周敏".into(),
            note: "目录缺少两件的结果材料".into(),
        });
    }
    v1::BatchReply { batch: Some(summary), steps }
}

fn transferred(n: u32) -> v1::TransferSummary {
    let state =
        ["verified", "accessioned", "accepted", "submitted", "rejected", "accessioned"][(n as usize - 1) % 6];
    let unit = UNITS[(n as usize - 1) % UNITS.len()];
    v1::TransferSummary {
        transfer_no: number("YJ", n).to_string(),
        state: state.into(),
        unit_uscc: unit.0.into(),
        unit_name: unit.1.into(),
        fonds_no: unit.2.into(),
        items: 618 + n * 40,
        bytes: 812_000_000 + u64::from(n) * 9_000_000,
        unfit: u32::from(n % 2 == 1) * 2,
        packs: vec![17, 18, 21],
        certificates: vec![number("ZS", 1).to_string(), number("ZS", 7).to_string()],
        packed_at: NOW - i64::from(n) * DAY / 2,
        changed_at: NOW - i64::from(n) * DAY / 2 + 38 * MINUTE,
        waits_for: if state == "verified" {
            "移交单位签字 sign_unit；接收单位签字 sign_archive".into()
        } else {
            String::new()
        },
        reasons: if state == "rejected" { vec!["transfer.nothing_fit".into()] } else { vec![] },
    }
}

#[tonic::async_trait]
impl Registration for County {
    async fn publish_matters(
        &self,
        _: Request<v1::PublishMattersRequest>,
    ) -> Result<Response<v1::PublishMattersReply>, Status> {
        Ok(Response::new(v1::PublishMattersReply { published: 1, unchanged: 0 }))
    }

    async fn holding(
        &self,
        request: Request<v1::HoldingRequest>,
    ) -> Result<Response<v1::HoldingReply>, Status> {
        let asked = request.into_inner().item;
        let n = (0..400).find(|n| item(*n) == asked).ok_or_else(nothing_of_that)?;
        let is_filed = super::county::summary(n).pack > 0 && n < 200;
        let report = if n < 200 { papers::run(&asked) } else { papers::report() };
        let record = if is_filed { papers::record(n) } else { vec![] };
        Ok(Response::new(v1::HoldingReply {
            item: asked,
            record: record.into(),
            report: report.into(),
            ..Default::default()
        }))
    }

    type ReadFiledStream = ReceiverStream<Result<v1::FiledChunk, Status>>;

    async fn read_filed(
        &self,
        _: Request<v1::ReadFiledRequest>,
    ) -> Result<Response<Self::ReadFiledStream>, Status> {
        let (to, from) = tokio::sync::mpsc::channel(1);
        let (path, data) = ("record.json".to_owned(), Bytes::from_static(b"{}"));
        let chunk = v1::FiledChunk { path: path.clone(), logical: path, offset: 0, data, last: true };
        tokio::spawn(async move { to.send(Ok(chunk)).await });
        Ok(Response::new(ReceiverStream::new(from)))
    }

    async fn filing(&self, _: Request<v1::FilingRequest>) -> Result<Response<v1::FilingReply>, Status> {
        let reply = v1::FilingReply {
            undecided: 18,
            ready: 24,
            open_plans: 1,
            filed: 16_263,
            returned: 6,
            packs: 96,
            oldest_ready: NOW - 4 * MINUTE,
            matters: 218,
        };
        Ok(Response::new(reply))
    }

    async fn batches(
        &self,
        request: Request<v1::BatchesRequest>,
    ) -> Result<Response<v1::BatchesReply>, Status> {
        let request = request.into_inner();
        let all = (1..=18).map(of).filter(|b| request.state.is_empty() || b.state == request.state);
        let all = all.filter(|b| request.unit_uscc.is_empty() || b.unit_uscc == request.unit_uscc);
        let counts = [
            ("certified", 71),
            ("applied", 2),
            ("checked", 1),
            ("accepted", 1),
            ("registered", 2),
            ("backed_up", 1),
            ("declined", 1),
        ];
        let waiting = (0..3).map(|i| v1::WaitingPack {
            pack: 97 + i,
            unit_uscc: UNITS[1].0.into(),
            unit_name: UNITS[1].1.into(),
            year: 2026,
            retention: "Y".into(),
            items: 120 + i as u32 * 17,
            bytes: 3_100_000 + i * 41_000,
            filed_at: NOW - (i as i64 + 1) * 20 * MINUTE,
        });
        Ok(Response::new(v1::BatchesReply {
            batches: all.take(request.limit as usize).collect(),
            counts: counts.map(|(state, n)| (state.to_owned(), n)).into(),
            waiting: waiting.collect(),
        }))
    }

    async fn batch(&self, request: Request<v1::BatchRequest>) -> Result<Response<v1::BatchReply>, Status> {
        let r = request.into_inner();
        let is_it = |b: &v1::BatchSummary| {
            b.batch == r.batch
                || (r.pack > 0 && b.packs.contains(&r.pack))
                || (!r.registration_no.is_empty() && b.registration_no == r.registration_no)
        };
        let n = (1..=18).find(|n| is_it(&of(*n))).ok_or_else(nothing_of_that)?;
        Ok(Response::new(reply(n)))
    }

    async fn decide_batch(
        &self,
        request: Request<v1::DecideBatchRequest>,
    ) -> Result<Response<v1::BatchReply>, Status> {
        let r = request.into_inner();
        let n = (1..=18).find(|n| batch((*n).into()) == r.batch).unwrap_or(2);
        Ok(Response::new(reply(n)))
    }

    async fn transfers(
        &self,
        request: Request<v1::TransfersRequest>,
    ) -> Result<Response<v1::TransfersReply>, Status> {
        let request = request.into_inner();
        let transfers =
            (1..=12).map(transferred).filter(|t| request.state.is_empty() || t.state == request.state);
        let counts =
            [("verified", 1), ("submitted", 2), ("accepted", 2), ("accessioned", 19), ("rejected", 1)];
        Ok(Response::new(v1::TransfersReply {
            transfers: transfers.take(request.limit as usize).collect(),
            counts: counts.map(|(state, n)| (state.to_owned(), n)).into(),
            due: vec![of(7), of(8)],
        }))
    }

    async fn transfer(
        &self,
        request: Request<v1::TransferRequest>,
    ) -> Result<Response<v1::TransferReply>, Status> {
        let asked = request.into_inner().transfer_no;
        let n = (1..=12).find(|n| number("YJ", *n).to_string() == asked).ok_or_else(nothing_of_that)?;
        let t = transferred(n);
        let taken = match t.state.as_str() {
            "accessioned" => 5,
            "accepted" => 4,
            "verified" => 3,
            _ => 2,
        };
        let steps = ["packed", "submitted", "verified", "accepted", "accessioned"];
        let step = |i: usize| v1::TransferStep {
            step: steps[i].into(),
            at: t.packed_at + i as i64 * 7 * MINUTE,
            by: "立档单位经办（规则代签）".into(),
            note: String::new(),
        };
        let unfit = |i: usize| v1::UnfitItem {
            item: item(i),
            archival_code: format!("J019-ZY·XK·2026·D30-{:05}", 400 + i),
            side: if i == 0 { "unit".into() } else { "archive".into() },
            failed: vec!["U-04".into()],
            remedy: "由立档单位补正后随下一批移交".into(),
        };
        Ok(Response::new(v1::TransferReply {
            steps: (0..taken).map(step).collect(),
            unfit: (0..t.unfit as usize).map(unfit).collect(),
            archival_codes: (1..=60).map(|i| format!("J019-ZY·XK·2026·D30-{i:05}")).collect(),
            transfer: Some(t),
        }))
    }

    async fn decide_transfer(
        &self,
        request: Request<v1::DecideTransferRequest>,
    ) -> Result<Response<v1::TransferReply>, Status> {
        let transfer_no = match request.into_inner().transfer_no {
            none if none.is_empty() => number("YJ", 1).to_string(),
            some => some,
        };
        self.transfer(Request::new(v1::TransferRequest { transfer_no, item: Bytes::new() })).await
    }

    async fn policy(
        &self,
        request: Request<v1::UnitPolicyRequest>,
    ) -> Result<Response<v1::UnitPolicyReply>, Status> {
        Ok(Response::new(papers::policy(&request.into_inner().unit_uscc)))
    }

    async fn set_policy(
        &self,
        request: Request<v1::SetUnitPolicyRequest>,
    ) -> Result<Response<v1::UnitPolicyReply>, Status> {
        let policy = request.into_inner().policy;
        Ok(Response::new(v1::UnitPolicyReply { policy, is_default: false }))
    }

    async fn paper(&self, request: Request<v1::PaperRequest>) -> Result<Response<v1::PaperReply>, Status> {
        papers::paper(&request.into_inner()).map(Response::new).ok_or_else(nothing_of_that)
    }
}
