//! Wiring only: opens the storage and the key, and names every task and what its failure means.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use dengbei_kit::admin::{self, Health};
use dengbei_kit::grpc::{self, MAX_MESSAGE};
use dengbei_kit::seals::SealKeys;
use dengbei_kit::{Drain, OnError, RoleConfig, Tasks, status};
use dengbei_proto::v1::site_server::SiteServer;
use dengbei_records::{Clock, SystemClock};
use dengbei_vault::Site;
use tonic::service::Routes;

use crate::counted::Counted;
use crate::grpc::Served;
use crate::keeper::{Keeper, Sources, Turns};
use crate::log::LogCopy;
use crate::metrics;

/// What may still be in hand after the drain: a pack that is being read back.
const LAST: Duration = Duration::from_secs(20);

/// Runs the site `config.site_name` until the drain.
///
/// # Errors
/// When the configuration does not name this site, its storage or key cannot be opened, or its address is taken.
pub async fn run(config: RoleConfig, drain: Drain) -> anyhow::Result<()> {
    metrics::describe();
    let keeper = open(&config, Arc::new(SystemClock)).await?;
    let mut tasks = Tasks::new(drain.clone());
    let (health_of, address, ending) = (keeper.clone(), config.admin, drain.clone());
    tasks.spawn("admin", OnError::Stop, move || {
        let (keeper, ending) = (health_of.clone(), ending.clone());
        let health = move || {
            let keeper = keeper.clone();
            async move { health(&keeper).await }
        };
        admin::serve(address, health, ending)
    });
    tasks.spawn("grpc", OnError::Stop, move || {
        let (config, routes, drain) = (config.clone(), routes(&keeper), drain.clone());
        async move { grpc::serve(&config, routes, drain).await }
    });
    tasks.join(LAST).await
}

/// Opens storage and key; makes them when they are new.
pub(crate) async fn open(config: &RoleConfig, clock: Arc<dyn Clock>) -> anyhow::Result<Keeper> {
    let this = config.sites.iter().find(|site| site.name == config.site_name);
    let this = this.with_context(|| {
        format!(
            "配置的 sites 中没有名为 {0} 的备份点 / no site named {0:?} among the configured sites",
            config.site_name
        )
    })?;
    let site =
        Site::open(&config.site, config.s3.as_ref()).await.context("备份点存储 / the site's storage")?;
    let (keys, name) = (config.keys.join("sites"), this.name.clone());
    let key = tokio::task::spawn_blocking(move || SealKeys::open_or_make(&keys, &name));
    let key = key.await?.context("备份点密钥 / the site's key")?;
    Ok(Keeper {
        log: LogCopy::new(&site, &config.keys, &this.class, clock.clone()),
        site,
        area: config.area.clone(),
        name: this.name.clone(),
        class: this.class.clone(),
        counted: Counted::default(),
        key: Arc::new(key),
        clock,
        sources: Sources::new(&config.sites, config.mesh_token.clone()),
        turns: Turns::default(),
    })
}

/// The gRPC service.
pub(crate) fn routes(keeper: &Keeper) -> Routes {
    let served = SiteServer::new(Served(keeper.clone()))
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    Routes::new(served)
}

async fn health(keeper: &Keeper) -> Health {
    let free = keeper.free_bytes().await.map(drop);
    Health::default().with("storage", free.map_err(|e| status::chain(&e)))
}
