//! `dengbei serve all`: every role in this process, with PostgreSQL and NATS from outside: a small county's one pod.
//!
//! Addresses that the configuration leaves open are chosen at the start and told to the other roles. The door is
//! drained first, so that nothing new comes in while the rest finishes. `up` does the same with stores of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use dengbei_kit::config::{ConfigError, ConfigProblem, Reading, Source, Weight};
use dengbei_kit::{Drain, OnError, Peers, RoleConfig, SiteAddress, Tasks};

use crate::roles::{self, Role};
use crate::schemes;
use crate::up::ports::Ports;

/// Longest drain of the door, and of the roles behind it: together under the 20 s promised.
const DRAIN: Duration = Duration::from_secs(9);

/// Runs every role until the drain.
///
/// # Errors
/// Everything that is wrong with the configuration of any role.
pub(super) async fn run(source: &Source, drain: Drain) -> anyhow::Result<()> {
    let posts = settle(configs(&source.together())?)?;
    for (role, config) in &posts {
        let (grpc, admin) = (config.grpc, config.admin);
        tracing::info!(role = role.name(), site = config.site_name, %grpc, %admin, "in this process");
    }
    let squads = [Drain::new(), Drain::new()].map(|drain| (drain.clone(), Tasks::new(drain)));
    let [mut behind, mut door] = squads;
    for (role, config) in posts {
        let (drain, tasks) = if role == Role::Gateway { &mut door } else { &mut behind };
        let ending = drain.clone();
        tasks.spawn(role.name(), OnError::Restart, move || roles::run(role, config.clone(), ending.child()));
    }
    drain.requested().await;
    for (drain, tasks) in [door, behind] {
        drain.request();
        tasks.join(DRAIN).await?;
    }
    Ok(())
}

fn configs(readings: &[Reading]) -> Result<Vec<(Role, RoleConfig)>, ConfigError> {
    let mut problems: Vec<ConfigProblem> = Vec::new();
    let mut found = Vec::new();
    for reading in readings {
        for problem in reading.problems() {
            if problem.weight != Weight::Fatal {
                tracing::warn!(%problem, "configuration");
            } else if !problems.contains(problem) {
                problems.push(problem.clone());
            }
        }
        if problems.is_empty() {
            let config = reading.config()?;
            for problem in schemes::problems(&config) {
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
            let role = Role::ALL.into_iter().find(|role| role.name() == config.role);
            found.extend(role.map(|role| (role, config)));
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(ConfigError::Problems(problems)) }
}

/// Chooses what addresses are open and tells everybody where the others are, where nothing else is configured.
fn settle(mut posts: Vec<(Role, RoleConfig)>) -> anyhow::Result<Vec<(Role, RoleConfig)>> {
    let mut ports = Ports::default();
    for (_, config) in &mut posts {
        for address in [&mut config.grpc, &mut config.admin] {
            if address.port() == 0 {
                *address = SocketAddr::new(address.ip(), ports.free()?);
            }
        }
    }
    let here = posts.clone();
    let url = |role: Role| here.iter().find(|(other, _)| *other == role).map(|(_, config)| url_of(config));
    for (_, config) in &mut posts {
        tell(&mut config.peers, &url);
        config.sites.iter_mut().filter(|site| site.url.is_empty()).for_each(|site| place(site, &here));
    }
    for (role, config) in &posts {
        let lost: Vec<_> =
            config.sites.iter().filter(|s| s.url.is_empty()).map(|s| s.name.as_str()).collect();
        anyhow::ensure!(
            lost.is_empty(),
            "{}: 备份点 {lost:?} 既没有 url，也没有 [site-…] 表 / sites {lost:?} have neither a url nor a table [site-…]",
            role.name()
        );
    }
    Ok(posts)
}

fn tell(peers: &mut Peers, url: &impl Fn(Role) -> Option<String>) {
    let Peers { ingest, registration, fixity, query, replication } = peers;
    let all = [
        (ingest, Role::Ingest),
        (registration, Role::Registration),
        (fixity, Role::Fixity),
        (query, Role::Query),
        (replication, Role::Replication),
    ];
    for (peer, role) in all {
        if peer.is_empty() {
            *peer = url(role).unwrap_or_default();
        }
    }
}

fn place(site: &mut SiteAddress, posts: &[(Role, RoleConfig)]) {
    let here = posts.iter().find(|(role, config)| *role == Role::Site && config.site_name == site.name);
    site.url = here.map(|(_, config)| url_of(config)).unwrap_or_default();
}

/// An address that is everywhere is reached on this machine's own.
fn url_of(config: &RoleConfig) -> String {
    let ip = config.grpc.ip();
    let ip = if ip.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { ip };
    format!("http://{}", SocketAddr::new(ip, config.grpc.port()))
}
