//! `dengbei up`: everything of one deployment on one machine, out of one data folder.
//!
//! Takes the folder's lock, ends what a dead predecessor left, makes keys on the first start, runs
//! PostgreSQL and nats-server as children, then the roles, and writes the ready file once every role is
//! healthy. A signal drains the roles first and stops the stores last. What the roles do is not known here:
//! see `crate::roles`.

mod account;
mod child;
mod crew;
mod demo;
pub(crate) mod durable;
mod error;
mod folder;
mod keys;
mod mesh;
mod nats;
mod nursery;
mod options;
pub(crate) mod ports;
mod postgres;
mod process;
mod programs;
mod ready;
mod stand;
mod stores;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use dengbei_kit::Drain;
use serde_json::{Map, Value, json};

use child::Child;
use crew::Crew;
use demo::Demo;
use folder::Folder;
use keys::Keys;
use mesh::{Mesh, Plan};
use nursery::Nursery;
use ports::Ports;
use stores::Stores;

use crate::roles::Role;

pub(crate) use error::UpError;
pub(crate) use options::UpOptions;
pub(crate) use stand::{Stand, stand};

/// What has been started and must be stopped, whatever happened: the roles first, the stores last.
struct Running {
    crew: Crew,
    stores: Vec<Child>,
}

/// Runs until a signal asks to stop; then stops everything within 30 seconds.
///
/// # Errors
/// When the machine or the arguments do not allow a start. What was started is stopped again.
pub(crate) async fn run(options: UpOptions) -> anyhow::Result<()> {
    let _telemetry = dengbei_kit::telemetry::init("up")?;
    let drain = Drain::on_signals()?;
    let root = options.data.clone().map_or_else(folder::default_root, Ok)?;
    let folder = Folder::open(&root)?;
    // Not before the folder is ours: the file may tell of whoever uses it.
    ready::withdraw(options.ready_file.as_deref())?;
    process::end_left_overs(&folder.run(), folder.root()).await?;
    let mut running = Running { crew: Crew::new(options.split), stores: Vec::new() };
    let ended = tokio::select! {
        ended = live(&options, &folder, &mut running) => ended,
        () = drain.requested() => Ok(()),
    };
    let withdrawn = ready::withdraw(options.ready_file.as_deref());
    running.stop().await;
    Ok(ended.and(withdrawn)?)
}

impl Running {
    async fn stop(mut self) {
        self.crew.stop().await;
        while let Some(store) = self.stores.pop() {
            store.stop().await;
        }
    }
}

/// The folder of checking schemes, which every role finds wherever it runs.
fn schemes_of(options: &UpOptions) -> Result<PathBuf, UpError> {
    let Some(folder) = &options.schemes else { return Ok(PathBuf::new()) };
    let folder = std::path::absolute(folder).map_err(UpError::io(folder))?;
    let problems = crate::schemes::of_folder(&folder);
    if problems.is_empty() {
        return Ok(folder);
    }
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let told = told.join("\n");
    Err(UpError::refused(
        "up.schemes",
        format!("检测方案无效：\n{told}"),
        format!("invalid checking schemes:\n{told}"),
    ))
}

/// Starts everything and then never returns, unless the start fails.
async fn live(options: &UpOptions, folder: &Folder, running: &mut Running) -> Result<(), UpError> {
    let mut ports = Ports::default();
    let http = ports.settle(options.http)?;
    let keys = Keys::open(folder, options.area.clone(), options.demo)?;
    let nursery = Nursery::open()?;
    let stores = Stores::start(folder, &keys, &nursery, &mut ports, &mut running.stores).await?;
    stand::note(folder, &stores)?;
    let mut places = places(http, &keys, &stores);
    if !options.no_roles {
        let (scanner, schemes) = (options.scanner.clone(), schemes_of(options)?);
        let plan =
            Plan { folder, keys: &keys, stores: &stores, http, pace: options.pace(), scanner, schemes };
        let mesh = plan.settle(&mut ports)?;
        stores.postgres.create_databases(&mesh.databases()).await?;
        running.crew.start(&mesh, folder, &nursery)?;
        crew::healthy(&mesh).await?;
        places.extend(role_places(&mesh));
    }
    let welcome = welcome(http, folder);
    if let Some(link) = &welcome {
        places.insert("welcome".to_owned(), json!(link));
    }
    ready::announce(options.ready_file.as_deref(), &places.into())?;
    greet(http, folder, welcome.as_deref());
    tell_of_backup(&keys);
    if options.demo && !options.no_roles {
        Demo { folder, keys: &keys, http: reachable(http) }.fill().await;
    }
    std::future::pending().await
}

/// Where everything is, for the ready file.
fn places(http: SocketAddr, keys: &Keys, stores: &Stores) -> Map<String, Value> {
    let places = json!({
        "http": format!("http://{}", reachable(http)),
        "nats": stores.nats.url(),
        "postgres": stores.postgres.url("postgres"),
        "token": keys.door,
    });
    places.as_object().cloned().unwrap_or_default()
}

/// Where each role answers; `grpc` is the registration's, which has the register.
fn role_places(mesh: &Mesh) -> Map<String, Value> {
    let roles: Map<_, _> = mesh
        .posts()
        .iter()
        .map(|post| {
            let place = json!({
                "grpc": format!("http://{}", post.config.grpc),
                "admin": format!("http://{}", post.config.admin),
            });
            (post.name.to_owned(), place)
        })
        .collect();
    Map::from_iter([
        ("grpc".to_owned(), json!(mesh.grpc_url(Role::Registration))),
        ("roles".to_owned(), Value::Object(roles)),
    ])
}

/// A server bound to every address is reached on this machine's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let is_everywhere = address.ip().is_unspecified();
    let ip = if is_everywhere { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    SocketAddr::new(ip, address.port())
}

/// The one-time link by which the first account is made; none once there is an account.
fn welcome(http: SocketAddr, folder: &Folder) -> Option<String> {
    let path = std::fs::read_to_string(folder.path("welcome")).ok()?;
    Some(format!("http://{}{}", reachable(http), path.trim()))
}

/// Once, at the first start.
#[allow(clippy::print_stdout, reason = "the command line speaks to its user")]
fn tell_of_backup(keys: &Keys) {
    if let Some(code) = &keys.recovery_code {
        println!("  密钥备份 key backup    {}", dengbei_kit::keyring::sealed(&keys.folder).display());
        println!("  恢复码 recovery code   {}", code.display());
        println!(
            "  请把两者移到别处分开保管 / take both away from here, and keep them apart: docs/operating/keys.md"
        );
    }
}

#[allow(clippy::print_stdout, reason = "the command line speaks to its user")]
fn greet(http: SocketAddr, folder: &Folder, welcome: Option<&str>) {
    println!("登备已就绪 / dengbei is ready");
    println!("  门户 door   http://{}", reachable(http));
    println!("  令牌 token  {}", folder.path("token").display());
    println!("  数据 data   {}", folder.root().display());
    if let Some(link) = welcome {
        println!("  首个账号 first account, this link once: {link}");
    }
}
