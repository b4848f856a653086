//! Papers, records and reports of the believable county.

use dengbei_proto::v1;
use dengbei_records::papers::{
    Body, CERTIFICATE, Certificate, CheckLine, CopyLine, FILING, Filing, PackLine, Root, Seal, Sealed,
};
use dengbei_records::policy::{Mode, TransferRule, UnitPolicy};
use dengbei_records::{Record, Sha256, Sha512, Sm3, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::county::{NOW, UNITS, batch, number, summary};

fn unit() -> Body {
    Body { name: UNITS[0].1.into(), code: UNITS[0].0.into(), mark: UNITS[0].2.into() }
}

fn line(pack: u64) -> PackLine {
    PackLine {
        pack,
        form: "在线".into(),
        content: "2026年度 定期30年 政务服务办件".into(),
        items: 184,
        algorithm: "SHA-256".into(),
        digest: Sha256::of(&pack.to_be_bytes()).to_string(),
        bytes: 4_812_544,
        gigabytes: "0.005".into(),
    }
}

fn seal(role: &str, name: &str, algorithm: &str) -> Seal {
    Seal {
        role: role.into(),
        name: name.into(),
        at: "2026-11-22T09:31:08+08:00".into(),
        algorithm: algorithm.into(),
        key: hex::encode([5; 32]),
        value: hex::encode([6; 64]),
    }
}

fn certificate() -> Value {
    let copy = |site: &str, class: &str| CopyLine {
        site: site.into(),
        class: class.into(),
        carrier: "在线".into(),
        packs: vec![17, 18],
        key: hex::encode([17; 32]),
    };
    let body = Certificate {
        certificate_no: number("ZS", 1).to_string(),
        registration_no: number("DJ", 1).to_string(),
        administration: Body {
            name: "南湖区档案局".into(), code: "330402".into(), mark: "县级".into()
        },
        unit: unit(),
        kind: "批次登记".into(),
        batch: Uuid::from_slice(&batch(1)).unwrap().to_string(),
        year: 2026,
        scope: "南湖区市场监督管理局 2026 年度政务服务电子档案，共 368 件".into(),
        items: 368,
        files: 1_104,
        bytes: 9_756_160,
        digest_root: Root { algorithm: "RFC6962-SM3".into(), value: Sha256::of(b"sm3").to_string() },
        event_root: Sha256::of(b"events").to_string(),
        packs: vec![line(17), line(18)],
        checks: vec![CheckLine {
            report: Sha256::of(b"check").to_string(),
            scheme: "zj-service/1".into(),
            stage: "G".into(),
        }],
        copies: vec![copy("primary", "primary"), copy("archive", "archive"), copy("remote", "remote")],
        registered_on: "2026-11-22".into(),
        valid_until: "2027-11-21".into(),
        conditions: "仅限登记单位申请真实性认证和数据恢复".into(),
        signer: "周敏".into(),
        issued_at: "2026-11-22T09:31:08+08:00".into(),
        verify_at: format!("/verify?certificate={}", number("ZS", 1)),
    };
    let seals = vec![
        seal("administration.seal", "南湖区档案局", "Ed25519"),
        seal("administration.seal", "南湖区档案局", "SM2-SM3"),
    ];
    serde_json::to_value(Sealed { paper: CERTIFICATE.into(), body, seals }).unwrap()
}

fn filing(pack: u64) -> Value {
    let checks = ["载体外观", "病毒", "真实性", "可靠性", "完整性", "可用性"]
        .map(|p| (p.to_owned(), if p == "载体外观" { "在线，不适用".to_owned() } else { "合格".to_owned() }));
    let body = Filing {
        unit: unit(),
        filed_at: "2026-11-22T09:12:05+08:00".into(),
        category: "政务服务".into(),
        class: "2026年 定期30年".into(),
        items: 184,
        bytes: 4_812_544,
        method: "在线归档".into(),
        checks: checks.to_vec(),
        technique: "四性检测方案 zj-service/1；写入后整包读回比对 SHA-256".into(),
        codes: "J019-ZY·XK·2026·D30-00001 至 00184".into(),
        pack: line(pack),
    };
    serde_json::to_value(Sealed {
        paper: FILING.into(),
        body,
        seals: vec![seal("unit.seal", UNITS[0].1, "Ed25519")],
    })
    .unwrap()
}

pub(crate) fn paper(request: &v1::PaperRequest) -> Option<v1::PaperReply> {
    let data = match request.kind.as_str() {
        "certificate" => {
            request.id.parse::<dengbei_records::SerialNo>().ok()?;
            certificate()
        }
        "filing" => filing(request.id.parse().ok()?),
        "application" | "registration" | "handover" | "digests" | "catalogue" => {
            json!({ "paper": request.kind })
        }
        _ => return None,
    };
    let is_pdf = request.format == "pdf";
    let body = if is_pdf { b"%PDF-1.7\n%%EOF\n".to_vec() } else { serde_json::to_vec(&data).unwrap() };
    let media_type = if is_pdf { "application/pdf" } else { "application/json" };
    Some(v1::PaperReply {
        body: body.into(),
        media_type: media_type.into(),
        file_name: format!("{}.{}", request.id, request.format),
    })
}

pub(crate) fn policy(unit: &str) -> v1::UnitPolicyReply {
    let mut policy = UnitPolicy::default_rule();
    let is_default = unit != UNITS[1].0;
    if !is_default {
        (policy.version, policy.registration, policy.transfer) = (3, Mode::Desk, TransferRule::AfterYears(5));
        (policy.unit.filled_by, policy.unit.reviewed_by) = ("沈洁".into(), "陆国强".into());
    }
    v1::UnitPolicyReply { policy: serde_json::to_vec(&policy).unwrap().into(), is_default }
}

fn file(order: u32, material: &str, path: &str, format: &str) -> Value {
    let file = json!({
        "path": path, "content": format!("files/{order:04}.{}", path.rsplit('.').next().unwrap()), "bytes": 381_000 * u64::from(order) + 7,
        "format": format, "sha512": Sha512::of(path.as_bytes()), "sm3": Sm3::from_bytes([order as u8 * 37; 32]),
    });
    json!({ "order": order, "phase": "01", "range": "申请材料", "material": material, "necessary": true, "filing_form": "1", "origin": "1", "main": order == 1, "file": file })
}

pub(crate) fn record(n: usize) -> Vec<u8> {
    let s = summary(n);
    let record = json!({
        "salt": "00".repeat(32), "item": Uuid::from_slice(&s.item).unwrap(), "data_version": 1, "archival_code": s.archival_code,
        "area": "330402", "fonds_no": "J019", "year": 2026, "retention": s.retention, "scope_version": "2026-1",
        "reception": Sha256::of(b"r"), "filed_at": Timestamp::from_millis(NOW), "source_system": "ZWFW",
        "metadata": { "title": format!("嘉兴市南湖区湘家荡餐饮店 {}", s.matter_name), "close_time": "2026-11-21 16:40:31", "result": "准予" },
        "files": [file(1, "食品经营许可证申请书", "申请材料/食品经营许可证申请书.ofd", "ofd"), file(2, "经营场所平面图", "申请材料/经营场所平面图.pdf", "pdf/1.4"), file(3, "准予许可决定书", "结果材料/准予许可决定书.ofd", "ofd"),
            { "order": 4, "phase": "05", "range": "送达材料", "material": "送达回证", "necessary": false, "filing_form": "2", "origin": "1", "main": false, "file": null }],
        "described_by": [],
    });
    let record: Record = serde_json::from_value(record).unwrap();
    serde_json::to_vec(&record).unwrap()
}

/// The list of a run that an item passed in, its own warning beside it.
pub(crate) fn run(item: &[u8]) -> Vec<u8> {
    let warning: Value = serde_json::from_slice(&report()).unwrap();
    let warning: Vec<&Value> =
        warning["checks"].as_array().unwrap().iter().filter(|c| c["result"] == "warning").collect();
    let member =
        |n: u128| json!({ "event": "00", "item": Uuid::from_u128(n), "data_version": 1, "detail": null });
    let own = json!({ "event": "00", "item": Uuid::from_slice(item).unwrap(), "data_version": 1, "detail": warning });
    let members: Vec<Value> = (0..183).map(member).chain([own]).collect();
    serde_json::to_vec(&json!({ "of": "item.checked", "salt": "00", "members": members })).unwrap()
}

/// The report of an item that failed.
pub(crate) fn report() -> Vec<u8> {
    let rows = [
        ("A-02", "文件摘要一致", "file digests agree", "passed"),
        ("A-08", "元数据项类型格式", "type and form of metadata", "failed"),
        ("I-05", "过程信息完整", "complete handling process", "passed"),
        ("I-09", "归档范围", "filing scope", "failed"),
        ("U-04", "内容可读", "files open", "passed"),
        ("S-03", "多余文件", "left-over files", "warning"),
    ];
    let finding = |id: &str| match id {
        "A-08" => {
            json!([{ "place": "close_time", "message": "月份无效：2026-47-21", "message_en": "month 47 does not exist: 2026-47-21", "remedy": "把 close_time 改为 YYYY-MM-DD HH:MM:SS" }])
        }
        "I-09" => {
            json!([{ "place": "申请材料/营业执照.ofd", "message": "归档范围中没有此材料", "message_en": "the filing scope has no such material", "remedy": "从信息包中移除，或将其列入归档范围" }])
        }
        "S-03" => {
            json!([{ "place": "Thumbs.db", "message": "目录外的文件", "message_en": "a file that no row names", "remedy": "移除" }])
        }
        _ => json!([]),
    };
    let checks: Vec<Value> = rows
        .iter()
        .map(|(id, name, name_en, result)| json!({ "id": id, "alias": format!("GD-1-{}", &id[3..]), "name": name, "name_en": name_en, "property": "authenticity", "severity": if *id == "S-03" { "W" } else { "B" }, "result": result, "compared": 12, "findings": finding(id) }))
        .collect();
    let report = json!({ "stage": "G", "scheme": { "id": "zj-service", "version": "1" }, "engine": "dengbei-checks/0.1", "verdict": "passed", "checks": checks });
    serde_json::to_vec(&report).unwrap()
}
