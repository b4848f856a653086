//! Catch-up: sealed bundles that the bus did not bring are read from the log and settled like any other.
//!
//! The cursor stands where everything below is settled. With the bus well it only follows; with the bus dead, wiped or
//! truncated this is how facts come, a little later. One process of a service reads the log at a time, by a lease: of
//! entries whose bundle nobody knows the cursor alone says whether they are applied. The others follow its cursor.

use std::sync::Arc;
use std::time::Duration;

use dengbei_kit::Drain;
use dengbei_kit::status::chain;
use dengbei_proto::v1;
use dengbei_records::{Clock as _, Invalid, SystemClock};
use futures::StreamExt as _;
use tokio::time::Instant;
use tonic::Request;
use tracing::{error, warn};

use super::Shared;
use crate::bundle::LOG;
use crate::measured::{self, BundleOutcome, Source};
use crate::store::{cursor, inbox};
use crate::{Bundle, BusError, Handler, MAX_BUNDLE_EVENTS};

const POLL: Duration = Duration::from_secs(2);
/// The bus gets so long to bring what is sealed.
const PATIENCE: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(10);
const PAGE: u32 = 256;
const COMPLAIN: Duration = Duration::from_secs(30);

/// A bundle's place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stretch {
    producer: String,
    sequence: u64,
    from: u64,
    to: u64,
    sealed_at: i64,
}

impl Stretch {
    fn len(&self) -> usize {
        usize::try_from(self.to - self.from).unwrap_or(usize::MAX)
    }
}

/// Neighbours that are settled together: all done, or none, and no more events than one bundle may have.
#[derive(Debug)]
struct Group {
    stretches: Vec<Stretch>,
    is_done: bool,
}

/// Up to where a group is settled, and whether that is all of it.
struct Settled {
    reached: u64,
    is_whole: bool,
}

impl<H: Handler> Shared<H> {
    pub(super) async fn catch_up(self: Arc<Self>, drain: Drain) -> Result<(), BusError> {
        let mut complained: Option<Instant> = None;
        let lease = format!("bus.catch_up {}", self.service);
        let mut is_more = false;
        while !drain.is_requested() {
            let is_ours = self.leases.hold(&lease).await?;
            if !is_more {
                // Another may have been further.
                self.reached(cursor::read(&self.pool, &self.service).await?);
            }
            is_more = is_ours
                && match self.page().await {
                    Err(BusError::Register(status)) => {
                        if complained.is_none_or(|at| at.elapsed() > COMPLAIN) {
                            complained = Some(Instant::now());
                            warn!(
                                service = self.service,
                                error = chain(&*status),
                                "the register does not answer"
                            );
                        }
                        false
                    }
                    outcome => outcome?,
                };
            if !is_more {
                drain.pause(POLL).await;
            }
        }
        Ok(self.leases.give_up(&lease).await?)
    }

    /// Settles a page of the log. True when there is more to do at once.
    async fn page(&self) -> Result<bool, BusError> {
        let from = *self.log_index.borrow();
        let mut request = Request::new(v1::BundlesRequest { from_index: from, limit: PAGE });
        request.set_timeout(ANSWER);
        let reply = self.register.clone().bundles(request).await?.into_inner();
        if reply.size < from {
            let size = reply.size;
            error!(
                service = self.service,
                from, size, "登记簿短于游标 / the log is shorter than what was read of it"
            );
            return Ok(false);
        }
        let is_full = reply.bundles.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        let mut stretches = stretches(from, reply.bundles);
        let all = stretches.len();
        stretches.retain({
            let ripe_before = self.ripe_before();
            move |stretch| stretch.sealed_at <= ripe_before
        });
        let reached = self.settle_stretches(from, &stretches).await?;
        if reached > from {
            cursor::advance(&self.pool, &self.service, reached).await?;
            self.reached(reached);
        }
        let is_whole = stretches.len() == all && stretches.last().is_none_or(|last| last.to == reached);
        Ok(is_full && is_whole && reached > from)
    }

    /// What was sealed before this moment is not waited for any longer.
    fn ripe_before(&self) -> i64 {
        let patience = if self.nats.is_connected() { PATIENCE } else { Duration::ZERO };
        SystemClock.now().millis() - i64::try_from(patience.as_millis()).unwrap_or(0)
    }

    /// Settles the stretches that are not settled yet, neighbours together, some groups side by side. Returns up to
    /// where all is.
    async fn settle_stretches(&self, from: u64, stretches: &[Stretch]) -> Result<u64, BusError> {
        let names: Vec<_> = stretches.iter().map(|s| (s.producer.clone(), s.sequence)).collect();
        let done = inbox::are_done(&self.pool, &self.service, &names).await?;
        let mut settling = futures::stream::iter(groups(stretches, &done))
            .map(|group| async move { self.settle_group(group).await })
            .buffered(self.at_once);
        let mut reached = from;
        while let Some(outcome) = settling.next().await {
            let group = match outcome {
                Ok(group) => group,
                // What is settled so far counts; the rest comes with the next page.
                Err(e) if reached > from => {
                    warn!(service = self.service, error = chain(&e), "catching up was interrupted");
                    break;
                }
                Err(e) => return Err(e),
            };
            reached = group.reached;
            if !group.is_whole {
                break;
            }
        }
        Ok(reached)
    }

    async fn settle_group(&self, group: Group) -> Result<Settled, BusError> {
        let (Some(first), Some(last)) = (group.stretches.first(), group.stretches.last()) else {
            return Ok(Settled { reached: 0, is_whole: false });
        };
        if group.is_done {
            return Ok(Settled { reached: last.to, is_whole: true });
        }
        let mut entries = self.entries(first.from, last.to).await?.into_iter();
        let bundles: Vec<Bundle> = group
            .stretches
            .iter()
            .map(|stretch| Bundle {
                producer: stretch.producer.clone(),
                sequence: stretch.sequence,
                events: entries.by_ref().take(stretch.len()).collect(),
                traceparents: Vec::new(),
            })
            .collect();
        let all: Vec<&Bundle> = bundles.iter().collect();
        if all.len() > 1 && self.together(&all).await? {
            all.iter().for_each(|_| measured::bundle(&self.service, Source::Log, BundleOutcome::Whole));
            return Ok(Settled { reached: last.to, is_whole: true });
        }
        let mut reached = first.from;
        for (stretch, bundle) in group.stretches.iter().zip(all) {
            let outcome = self.bundle(bundle).await?;
            measured::bundle(&self.service, Source::Log, outcome);
            if outcome == BundleOutcome::Postponed {
                return Ok(Settled { reached, is_whole: false });
            }
            reached = stretch.to;
        }
        Ok(Settled { reached, is_whole: true })
    }

    async fn entries(&self, mut from: u64, to: u64) -> Result<Vec<bytes::Bytes>, BusError> {
        let mut entries = Vec::new();
        while from < to {
            let mut request = Request::new(v1::EntriesRequest { from, to });
            request.set_timeout(ANSWER);
            let reply = self.register.clone().entries(request).await?.into_inner();
            let wanted = usize::try_from(to - from).unwrap_or(usize::MAX);
            if reply.from != from || reply.entries.is_empty() || reply.entries.len() > wanted {
                return Err(Invalid::new("log entries", format!("{from}..{to}")).into());
            }
            from += reply.entries.len() as u64;
            entries.extend(reply.entries);
        }
        Ok(entries)
    }
}

/// The places in the order of the log, from the cursor on. A hole between them holds entries whose bundle nobody knows.
fn stretches(from: u64, places: Vec<v1::BundlePlace>) -> Vec<Stretch> {
    let mut reached = from;
    let mut stretches = Vec::new();
    for place in places {
        let (first, to) = (place.first_index, place.first_index + u64::from(place.count));
        if to <= reached {
            continue;
        }
        while reached < first {
            let until = first.min(reached + MAX_BUNDLE_EVENTS as u64);
            stretches.push(of_log(reached, until, place.sealed_at));
            reached = until;
        }
        if place.producer == LOG {
            stretches.push(of_log(reached, to, place.sealed_at));
        } else {
            let (producer, sequence, sealed_at) = (place.producer, place.sequence, place.sealed_at);
            stretches.push(Stretch { producer, sequence, from: first, to, sealed_at });
        }
        reached = to;
    }
    stretches
}

/// Cuts `stretches`, of which `done` says beside each whether it is settled, into groups.
fn groups(mut stretches: &[Stretch], mut done: &[bool]) -> Vec<Group> {
    let mut groups = Vec::new();
    while let (false, Some(is_done)) = (stretches.is_empty(), done.first()) {
        let mut events = 0;
        let fits = |(stretch, done): &(&Stretch, &bool)| {
            events += stretch.len();
            *done == is_done && (*is_done || events <= MAX_BUNDLE_EVENTS)
        };
        let together = stretches.iter().zip(done).take_while(fits).count().max(1);
        let (group, rest) = stretches.split_at(together);
        groups.push(Group { stretches: group.to_vec(), is_done: *is_done });
        (stretches, done) = (rest, &done[together..]);
    }
    groups
}

fn of_log(from: u64, to: u64, sealed_at: i64) -> Stretch {
    Stretch { producer: LOG.to_owned(), sequence: from, from, to, sealed_at }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(producer: &str, first_index: u64, count: u32) -> v1::BundlePlace {
        v1::BundlePlace { producer: producer.into(), sequence: 9, first_index, count, sealed_at: 1 }
    }

    #[test]
    fn holes_between_known_bundles_are_read_as_log() {
        let places = vec![place("a", 0, 4), place("a", 4, 2), place("b", 8, 1), place("log", 9, 3)];
        let found: Vec<_> = stretches(4, places).into_iter().map(|s| (s.producer, s.from, s.to)).collect();
        let of = |name: &str, from, to| (name.to_owned(), from, to);
        assert_eq!(found, [of("a", 4, 6), of("log", 6, 8), of("b", 8, 9), of("log", 9, 12)]);
    }

    #[test]
    fn neighbours_that_are_not_settled_go_together_up_to_what_one_bundle_holds() {
        let places = (0..6).map(|n| place("a", n * 100, 100)).collect();
        let stretches = stretches(0, places);
        let groups = groups(&stretches, &[true, true, false, false, false, true]);
        let found: Vec<_> = groups.iter().map(|g| (g.stretches.len(), g.is_done)).collect();
        assert_eq!(found, [(2, true), (2, false), (1, false), (1, true)]);
    }
}
