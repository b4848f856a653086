//! Checks a receipt offline: bytes → events → causes and membership → leaf → root → signature.
//!
//! Trusts nothing but the register's public key. Every event in a receipt must hang on the one that is proven
//! in the log (`links.rs`); an event that does not is refused, not ignored. What the events say together, and who
//! signed it, is checked in `story.rs`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use dengbei_chain::Event;
use dengbei_chain::facts::{
    BatchApplied, BatchFiled, BatchRegistered, CertificateIssued, ItemAccessioned, ItemFiled, ItemPrefiled,
    PackSecured, TransferAccepted,
};
use dengbei_records::canonical;
use dengbei_register::{Checkpoint, NodeHash, Verifier, verify_inclusion};

use crate::finding::Finding;
use crate::links;
use crate::receipt::{FORMAT, MAX_RECEIPT, Receipt};
use crate::stage::Stage;
use crate::story;

/// What a receipt proves.
#[derive(Debug, Clone)]
pub struct Proven {
    /// The receipt.
    pub receipt: Receipt,
    /// Its events, as read.
    pub events: Vec<Event>,
    /// 预归档 of this item and version.
    pub prefiled: ItemPrefiled,
    /// 正式归档 of this item and version.
    pub filed: ItemFiled,
    /// The batch that it was filed in.
    pub batch: BatchFiled,
    /// 登记申请, where the receipt ends before the certificate.
    pub applied: Option<BatchApplied>,
    /// 登记
    pub registered: Option<BatchRegistered>,
    /// 备份达标, with the sites' receipts.
    pub secured: Option<PackSecured>,
    /// 发证
    pub certificate: Option<CertificateIssued>,
    /// 交接
    pub accepted: Option<TransferAccepted>,
    /// 进馆
    pub accessioned: Option<ItemAccessioned>,
    /// The log, by name and size.
    pub origin: String,
    /// Entries of the log under the checkpoint.
    pub log_size: u64,
}

impl Proven {
    /// How far the item had come when the receipt was made.
    pub const fn stage(&self) -> Stage {
        if self.accessioned.is_some() {
            Stage::Accessioned
        } else if self.accepted.is_some() {
            Stage::Accepted
        } else if self.certificate.is_some() {
            Stage::Certified
        } else if self.secured.is_some() {
            Stage::Secured
        } else if self.registered.is_some() {
            Stage::Registered
        } else if self.applied.is_some() {
            Stage::Applied
        } else {
            Stage::Filed
        }
    }
}

/// Checks a receipt against the register's key.
///
/// # Errors
/// Every fault that could be found, the first one first.
pub fn verify(bytes: &[u8], key: &Verifier, ignore_unknown_signatures: bool) -> Result<Proven, Vec<Finding>> {
    let receipt = read(bytes).map_err(|f| vec![f])?;
    let events = read_events(&receipt)?;
    let checkpoint = open(&receipt, key, ignore_unknown_signatures).map_err(|f| vec![f])?;
    included(&receipt, &events, &checkpoint).map_err(|f| vec![f])?;
    links::hang_together(&receipt, &events)?;
    let told = story::told(&receipt, &events).map_err(|f| vec![f])?;
    let (origin, log_size) = (checkpoint.origin().to_owned(), checkpoint.size());
    Ok(Proven {
        prefiled: told.prefiled.clone(),
        filed: told.filed.clone(),
        batch: told.batch.clone(),
        applied: told.applied.cloned(),
        registered: told.registered.cloned(),
        secured: told.secured.cloned(),
        certificate: told.certificate.cloned(),
        accepted: told.accepted.cloned(),
        accessioned: told.accessioned.cloned(),
        receipt,
        events,
        origin,
        log_size,
    })
}

fn read(bytes: &[u8]) -> Result<Receipt, Finding> {
    if bytes.len() > MAX_RECEIPT {
        return Err(Finding::new("receipt.too_large", "/", "回执超过10 KiB", "the receipt is over 10 KiB"));
    }
    let receipt: Receipt = canonical::from_slice(bytes).map_err(|e| {
        Finding::new(
            "receipt.not_canonical",
            "/",
            "回执不是规范的JSON",
            format!("not a canonical receipt: {e}"),
        )
    })?;
    if receipt.format != FORMAT {
        return Err(Finding::new("receipt.format", "/format", "未知的回执格式", "unknown receipt format"));
    }
    Ok(receipt)
}

fn read_events(receipt: &Receipt) -> Result<Vec<Event>, Vec<Finding>> {
    let (mut events, mut findings) = (Vec::new(), Vec::new());
    for (n, text) in receipt.events.iter().enumerate() {
        let decoded = STANDARD.decode(text).ok().and_then(|b| Event::read(Bytes::from(b)).ok());
        match decoded {
            Some(event) => events.push(event),
            None => findings.push(Finding::new(
                "receipt.event",
                format!("/events/{n}"),
                "事件无法读取",
                "the event cannot be read",
            )),
        }
    }
    if findings.is_empty() && events.is_empty() {
        findings.push(Finding::new("receipt.event", "/events", "没有事件", "there are no events"));
    }
    if findings.is_empty() { Ok(events) } else { Err(findings) }
}

fn open(receipt: &Receipt, key: &Verifier, ignore_unknown: bool) -> Result<Checkpoint, Finding> {
    let fault = |zh: &str, en: String| Finding::new("receipt.checkpoint", "/checkpoint", zh, en);
    let opened = Checkpoint::open(receipt.checkpoint.as_bytes(), key, &[]).map_err(|e| {
        fault("检查点的签名或格式不对", format!("the checkpoint's signature or form is wrong: {e}"))
    })?;
    if !ignore_unknown && !opened.unknown.is_empty() {
        return Err(fault(
            "检查点带有未知密钥的签名行",
            "the checkpoint carries signature lines of unknown keys".into(),
        ));
    }
    Ok(opened.checkpoint)
}

fn included(receipt: &Receipt, events: &[Event], checkpoint: &Checkpoint) -> Result<(), Finding> {
    let fault = || {
        Finding::new(
            "receipt.inclusion",
            "/inclusion",
            "事件不在登记簿的根之下",
            "the event is not under the log's root",
        )
    };
    let event = events.get(receipt.inclusion.event as usize).ok_or_else(fault)?;
    if checkpoint.origin() != format!("dengbei/{}", event.area) {
        return Err(Finding::new(
            "receipt.origin",
            "/checkpoint",
            "登记簿名称不符",
            "the log is another area's",
        ));
    }
    let path = decode_path(&receipt.inclusion.path).ok_or_else(fault)?;
    let leaf = NodeHash::from(*event.hash.as_bytes());
    verify_inclusion(&leaf, receipt.inclusion.index, checkpoint.size(), &path, &checkpoint.root())
        .map_err(|_| fault())
}

pub(crate) fn decode_path(path: &[String]) -> Option<Vec<NodeHash>> {
    path.iter()
        .map(|text| STANDARD.decode(text).ok().and_then(|b| <[u8; 32]>::try_from(b).ok()).map(NodeHash::from))
        .collect()
}
