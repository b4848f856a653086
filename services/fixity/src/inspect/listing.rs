//! Names and lengths on a site against what should be there: cheap, so the whole site at every pass. What does not
//! agree is read soon; what nobody stored is stated after a grace period.

use std::collections::{HashMap, HashSet};

use dengbei_chain::facts::{Damage, PackDamaged};
use dengbei_chain::{Fact, Subject};
use dengbei_records::{PackNumber, Sha256};

use super::{DAY, Inspector, Pass};
use crate::error::InspectError;
use crate::metrics;
use crate::sites::{Attested, Listed, Name, PAGE};
use crate::store::{copies, sites as rows};

/// The highest pack number that a database holds.
const LAST: u64 = i64::MAX as u64;

impl Inspector {
    /// Walks over everything on the site.
    pub(super) async fn listing(&self, pass: &Pass<'_>) -> Result<(), InspectError> {
        let mut from = 0;
        loop {
            let mut page = pass.site.list(from).await?;
            let is_last = page.len() < PAGE as usize;
            let last = page.last().map_or(LAST, |p| p.name.pack.get());
            // The last pack of a full page may have more generations on the next one.
            let to = if is_last { LAST } else { last.saturating_sub(1).max(from) };
            page.retain(|p| (from..=to).contains(&p.name.pack.get()));
            self.compare(pass, (from, to), &page).await?;
            if is_last {
                return Ok(());
            }
            from = to + 1;
        }
    }

    async fn compare(
        &self,
        pass: &Pass<'_>,
        (from, to): (u64, u64),
        page: &[Listed],
    ) -> Result<(), InspectError> {
        let site = &pass.site.name;
        let lengths: HashMap<(u64, u32), u64> =
            page.iter().map(|p| ((p.name.pack.get(), p.name.generation), p.bytes)).collect();
        let should = copies::between(&self.pool, site, from, to).await?;
        let names = should.iter().map(|c| ((c.pack.get(), c.generation), c.bytes));
        let odd: Vec<(u64, u32)> =
            names.filter(|(name, bytes)| lengths.get(name) != Some(bytes)).map(|(name, _)| name).collect();
        copies::urge(&self.pool, site, &odd).await?;
        let known: HashSet<(u64, u32)> =
            copies::names_between(&self.pool, site, from, to).await?.into_iter().collect();
        let strangers: Vec<(u64, u32)> =
            lengths.keys().filter(|name| !known.contains(name)).copied().collect();
        rows::forget_strangers(&self.pool, site, (from, to), &strangers).await?;
        for name in strangers {
            self.stranger(pass, name).await?;
        }
        Ok(())
    }

    /// A pack that nobody stored: noted, and stated once it has lain there for the grace period. On the primary a pack
    /// that is being filed lies there before its event: a day.
    async fn stranger(&self, pass: &Pass<'_>, name: (u64, u32)) -> Result<(), InspectError> {
        let (site, now) = (&pass.site.name, self.author.clock.now());
        let Some(first_seen) = rows::stranger(&self.pool, site, name, now).await? else { return Ok(()) };
        let grace = if pass.site.class == "primary" { self.grace.max(DAY) } else { self.grace };
        let lain = u128::try_from(now.millis() - first_seen.millis()).unwrap_or(0);
        if lain < grace.as_millis() {
            return Ok(());
        }
        let pack = PackNumber::new(name.0);
        let (found, found_bytes) = match pass.site.what_is_there(Name { pack, generation: name.1 }).await? {
            Attested::Good(receipt) => (Some(receipt.digest), receipt.bytes),
            Attested::Differs { found, bytes } => (found, bytes.unwrap_or(0)),
            Attested::Unreadable => (None, 0),
            Attested::Missing => return Ok(()),
        };
        let fact = PackDamaged {
            site: site.clone(),
            pack,
            generation: name.1,
            kind: Damage::Unexpected,
            // Nobody signed for anything here.
            expected: Sha256::from_bytes([0; 32]),
            found,
            found_bytes,
        };
        let event = self.author.encode(Subject::Pack(pack), Vec::new(), Fact::PackDamaged(fact))?;
        let mut tx = self.pool.begin().await?;
        if rows::state_stranger(&mut tx, site, name).await? {
            self.author.outbox.put(&mut tx, &[event]).await?;
            tx.commit().await?;
            metrics::found(site, Damage::Unexpected.name());
            tracing::error!(site, %pack, generation = name.1, "a pack that nobody stored");
        }
        Ok(())
    }
}
