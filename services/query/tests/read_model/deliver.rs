//! Delivers stories as the bus does, and asks everything that a client can learn.

use std::collections::BTreeSet;

use dengbei_chain::Event;
use dengbei_proto::v1;
use dengbei_proto::v1::query_server::Query as _;
use dengbei_query::{Applied, QueryService, apply};
use dengbei_records::EventHash;
use sqlx::PgPool;
use tonic::Request;

use crate::story::Story;

pub(crate) async fn empty() -> PgPool {
    let url = dengbei_testkit::Postgres::start().await.unwrap().database().await.unwrap();
    dengbei_kit::db::connect(&url, &[&dengbei_query::MIGRATOR]).await.unwrap()
}

/// Delivers bundles as the bus does: what waits for an event comes again when that one is applied.
pub(crate) async fn deliver(pool: &PgPool, story: &Story, bundles: &[Vec<Event>]) {
    let mut queue: Vec<Vec<Event>> = bundles.iter().rev().cloned().collect();
    let mut waiting: Vec<(EventHash, Event)> = Vec::new();
    let mut applied: BTreeSet<EventHash> = BTreeSet::new();
    while let Some(bundle) = queue.pop() {
        let traces: Vec<String> =
            bundle.iter().map(|e| format!("00-{}", &e.hash.to_string()[..32])).collect();
        let mut tx = pool.begin().await.unwrap();
        let outcomes = apply(&mut tx, &bundle, &traces, &story.lists).await.unwrap();
        tx.commit().await.unwrap();
        for (event, outcome) in bundle.into_iter().zip(outcomes) {
            match outcome {
                Applied::Yes | Applied::Skipped => {
                    applied.insert(event.hash);
                }
                Applied::WaitsFor(cause) => {
                    assert!(!applied.contains(&cause), "waits for what is applied");
                    waiting.push((cause, event));
                }
            }
        }
        let (ready, still): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(cause, _)| applied.contains(cause));
        waiting = still;
        queue.extend(ready.into_iter().map(|(_, event)| vec![event]));
    }
    assert!(waiting.is_empty(), "something waits for ever");
}

/// Everything that a client can learn.
pub(crate) type Seen = (Vec<v1::ItemReply>, v1::StatesReply, v1::ItemsReply, v1::FiguresReply);

/// Asks it.
pub(crate) async fn seen(pool: &PgPool, story: &Story) -> Seen {
    let query = QueryService::new(pool.clone());
    let mut items = Vec::new();
    for item in &story.items {
        let request = v1::ItemRequest { item: item.as_bytes().to_vec().into() };
        items.push(query.item(Request::new(request)).await.unwrap().into_inner());
    }
    let submissions = story.submissions.iter().map(|s| s.as_bytes().to_vec().into()).collect();
    let states = v1::StatesRequest { items: Vec::new(), submissions };
    let mut states = query.states(Request::new(states)).await.unwrap().into_inner();
    states.submissions.sort_by(|a, b| a.submission.cmp(&b.submission));
    let list = query.items(Request::new(v1::ItemsRequest::default())).await.unwrap().into_inner();
    let figures = query.figures(Request::new(v1::FiguresRequest {})).await.unwrap().into_inner();
    (items, states, list, figures)
}

/// A small generator, so that a failing seed can be named.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    /// All events in some order and grouping, some of them more than once.
    pub(crate) fn bundles(&mut self, events: &[Event]) -> Vec<Vec<Event>> {
        let mut all: Vec<Event> = events.to_vec();
        for _ in 0..4 {
            all.push(events[self.below(events.len())].clone());
        }
        for i in (1..all.len()).rev() {
            all.swap(i, self.below(i + 1));
        }
        let mut bundles = Vec::new();
        while !all.is_empty() {
            let size = 1 + self.below(all.len().min(4));
            bundles.push(all.split_off(all.len() - size));
        }
        bundles
    }
}

/// Every event a bundle of its own, in the order in which it happened.
pub(crate) fn one_by_one(story: &Story) -> Vec<Vec<Event>> {
    story.events.iter().map(|e| vec![e.clone()]).collect()
}

/// What differs, without what is alike.
pub(crate) fn difference(found: &Seen, expected: &Seen) -> Vec<String> {
    let mut lines = Vec::new();
    for (f, e) in found.0.iter().zip(&expected.0).filter(|(f, e)| f != e) {
        lines.push(format!("item {:?} / {:?}", f.item, e.item));
        let facts = |of: &v1::ItemReply| of.history.iter().map(|h| h.fact.clone()).collect::<Vec<_>>();
        lines.push(format!("history {:?} / {:?}", facts(f), facts(e)));
    }
    lines.push(format!("states {}", found.1 == expected.1));
    lines.push(format!("list {}", found.2 == expected.2));
    lines.push(format!("figures {:?} / {:?}", found.3, expected.3));
    lines
}
