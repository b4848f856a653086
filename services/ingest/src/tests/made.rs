//! Packages as platforms write them, in memory, with readable defaults.

use std::io::{Cursor, Write as _};

use bytes::Bytes;
use dengbei_records::{FilingForm, Matter, Retention, ScopeRow};
use zip::write::{SimpleFileOptions, ZipWriter};

/// The citizen's query password in every package made here.
pub(super) const PASSWORD: &str = "q7Zsecret882172";
pub(super) const MATTER: &str = "许可-00001-001";

/// One package.
#[derive(Debug, Clone)]
pub(super) struct Package {
    pub(super) number: String,
    pub(super) record_no: String,
    pub(super) version: Option<u32>,
    pub(super) matter: String,
    pub(super) closed: String,
    pub(super) title: String,
    pub(super) form: Vec<u8>,
    pub(super) extra: Vec<(String, Vec<u8>)>,
    pub(super) without_basic: bool,
}

impl Package {
    /// The good package of item `n`.
    pub(super) fn of(n: u32) -> Self {
        Self {
            number: format!("330382012603{n:09}"),
            record_no: format!("33038201-XK-00001-001-2026-30年-{n:07}"),
            version: None,
            matter: MATTER.into(),
            closed: "2026-03-05 10:20:00".into(),
            title: format!("甲申请第{n}号"),
            form: format!("申请表 {n}").into_bytes(),
            extra: vec![],
            without_basic: false,
        }
    }

    pub(super) fn titled(self, title: &str) -> Self {
        Self { title: title.into(), ..self }
    }

    pub(super) fn version(self, n: u32) -> Self {
        Self { version: Some(n), ..self }
    }

    pub(super) fn matter(self, code: &str) -> Self {
        Self { matter: code.into(), ..self }
    }

    pub(super) fn with(mut self, path: &str, bytes: &[u8]) -> Self {
        self.extra.push((path.into(), bytes.to_vec()));
        self
    }

    fn basic(&self) -> String {
        let version = self.version.map(|v| format!("<dataversion>{v}</dataversion>")).unwrap_or_default();
        let Self { number, record_no, matter, closed, title, .. } = self;
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<description title=\"基本信息描述\">\
             <deptname>乐清市市场监督管理局</deptname><documentnumber>{record_no}</documentnumber>\
             <retentionperiod>30年</retentionperiod><archivetime>2026-03-05 11:00:00</archivetime>\
             <eventtype>01</eventtype><applyname>甲</applyname><mobile>19900000001</mobile>\
             <address>样例路1号</address><contactidcard>11010118900101001X</contactidcard>\
             <projectname>{title}</projectname><receivedepartmentname>乐清市市场监督管理局</receivedepartmentname>\
             <applytime>2026-03-02 09:00:00</applytime><receivetime>2026-03-02 09:30:00</receivetime>\
             <transacttime>{closed}</transacttime><projid>{number}</projid>\
             <projectpassword title=\"查询密码\">{PASSWORD}</projectpassword><servicetype>承诺件</servicetype>\
             <servicecode>{matter}</servicecode><servicename>食品经营许可</servicename><deptid>33038201</deptid>\
             <organizationcode>11330382MB1234567X</organizationcode><areacode>330382</areacode>\
             <result>准予</result>{version}</description>\n"
        )
    }

    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let config = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<description title=\"归档配置表\">\
             <servicecode>{}</servicecode><retentionperiod>30年</retentionperiod><filingranges>\
             <filingrange title=\"申请材料\"><file><filename>申请表.txt</filename><auxiliaryone>必要</auxiliaryone>\
             <auxiliarytwo>电子归档</auxiliarytwo></file></filingrange></filingranges></description>\n",
            self.matter
        );
        let step = |node: &str, at: &str| {
            format!(
                "<Opinion nodename=\"{node}\"><Author>乙</Author><Body>同意</Body><Modified>{at}</Modified></Opinion>"
            )
        };
        let steps = [
            step("申请", "2026-03-02 09:00:00"),
            step("受理", "2026-03-02 09:30:00"),
            step("审核", "2026-03-03 09:30:00"),
            step("决定", &self.closed),
        ];
        let process =
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Opinions>{}</Opinions>\n", steps.concat());
        let mut files = vec![
            ("归档配置表.XML".to_owned(), config.into_bytes()),
            ("办理流程.XML".to_owned(), process.into_bytes()),
            ("申请材料/申请表.txt".to_owned(), self.form.clone()),
        ];
        if !self.without_basic {
            files.push(("基本信息描述.XML".to_owned(), self.basic().into_bytes()));
        }
        files.extend(self.extra.clone());
        files
    }

    /// As a zip with its top folder.
    pub(super) fn zip(&self) -> Bytes {
        zip(self.files().into_iter().map(|(path, bytes)| (format!("{}/{path}", self.record_no), bytes)))
    }
}

/// A batch of packages as folders of one zip.
pub(super) fn batch(packages: &[Package]) -> Bytes {
    let all = packages.iter().flat_map(|p| {
        p.files()
            .into_iter()
            .map(|(path, bytes)| (format!("{}/{path}", p.record_no), bytes))
            .collect::<Vec<_>>()
    });
    zip(all)
}

pub(super) fn zip(files: impl Iterator<Item = (String, Vec<u8>)>) -> Bytes {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    // Stored, so that a secret that slips through could be found on the disk by its bytes.
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (path, bytes) in files {
        writer.start_file(path, stored).unwrap();
        writer.write_all(&bytes).unwrap();
    }
    writer.finish().unwrap().into_inner().into()
}

/// A filing table in force from a day.
pub(super) fn matter(code: &str, version: &str, from: &str) -> Matter {
    Matter {
        matter_code: code.parse().unwrap(),
        matter_name: "食品经营许可".into(),
        event_type: "01".into(),
        unit_name: "乐清市市场监督管理局".into(),
        unit_uscc: "11330382MB1234567X".parse().unwrap(),
        retention: Retention::ThirtyYears,
        scope_version: version.into(),
        in_force_from: from.into(),
        scope: vec![ScopeRow {
            phase: "01".into(),
            range: "申请材料".into(),
            material: "申请表".into(),
            necessary: true,
            form: FilingForm::Electronic,
        }],
    }
}
