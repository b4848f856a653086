//! A sound package built here, to be spoilt in one place, with everything that a service may know about it.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::io::Write as _;

use bytes::Bytes;
use dengbei_checks::facts::{
    CarriedSignature, Environment, EvidenceKind, ManagementEvent, NamedDigest, Numbers, PackageDigests,
    Recorded, Restored, Scan, ScanOutcome, Sender, Standing,
};
use dengbei_checks::{CheckId, Context, Report, Scheme, Stage, read_and_check};
use dengbei_formats::{Discard, MemorySource, read_package};
use dengbei_records::{EventHash, FilingForm, Matter, Retention, ScopeRow, Sha256, Sha512, Timestamp};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_305_600_000);
pub(crate) const BASIC_XML: &str = "基本信息描述.XML";
pub(crate) const CONFIG_XML: &str = "归档配置表.XML";
pub(crate) const PROCESS_XML: &str = "办理流程.XML";
pub(crate) const FORM: &str = "申请材料/申请表.txt";
pub(crate) const DECISION: &str = "结果材料/决定书.pdf";

pub(crate) const PDF: &str = "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n3 0 obj\n<< /Type /Page >>\nendobj\ntrailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n0\n%%EOF\n";

const BASIC: &[(&str, &str)] = &[
    ("deptname", "区住建局"),
    ("documentnumber", "51160204-GG-51201-001-2026-30年-0000200"),
    ("retentionperiod", "30年"),
    ("archivetime", "2026-03-31 10:06:00"),
    ("eventtype", "公共服务"),
    ("applyname", "韩氏科技有限公司"),
    ("mobile", "19900008990"),
    ("address", "样例路1号"),
    ("contactidcard", "91511602MAXX41776T"),
    ("projectname", "韩氏科技有限公司供水报装"),
    ("receivedepartmentname", "区住建局"),
    ("applytime", "2026-03-16 09:21:00"),
    ("receivetime", "2026-03-16 09:36:00"),
    ("transacttime", "2026-03-31 09:36:00"),
    ("projid", "511602042603310000200"),
    ("projectpassword", "882172"),
    ("servicetype", "承诺件"),
    ("servicecode", "512017439001-511602000000-000-11511301008778255F-1-00"),
    ("servicename", "供水报装"),
    ("deptid", "51160204"),
    ("organizationcode", "11511301008778255F"),
    ("areacode", "511602"),
    ("result", "准予"),
];

/// A sound package, to be spoilt.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) context: Context,
}

fn elements(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(k, v)| format!("<{k}>{v}</{k}>")).collect()
}

fn config() -> String {
    let keys = ["servicecode", "retentionperiod", "deptid", "eventtype"];
    let table: Vec<(&str, &str)> = BASIC.iter().filter(|(k, _)| keys.contains(k)).copied().collect();
    let row = |f: &str| {
        format!(
            "<file><filename>{f}</filename><auxiliaryone>必要</auxiliaryone><auxiliarytwo>电子归档</auxiliarytwo></file>"
        )
    };
    format!(
        "<description>{}<filingranges><filingrange title=\"申请材料\">{}</filingrange><filingrange title=\"结果材料\">{}</filingrange></filingranges></description>",
        elements(&table),
        row("申请表.txt"),
        row("决定书.pdf")
    )
}

fn process() -> String {
    let step = |node: &str, time: &str| {
        format!(
            "<Opinion nodename=\"{node}\"><Author>人</Author><Body>同意</Body><Modified>{time}</Modified></Opinion>"
        )
    };
    let steps: String = [
        ("申请", "2026-03-16 09:21:00"),
        ("受理", "2026-03-16 09:36:00"),
        ("审核", "2026-03-23 21:36:00"),
        ("决定", "2026-03-31 09:36:00"),
    ]
    .iter()
    .map(|(n, t)| step(n, t))
    .collect();
    format!("<Opinions>{steps}</Opinions>")
}

fn matter() -> Matter {
    let scope = |phase: &str, range: &str, material: &str| ScopeRow {
        phase: phase.into(),
        range: range.into(),
        material: material.into(),
        necessary: true,
        form: FilingForm::Electronic,
    };
    Matter {
        matter_code: "512017439001-511602000000-000-11511301008778255F-1-00".parse().unwrap(),
        matter_name: "供水报装".into(),
        event_type: "20".into(),
        unit_name: "区住建局".into(),
        unit_uscc: "11511301008778255F".parse().unwrap(),
        retention: Retention::ThirtyYears,
        scope_version: "2026-01".into(),
        in_force_from: "2026-01-01".into(),
        scope: vec![scope("01", "申请材料", "申请表"), scope("04", "结果材料", "决定书")],
    }
}

pub(crate) fn sample() -> Sample {
    let files = [
        (BASIC_XML, format!("<description>{}</description>", elements(BASIC))),
        (CONFIG_XML, config()),
        (PROCESS_XML, process()),
        (FORM, "申请供水报装".to_owned()),
        (DECISION, PDF.to_owned()),
    ];
    Sample {
        files: files.into_iter().map(|(path, text)| (path.to_owned(), text.into_bytes())).collect(),
        context: Context {
            matter: Some(matter()),
            area: Some("511602".parse().unwrap()),
            duplicates: Some(Vec::new()),
            ..Context::at(NOW)
        },
    }
}

pub(crate) fn hash(n: u8) -> EventHash {
    EventHash::from_bytes([n; 32])
}

fn event(n: u8, what: &str, causes: &[u8]) -> ManagementEvent {
    let reception = Sha256::of(b"reception");
    ManagementEvent {
        hash: hash(n),
        what: what.into(),
        causes: causes.iter().map(|c| hash(*c)).collect(),
        is_once: true,
        documents: if n == 1 { vec![(reception, Some(reception))] } else { Vec::new() },
    }
}

fn carried(kind: EvidenceKind) -> CarriedSignature {
    CarriedSignature {
        place: format!("{DECISION} 1"),
        kind,
        standing: Standing::Valid,
        message: "每一部分都相符".into(),
        message_en: "right in every part".into(),
        algorithm: "SM2-SM3".into(),
        owner: "区住建局".into(),
        certificate_ends: Some(Timestamp::from_millis(NOW.millis() + 3 * 366 * 86_400_000)),
    }
}

/// The same with everything that services may know: nothing is left 无法验证.
pub(crate) fn known() -> Sample {
    let mut s = sample();
    let digest = |hex: &str| NamedDigest { algorithm: "sm3".into(), hex: hex.into() };
    let package = read_package(&s.source()).unwrap();
    let numbers = Numbers { given: vec![1, 2, 3], first: Some(1), explained: Vec::new() };
    s.context = Context {
        manifest: Some(s.manifest()),
        digests: Some(PackageDigests { stated: vec![digest("ab")], found: vec![digest("AB")] }),
        signed: Some(
            [EvidenceKind::Signature, EvidenceKind::Seal, EvidenceKind::TimeStamp].map(carried).to_vec(),
        ),
        sender: Some(Sender {
            system: "zwfw".into(),
            is_registered: true,
            bound_system: Some("zwfw".into()),
            bound_units: vec!["11511301008778255F".into()],
        }),
        events: Some(vec![
            event(1, "item.prefiled", &[]),
            event(2, "item.checked", &[1]),
            event(3, "item.filed", &[1, 2]),
        ]),
        classes: Some(BTreeMap::from([("A001-ZY·GG·2026·D30".to_owned(), numbers)])),
        recorded: Some(Recorded { metadata: package.metadata, archival_code: None }),
        environment: Some(Environment {
            applications: BTreeMap::from([(DECISION.to_owned(), "WPS 12".to_owned())]),
            ..Environment::default()
        }),
        restored: Some(Restored {
            at: NOW, from: "第二备份点".into(), compared: 5, differing: Vec::new()
        }),
        scan: Some(Scan {
            engine: "ClamAV 1.4".into(),
            signatures: "27000".into(),
            files: s.files.keys().map(|path| (path.clone(), ScanOutcome::Clean)).collect(),
        }),
        ..s.context
    };
    s
}

impl Sample {
    pub(crate) fn with(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), bytes.into());
        self
    }

    pub(crate) fn without(mut self, path: &str) -> Self {
        self.files.remove(path).unwrap();
        self
    }

    pub(crate) fn replace(mut self, path: &str, from: &str, to: &str) -> Self {
        let text = String::from_utf8(self.files.remove(path).unwrap()).unwrap();
        assert!(text.contains(from), "{from} is not in {path}");
        self.files.insert(path.to_owned(), text.replace(from, to).into_bytes());
        self
    }

    pub(crate) fn basic(self, from: &str, to: &str) -> Self {
        self.replace(BASIC_XML, from, to)
    }

    pub(crate) fn knowing(mut self, change: impl FnOnce(&mut Context)) -> Self {
        change(&mut self.context);
        self
    }

    pub(crate) fn source(&self) -> MemorySource {
        MemorySource::new("号", self.files.iter().map(|(p, b)| (p.clone(), Bytes::from(b.clone()))).collect())
    }

    /// What each file is as it stands.
    pub(crate) fn manifest(&self) -> BTreeMap<String, Sha512> {
        self.files.iter().map(|(p, b)| (p.clone(), Sha512::of(b))).collect()
    }

    /// Digests and scan again as the files are now: a fault in the content alone.
    pub(crate) fn settled(mut self) -> Self {
        self.context.manifest = Some(self.manifest());
        if let Some(scan) = &mut self.context.scan {
            scan.files = self.files.keys().map(|path| (path.clone(), ScanOutcome::Clean)).collect();
        }
        let metadata = read_package(&self.source()).unwrap().metadata;
        if let Some(recorded) = &mut self.context.recorded {
            recorded.metadata = metadata;
        }
        self
    }

    /// As one zip, the package in its folder.
    pub(crate) fn zipped(&self) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        for (path, bytes) in &self.files {
            zip.start_file(format!("号/{path}"), options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    pub(crate) fn check(&self, stage: Stage) -> Report {
        self.check_by(stage, &Scheme::builtin())
    }

    pub(crate) fn check_by(&self, stage: Stage, scheme: &Scheme) -> Report {
        read_and_check(&self.source(), &mut Discard, &self.context, stage, scheme).unwrap().report
    }
}

/// A scheme that extends the built-in one by these parts of a document.
pub(crate) fn scheme(parts: &str) -> Scheme {
    let base = Scheme::builtin();
    let text = format!(
        r#"{{"format":"dengbei.scheme/1","id":"test/one","version":"1","title":"测","title_en":"test","in_force_from":"2026-01-01",
        "extends":{{"id":"{}","version":"{}","digest":"{}"}},{parts}}}"#,
        base.id, base.version, base.digest
    );
    Scheme::read(text.as_bytes(), &[]).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

pub(crate) fn ids(list: Vec<CheckId>) -> Vec<&'static str> {
    list.into_iter().map(CheckId::as_str).collect()
}
