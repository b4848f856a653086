//! Has one site take one pack, from wherever a good copy is, and verifies what it signed.
//!
//! Bad bytes at the target are set aside only for a source that has just read its own copy back as good. Before:
//! `tend.rs`. After: `commit.rs`. Cut anywhere, it is simply done again: the site has the pack then.

use dengbei_chain::facts::{Purpose, SiteReceipt};
use dengbei_records::{AreaCode, Sha256};

use crate::error::SiteFault;
use crate::link::Link;
use crate::receipt::{self, Known};
use crate::store::packs::Pack;

/// A copy that is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) receipt: SiteReceipt,
    /// Name of the site that it came from; the site's own when it was there.
    pub(crate) from: String,
    /// Digest of bad bytes that were set aside for it.
    pub(crate) set_aside: Option<Sha256>,
}

/// What is to be taken where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) area: &'a AreaCode,
    pub(crate) target: &'a Link,
    pub(crate) known: &'a Known,
    pub(crate) pack: &'a Pack,
    pub(crate) purpose: Purpose,
    /// The copy is known to be bad: one that cannot be read may be set aside too.
    pub(crate) is_repair: bool,
}

impl Wish<'_> {
    /// Tries the sources in turn.
    ///
    /// # Errors
    /// The target's own fault at once; else the last source's.
    pub(crate) async fn fulfil(&self, sources: &[&Link]) -> Result<Taken, SiteFault> {
        let mut last = SiteFault::pack("replication.no_source", "没有可用的来源备份点", "no site has it");
        // The primary's packs were written there; another site is first asked with where it may get the pack.
        let there = (self.target.is_primary() || sources.is_empty()).then_some(None);
        for source in there.into_iter().chain(sources.iter().copied().map(Some)) {
            match self.from(source).await {
                Ok(taken) => return Ok(taken),
                Err(fault) if fault.is_of_site() => return Err(fault),
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    async fn from(&self, source: Option<&Link>) -> Result<Taken, SiteFault> {
        let (url, name) = source.map_or(("", &self.target.name), |s| (s.url.as_str(), &s.name));
        let (receipt, set_aside) = match (self.target.take(self.pack, self.purpose, url).await, source) {
            (Ok(receipt), _) => (receipt, None),
            (Err(SiteFault::Pack { problem, found }), Some(source)) if self.may_replace(&problem.code) => {
                source.attest(self.pack).await?;
                self.target.quarantine(self.pack, found).await?;
                (self.target.take(self.pack, self.purpose, url).await?, found)
            }
            (Err(fault), _) => return Err(fault),
        };
        receipt::verify(self.area, self.known, self.pack, self.purpose, &receipt)?;
        Ok(Taken { receipt, from: name.clone(), set_aside })
    }

    fn may_replace(&self, code: &str) -> bool {
        code == "site.differs" || (self.is_repair && code == "site.unreadable")
    }
}
