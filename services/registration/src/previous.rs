//! Earlier filed versions of items that are corrected (更正): their inventories are carried forward.

use std::collections::HashMap;

use dengbei_ocfl::Inventory;
use dengbei_records::{AreaCode, ItemId, Timestamp};
use dengbei_vault::Site;
use sqlx::{PgConnection, PgPool};

use crate::error::FilingError;
use crate::filed_version;
use crate::store::packs::{self, Stored};

/// The newest filed version of an item.
#[derive(Debug, Clone)]
pub(crate) struct Previous {
    pub(crate) object_version: u32,
    pub(crate) created: Timestamp,
    pub(crate) inventory: Inventory,
}

/// The newest filed version of each item that has one, with its inventory read from its pack.
pub(crate) async fn of(
    pool: &PgPool,
    site: &Site,
    area: &AreaCode,
    ids: &[ItemId],
) -> Result<HashMap<ItemId, Previous>, FilingError> {
    let stored = packs::versions(&mut *pool.acquire().await?, ids).await?;
    let newest: HashMap<ItemId, Stored> = stored.into_iter().map(|s| (s.item, s)).collect();
    let mut found = HashMap::with_capacity(newest.len());
    for (item, stored) in newest {
        let inventory = inventory(site, area, &stored).await?;
        let (object_version, created) = (stored.object_version, stored.created);
        found.insert(item, Previous { object_version, created, inventory });
    }
    Ok(found)
}

/// The number of the newest filed version of each item that has one.
pub(crate) async fn newest(
    tx: &mut PgConnection,
    ids: &[ItemId],
) -> Result<HashMap<ItemId, u32>, sqlx::Error> {
    let stored = packs::versions(tx, ids).await?;
    Ok(stored.into_iter().map(|s| (s.item, s.object_version)).collect())
}

/// The inventory of a filed version, as its pack has it.
async fn inventory(site: &Site, area: &AreaCode, stored: &Stored) -> Result<Inventory, FilingError> {
    let (site, area, stored) = (site.clone(), area.clone(), stored.clone());
    let read = tokio::task::spawn_blocking(move || {
        filed_version::open(&site, &area, &stored).map(|version| version.inventory().clone())
    });
    Ok(read.await.map_err(|e| FilingError::Internal(e.into()))??)
}
