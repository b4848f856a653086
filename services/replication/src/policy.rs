//! 备份策略: whose receipts make a pack secured. A document, canonical JSON; events name it `id/version`.
//!
//! Pure. Before: `commit.rs`, which has the receipts. After: `pack.secured`.

use dengbei_chain::facts::{Purpose, SiteReceipt, Witness};
use dengbei_records::{Invalid, canonical};
use serde::Serialize;

/// Most receipts that one `pack.secured` can name: 8 causes, two of which are taken.
const MOST: usize = 6;

/// Which sites must have signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Policy {
    id: String,
    version: u32,
    /// Receipts for this purpose count, no other.
    purpose: &'static str,
    /// Whether what only was observed counts (a bare bucket signs nothing).
    observed_counts: bool,
    /// 保管期限 that it holds for.
    retention: Vec<&'static str>,
    requires: Vec<Requirement>,
}

/// So many sites of a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Requirement {
    class: &'static str,
    sites: usize,
}

impl Policy {
    /// `default/1`: the primary, the archive's and a remote site have each signed for backup.
    pub(crate) fn builtin() -> Self {
        let requires = ["primary", "archive", "remote"].map(|class| Requirement { class, sites: 1 });
        Self {
            id: "default".into(),
            version: 1,
            purpose: Purpose::Backup.name(),
            observed_counts: false,
            retention: vec!["Y", "D30", "D10"],
            requires: requires.into(),
        }
    }

    /// `default/1`.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.id, self.version)
    }

    /// Its canonical bytes.
    pub(crate) fn document(&self) -> Result<Vec<u8>, Invalid> {
        canonical::to_vec(self)
    }

    /// Classes of sites without which it can never be satisfied.
    pub(crate) fn classes(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.requires.iter().map(|r| r.class)
    }

    /// The receipts that satisfy it, in its own order; none while one is missing.
    pub(crate) fn satisfied_by<'a>(&self, receipts: &'a [SiteReceipt]) -> Option<Vec<&'a SiteReceipt>> {
        let counts = |receipt: &&SiteReceipt| {
            receipt.purpose.name() == self.purpose
                && (self.observed_counts || matches!(receipt.witness, Witness::Signed { .. }))
        };
        let mut chosen: Vec<&SiteReceipt> = Vec::new();
        for Requirement { class, sites } in &self.requires {
            let of_class = receipts.iter().filter(counts).filter(|r| r.class == *class);
            let mut of_class: Vec<_> = of_class.collect();
            of_class.sort_by(|a, b| a.site.cmp(&b.site));
            of_class.dedup_by(|a, b| a.site == b.site);
            if of_class.len() < *sites {
                return None;
            }
            chosen.extend(of_class.into_iter().take(*sites));
        }
        (chosen.len() <= MOST).then_some(chosen)
    }
}

#[cfg(test)]
mod tests {
    use dengbei_records::{PackNumber, Sha256, Timestamp};

    use super::*;

    fn receipt(site: &str, class: &str, purpose: Purpose) -> SiteReceipt {
        SiteReceipt {
            site: site.into(),
            class: class.into(),
            purpose,
            pack: PackNumber::new(1),
            generation: 1,
            digest: Sha256::of(b""),
            versions_root: Sha256::of(b""),
            bytes: 1,
            stored_at: Timestamp::from_millis(0),
            witness: Witness::Signed { key: [0; 32], signature: [0; 64] },
        }
    }

    #[test]
    fn all_three_must_have_signed_for_backup() {
        let policy = Policy::builtin();
        let mut receipts = vec![
            receipt("primary", "primary", Purpose::Backup),
            receipt("archive", "archive", Purpose::Backup),
            receipt("archive", "archive", Purpose::Accession),
            receipt("remote", "remote", Purpose::Storage),
        ];
        assert_eq!(policy.satisfied_by(&receipts), None, "a storage copy is no backup");
        receipts.push(receipt("remote", "remote", Purpose::Backup));
        let sites = policy.satisfied_by(&receipts).unwrap();
        let sites: Vec<_> = sites.iter().map(|r| r.site.as_str()).collect();
        assert_eq!(sites, ["primary", "archive", "remote"]);
    }

    #[test]
    fn two_sites_of_one_class_do_not_stand_for_another_and_a_bare_bucket_does_not_count() {
        let policy = Policy::builtin();
        let mut receipts = vec![
            receipt("primary", "primary", Purpose::Backup),
            receipt("a", "archive", Purpose::Backup),
            receipt("b", "archive", Purpose::Backup),
            receipt("remote", "remote", Purpose::Backup),
        ];
        receipts[3].witness = Witness::ObservedBy("replication".into());
        assert_eq!(policy.satisfied_by(&receipts), None);
        assert_eq!(policy.name(), "default/1");
        let text = String::from_utf8(policy.document().unwrap()).unwrap();
        assert!(text.starts_with(r#"{"id":"default","observed_counts":false,"purpose":"backup""#), "{text}");
    }
}
