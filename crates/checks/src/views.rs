//! What the checks of a batch, a carrier and the system see. Services fill what they know; `None` is not known.

use dengbei_records::{ItemId, Sha256, Timestamp};

use crate::Sample;
use crate::facts::Classes;
use crate::signing::Signed;

/// One package that arrived with a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrived {
    /// 电子文件号
    pub record_no: String,
    /// 办件名称
    pub title: String,
}

/// A paper that states counts: 移交目录, 登记表, 登记证书.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// Its name.
    pub name: String,
    /// Items that it states.
    pub items: u64,
    /// Bytes that it states.
    pub bytes: Option<u64>,
    /// The root that it states.
    pub root: Option<Sha256>,
}

/// A batch, a transfer, or a session of work.
#[derive(Debug, Clone)]
pub struct BatchView {
    /// Its number.
    pub number: String,
    /// Now.
    pub now: Timestamp,
    /// sendnumber or the form's count; `None` if it is no number.
    pub stated_items: Option<u64>,
    /// Rows of the catalogue: (电子文件号, 办件名称); `None` = there is no catalogue.
    pub listed: Option<Vec<Arrived>>,
    /// What arrived.
    pub arrived: Vec<Arrived>,
    /// Bytes declared.
    pub stated_bytes: Option<u64>,
    /// Bytes that arrived.
    pub bytes: u64,
    /// I-06
    pub classes: Classes,
    /// I-12
    pub papers: Vec<Paper>,
    /// Its items, for the sample that a person looks at.
    pub items: Vec<ItemId>,
    /// Seed of that sample.
    pub seed: String,
    /// What persons have signed so far.
    pub signed: Vec<Signed>,
    /// S-06: the session of work (`2026-11`) that it was part of, and that persons sign in its place.
    pub session: Option<String>,
}

impl BatchView {
    /// A batch about which nothing is known yet.
    pub fn new(number: impl Into<String>, now: Timestamp) -> Self {
        Self {
            number: number.into(),
            now,
            stated_items: None,
            listed: None,
            arrived: Vec::new(),
            stated_bytes: None,
            bytes: 0,
            classes: Classes::new(),
            papers: Vec::new(),
            items: Vec::new(),
            seed: String::new(),
            signed: Vec::new(),
            session: None,
        }
    }

    /// The items that a person looks at.
    pub fn sample(&self, percent: u64) -> Sample {
        Sample::draw(&self.seed, &self.items, percent)
    }
}

/// A carrier: 光盘, 磁带, 移动硬盘, or 在线.
#[derive(Debug, Clone)]
pub struct CarrierView {
    /// Its number.
    pub number: String,
    /// Now.
    pub now: Timestamp,
    /// Whether it is offline; online there is nothing to look at.
    pub is_offline: bool,
    /// What persons have signed so far.
    pub signed: Vec<Signed>,
}

/// U-02: a record written to the database and read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBack {
    /// Which database.
    pub database: String,
    /// Digest of what was written.
    pub written: Sha256,
    /// Digest of what was read; the error if it could not be.
    pub read: Result<Sha256, String>,
}

/// S-01: the virus scanner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannerState {
    /// `ClamAV 1.4.3`
    pub engine: String,
    /// When it last answered.
    pub answered_at: Option<Timestamp>,
    /// When its signatures were made.
    pub signatures_at: Option<Timestamp>,
}

/// The system that keeps.
#[derive(Debug, Clone)]
pub struct SystemView {
    /// Its name: area or deployment.
    pub name: String,
    /// Now.
    pub now: Timestamp,
    /// U-02; empty: not tried.
    pub databases: Vec<ReadBack>,
    /// S-01; `None` = no scanner is configured.
    pub scanner: Option<ScannerState>,
    /// What persons have signed so far.
    pub signed: Vec<Signed>,
}
