//! What a site's answer about a copy means.

use dengbei_chain::facts::{Damage, SiteReceipt};
use dengbei_records::{Sha256, Timestamp};

use super::{Inspector, Pass};
use crate::sites::{Attested, SiteFault};
use crate::store::copies::SiteCopy;
use crate::store::packs;

/// What was found of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// As it should be; signed.
    Good(Box<SiteReceipt>),
    /// Not what was stored.
    Bad { kind: Damage, found: Option<Sha256>, bytes: u64 },
    /// Not there.
    Missing,
}

/// A copy that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    pub(crate) copy: SiteCopy,
    pub(crate) found: Finding,
}

impl Finding {
    /// `good`, `missing`, or the kind of damage.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Good(_) => "good",
            Self::Bad { kind, .. } => kind.name(),
            Self::Missing => "missing",
        }
    }

    /// When the site read it, by its own receipt.
    pub(crate) fn read_at(&self) -> Option<Timestamp> {
        match self {
            Self::Good(receipt) => Some(receipt.stored_at),
            _ => None,
        }
    }
}

impl Inspector {
    /// Tells damaged, truncated, unreadable, rolled back and missing apart.
    pub(super) async fn classify(
        &self,
        pass: &Pass<'_>,
        copy: &SiteCopy,
        attested: Attested,
    ) -> Result<Finding, SiteFault> {
        let bad = |kind, found, bytes| Finding::Bad { kind, found, bytes };
        Ok(match attested {
            Attested::Good(receipt) => Finding::Good(receipt),
            Attested::Unreadable => bad(Damage::Unreadable, None, 0),
            Attested::Missing if self.went_back(pass, copy).await? => bad(Damage::RolledBack, None, 0),
            Attested::Missing => Finding::Missing,
            Attested::Differs { found, bytes } => {
                let earlier = packs::earlier_digests(&self.pool, copy.pack, copy.generation).await?;
                let kind = match (found, bytes) {
                    (Some(digest), _) if earlier.contains(&digest) => Damage::RolledBack,
                    (_, Some(length)) if length != copy.bytes => Damage::Truncated,
                    _ => Damage::Damaged,
                };
                bad(kind, found, bytes.unwrap_or(0))
            }
        })
    }

    /// Whether a copy is not there because the site is as it was at an earlier time: its log is shorter than it was,
    /// or an older generation of the pack lies in its place.
    async fn went_back(&self, pass: &Pass<'_>, copy: &SiteCopy) -> Result<bool, SiteFault> {
        if pass.is_behind {
            return Ok(true);
        }
        if copy.generation == 1 {
            return Ok(false);
        }
        let listed = pass.site.list(copy.pack.get()).await?;
        Ok(listed.iter().any(|p| p.name.pack == copy.pack && p.name.generation < copy.generation))
    }
}
