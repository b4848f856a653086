//! 文书: a paper as data (canonical JSON, sealed) or as PDF. Most were made when their fact was stated and are read here;
//! the 归档电子文件登记表 of a pack is made of what `batch.filed` says, to the same bytes every time.

use bytes::Bytes;
use dengbei_chain::MemberList;
use dengbei_kit::documents as own_documents;
use dengbei_kit::seals::Signed;
use dengbei_kit::{db, status};
use dengbei_papers::PaperError as DrawError;
use dengbei_records::papers::{self, Body, Filing, PackLine};
use dengbei_records::{ErrorClass, Invalid, PackNumber, Problem, SerialNo, Series, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::scanned::Scanned;
use crate::store::batches::{self, Batch};
use crate::store::documents;
use crate::store::filed_packs::{self, CheckRun, FiledPack};
use crate::store::transfers::lists;
use crate::store::{history, transfers as stored};
use crate::transfers::{Transfers, WorkError, sealed, unit_keys};

/// The kinds of paper there are.
const KINDS: [&str; 7] =
    ["certificate", "registration", "application", "handover", "digests", "catalogue", "filing"];
const PDF: &str = "application/pdf";

/// Why there is no paper.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PaperError {
    /// No such kind or format, or an id that is none.
    #[error("请求无效 / the request is not valid: {0}")]
    Invalid(#[from] Invalid),
    /// Nothing has this number.
    #[error("没有此编号 / nothing has this number: {0}")]
    Unknown(String),
    /// It is not made yet.
    #[error("文书尚未形成 / the paper is not made yet: {0}")]
    NotYet(String),
    /// It cannot be drawn.
    #[error("文书无法绘制 / the paper cannot be drawn")]
    Draw(#[from] DrawError),
    /// It cannot be made.
    #[error(transparent)]
    Work(#[from] WorkError),
}

impl From<sqlx::Error> for PaperError {
    fn from(e: sqlx::Error) -> Self {
        Self::Work(e.into())
    }
}

impl PaperError {
    /// What the caller is told.
    pub(crate) fn problem(&self) -> Problem {
        match self {
            Self::Invalid(e) => Problem::new("paper.invalid", ErrorClass::Invalid, "请求无效", e.to_string())
                .with_remedy(format!("文书种类:{} / kinds; 格式 formats: json, pdf", KINDS.join(", "))),
            Self::Unknown(id) => Problem::new(
                "paper.unknown",
                ErrorClass::NotFound,
                format!("没有此编号:{id}"),
                format!("nothing has this number: {id}"),
            )
            .with_remedy("请核对编号 / look at the number"),
            Self::NotYet(id) => Problem::new(
                "paper.not_yet",
                ErrorClass::NotFound,
                format!("{id}的文书尚未形成"),
                format!("the paper of {id} is not made yet"),
            )
            .with_remedy("办理到该环节后再取 / ask again when it has come that far"),
            Self::Draw(e) => e.problem(),
            Self::Work(WorkError::Database(e)) => status::plain(db::class(e)),
            Self::Work(e) => status::plain(e.class()),
        }
    }
}

/// A paper.
#[derive(Debug)]
pub(crate) struct Paper {
    pub(crate) body: Bytes,
    pub(crate) media_type: &'static str,
    pub(crate) file_name: String,
}

/// Finds, makes and draws papers.
#[derive(Debug, Clone)]
pub(crate) struct Papers {
    pub(crate) transfers: Transfers,
}

impl Papers {
    /// The paper of this kind and number: as data, or drawn.
    pub(crate) async fn get(&self, kind: &str, id: &str, format: &str) -> Result<Paper, PaperError> {
        let known = KINDS.into_iter().find(|known| *known == kind);
        let kind = known.ok_or_else(|| Invalid::new("文书种类 kind of paper", kind))?;
        if !["", "json", "pdf"].contains(&format) {
            return Err(Invalid::new("文书格式 format", format).into());
        }
        let body = self.data(kind, id).await?;
        let file_name = format!("{kind}-{id}.{}", if format == "pdf" { "pdf" } else { "json" });
        if format != "pdf" {
            return Ok(Paper { body, media_type: papers::MEDIA_TYPE, file_name });
        }
        let drawn = tokio::task::spawn_blocking(move || dengbei_papers::pdf(kind, &body)).await;
        let body = drawn.map_err(WorkError::from)??;
        Ok(Paper { body: body.into(), media_type: PDF, file_name })
    }

    async fn data(&self, kind: &str, id: &str) -> Result<Bytes, PaperError> {
        let mut connection = self.transfers.pool.acquire().await?;
        let digest = match kind {
            "filing" => return self.filing(&mut connection, id).await,
            "certificate" => batch(&mut connection, id, Some(Series::Certificate)).await?.certificate,
            "registration" => batch(&mut connection, id, None).await?.decision,
            "application" => Some(batch(&mut connection, id, None).await?.application),
            _ => {
                let number = serial(id, Series::Transfer)?;
                let found = stored::find(&mut connection, &number).await?;
                let transfer = found.ok_or_else(|| PaperError::Unknown(id.to_owned()))?;
                match kind {
                    "handover" => transfer.handover,
                    "digests" => transfer.digests,
                    _ => transfer.catalogue,
                }
            }
        };
        let digest = digest.ok_or_else(|| PaperError::NotYet(id.to_owned()))?;
        self.body(&mut connection, &digest).await?.ok_or_else(|| PaperError::NotYet(id.to_owned()))
    }

    async fn body(&self, tx: &mut PgConnection, digest: &Sha256) -> Result<Option<Bytes>, PaperError> {
        if let Some(body) = documents::body(tx, digest).await? {
            return Ok(Some(body));
        }
        let own = own_documents::get(&self.transfers.pool, digest).await.map_err(WorkError::from)?;
        Ok(own.map(|document| document.body))
    }

    /// 归档电子文件登记表 of a pack, sealed by its unit as `batch.filed` is: Ed25519 gives the same bytes again.
    async fn filing(&self, tx: &mut PgConnection, id: &str) -> Result<Bytes, PaperError> {
        let number: u64 = id.parse().map_err(|_| Invalid::new("存储包号 pack number", id))?;
        let packs = filed_packs::of(tx, &[PackNumber::new(number)]).await?;
        let pack = packs.into_iter().next().ok_or_else(|| PaperError::Unknown(id.to_owned()))?;
        let name = lists::unit_name(tx, &pack.unit).await?;
        let fonds = crate::store::matters::fonds(tx, &pack.unit).await?;
        let unit = Body {
            name,
            code: pack.unit.to_string(),
            mark: fonds.map(|f| f.to_string()).unwrap_or_default(),
        };
        let codes = history::first_and_last_code(tx, pack.pack).await?;
        let runs = filed_packs::runs(tx, &[pack.pack]).await?;
        let scanned = self.scanned(tx, &runs).await?;
        let paper = filing(&pack, unit, codes, (&runs, &scanned));
        let (keys, folder) = (self.transfers.keys.clone(), self.transfers.key_folder.clone());
        let made = tokio::task::spawn_blocking(move || {
            let seals = unit_keys(&keys, &folder, &pack.unit)?;
            let name = paper.unit.name.clone();
            sealed(papers::FILING, paper, |body| {
                let (role, at) = ("unit.seal", pack.committed_at);
                let what = Signed { paper: papers::FILING, body, role, name: &name, at };
                Ok(vec![seals.seal_ed25519(&what)?])
            })
        });
        Ok(made.await.map_err(WorkError::from)??.body)
    }
}

impl Papers {
    /// What the filing runs say of viruses. A run's document that is not here yet leaves the form unmade.
    async fn scanned(&self, tx: &mut PgConnection, runs: &[CheckRun]) -> Result<Scanned, PaperError> {
        let mut scanned = Scanned::default();
        for run in runs {
            let body = self.body(tx, &run.report).await?;
            let body = body.ok_or_else(|| PaperError::NotYet(run.report.to_string()))?;
            let list: MemberList = serde_json::from_slice(&body)
                .map_err(|_| Invalid::new("检测名单 member list", run.report))?;
            scanned.run(&list);
        }
        Ok(scanned)
    }
}

fn serial(id: &str, series: Series) -> Result<SerialNo, PaperError> {
    let number: SerialNo = id.parse()?;
    if number.series() == series { Ok(number) } else { Err(Invalid::new(series.prefix(), id).into()) }
}

/// The registration batch of a number of any series that names one, or of its own id.
async fn batch(tx: &mut PgConnection, id: &str, only: Option<Series>) -> Result<Batch, PaperError> {
    let found = match (Uuid::parse_str(id), only) {
        (Ok(uuid), None) => batches::find(tx, uuid).await?,
        (_, Some(series)) => batches::numbered(tx, &serial(id, series)?).await?,
        (Err(_), None) => batches::numbered(tx, &id.parse::<SerialNo>()?).await?,
    };
    found.ok_or_else(|| PaperError::Unknown(id.to_owned()))
}

fn filing(
    pack: &FiledPack,
    unit: Body,
    (first, last): (String, String),
    (runs, scanned): (&[CheckRun], &Scanned),
) -> Filing {
    let mut schemes: Vec<&str> = runs.iter().map(|r| r.scheme.as_str()).filter(|s| !s.is_empty()).collect();
    schemes.sort_unstable();
    schemes.dedup();
    let passed = match schemes.is_empty() {
        true => "合格（归档环节四性检测）".to_owned(),
        false => format!("合格（归档环节四性检测，方案{}）", schemes.join("、")),
    };
    let checks = [
        ("载体外观", "在线归档，无实体载体"),
        ("病毒", &scanned.line()),
        ("真实性", &passed),
        ("可靠性", &passed),
        ("完整性", &passed),
        ("可用性", &passed),
    ];
    Filing {
        unit,
        filed_at: pack.committed_at.rfc3339(),
        category: "政务服务办件（业务数据类电子文件）".into(),
        class: format!("{}年度 {}", pack.year, pack.retention.word()),
        items: pack.items,
        bytes: pack.bytes,
        method: "在线归档".into(),
        checks: checks.map(|(what, finding)| (what.to_owned(), finding.to_owned())).to_vec(),
        technique: format!(
            "存储包为 tar，内为 OCFL 1.1 对象，文件摘要 SHA-512 与 SM3；存储包摘要 SHA-256；归档批由单位密钥签章（batch.filed {}）",
            pack.event
        ),
        codes: if first == last { first } else { format!("{first} 至 {last}") },
        pack: PackLine {
            pack: pack.pack.get(),
            form: "在线".into(),
            content: format!("{}年度 {}", pack.year, pack.retention.word()),
            items: pack.items,
            algorithm: "SHA-256".into(),
            digest: pack.digest.to_string(),
            bytes: pack.bytes,
            gigabytes: papers::gigabytes(pack.bytes),
        },
    }
}
