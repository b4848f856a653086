//! 修复: a bad copy is replaced from a good one; the bad bytes stay in the site's quarantine as evidence.
//!
//! Before: `pack.damaged` or `pack.missing` of fixity. After: `pack.repaired`. Other bytes that are met when a copy is
//! ordered, and for which nothing was signed, are replaced alike; the copy's `pack.stored` tells all.

use dengbei_chain::facts::PackRepaired;
use dengbei_chain::{Fact, MAX_CAUSES};

use crate::commit::Committer;
use crate::copy::Taken;
use crate::error::ReplicationError;
use crate::metrics;
use crate::store::damages::{self, Repair};
use crate::store::packs::{self, signed};
use crate::wake;

impl Committer {
    /// Closes what was open about a copy and states its repair, and what it makes secure. Durable when it returns.
    ///
    /// # Errors
    /// [`ReplicationError`]; nothing is stored then, and the repair is done again.
    pub(crate) async fn repaired(
        &self,
        site: &str,
        repair: &Repair,
        taken: &Taken,
    ) -> Result<(), ReplicationError> {
        let mut tx = self.pool.begin().await?;
        let number = signed(repair.pack.number);
        packs::lock(&mut tx, &[number]).await?;
        let fact = PackRepaired {
            from_site: taken.from.clone(),
            bad_digest: taken.set_aside.or(repair.found),
            receipt: taken.receipt.clone(),
        };
        let causes = repair.causes.iter().copied().take(MAX_CAUSES).collect();
        let event = self.author.state(repair.pack.number, causes, Fact::PackRepaired(fact))?;
        if damages::close(&mut tx, site, repair, event.hash, self.author.now()).await? == 0 {
            return Ok(());
        }
        let mut events = vec![event];
        events.extend(self.secure(&mut tx, &[number]).await?);
        self.author.outbox.put(&mut tx, &events).await?;
        wake::on_commit(&mut tx).await?;
        tx.commit().await?;
        metrics::repaired(site);
        Ok(())
    }
}
