//! Wiring: what the door is made of, which paths lead where, and serving them until the drain.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use dengbei_kit::{Drain, OnError, RoleConfig, Tasks, admin, db};
use dengbei_records::SystemClock;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::accounts::{Accounts, Audit};
use crate::peers::Peers;
use crate::{api, console, door, guard, metrics, problem, serve, store, verify};

/// Largest body that is read whole (matters, lists of ids), bytes.
const MOST_WHOLE: usize = 16 << 20;
/// Uploads in hand: each holds a few chunks in memory and a connection to ingest.
const UPLOADS: usize = 48;
/// Other requests in hand.
const QUESTIONS: usize = 256;
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(20);

/// What every handler stands on. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) peers: Peers,
    pub(crate) door: Arc<door::Door>,
    /// `None` without a database: then the token alone opens.
    pub(crate) accounts: Option<Accounts>,
    pub(crate) audit: Audit,
    /// The folder of keys: of it, the public ones are read to check papers.
    pub(crate) keys: Arc<Path>,
    /// 行政区划, for page headings.
    pub(crate) area: Arc<str>,
    /// Largest package or batch, bytes.
    pub(crate) most_bytes: u64,
    pub(crate) uploads: Arc<Semaphore>,
    pub(crate) questions: Arc<Semaphore>,
}

impl Gateway {
    /// # Errors
    /// When a peer's URL is none, or no token is configured.
    pub(crate) fn new(config: &RoleConfig) -> anyhow::Result<Self> {
        Ok(Self {
            peers: Peers::new(config)?,
            door: Arc::new(door(config)?),
            accounts: None,
            audit: Audit::default(),
            keys: config.keys.as_path().into(),
            area: config.area.as_str().into(),
            most_bytes: config.limits.package_bytes,
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            questions: Arc::new(Semaphore::new(QUESTIONS)),
        })
    }

    /// With the database of accounts, when one is configured; the first link is written where there is no account yet.
    ///
    /// # Errors
    /// When the database does not come up.
    pub(crate) async fn open(config: &RoleConfig) -> anyhow::Result<Self> {
        let mut gateway = Self::new(config)?;
        if config.database.is_empty() {
            return Ok(gateway);
        }
        let connections = config.limits.database_connections;
        let pool = db::connect_with(&config.database, connections, &[&store::MIGRATOR]).await?;
        let accounts = Accounts::new(pool.clone(), Arc::new(SystemClock));
        if let Some(data) = config.keys.parent().filter(|_| !config.keys.as_os_str().is_empty())
            && let Err(error) = accounts.welcome(&data.join("welcome")).await
        {
            // The token still opens, and whoever carries it can make a link.
            tracing::warn!(%error, "the first link could not be written");
        }
        (gateway.accounts, gateway.audit) = (Some(accounts), Audit::new(pool));
        Ok(gateway)
    }
}

fn door(config: &RoleConfig) -> anyhow::Result<door::Door> {
    let door = door::Door::new(&config.door_token, door::ActorKey::open_or_make(&config.keys)?)?;
    Ok(door.and_also(&config.door_token_also).and_sources(&config.sources)?)
}

/// Every path of the door.
pub(crate) fn router(gateway: Gateway) -> Router {
    let uploads = api::docs::routed(api::docs::uploads())
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(gateway.uploads.clone(), guard::bounded));
    let questions = questions()
        .layer(DefaultBodyLimit::max(MOST_WHOLE))
        .layer(from_fn_with_state(gateway.questions.clone(), guard::bounded));
    let health = api::docs::routed(api::docs::always()).route("/metrics", get(|| async { admin::render() }));
    uploads
        .merge(questions)
        .merge(health)
        .fallback(|| async { problem::no_route() })
        .method_not_allowed_fallback(|| async { problem::no_method() })
        .layer(from_fn_with_state(gateway.clone(), door::check))
        .layer(from_fn(guard::headers))
        .layer(from_fn(guard::traced))
        .with_state(gateway)
}

fn questions() -> Router<Gateway> {
    api::docs::routed(api::docs::questions())
        .merge(verify::routes())
        .merge(door::routes())
        .merge(console::routes())
}

/// Runs the door until the drain: HTTP outside, the admin port inside.
///
/// # Errors
/// When it is not configured, or an address cannot be bound.
pub(crate) async fn run(config: RoleConfig, drain: Drain) -> anyhow::Result<()> {
    metrics::describe();
    let gateway = Gateway::open(&config).await?;
    let address =
        config.http.ok_or_else(|| anyhow::anyhow!("http: 未配置 / the gateway needs an HTTP address"))?;
    let listener = TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "serving HTTP");
    let listener = Arc::new(listener);
    let mut tasks = Tasks::new(drain.clone());
    let (peers, inside, ending) = (gateway.peers.clone(), config.admin, drain.clone());
    tasks.spawn("admin", OnError::Stop, move || {
        let (peers, ending) = (peers.clone(), ending.clone());
        admin::serve(inside, move || api::health::of(peers.clone()), ending)
    });
    if let Some(accounts) = &gateway.accounts {
        metrics::watch(&mut tasks, accounts.pool(), &drain);
    }
    let (audit, ending) = (gateway.audit.clone(), drain.clone());
    tasks.spawn("audit", OnError::Restart, move || audit.clone().write_views(ending.clone()));
    let routes = router(gateway);
    tasks.spawn("http", OnError::Stop, move || {
        serve::until_drained(listener.clone(), routes.clone(), drain.clone())
    });
    tasks.join(DEADLINE).await
}

/// The peer's address as handlers read it.
pub(crate) type Peer = axum::extract::ConnectInfo<SocketAddr>;
