//! What is asked about transfers, for console and scripts.

use std::collections::HashMap;

use dengbei_chain::facts::Side;
use dengbei_records::{FondsNo, ItemId, PackNumber, Retention, SerialNo, Timestamp, UnitCode};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{TransferError, Transfers};
use crate::store::transfers::lists::{self, Wanted};
use crate::store::transfers::members::{self, Unfit};
use crate::store::transfers::steps::{self, Step};
use crate::store::transfers::{self, State, Transfer, certified, checks};

/// Transfers that one answer has at most.
const MOST: u32 = 500;
/// Without a limit.
const USUAL: u32 = 50;

/// A transfer with what is not in its row.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) transfer: Transfer,
    pub(crate) unit_name: String,
    pub(crate) unfit: u32,
    /// Who must do what next; empty: it goes on by itself.
    pub(crate) waits_for: String,
}

/// A registration batch that could be handed over and was not.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) batch: Uuid,
    pub(crate) certificate_no: SerialNo,
    pub(crate) unit: UnitCode,
    pub(crate) unit_name: String,
    pub(crate) fonds: FondsNo,
    pub(crate) year: u16,
    pub(crate) packs: Vec<PackNumber>,
    pub(crate) items: u32,
    pub(crate) bytes: u64,
    pub(crate) certified_at: Timestamp,
}

/// A page of transfers.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) transfers: Vec<Summary>,
    pub(crate) counts: HashMap<String, u64>,
    pub(crate) due: Vec<Due>,
}

/// A transfer, whole.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) summary: Summary,
    pub(crate) steps: Vec<Step>,
    pub(crate) unfit: Vec<Unfit>,
    pub(crate) codes: Vec<String>,
}

impl Transfers {
    /// Transfers, newest first, with how many stand where and what waits to be handed over.
    pub(crate) async fn list(&self, mut wanted: Wanted) -> Result<Listed, TransferError> {
        wanted.limit = if wanted.limit == 0 { USUAL } else { wanted.limit.min(MOST) };
        let mut connection = self.pool.acquire().await?;
        let found = lists::newest(&mut connection, &wanted).await?;
        let numbers: Vec<String> = found.iter().map(|t| t.number.to_string()).collect();
        let unfit = lists::unfit_counts(&mut connection, &numbers).await?;
        let mut summaries = Vec::with_capacity(found.len());
        for transfer in found {
            let count = unfit.get(&transfer.number.to_string()).copied().unwrap_or(0);
            summaries.push(summary(&mut connection, transfer, count as u32).await?);
        }
        let counts = lists::counts(&mut connection).await?;
        let counts = counts.into_iter().map(|(state, count, _)| (state.name().to_owned(), count)).collect();
        let due = due(&mut connection, wanted.unit.as_ref()).await?;
        Ok(Listed { transfers: summaries, counts, due })
    }

    /// A transfer, by its number or by an item of it.
    pub(crate) async fn show(
        &self,
        number: Option<SerialNo>,
        item: Option<ItemId>,
    ) -> Result<Shown, TransferError> {
        let mut connection = self.pool.acquire().await?;
        let number = match (number, item) {
            (Some(number), _) => Some(number),
            (None, Some(item)) => lists::of_item(&mut connection, item).await?,
            (None, None) => None,
        };
        let number = number.ok_or(TransferError::NotFound)?;
        let transfer = transfers::find(&mut connection, &number).await?.ok_or(TransferError::NotFound)?;
        let unfit = members::unfit(&mut connection, &number).await?;
        let steps = steps::of(&mut connection, &number).await?;
        let codes = lists::codes(&mut connection, &number).await?;
        let summary = summary(&mut connection, transfer, unfit.len() as u32).await?;
        Ok(Shown { summary, steps, unfit, codes })
    }
}

async fn summary(tx: &mut PgConnection, transfer: Transfer, unfit: u32) -> Result<Summary, TransferError> {
    let unit_name = lists::unit_name(tx, &transfer.unit).await?;
    let storing = match transfer.state {
        State::Accepted => checks::of(tx, &transfer.number, Side::Storing).await?.map_or(0, |c| c.unfit),
        _ => 0,
    };
    let waits_for = waits_for(&transfer, storing);
    Ok(Summary { transfer, unit_name, unfit, waits_for })
}

/// Who must do what next.
fn waits_for(transfer: &Transfer, unfit_at_storing: u32) -> String {
    let mut waits = Vec::new();
    if transfer.state == State::Verified && transfer.is_by_hand {
        if transfer.unit_signed.is_none() {
            waits.push("移交单位签字 sign_unit".to_owned());
        }
        if transfer.archive_signed.is_none() {
            waits.push("接收单位签字 sign_archive".to_owned());
        }
    }
    if unfit_at_storing > 0 {
        waits.push(format!(
            "{unfit_at_storing}件入库检测不合格，待备份修复后复检 / {unfit_at_storing} unfit on storing: repair, then checked again"
        ));
    }
    waits.join("；")
}

/// Certified batches with packs in the archive's range that were never in a transfer, oldest first.
async fn due(tx: &mut PgConnection, unit: Option<&UnitCode>) -> Result<Vec<Due>, TransferError> {
    let ranges = certified::retentions(tx).await?;
    let units = match unit {
        Some(unit) => vec![unit.clone()],
        None => certified::units_waiting(tx, &ranges).await?,
    };
    let mut due: Vec<Due> = Vec::new();
    for unit in units {
        let policy = crate::store::policies::of(tx, &unit).await?;
        let range: Vec<Retention> = policy.archive_range;
        let unit_name = lists::unit_name(tx, &unit).await?;
        let packs = certified::waiting(tx, &unit, &range, i64::from(MOST)).await?;
        let numbers: Vec<PackNumber> = packs.iter().map(|p| p.pack).collect();
        let facts: HashMap<PackNumber, (u32, u64)> =
            certified::facts(tx, &numbers).await?.into_iter().map(|f| (f.pack, (f.items, f.bytes))).collect();
        for pack in packs {
            let (items, bytes) = facts.get(&pack.pack).copied().unwrap_or_default();
            let at = due.iter().position(|d| d.batch == pack.certificate.batch).unwrap_or(due.len());
            if at == due.len() {
                due.push(Due {
                    batch: pack.certificate.batch,
                    certificate_no: pack.certificate.number.clone(),
                    unit: unit.clone(),
                    unit_name: unit_name.clone(),
                    fonds: pack.fonds.clone(),
                    year: pack.year,
                    packs: Vec::new(),
                    items: 0,
                    bytes: 0,
                    certified_at: pack.certified_at,
                });
            }
            let line = &mut due[at];
            line.packs.push(pack.pack);
            line.items += items;
            line.bytes += bytes;
        }
    }
    due.sort_by_key(|d| d.certified_at);
    due.truncate(MOST as usize);
    Ok(due)
}
