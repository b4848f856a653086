//! How the events of a receipt hang together: by cause, and by membership under a root. Before: `verify.rs`. After:
//! `story.rs`, which asks what they say.

use dengbei_chain::facts::Verdict;
use dengbei_chain::{Event, Fact};
use dengbei_records::Sha256;
use dengbei_register::{NodeHash, verify_inclusion};

use crate::finding::Finding;
use crate::receipt::{Membership, Receipt};
use crate::verify::decode_path;

/// Every event must be reached from the included one, by cause or by membership; every membership must hold.
pub(crate) fn hang_together(receipt: &Receipt, events: &[Event]) -> Result<(), Vec<Finding>> {
    let mut findings = Vec::new();
    for (n, m) in receipt.memberships.iter().enumerate() {
        if !membership_holds(m, events) {
            let place = format!("/memberships/{n}");
            let (zh, en) = ("成员证明不成立", "a membership proof does not hold");
            findings.push(Finding::new("receipt.membership", place, zh, en));
        }
    }
    let reached = reached(receipt, events);
    for (n, _) in reached.iter().enumerate().filter(|(_, seen)| !**seen) {
        let (zh, en) = ("事件与已证明的事件没有联系", "the event hangs on nothing that is proven");
        findings.push(Finding::new("receipt.unconnected", format!("/events/{n}"), zh, en));
    }
    if findings.is_empty() { Ok(()) } else { Err(findings) }
}

fn reached(receipt: &Receipt, events: &[Event]) -> Vec<bool> {
    let mut reached = vec![false; events.len()];
    if let Some(seen) = reached.get_mut(receipt.inclusion.event as usize) {
        *seen = true;
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
    reached
}

fn membership_holds(m: &Membership, events: &[Event]) -> bool {
    let (Some(member), Some(of)) = (events.get(m.member as usize), events.get(m.of as usize)) else {
        return false;
    };
    let (Some((root, count)), Some(path)) = (speaks_for(of), decode_path(&m.path)) else { return false };
    let leaf = NodeHash::from(*member.hash.as_bytes());
    count == m.size
        && verify_inclusion(&leaf, m.index, m.size, &path, &NodeHash::from(*root.as_bytes())).is_ok()
}

/// The root over the event hashes of those that an event speaks for, and how many they are.
fn speaks_for(of: &Event) -> Option<(Sha256, u64)> {
    let (root, count) = match of.fact.as_ref()? {
        Fact::BatchFiled(f) => (f.root, u64::from(f.count)),
        Fact::ItemChecked(c) => match &c.verdict {
            Verdict::Passed { count, root } => (*root, u64::from(*count)),
            Verdict::Failed { .. } => return None,
        },
        Fact::BatchApplied(f) => (f.root, f.packs.len() as u64),
        // The root is over the batch's filing batches, each of which caused one `pack.secured`.
        Fact::CertificateIssued(f) => (f.root, of.causes.len() as u64),
        Fact::TransferPacked(f) => (f.root, u64::from(f.items)),
        Fact::TransferSubmitted(f) => (f.root, u64::from(f.items)),
        Fact::TransferAccepted(f) => (f.root, u64::from(f.items)),
        Fact::ItemAccessioned(f) => (f.root, u64::from(f.items)),
        _ => return None,
    };
    Some((root, count))
}
