//! Attest and Quarantine: reads what is here and signs it, or says what is wrong; sets bad bytes aside.
//!
//! Before: `fixity` (inspection), `registration` (technical check). After: the caller compares and states.

use dengbei_chain::facts::{Purpose, SiteReceipt};
use dengbei_records::Sha256;
use dengbei_vault::PackName;

use crate::error::{Found, Refusal};
use crate::keeper::{Keeper, found, is_as_meant};

/// What the caller expects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) digest: Sha256,
    /// 0: not known.
    pub(crate) bytes: u64,
}

impl Keeper {
    /// Reads a pack from the first byte to the last and signs it.
    ///
    /// # Errors
    /// [`Refusal::Missing`], [`Refusal::Damaged`] when it is not what is expected, [`Refusal::Unreadable`].
    pub(crate) async fn attest(
        &self,
        name: &PackName,
        purpose: Purpose,
        expected: Option<Expected>,
    ) -> Result<SiteReceipt, Refusal> {
        let _turn = self.turns.work().await?;
        let read = self.read_back(name).await?.ok_or_else(|| Refusal::Missing(name.clone()))?;
        if let Some(Expected { digest, bytes }) = expected
            && !is_as_meant(&read, &digest, bytes)
        {
            return Err(Refusal::Damaged { name: name.clone(), found: found(&read) });
        }
        self.sign(name, purpose, read)
    }

    /// Moves a bad copy to the quarantine; durable. `bad` is the digest of the bytes that are meant, `None` for a copy
    /// that cannot be read: other bytes, a good copy among them, stay where they are.
    ///
    /// # Errors
    /// [`Refusal::Missing`] when nothing is there any more, [`Refusal::Differs`] when something else is.
    pub(crate) async fn quarantine(&self, name: &PackName, bad: Option<Sha256>) -> Result<String, Refusal> {
        let _turn = self.turns.work().await?;
        let here = match self.read_back(name).await {
            Ok(None) => return Err(Refusal::Missing(name.clone())),
            Ok(Some(read)) => found(&read),
            Err(Refusal::Unreadable { .. }) => Found { digest: None, bytes: 0 },
            Err(e) => return Err(e),
        };
        if here.digest != bad {
            return Err(Refusal::Differs { name: name.clone(), found: here });
        }
        let reason = match bad {
            Some(digest) => format!("not what was stored: sha256 {digest}, {} bytes", here.bytes),
            None => "cannot be read".to_owned(),
        };
        let path = self.site.quarantine(name, &reason, self.clock.now()).await;
        let path = path.map_err(|e| Refusal::of(name, e))?;
        tracing::warn!(pack = %name, path, reason, "a bad copy is in the quarantine");
        Ok(path)
    }
}
