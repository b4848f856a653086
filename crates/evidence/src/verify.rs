//! Checks a receipt offline: bytes → events → causes and membership → leaf → root → signature.
//!
//! Trusts nothing but the register's public key. Every event in a receipt must hang on the one that is proven
//! in the log; an event that does not is refused, not ignored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use dengbei_chain::facts::{BatchFiled, ItemFiled, ItemPrefiled, Verdict};
use dengbei_chain::{Event, Fact};
use dengbei_records::canonical;
use dengbei_register::{Checkpoint, NodeHash, Verifier, verify_inclusion};
use ed25519_dalek::{Signature, VerifyingKey};

use crate::finding::Finding;
use crate::receipt::{FORMAT, MAX_RECEIPT, Receipt};

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
    /// The log, by name and size.
    pub origin: String,
    /// Entries of the log under the checkpoint.
    pub log_size: u64,
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
    hang_together(&receipt, &events)?;
    let (prefiled, filed, batch) = story(&receipt, &events).map_err(|f| vec![f])?;
    unit_signed(&events[0].area, &batch).map_err(|f| vec![f])?;
    let (origin, log_size) = (checkpoint.origin().to_owned(), checkpoint.size());
    Ok(Proven { receipt, events, prefiled, filed, batch, origin, log_size })
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

fn decode_path(path: &[String]) -> Option<Vec<NodeHash>> {
    path.iter()
        .map(|text| STANDARD.decode(text).ok().and_then(|b| <[u8; 32]>::try_from(b).ok()).map(NodeHash::from))
        .collect()
}

/// Every event must be reached from the included one, by cause or by membership; every membership must hold.
fn hang_together(receipt: &Receipt, events: &[Event]) -> Result<(), Vec<Finding>> {
    let mut findings = Vec::new();
    let mut reached = vec![false; events.len()];
    if let Some(seen) = reached.get_mut(receipt.inclusion.event as usize) {
        *seen = true;
    }
    for (n, m) in receipt.memberships.iter().enumerate() {
        if !membership_holds(m, events) {
            let place = format!("/memberships/{n}");
            findings.push(Finding::new(
                "receipt.membership",
                place,
                "成员证明不成立",
                "a membership proof does not hold",
            ));
        }
    }
    // At most one new event is reached a round, so this ends.
    for _ in 0..events.len() {
        for n in 0..events.len() {
            let by_cause =
                (0..events.len()).any(|m| reached[m] && events[m].causes.contains(&events[n].hash));
            let by_membership = receipt
                .memberships
                .iter()
                .any(|m| m.member as usize == n && reached.get(m.of as usize).copied().unwrap_or(false));
            reached[n] |= by_cause || by_membership;
        }
    }
    for (n, _) in reached.iter().enumerate().filter(|(_, seen)| !**seen) {
        let place = format!("/events/{n}");
        findings.push(Finding::new(
            "receipt.unconnected",
            place,
            "事件与已证明的事件没有联系",
            "the event hangs on nothing that is proven",
        ));
    }
    if findings.is_empty() { Ok(()) } else { Err(findings) }
}

fn membership_holds(m: &crate::receipt::Membership, events: &[Event]) -> bool {
    let (Some(member), Some(of)) = (events.get(m.member as usize), events.get(m.of as usize)) else {
        return false;
    };
    let (root, count) = match &of.fact {
        Some(Fact::BatchFiled(f)) => (f.root, f.count),
        Some(Fact::ItemChecked(c)) => match &c.verdict {
            Verdict::Passed { count, root } => (*root, *count),
            Verdict::Failed { .. } => return false,
        },
        _ => return false,
    };
    let Some(path) = decode_path(&m.path) else { return false };
    let leaf = NodeHash::from(*member.hash.as_bytes());
    u64::from(count) == m.size
        && verify_inclusion(&leaf, m.index, m.size, &path, &NodeHash::from(*root.as_bytes())).is_ok()
}

/// The events must tell of this item and version: prefiled, checked, filed, in one batch.
fn story(receipt: &Receipt, events: &[Event]) -> Result<(ItemPrefiled, ItemFiled, BatchFiled), Finding> {
    let lacking = |what: &str| {
        Finding::new(
            "receipt.story",
            "/events",
            format!("缺少事件：{what}"),
            format!("an event is missing: {what}"),
        )
    };
    let same = |item, version| item == receipt.item && version == receipt.data_version;
    let facts = || events.iter().filter_map(|e| e.fact.as_ref().map(|f| (e, f)));
    let (filing, filed) = facts()
        .find_map(|(e, f)| match f {
            Fact::ItemFiled(x) if same(x.item, x.data_version) => Some((e, x.clone())),
            _ => None,
        })
        .ok_or_else(|| lacking("item.filed"))?;
    let caused = facts().filter(|(e, _)| filing.causes.contains(&e.hash));
    let prefiled = caused
        .clone()
        .find_map(|(_, f)| match f {
            Fact::ItemPrefiled(x) if same(x.item, x.data_version) => Some(x.clone()),
            _ => None,
        })
        .ok_or_else(|| lacking("item.prefiled"))?;
    caused
        .clone()
        .find(|(_, f)| matches!(f, Fact::ItemChecked(c) if matches!(c.verdict, Verdict::Passed { .. })))
        .ok_or_else(|| lacking("item.checked"))?;
    let batch = facts()
        .find_map(|(_, f)| match f {
            Fact::BatchFiled(x) if x.pack == filed.pack => Some(x.clone()),
            _ => None,
        })
        .ok_or_else(|| lacking("batch.filed"))?;
    if filed.submission != prefiled.submission {
        return Err(Finding::new(
            "receipt.story",
            "/events",
            "归档与预归档不是同一次提交",
            "filed and prefiled differ in submission",
        ));
    }
    Ok((prefiled, filed, batch))
}

fn unit_signed(area: &dengbei_records::AreaCode, batch: &BatchFiled) -> Result<(), Finding> {
    let fault = || {
        Finding::new(
            "receipt.unit_signature",
            "/events",
            "立档单位的签名不对",
            "the unit's signature is wrong",
        )
    };
    let key = VerifyingKey::from_bytes(&batch.unit_key).map_err(|_| fault())?;
    let text = BatchFiled::signed_text(area, batch.pack, &batch.root, &batch.pack_digest);
    key.verify_strict(text.as_bytes(), &Signature::from_bytes(&batch.unit_signature)).map_err(|_| fault())
}
