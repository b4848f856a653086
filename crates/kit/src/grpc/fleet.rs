//! The replicas of a peer: which addresses there are, which of them answer, which one gets the next call.
//!
//! The rules: the least busy address that answers, in turn among equals. One that could not be reached rests: it gets
//! no calls until the keeper has reached it again, unless all rest. A call that was never sent ([`super::lent`]) goes
//! to another address, three in all. Names are resolved again every five seconds, sooner when everybody rests; a name
//! that cannot be resolved keeps the addresses it had. Nothing is resolved or dialled before the first call.
//!
//! Why not tonic's `balance_channel`: it takes addresses by chance, and an address that refuses connections answers
//! at once, with an error, to its full share of calls.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use futures::future::join_all;
use http::{Request, Response};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OnceCell};
use tonic::Status;
use tonic::body::Body;
use tonic::transport::Channel;
use tower::{Service as _, ServiceExt as _};
use tracing::{debug, warn};

use super::address::{Host, Resolve, Target};
use super::lent::{self, Held};
use super::{BoxError, CONNECT, endpoint};

/// How many addresses a call that was never sent is tried on.
const TRIES: usize = 3;
/// Between two looks that everybody resting asked for.
const BREATH: Duration = Duration::from_millis(250);

/// One address.
#[derive(Debug)]
struct Member {
    target: usize,
    address: SocketAddr,
    channel: Channel,
    /// Calls in hand.
    busy: AtomicUsize,
    /// It could not be reached.
    rests: AtomicBool,
}

/// A call in hand, until its answer was read to the end.
#[derive(Debug)]
struct Call(Arc<Member>);

impl Call {
    fn of(member: Arc<Member>) -> Self {
        member.busy.fetch_add(1, Ordering::Relaxed);
        Self(member)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The replicas of one peer.
#[derive(Debug)]
pub(super) struct Fleet {
    targets: Vec<Target>,
    resolver: Arc<dyn Resolve>,
    every: Duration,
    members: RwLock<Vec<Arc<Member>>>,
    turn: AtomicUsize,
    known: OnceCell<()>,
    /// Everybody rests: look now.
    look: Notify,
}

impl Fleet {
    pub(super) fn new(targets: Vec<Target>, resolver: Arc<dyn Resolve>, every: Duration) -> Arc<Self> {
        Arc::new(Self {
            targets,
            resolver,
            every,
            members: RwLock::default(),
            turn: AtomicUsize::new(0),
            known: OnceCell::new(),
            look: Notify::new(),
        })
    }

    /// Makes the call where it can be made.
    pub(super) async fn call(self: Arc<Self>, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        self.known.get_or_try_init(|| self.begin()).await.map_err(|e| unreachable(&e))?;
        let (parts, mut body) = request.into_parts();
        let mut tried = Vec::new();
        loop {
            let Some(member) = self.pick(&tried) else { return Err(unreachable(&"no address")) };
            tried.push(member.address);
            let (lender, lent) = lent::lend(body);
            let call = Call::of(member.clone());
            let mut channel = member.channel.clone();
            let sent = async {
                let again = Request::from_parts(parts.clone(), Body::new(lent));
                channel.ready().await?.call(again).await
            };
            let error = match sent.await {
                Ok(response) => return Ok(response.map(|body| Body::new(Held { body, _held: call }))),
                Err(error) => error,
            };
            let Some(unsent) = lender.recall() else { return Err(error.into()) };
            self.rest(&member, &error);
            if tried.len() >= TRIES.min(self.count()) {
                return Err(error.into());
            }
            body = unsent;
        }
    }

    fn members(&self) -> Vec<Arc<Member>> {
        self.members.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self) -> usize {
        self.members.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn pick(&self, tried: &[SocketAddr]) -> Option<Arc<Member>> {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % members.len().max(1);
        let (before, after) = members.split_at_checked(first)?;
        let untried = after.iter().chain(before).filter(|m| !tried.contains(&m.address));
        let best = untried.min_by_key(|m| (m.rests.load(Ordering::Relaxed), m.busy.load(Ordering::Relaxed)));
        best.cloned()
    }

    fn rest(&self, member: &Member, why: &(dyn std::error::Error + 'static)) {
        if !member.rests.swap(true, Ordering::Relaxed) {
            debug!(address = %member.address, error = why, "a replica cannot be reached and rests");
        }
        if self.members().iter().all(|m| m.rests.load(Ordering::Relaxed)) {
            self.look.notify_one();
        }
    }

    /// The first look; from then on the keeper looks.
    async fn begin(self: &Arc<Self>) -> io::Result<()> {
        self.resolve().await?;
        tokio::spawn(keep(Arc::downgrade(self), self.every));
        Ok(())
    }

    /// Asks for every name and takes what is new, lets go what is gone. Calls in hand end where they are.
    async fn resolve(&self) -> io::Result<()> {
        let found = join_all(self.targets.iter().map(|target| self.addresses(target))).await;
        let had = self.members();
        let mut members: Vec<Arc<Member>> = Vec::new();
        let mut failed = None;
        for (target, found) in found.into_iter().enumerate() {
            match found {
                Ok(addresses) if !addresses.is_empty() => {
                    for address in addresses {
                        add(&mut members, || self.member(&had, target, address), address)?;
                    }
                }
                other => {
                    failed = Some(other.err().unwrap_or_else(|| io::ErrorKind::NotFound.into()));
                    for member in had.iter().filter(|m| m.target == target) {
                        add(&mut members, || Ok(member.clone()), member.address)?;
                    }
                }
            }
        }
        match failed {
            Some(e) if members.is_empty() => return Err(e),
            Some(e) => warn!(error = %e, "a peer's name is not resolved; its known addresses stay"),
            None => {}
        }
        *self.members.write().unwrap_or_else(PoisonError::into_inner) = members;
        Ok(())
    }

    async fn addresses(&self, target: &Target) -> io::Result<Vec<SocketAddr>> {
        match &target.host {
            Host::Literal(ip) => Ok(vec![SocketAddr::new(*ip, target.port)]),
            Host::Name(name) => self.resolver.addresses(name, target.port).await,
        }
    }

    fn member(&self, had: &[Arc<Member>], target: usize, address: SocketAddr) -> io::Result<Arc<Member>> {
        if let Some(known) = had.iter().find(|m| m.address == address) {
            return Ok(known.clone());
        }
        let origin = &self.targets[target].uri;
        let scheme = origin.scheme_str().unwrap_or("http");
        let endpoint = endpoint(&format!("{scheme}://{address}")).map_err(io::Error::other)?;
        let channel = endpoint.origin(origin.clone()).connect_lazy();
        let (busy, rests) = (AtomicUsize::new(0), AtomicBool::new(false));
        Ok(Arc::new(Member { target, address, channel, busy, rests }))
    }

    /// Tries whoever rests.
    async fn wake(&self) {
        let resting = self.members().into_iter().filter(|m| m.rests.load(Ordering::Relaxed));
        join_all(resting.map(|member| async move {
            let reached = tokio::time::timeout(CONNECT, TcpStream::connect(member.address)).await;
            if matches!(reached, Ok(Ok(_))) {
                member.rests.store(false, Ordering::Relaxed);
                debug!(address = %member.address, "a replica is reached again");
            }
        }))
        .await;
    }
}

fn add(
    members: &mut Vec<Arc<Member>>,
    make: impl FnOnce() -> io::Result<Arc<Member>>,
    address: SocketAddr,
) -> io::Result<()> {
    if members.iter().all(|m| m.address != address) {
        members.push(make()?);
    }
    Ok(())
}

/// The keeper: as long as somebody holds the channel.
async fn keep(fleet: Weak<Fleet>, every: Duration) {
    loop {
        let Some(held) = fleet.upgrade() else { return };
        // Held for one period at most, so that the last channel's end is noticed.
        let early = tokio::time::timeout(every, wait(held)).await.is_ok();
        let Some(held) = fleet.upgrade() else { return };
        if let Err(e) = held.resolve().await {
            warn!(error = %e, "a peer's name cannot be resolved");
        }
        held.wake().await;
        drop(held);
        if early {
            tokio::time::sleep(BREATH).await;
        }
    }
}

async fn wait(fleet: Arc<Fleet>) {
    fleet.look.notified().await;
}

fn unreachable(why: &dyn std::fmt::Display) -> BoxError {
    let text = format!("对方服务找不到 / no replica of the peer can be found: {why}");
    Box::new(Status::unavailable(text))
}
