//! 检测报告: what is kept of every run of checks over an item or a transfer, gathered from the documents that events cite,
//! and made into one [`CheckPaper`] that the page, the JSON and the PDF are drawn from.
//!
//! The history (query) says which runs there were; fixity keeps their documents, registration a copy; ingest what it
//! noted at the door. A document is believed only if its digest is the one that the event cites. `run` reads what became
//! of one item in a run over many, `transfer` a transfer's report, `door` what ingest noted.

mod door;
mod run;
mod transfer;

use dengbei_chain::facts::{ItemChecked, TransferChecked, Verdict};
use dengbei_chain::{Event, Fact as Stated};
use dengbei_papers::PaperError;
use dengbei_papers::report::{CheckPaper, Fact, Part};
use dengbei_proto::v1::{self, HistoryEvent, ItemSummary};
use dengbei_records::{ErrorClass, ItemId, Problem, Record, Timestamp, canonical};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::items::{Known, known};
use crate::json;
use crate::peers::{Peers, answered, question};
use crate::problem::Refusal;

/// Which runs.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// 环节: P, G, Y, C; all when not told
    #[serde(default)]
    pub(crate) stage: String,
    /// 数据版本; all when 0
    #[serde(default)]
    pub(crate) data_version: u32,
}

impl Which {
    fn wants(&self, part: &Part) -> bool {
        let is_of_version = part.data_version == 0 || part.data_version == self.data_version;
        (self.stage.is_empty() || self.stage == part.stage) && (self.data_version == 0 || is_of_version)
    }
}

/// Every run over an item that something was kept of.
///
/// # Errors
/// [`Refusal`] when the item is not known, or a document does not come.
pub(crate) async fn of_item(peers: &Peers, item: ItemId, which: &Which) -> Result<CheckPaper, Refusal> {
    let known = known(peers, item).await?;
    let mut parts = Vec::new();
    for entry in &known.history {
        parts.extend(part(peers, item, entry).await?);
    }
    if known.history.is_empty() {
        // Refused, or accepted a moment ago: no event has reached the read model.
        parts.extend(door::of(peers, &known.item).await);
    }
    parts.retain(|part| which.wants(part));
    let dated = parts.iter().map(|part| part.ended.clone()).max().unwrap_or_default();
    let number = match known.item.archival_code.as_str() {
        "" => item.to_string(),
        code => code.to_owned(),
    };
    Ok(CheckPaper { number, dated, about: about(&known, item), parts })
}

/// What one event of an item's history adds.
async fn part(peers: &Peers, item: ItemId, entry: &HistoryEvent) -> Result<Option<Part>, Refusal> {
    let Ok(event) = Event::read(entry.event.clone()) else { return Ok(None) };
    Ok(match &event.fact {
        Some(Stated::ItemPrefiled(fact)) => Some(door::prefiled(peers, &event, fact).await),
        Some(Stated::SubmissionRefused(fact)) => Some(door::refused(peers, &event, fact).await),
        Some(Stated::ItemChecked(fact)) => Some(checked(peers, item, (&event, fact)).await?),
        Some(Stated::TransferChecked(fact)) => {
            Some(transfer::about_item(&transfer_report(peers, fact).await?, fact, item))
        }
        _ => None,
    })
}

async fn checked(
    peers: &Peers,
    item: ItemId,
    (event, fact): (&Event, &ItemChecked),
) -> Result<Part, Refusal> {
    let body = peers.document(&fact.report.digest).await?;
    match &fact.verdict {
        Verdict::Passed { .. } => run::passed((event, fact), &body, item),
        Verdict::Failed { data_version, .. } => {
            let report: dengbei_checks::Report = canonical::from_slice(&body).map_err(|e| unreadable(&e))?;
            Ok(Part { data_version: data_version.get(), ..Part::of(&report, &[]) })
        }
    }
}

async fn transfer_report(
    peers: &Peers,
    fact: &TransferChecked,
) -> Result<dengbei_chain::TransferReport, Refusal> {
    let body = peers.document(&fact.report.digest).await?;
    dengbei_chain::TransferReport::read(&body, &fact.report).map_err(|e| unreadable(&e))
}

/// Every side's checks of a transfer, as far as they have come.
///
/// # Errors
/// [`Refusal`] when the transfer is not known, or a document does not come.
pub(crate) async fn of_transfer(peers: &Peers, transfer_no: &str) -> Result<CheckPaper, Refusal> {
    let request = v1::TransferRequest { transfer_no: transfer_no.into(), item: bytes::Bytes::new() };
    let reply = answered(peers.registration().transfer(question(request)).await)?;
    let mut parts = Vec::new();
    for fact in sides(peers, &reply).await? {
        let report = transfer_report(peers, &fact).await?;
        parts.push(transfer::whole(&report, &fact));
    }
    let t = reply.transfer.unwrap_or_default();
    let unit = if t.unit_name.is_empty() { &t.unit_uscc } else { &t.unit_name };
    let about = vec![
        Fact::new("移交号", "transfer", transfer_no),
        Fact::new("移交单位", "unit", format!("{unit} {}", t.unit_uscc)),
        Fact::new("全宗号", "fonds", &t.fonds_no),
        Fact::new("件数", "items", t.items.to_string()),
        Fact::new("不合格件数", "unfit", t.unfit.to_string()),
    ];
    let dated = parts.iter().map(|part: &Part| part.ended.clone()).max().unwrap_or_default();
    Ok(CheckPaper { number: transfer_no.to_owned(), dated, about, parts })
}

/// The `transfer.checked` of a transfer, from the history of something that it holds or left out.
async fn sides(peers: &Peers, reply: &v1::TransferReply) -> Result<Vec<TransferChecked>, Refusal> {
    let transfer_no = reply.transfer.as_ref().map(|t| t.transfer_no.clone()).unwrap_or_default();
    let request = v1::ItemsRequest { transfer_no: transfer_no.clone(), limit: 1, ..Default::default() };
    let held = answered(peers.query().items(question(request)).await)?.items;
    let witnesses = held.iter().map(|i| &i.item).chain(reply.unfit.iter().take(1).map(|u| &u.item));
    let mut found: Vec<TransferChecked> = Vec::new();
    for item in witnesses {
        let reply = answered(peers.query().item(question(v1::ItemRequest { item: item.clone() })).await)?;
        for entry in &reply.history {
            let Ok(event) = Event::read(entry.event.clone()) else { continue };
            if let Some(Stated::TransferChecked(fact)) = event.fact
                && fact.transfer_no.to_string() == transfer_no
                && !found.contains(&fact)
            {
                found.push(fact);
            }
        }
    }
    Ok(found)
}

fn about(known: &Known, item: ItemId) -> Vec<Fact> {
    let i = &known.item;
    let record: Option<Record> = known.holding.as_ref().and_then(|h| serde_json::from_slice(&h.record).ok());
    let named = |name: &str, code: &str| [name, code].join(" ").trim().to_owned();
    let mut lines = vec![
        Fact::new("档号", "archival code", &i.archival_code),
        Fact::new("题名", "title", record.map(|r| r.metadata.title).unwrap_or_default()),
        Fact::new("事项", "matter", named(&i.matter_name, &i.matter_code)),
        Fact::new("立档单位", "unit", named(&i.unit_name, &i.unit_uscc)),
        Fact::new("来源系统", "source system", &i.source_system),
        Fact::new("存储包", "pack", pack(i)),
        Fact::new("登记号", "registration", &i.registration_no),
        Fact::new("移交号", "transfer", &i.transfer_no),
        Fact::new("对象标识", "id", item.to_string()),
    ];
    lines.retain(|line| !line.value.is_empty());
    lines
}

fn pack(item: &ItemSummary) -> String {
    if item.pack == 0 { String::new() } else { format!("{:08}", item.pack) }
}

/// A paper drawn, on a thread that may block.
///
/// # Errors
/// [`Refusal`] when the machine has no fonts, or setting fails.
pub(crate) async fn pdf(paper: CheckPaper) -> Result<Vec<u8>, Refusal> {
    let drawn = tokio::task::spawn_blocking(move || dengbei_papers::check_paper(&paper)).await;
    let drawn = drawn.map_err(|_| {
        Refusal::from(Problem::new("paper.render", ErrorClass::Internal, "排版失败", "typesetting failed"))
    })?;
    drawn.map_err(|error: PaperError| error.problem().into())
}

fn unreadable(error: &dengbei_records::Invalid) -> Refusal {
    let (zh, en) = ("检测报告无法读取", "the report cannot be read");
    tracing::error!(%error, "a report that an event cites does not read");
    Problem::new("report.unreadable", ErrorClass::Internal, zh, en).into()
}

/// RFC 3339, as papers carry it.
fn time(at: Timestamp) -> String {
    json::time(at.millis()).unwrap_or_default()
}
