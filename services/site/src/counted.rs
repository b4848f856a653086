//! How much lies here: counted by looking, because the primary's folder is also written by registration. A count is
//! good for fifty times as long as it took, so that asking costs two percent of a disk at most.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dengbei_records::AreaCode;
use dengbei_vault::{Holding, Site, SiteError};
use tokio::sync::Mutex;

const GOOD_FOR: u32 = 50;

/// The last count. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counted(Arc<Mutex<Option<Count>>>);

#[derive(Debug, Clone, Copy)]
struct Count {
    holding: Holding,
    at: Instant,
    took: Duration,
}

impl Counted {
    /// What lies here; of several who ask at once, one counts.
    pub(crate) async fn holding(&self, site: &Site, area: &AreaCode) -> Result<Holding, SiteError> {
        let mut last = self.0.lock().await;
        if let Some(count) = last.filter(|c| c.at.elapsed() < c.took * GOOD_FOR) {
            return Ok(count.holding);
        }
        let began = Instant::now();
        let holding = site.holding(area).await?;
        *last = Some(Count { holding, at: Instant::now(), took: began.elapsed() });
        Ok(holding)
    }
}
