//! One filled paper of each kind, with rare characters and everything a form has to hold.
#![allow(dead_code, reason = "each test binary uses what it needs")]

use dengbei_records::papers::{
    APPLICATION, Application, Body, CERTIFICATE, Catalogue, CatalogueRow, Certificate, CheckLine, CopyLine,
    DECISION, Decision, DigestTable, Filing, HANDOVER, Handover, HandoverCheck, PackLine, Root, Seal, Sealed,
    Side, gigabytes,
};
use dengbei_records::{Sha256, canonical};
use serde::Serialize;

/// A digest of something that was never stored.
pub(crate) fn digest(seed: &str) -> String {
    Sha256::of(seed.as_bytes()).to_string()
}

fn body(name: &str, code: &str, mark: &str) -> Body {
    Body { name: name.into(), code: code.into(), mark: mark.into() }
}

/// 立档单位
pub(crate) fn unit() -> Body {
    body("秀洲区自然资源和规划局", "11330411MAXX00017T", "J021")
}

fn administration() -> Body {
    body("嘉兴市秀洲区档案局", "330411", "县级")
}

/// A pack's line.
pub(crate) fn pack(number: u64) -> PackLine {
    let bytes = 38_214_656 + number * 1_003_520;
    PackLine {
        pack: number,
        form: "在线".into(),
        content: "J021 2026年 永久 行政许可、行政确认".into(),
        items: 241,
        algorithm: "SHA-256".into(),
        digest: digest(&format!("pack {number}")),
        bytes,
        gigabytes: gigabytes(bytes),
    }
}

/// A signature that no key made: drawing does not check.
pub(crate) fn seal(role: &str, name: &str, algorithm: &str) -> Seal {
    let key = digest(&format!("key {name} {algorithm}"));
    let key = if algorithm == "SM2-SM3" { format!("04{key}{}", digest("y")) } else { key };
    Seal {
        role: role.into(),
        name: name.into(),
        at: "2026-11-22T10:21:08+08:00".into(),
        algorithm: algorithm.into(),
        key,
        value: format!("{}{}", digest(role), digest(name)),
    }
}

/// 登记证书
pub(crate) fn certificate() -> Sealed<Certificate> {
    let checks = [("G", "登备归档检测/1"), ("G", "登备归档检测/1"), ("G", "登备归档检测/2")];
    let copies = [("primary", "primary"), ("archive", "archive"), ("remote", "remote")];
    Sealed {
        paper: CERTIFICATE.into(),
        body: Certificate {
            certificate_no: "ZS-330411-2026-1-000017-6".into(),
            registration_no: "DJ-330411-2026-1-000021-3".into(),
            administration: administration(),
            unit: unit(),
            kind: "批次登记".into(),
            batch: "0197a3c1-52f4-7cc1-9d35-0e8f6a1b2c3d".into(),
            year: 2026,
            scope: "2026年度“最多跑一次”事项办结并归档的电子档案，保管期限永久，含䶮、㛃、𬭎字人名".into(),
            items: 723,
            files: 2_169,
            bytes: 120_662_528,
            digest_root: Root { algorithm: "RFC6962-SM3".into(), value: digest("sm3 root") },
            event_root: digest("event root"),
            packs: vec![pack(31), pack(32), pack(34)],
            checks: checks
                .iter()
                .enumerate()
                .map(|(n, (stage, scheme))| CheckLine {
                    report: digest(&format!("report {n}")),
                    scheme: (*scheme).into(),
                    stage: (*stage).into(),
                })
                .collect(),
            copies: copies
                .iter()
                .map(|(site, class)| CopyLine {
                    site: (*site).into(),
                    class: (*class).into(),
                    carrier: "在线".into(),
                    packs: vec![31, 32, 34],
                    key: digest(&format!("site {site}")),
                })
                .collect(),
            registered_on: "2026-11-22".into(),
            valid_until: "2027-06-30".into(),
            conditions: "用于证明所列电子档案已经登记备份；利用按国家规定办理，复制件须附存证回执".into(),
            signer: "登记机关审核（规则代办）".into(),
            issued_at: "2026-11-22T10:21:08+08:00".into(),
            verify_at: "/verify?certificate=ZS-330411-2026-1-000017-6".into(),
        },
        seals: vec![
            seal("administration.seal", "嘉兴市秀洲区档案局", "Ed25519"),
            seal("administration.seal", "嘉兴市秀洲区档案局", "SM2-SM3"),
        ],
    }
}

/// 登记申请表
pub(crate) fn application() -> Sealed<Application> {
    Sealed {
        paper: APPLICATION.into(),
        body: Application {
            batch: "0197a3c1-52f4-7cc1-9d35-0e8f6a1b2c3d".into(),
            unit: unit(),
            kind: "批次登记".into(),
            year: 2026,
            scope: "2026年度“最多跑一次”事项办结并归档的电子档案，保管期限永久".into(),
            items: 1_928,
            files: 5_784,
            bytes: 342_000_128,
            packs: (31..39).map(pack).collect(),
            filled_by: "沈秀英".into(),
            reviewed_by: "韩建国".into(),
            applied_at: "2026-11-22T09:58:00+08:00".into(),
            grounds: "按立档单位登记规则第1版自动申请".into(),
        },
        seals: vec![
            seal("unit.filled_by", "沈秀英", "Ed25519"),
            seal("unit.reviewed_by", "韩建国", "Ed25519"),
            seal("unit.seal", "秀洲区自然资源和规划局", "Ed25519"),
        ],
    }
}

/// 登记决定
pub(crate) fn decision() -> Sealed<Decision> {
    Sealed {
        paper: DECISION.into(),
        body: Decision {
            batch: "0197a3c1-52f4-7cc1-9d35-0e8f6a1b2c3d".into(),
            registration_no: "DJ-330411-2026-1-000021-3".into(),
            administration: administration(),
            accepted_by: "吕静".into(),
            reviewed_by: "施洋".into(),
            technical_check: vec![
                "存储包31：主站读回摘要与归档事件一致".into(),
                "存储包32：主站读回摘要与归档事件一致".into(),
                "件数、数据量与备份情况表一致".into(),
            ],
            is_registered: true,
            reasons: Vec::new(),
            opinion: "材料齐全，技术检测通过，准予登记。".into(),
            decided_at: "2026-11-22T10:20:31+08:00".into(),
        },
        seals: vec![
            seal("administration.accepted_by", "吕静", "Ed25519"),
            seal("administration.reviewed_by", "施洋", "Ed25519"),
            seal("administration.seal", "嘉兴市秀洲区档案局", "SM2-SM3"),
        ],
    }
}

/// 电子档案移交与接收登记表
pub(crate) fn handover() -> Sealed<Handover> {
    let finding = |property: &str, text: &str| HandoverCheck {
        property: property.into(),
        unit: text.into(),
        archive: text.into(),
    };
    let packs = vec![pack(31), pack(32), pack(34)];
    let bytes = packs.iter().map(|pack| pack.bytes).sum();
    let archive = body("嘉兴市秀洲区档案馆", "12330411MAXX00002B", "330411");
    Sealed {
        paper: HANDOVER.into(),
        body: Handover {
            transfer_no: "YJ-330411-2026-1-000004-9".into(),
            title: "秀洲区自然资源和规划局（全宗J021）2026年度第4批电子档案移交".into(),
            content: "政务服务事项办结形成的电子档案，每件含办理过程、申请材料、结果文书及元数据".into(),
            items: 723,
            files: 2_169,
            bytes,
            gigabytes: gigabytes(bytes),
            carriers: "31—34".into(),
            carrier: "在线".into(),
            checks: vec![
                finding("准确性", "合格，723件元数据与内容一致"),
                finding("完整性", "合格，723件、2169个文件齐全"),
                finding("可用性", "合格，格式符合，均可打开"),
                finding("安全性", "合格，未发现病毒"),
                finding("载体外观", "在线移交，不适用"),
                finding("数字摘要", "合格，3个存储包摘要一致"),
            ],
            unit: Side {
                body: unit(),
                filled_by: "沈秀英".into(),
                reviewed_by: "韩建国".into(),
                on: "2026-11-22".into(),
            },
            archive: Side {
                body: archive,
                filled_by: "周敏".into(),
                reviewed_by: "孔磊".into(),
                on: "2026-11-23".into(),
            },
            copies: 2,
            catalogue: digest("catalogue"),
            root: digest("root"),
            digests: DigestTable { unit: unit().name, rows: packs },
        },
        seals: vec![
            seal("unit.filled_by", "沈秀英", "Ed25519"),
            seal("unit.reviewed_by", "韩建国", "Ed25519"),
            seal("unit.seal", "秀洲区自然资源和规划局", "SM2-SM3"),
            seal("archive.filled_by", "周敏", "Ed25519"),
            seal("archive.reviewed_by", "孔磊", "Ed25519"),
            seal("archive.seal", "嘉兴市秀洲区档案馆", "SM2-SM3"),
        ],
    }
}

/// 电子档案数字摘要表 of `count` packs.
pub(crate) fn digests(count: u64) -> DigestTable {
    DigestTable { unit: unit().name, rows: (1..=count).map(pack).collect() }
}

/// 移交目录 of `count` items.
pub(crate) fn catalogue(count: u32) -> Catalogue {
    let row = |n: u32| CatalogueRow {
        archival_code: format!("J021-ZWFW·XK·00107-2026-Y-{n:05}"),
        title: format!("关于第{n}号建设用地规划许可证核发的申请（样例路{}号）", n % 300),
        closed_on: format!("2026-{:02}-{:02}", n % 12 + 1, n % 28 + 1),
        retention: if n.is_multiple_of(3) { "30年" } else { "永久" }.into(),
        security: "公开".into(),
        files: n % 5 + 1,
        bytes: 25_000 + u64::from(n) * 7,
        pack: u64::from(n / 241) + 1,
        record: digest(&format!("record {n}")),
    };
    Catalogue {
        transfer_no: "YJ-330411-2026-1-000004-9".into(),
        salt: digest("salt"),
        rows: (1..=count).map(row).collect(),
    }
}

/// 归档电子文件登记表
pub(crate) fn filing() -> Filing {
    let passed = ["真实性", "可靠性", "完整性", "可用性"].map(|p| (p.to_string(), "合格".to_string()));
    let mut checks = vec![
        ("载体外观".to_string(), "在线归档，不适用".to_string()),
        ("病毒".to_string(), "未发现病毒".to_string()),
    ];
    checks.extend(passed);
    Filing {
        unit: unit(),
        filed_at: "2026-11-22T09:41:55+08:00".into(),
        category: "政务服务事项电子文件（ZWFW）".into(),
        class: "2026年，永久".into(),
        items: 241,
        bytes: 69_323_776,
        method: "在线归档（接口报送存档信息包）".into(),
        checks,
        technique: "逐件按归档检测方案检测；文件摘要 SHA-512 与 SM3，存储包摘要 SHA-256；单位以 Ed25519 签署"
            .into(),
        codes: "J021-ZWFW·XK·00107-2026-Y-00001 至 J021-ZWFW·XK·00107-2026-Y-00241".into(),
        pack: pack(31),
    }
}

/// As it is stored and served.
pub(crate) fn json(paper: &impl Serialize) -> Vec<u8> {
    canonical::to_vec(paper).unwrap()
}

/// One paper of each kind, and a long catalogue.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("certificate", json(&certificate())),
        ("application", json(&application())),
        ("registration", json(&decision())),
        ("handover", json(&handover())),
        ("digests", json(&digests(40))),
        ("catalogue", json(&catalogue(60))),
        ("filing", json(&filing())),
    ]
}
