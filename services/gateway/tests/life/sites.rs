//! Replication in the believable county: three sites, one of them in trouble.

use dengbei_chain::facts::Purpose;
use dengbei_proto::v1;
use dengbei_proto::v1::replication_server::Replication;
use tonic::{Request, Response, Status};

use super::County;
use super::county::{DAY, MINUTE, NOW, receipt, wire};

const SITES: [&str; 3] = ["primary", "archive", "remote"];

#[tonic::async_trait]
impl Replication for County {
    async fn sites(&self, _: Request<v1::SitesRequest>) -> Result<Response<v1::SitesReply>, Status> {
        let site = |(i, name): (u64, &&str)| v1::SiteStanding {
            site: (*name).into(),
            class: (*name).into(),
            url: "http://127.0.0.1:1".into(),
            key: vec![17 + i as u8 * 31; 32].into(),
            answers: i < 2,
            trouble: if i == 2 { "连接被拒绝 / connection refused".into() } else { String::new() },
            packs: 96 - i,
            bytes: 512_000_000 - i * 4_000_000,
            free_bytes: 380 << 30,
            free_unknown: false,
            quarantined: u64::from(i == 1),
            waiting: i,
            damaged: u64::from(i == 1),
            last_receipt_at: NOW - i as i64 * MINUTE,
            log_size: 48_210 - i * 12,
            last_inspected_at: NOW - 5 * MINUTE,
        };
        let sites = (0_u64..).zip(&SITES).map(site).collect();
        Ok(Response::new(v1::SitesReply { sites }))
    }

    async fn copies(&self, request: Request<v1::CopiesRequest>) -> Result<Response<v1::CopiesReply>, Status> {
        let pack = request.into_inner().pack;
        let copy = |(i, name): (usize, &&str)| {
            let purposes: &[Purpose] =
                if i == 1 { &[Purpose::Backup, Purpose::Accession] } else { &[Purpose::Backup] };
            v1::PackCopy {
                site: (*name).into(),
                class: (*name).into(),
                state: if pack % 5 == 3 && i == 1 { "damaged".into() } else { "stored".into() },
                generation: 1,
                receipts: purposes.iter().map(|purpose| wire(&receipt(i, pack, *purpose))).collect(),
            }
        };
        let copies = SITES.iter().enumerate().map(copy).collect();
        Ok(Response::new(v1::CopiesReply { pack, secured: true, copies }))
    }

    async fn troubles(&self, _: Request<v1::TroublesRequest>) -> Result<Response<v1::TroublesReply>, Status> {
        let trouble = |site: &str, pack, kind: &str, repaired: bool| v1::PackTrouble {
            site: site.into(),
            pack,
            generation: 1,
            kind: kind.into(),
            since: NOW - DAY - pack as i64 * MINUTE,
            detail: "期望 8f3a1c…，实得 02bb97…".into(),
            repaired,
            repaired_at: if repaired { NOW - DAY + MINUTE } else { 0 },
        };
        let troubles = vec![
            trouble("archive", 18, "damaged", false),
            trouble("remote", 97, "waiting", false),
            trouble("remote", 44, "missing", true),
            trouble("primary", 31, "truncated", true),
        ];
        Ok(Response::new(v1::TroublesReply { troubles }))
    }

    async fn policy(&self, _: Request<v1::PolicyRequest>) -> Result<Response<v1::PolicyReply>, Status> {
        let policy = r#"{"id":"default","receipts":["primary","archive","remote"],"version":1}"#;
        Ok(Response::new(v1::PolicyReply { policy: policy.into() }))
    }
}
