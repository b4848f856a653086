//! A believable county: units, items at every station, batches, transfers, sites. All by arithmetic, none by chance.

use bytes::Bytes;
use dengbei_chain::facts::{
    BatchFiled, BatchRegistered, CertificateIssued, ItemAccessioned, ItemChecked, ItemFiled, ItemPrefiled,
    PackSecured, PackStored, Purpose, SiteReceipt, TransferAccepted, TransferChecked, Verdict, Witness,
};
use dengbei_chain::{DocumentRef, Draft, Fact, Subject};
use dengbei_proto::v1;
use dengbei_records::{EventHash, ItemId, PackNumber, SerialNo, Sha256, Sha512, Timestamp};
use uuid::Uuid;

pub(crate) const UNITS: [(&str, &str, &str); 6] = [
    ("113304020025280011", "南湖区市场监督管理局", "J019"),
    ("11330402002528002X", "南湖区自然资源和规划局", "J021"),
    ("113304020025280038", "南湖区卫生健康局", "J007"),
    ("113304020025280046", "南湖区经济信息和商务局", "J033"),
    ("113304020025280054", "南湖区住房和城乡建设局", "J012"),
    ("113304020025280062", "南湖区人力资源和社会保障局", "J028"),
];
pub(crate) const MATTERS: [(&str, &str); 6] = [
    ("XK00123402", "食品经营许可证核发"),
    ("QR00415000", "不动产登记（首次登记）"),
    ("XK00561001", "医疗机构执业登记"),
    ("QT00812000", "企业投资项目备案（技术改造）"),
    ("XK00277003", "建筑工程施工许可证核发"),
    ("GG00931000", "灵活就业人员社会保险补贴申领"),
];
const CUSTODIES: [(&str, &str, &str); 8] = [
    ("accessioned", "certified", "secured"),
    ("accessioned", "certified", "secured"),
    ("filed", "certified", "secured"),
    ("filed", "backed_up", "secured"),
    ("filed", "registered", "stored"),
    ("filed", "applied", "stored"),
    ("planned", "unregistered", "none"),
    ("prefiled", "unregistered", "none"),
];
const RETENTIONS: [&str; 3] = ["D30", "Y", "D10"];

/// 2026-11-22 10:00:00 Beijing time.
pub(crate) const NOW: i64 = 1_795_312_800_000;
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const DAY: i64 = 24 * 60 * MINUTE;

pub(crate) fn item(n: usize) -> Bytes {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(0x0a0b_0c0d_0e0f_8001_u64 ^ ((n as u64) << 20)).to_be_bytes());
    id[6] = 0x80 | (id[6] & 0x0f);
    id[8..].copy_from_slice(&(0x8002_0304_0506_0708_u64 + n as u64).to_be_bytes());
    Bytes::copy_from_slice(&id)
}

pub(crate) fn batch(n: u64) -> Bytes {
    Bytes::copy_from_slice(
        Uuid::from_u128(0x019a_a000_0000_7000_8000_0000_0000_0000 + u128::from(n) * 7_919).as_bytes(),
    )
}

pub(crate) fn number(prefix: &str, n: u32) -> SerialNo {
    let series = [
        dengbei_records::Series::Registration,
        dengbei_records::Series::Certificate,
        dengbei_records::Series::Transfer,
    ];
    let series = series.into_iter().find(|s| s.prefix() == prefix).unwrap();
    SerialNo::new(series, "330402".parse().unwrap(), 2026, n).unwrap()
}

pub(crate) fn summary(n: usize) -> v1::ItemSummary {
    let (custody, registration, preservation) = CUSTODIES[n % CUSTODIES.len()];
    let of = n % UNITS.len();
    let retention = RETENTIONS[n % RETENTIONS.len()];
    let is_filed = matches!(custody, "filed" | "accessioned");
    let is_certified = registration == "certified";
    let k = n as u32 % 9 + 1;
    v1::ItemSummary {
        item: item(n),
        data_version: 1,
        custody: custody.into(),
        registration: registration.into(),
        preservation: preservation.into(),
        access: "closed".into(),
        matter_code: MATTERS[of].0.into(),
        matter_name: MATTERS[of].1.into(),
        unit_uscc: UNITS[of].0.into(),
        unit_name: UNITS[of].1.into(),
        archival_code: if is_filed {
            format!("{}-ZY·XK·2026·{retention}-{:05}", UNITS[of].2, n + 1)
        } else {
            String::new()
        },
        pack: if is_filed { 17 + n as u64 % 9 } else { 0 },
        changed_at: NOW - n as i64 * 7 * MINUTE,
        source_system: "ZWFW".into(),
        retention: retention.into(),
        batch: if is_filed { batch(k.into()) } else { Bytes::new() },
        registration_no: if is_certified { number("DJ", k).to_string() } else { String::new() },
        certificate_no: if is_certified { number("ZS", k).to_string() } else { String::new() },
        transfer_no: if custody == "accessioned" { number("YJ", 2).to_string() } else { String::new() },
        in_archive_range: retention != "D10",
        copies: vec!["primary".into(), "archive".into(), "remote".into()],
        ..Default::default()
    }
}

pub(crate) fn broken(n: usize, custody: &str) -> v1::ItemSummary {
    let failed = if n.is_multiple_of(2) { vec!["A-08".into(), "I-09".into()] } else { vec!["U-04".into()] };
    let empty = v1::ItemSummary { archival_code: String::new(), pack: 0, batch: Bytes::new(), ..summary(n) };
    let (registration, certificate_no, transfer_no) = ("unregistered".into(), String::new(), String::new());
    v1::ItemSummary {
        custody: custody.into(),
        registration,
        certificate_no,
        transfer_no,
        registration_no: String::new(),
        preservation: "none".into(),
        failed,
        ..empty
    }
}

pub(crate) fn receipt(site: usize, pack: u64, purpose: Purpose) -> SiteReceipt {
    let (name, class) = [("primary", "primary"), ("archive", "archive"), ("remote", "remote")][site];
    SiteReceipt {
        site: name.into(),
        class: class.into(),
        purpose,
        pack: PackNumber::new(pack),
        generation: 1,
        digest: Sha256::of(&pack.to_be_bytes()),
        versions_root: Sha256::of(b"versions"),
        bytes: 4_812_544 + pack * 131_072,
        stored_at: Timestamp::from_millis(NOW - 40 * MINUTE + site as i64 * 4_000),
        witness: Witness::Signed { key: [17 + site as u8 * 31; 32], signature: [9; 64] },
    }
}

pub(crate) fn wire(r: &SiteReceipt) -> v1::SiteReceipt {
    let Witness::Signed { key, signature } = &r.witness else { unreachable!("all of them sign") };
    v1::SiteReceipt {
        site: r.site.clone(),
        class: r.class.clone(),
        purpose: r.purpose.name().into(),
        pack: r.pack.get(),
        generation: r.generation,
        digest: Bytes::copy_from_slice(r.digest.as_bytes()),
        versions_root: Bytes::copy_from_slice(r.versions_root.as_bytes()),
        bytes: r.bytes,
        stored_at: r.stored_at.millis(),
        key: Bytes::copy_from_slice(key),
        signature: Bytes::copy_from_slice(signature),
        observed_by: String::new(),
    }
}

fn document() -> DocumentRef {
    DocumentRef::to(b"{}", "application/json")
}

/// The whole life of one item, each event encoded as its producer would.
pub(crate) struct Life {
    at: i64,
    pub(crate) history: Vec<v1::HistoryEvent>,
}

impl Life {
    fn state(&mut self, (subject, after): (Subject, i64), causes: &[usize], fact: Fact) {
        self.at += after;
        let hashes: Vec<EventHash> =
            causes.iter().map(|i| EventHash::from_slice(&self.history[*i].hash).unwrap()).collect();
        let by_membership = !matches!(subject, Subject::Item(_));
        let draft = Draft {
            id: Uuid::from_u128(0x019a_a000_0000_7000_8000_0000_0000_0000 + self.history.len() as u128),
            area: "330402".parse().unwrap(),
            subject,
            causes: hashes,
            actor: None,
            recorded_at: Timestamp::from_millis(self.at),
            fact,
        };
        let encoded = draft.encode().unwrap();
        self.history.push(v1::HistoryEvent {
            hash: Bytes::copy_from_slice(encoded.hash.as_bytes()),
            fact: encoded.kind.name().into(),
            recorded_at: self.at,
            causes: draft.causes.iter().map(|c| Bytes::copy_from_slice(c.as_bytes())).collect(),
            event: encoded.bytes,
            traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into(),
            subject: draft.subject.to_string(),
            by_membership,
            summary: String::new(),
            id: Bytes::copy_from_slice(draft.id.as_bytes()),
        });
    }
}

/// Every fact that an item of the archive's range meets, pre-filed to accessioned.
pub(crate) fn life(n: usize) -> Vec<v1::HistoryEvent> {
    let s = summary(n);
    let (item, pack) = (ItemId::from_slice(&s.item).unwrap(), PackNumber::new(s.pack.max(1)));
    let mut life = Life { at: NOW - 3 * 60 * MINUTE, history: Vec::new() };
    filed(&mut life, &s, item, pack);
    registered(&mut life, pack);
    accessioned(&mut life);
    life.history
}

fn filed(life: &mut Life, s: &v1::ItemSummary, item: ItemId, pack: PackNumber) {
    let submission = dengbei_records::SubmissionId::from_uuid(Uuid::from_u128(77));
    let (data_version, retention) = (1.try_into().unwrap(), s.retention.parse().unwrap());
    let prefiled = ItemPrefiled {
        item,
        data_version,
        submission,
        source_system: "ZWFW".parse().unwrap(),
        matter_code: s.matter_code.parse().unwrap(),
        unit_uscc: UNITS[0].0.parse().unwrap(),
        retention,
        year: 2026,
        scope_version: "2026-1".into(),
        reception: Sha256::of(b"r"),
        files: 3,
        bytes: 1_540_000,
        warned: vec!["S-03".into()],
        event_type: "01".parse().unwrap(),
    };
    life.state((Subject::Item(item), 0), &[], Fact::ItemPrefiled(prefiled));
    let verdict = Verdict::Passed { count: 184, root: Sha256::of(b"root") };
    let checked = ItemChecked {
        stage: "G".into(),
        scheme: "zj-service/1".into(),
        engine: "dengbei/0.1".into(),
        verdict,
        report: super::checks::run().1,
    };
    life.state((Subject::Run(Uuid::from_u128(5)), 2_400), &[0], Fact::ItemChecked(checked));
    let filed = ItemFiled {
        item,
        data_version,
        archival_code: "J019-ZY·XK·2026·D30-00001".parse().unwrap(),
        pack,
        object_version: 1,
        record: Sha256::of(b"record"),
        inventory: Sha512::of(b"inventory"),
        submission,
    };
    life.state((Subject::Item(item), 15 * MINUTE), &[0, 1], Fact::ItemFiled(filed));
    let batch = BatchFiled {
        pack,
        generation: 1,
        fonds_no: "J019".parse().unwrap(),
        year: 2026,
        retention,
        count: 184,
        root: Sha256::of(b"root"),
        pack_digest: Sha256::of(b"pack"),
        pack_bytes: 4_812_544,
        versions_root: Sha256::of(b"versions"),
        unit_uscc: UNITS[0].0.parse().unwrap(),
        unit_key: [3; 32],
        unit_signature: [4; 64],
        members: document(),
    };
    life.state((Subject::Pack(pack), 900), &[2], Fact::BatchFiled(batch));
}

fn registered(life: &mut Life, pack: PackNumber) {
    let unit_uscc: dengbei_records::UnitCode = UNITS[0].0.parse().unwrap();
    let batch = Uuid::from_slice(&batch(1)).unwrap();
    let root = Sha256::of(b"root");
    let registered = BatchRegistered {
        batch,
        registration_no: number("DJ", 1),
        unit_uscc: unit_uscc.clone(),
        items: 920,
        root,
        decision: document(),
        administration_key: [5; 32],
        administration_signature: [6; 64],
    };
    life.state((Subject::Batch(batch), 12 * MINUTE), &[3], Fact::BatchRegistered(registered));
    let receipts: Vec<SiteReceipt> = (0..3).map(|site| receipt(site, pack.get(), Purpose::Backup)).collect();
    for one in &receipts {
        life.state(
            (Subject::Pack(pack), 1_700),
            &[3, 4],
            Fact::PackStored(PackStored { receipt: one.clone() }),
        );
    }
    let secured = PackSecured { pack, generation: 1, policy: "default/1".into(), receipts, batch };
    life.state((Subject::Pack(pack), 300), &[4, 3, 5, 6, 7], Fact::PackSecured(secured));
    let certificate = CertificateIssued {
        certificate_no: number("ZS", 1),
        registration_no: number("DJ", 1),
        batch,
        unit_uscc,
        items: 920,
        root,
        certificate: document(),
        administration_key: [5; 32],
        administration_signature: [6; 64],
    };
    life.state((Subject::Certificate(number("ZS", 1)), 2_000), &[8], Fact::CertificateIssued(certificate));
}

fn accessioned(life: &mut Life) {
    let (transfer_no, root) = (number("YJ", 2), Sha256::of(b"root"));
    let subject = || Subject::Transfer(number("YJ", 2));
    let checked = TransferChecked {
        transfer_no: transfer_no.clone(),
        side: "archive".parse().unwrap(),
        scheme: "transfer/1".into(),
        engine: "dengbei/0.1".into(),
        checked: 618,
        unfit: 2,
        root,
        report: super::checks::handed_over().1,
    };
    life.state((subject(), 26 * MINUTE), &[9], Fact::TransferChecked(checked));
    let accepted = TransferAccepted {
        transfer_no: transfer_no.clone(),
        items: 616,
        bytes: 812_000_000,
        root,
        members: document(),
        handover: document(),
        unit_key: [3; 32],
        unit_signature: [4; 64],
        archive_key: [7; 32],
        archive_signature: [8; 64],
        packs: vec![PackNumber::new(17)],
    };
    life.state((subject(), 3 * MINUTE), &[10, 9], Fact::TransferAccepted(accepted));
    let accessioned = ItemAccessioned { transfer_no, items: 616, root, members: document() };
    life.state((subject(), 41_000), &[11], Fact::ItemAccessioned(accessioned));
}
