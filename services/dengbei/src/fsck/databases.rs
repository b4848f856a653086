//! The services' tables against the log: what a table says happened must be sealed or on its way, and what is
//! sealed must stand in the tables. Read before the log, so that the log can only be ahead.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use anyhow::Context as _;
use bytes::Bytes;
use dengbei_chain::{Event, Fact};
use dengbei_proto::v1;
use dengbei_records::{ArchivalCode, EventHash, Sha256, SubmissionId};
use prost::Message as _;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use super::Report;
use super::history::History;

/// The rank of a filed attempt in the read model (services/query/migrations).
const FILED_RANK: i16 = 6;

/// A submission as ingest holds it: staged bytes by segment, place and length.
struct Staged {
    submission: Uuid,
    segment: Option<i64>,
    end: i64,
}

/// What the databases hold.
pub(super) struct Tables {
    /// Packs that are planned, or filed by an event that still waits in the outbox.
    on_the_way: HashSet<u64>,
    /// Documents by digest, whichever service holds them.
    pub(super) documents: HashMap<Sha256, Vec<u8>>,
    /// Events that wait in outboxes.
    unsealed: HashSet<EventHash>,
    /// Size of the published log when the tables were read.
    log_size: u64,
    /// registration: submission → (state, outcome).
    items: HashMap<Uuid, (String, Option<EventHash>)>,
    codes: Vec<String>,
    counters: BTreeMap<String, i64>,
    undecided: Vec<Staged>,
    /// query: how far it has applied, and item → rank.
    applied: u64,
    ranks: HashMap<Uuid, i16>,
}

impl Tables {
    /// Reads what is needed of every database.
    ///
    /// # Errors
    /// When a database does not answer or has another schema.
    pub(super) async fn read(urls: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let pool = |role: &str| {
            let url = urls.get(role).with_context(|| format!("no database of {role}"));
            url.and_then(|url| Ok(PgPoolOptions::new().max_connections(1).connect_lazy(url)?))
        };
        let (ingest, registration, fixity, query) =
            (pool("ingest")?, pool("registration")?, pool("fixity")?, pool("query")?);
        let replication = pool("replication")?;
        // The log's size first: everything below it was committed by its service before.
        let log_size: i64 = sqlx::query_scalar("select size from log_head").fetch_one(&registration).await?;
        let (applied, ranks) = read_model(&query).await?;
        let mut tables = Self {
            on_the_way: HashSet::new(),
            documents: HashMap::new(),
            unsealed: HashSet::new(),
            log_size: log_size.unsigned_abs(),
            items: HashMap::new(),
            codes: Vec::new(),
            counters: BTreeMap::new(),
            undecided: undecided(&ingest).await?,
            applied,
            ranks,
        };
        tables.registration(&registration).await?;
        for pool in [&ingest, &registration, &fixity, &query, &replication] {
            tables.outbox(pool).await?;
            tables.held(pool, "select digest, body from documents").await?;
        }
        tables.held(&registration, "select digest, body from documents_held").await?;
        Ok(tables)
    }

    async fn registration(&mut self, pool: &PgPool) -> anyhow::Result<()> {
        let rows: Vec<(Uuid, String, Option<Vec<u8>>)> =
            sqlx::query_as("select submission, state, outcome from items").fetch_all(pool).await?;
        for (submission, state, outcome) in rows {
            let outcome = outcome.map(|hash| EventHash::from_slice(&hash)).transpose()?;
            self.items.insert(submission, (state, outcome));
        }
        self.codes = sqlx::query_scalar("select archival_code from codes").fetch_all(pool).await?;
        let counters: Vec<(String, i64)> =
            sqlx::query_as("select name, last from counters").fetch_all(pool).await?;
        self.counters = counters.into_iter().collect();
        let plans: Vec<i64> =
            sqlx::query_scalar("select pack from plans where state = 'open'").fetch_all(pool).await?;
        self.on_the_way.extend(plans.into_iter().map(i64::unsigned_abs));
        Ok(())
    }

    async fn outbox(&mut self, pool: &PgPool) -> anyhow::Result<()> {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar("select events from bus.outbox").fetch_all(pool).await?;
        for row in rows {
            let bundle = v1::Bundle::decode(Bytes::from(row))?;
            for bytes in bundle.events {
                let event = Event::read(bytes)?;
                match &event.fact {
                    Some(Fact::BatchFiled(batch)) => self.on_the_way.insert(batch.pack.get()),
                    Some(Fact::PackWritten(written)) => self.on_the_way.insert(written.pack.get()),
                    _ => false,
                };
                self.unsealed.insert(event.hash);
            }
        }
        Ok(())
    }

    /// Whether a pack on the site that no sealed event tells of may be there: it is on its way, or newer than what
    /// was read.
    pub(super) fn may_be_unsealed(&self, pack: u64) -> bool {
        let newest = self.counters.get("pack").copied().unwrap_or_default();
        self.on_the_way.contains(&pack) || pack > newest.unsigned_abs()
    }

    async fn held(&mut self, pool: &PgPool, query: &'static str) -> anyhow::Result<()> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(query).fetch_all(pool).await?;
        for (digest, body) in rows {
            self.documents.insert(Sha256::from_slice(&digest)?, body);
        }
        Ok(())
    }

    /// Compares the tables with the log.
    pub(super) fn agree(&self, staging: &Path, history: &History, report: &mut Report) {
        self.outcomes(history, report);
        self.numbers(history, report);
        self.staged(staging, report);
        for (n, filing) in history.filed.iter().filter(|f| f.index < self.applied).enumerate() {
            let rank = self.ranks.get(&filing.fact.item.uuid());
            if rank.is_none_or(|rank| *rank < FILED_RANK) {
                report.find(
                    "table.read_model",
                    filing.fact.item,
                    format!("第 {n} 件归档未反映 / filed, but shown as {rank:?}"),
                );
            }
        }
        report.count(
            "未封存事件 events not yet sealed",
            self.unsealed.difference(&history.hashes).count() as u64,
        );
        report.count("未决提交 undecided submissions", self.undecided.len() as u64);
    }

    fn outcomes(&self, history: &History, report: &mut Report) {
        for (submission, (state, outcome)) in &self.items {
            let known = |hash: &EventHash| history.hashes.contains(hash) || self.unsealed.contains(hash);
            if outcome.is_some_and(|hash| !known(&hash)) {
                report.find(
                    "table.unsealed",
                    submission,
                    format!("{state}，但事件不在登记簿也不在发件箱 / its event is nowhere"),
                );
            }
        }
        for (submission, decision) in history.decided.iter().filter(|(_, d)| d.index < self.log_size) {
            let state = self.items.get(&submission.uuid()).map(|(state, _)| state.as_str());
            if state != Some(decision.how) {
                report.find(
                    "table.items",
                    submission,
                    format!("登记簿 log: {}, 数据库 table: {state:?}", decision.how),
                );
            }
        }
    }

    fn numbers(&self, history: &History, report: &mut Report) {
        let known: HashSet<&str> = self.codes.iter().map(String::as_str).collect();
        for filing in history.filed.iter().filter(|f| f.index < self.log_size) {
            if !known.contains(filing.fact.archival_code.to_string().as_str()) {
                report.find("table.codes", &filing.fact.archival_code, "档号不在数据库中 / not in the table");
            }
        }
        let mut highest: BTreeMap<String, i64> = BTreeMap::new();
        for code in self.codes.iter().filter_map(|code| code.parse::<ArchivalCode>().ok()) {
            let last = highest.entry(format!("code/{}", code.class)).or_default();
            *last = (*last).max(code.number.into());
        }
        let packs = history.pack_numbers();
        let packs = packs.iter().chain(&self.on_the_way).max().copied().unwrap_or_default();
        highest.insert("pack".into(), packs.cast_signed());
        for (name, highest) in highest {
            let last = self.counters.get(&name).copied().unwrap_or_default();
            // The log may be ahead of the tables by packs filed since they were read, never behind.
            let is_right = if name == "pack" { last <= highest } else { last == highest };
            if !is_right {
                report.find("table.counters", name, format!("计数器 counter {last}, 已用 used {highest}"));
            }
        }
    }

    fn staged(&self, staging: &Path, report: &mut Report) {
        for staged in &self.undecided {
            let submission = SubmissionId::from_uuid(staged.submission);
            let Some(segment) = staged.segment else {
                report.find("table.staged", submission, "没有暂存位置 / no place in staging");
                continue;
            };
            let path = staging.join(format!("seg-{segment:08}.dat"));
            let length = std::fs::metadata(&path).map(|m| m.len()).unwrap_or_default();
            if length < staged.end.unsigned_abs() {
                report.find(
                    "table.staged",
                    submission,
                    format!("{} 只有 {length} 字节 / too short", path.display()),
                );
            }
        }
    }
}

async fn undecided(pool: &PgPool) -> anyhow::Result<Vec<Staged>> {
    let rows: Vec<(Uuid, Option<i64>, Option<i64>)> = sqlx::query_as(
        "select submission, segment, place + length from submissions where custody in ('parked', 'prefiled')",
    )
    .fetch_all(pool)
    .await?;
    let staged = |(submission, segment, end): (_, _, Option<i64>)| Staged {
        submission,
        segment,
        end: end.unwrap_or_default(),
    };
    Ok(rows.into_iter().map(staged).collect())
}

async fn read_model(pool: &PgPool) -> anyhow::Result<(u64, HashMap<Uuid, i16>)> {
    let applied: Option<i64> =
        sqlx::query_scalar("select min(log_index) from bus.consumer").fetch_one(pool).await?;
    let rows: Vec<(Uuid, i16)> = sqlx::query_as("select item, rank from query.items").fetch_all(pool).await?;
    Ok((applied.unwrap_or_default().unsigned_abs(), rows.into_iter().collect()))
}
