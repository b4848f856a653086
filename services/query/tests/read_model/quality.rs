//! The quality monitor's numbers: a function of the set of facts, whatever the order, the company and the repetition, and
//! whether an origin is told with its bundle or never.

use std::collections::HashMap;
use std::sync::Arc;

use dengbei_chain::{Event, Fact};
use dengbei_proto::v1;
use dengbei_proto::v1::quality_server::Quality as _;
use dengbei_query::{Origin, Origins, QualityService, Told, apply_told};
use dengbei_records::{SubmissionId, SystemClock};
use sqlx::PgPool;
use tonic::Request;

use crate::deliver::{Dice, empty, one_by_one};
use crate::story::Story;

fn submission(event: &Event) -> Option<SubmissionId> {
    match event.fact.as_ref()? {
        Fact::ItemPrefiled(f) => Some(f.submission),
        Fact::ItemParked(f) => Some(f.submission),
        Fact::SubmissionRefused(f) => Some(f.submission),
        _ => None,
    }
}

fn origins(story: &Story) -> Origins {
    let origin = |n: usize| Origin {
        source_system: "ZWFW".into(),
        matter_code: "许可-00000-000".into(),
        unit_uscc: String::new(),
        department: format!("科室{}", n % 2),
        closed_on: format!("2026-03-{:02}", 1 + n % 3),
    };
    let ids = story.events.iter().filter_map(submission);
    Some(ids.enumerate().map(|(n, id)| (id, origin(n))).collect::<HashMap<_, _>>())
}

async fn deliver(pool: &PgPool, story: &Story, bundles: &[Vec<Event>]) {
    let told = Told { lists: story.lists.clone(), origins: origins(story) };
    for bundle in bundles {
        let traces = vec![String::new(); bundle.len()];
        let mut tx = pool.begin().await.unwrap();
        apply_told(&mut tx, bundle, &traces, &told).await.unwrap();
        tx.commit().await.unwrap();
    }
}

async fn monitor(pool: &PgPool) -> v1::QualityReply {
    let quality = QualityService::new(pool.clone(), Arc::new(SystemClock));
    let asked =
        v1::QualityRequest { from: "1990-01-01".into(), to: "2100-01-01".into(), ..Default::default() };
    let reply = quality.quality(Request::new(asked)).await.unwrap().into_inner();
    v1::QualityReply { sources: Vec::new(), ..reply }
}

fn count(story: &Story, is: fn(&Fact) -> bool) -> u64 {
    story.events.iter().filter(|e| e.fact.as_ref().is_some_and(is)).count() as u64
}

#[tokio::test]
async fn any_order_and_redelivery_give_the_same_numbers_and_they_are_those_of_the_facts() {
    let story = Story::told();
    let pool = empty().await;
    deliver(&pool, &story, &one_by_one(&story)).await;
    let expected = monitor(&pool).await;
    let sum = |pick: fn(&v1::Flow) -> u64| -> u64 {
        expected.matters.iter().filter_map(|row| row.flow.as_ref()).map(pick).sum()
    };
    assert_eq!(sum(|f| f.refused), count(&story, |f| matches!(f, Fact::SubmissionRefused(_))));
    assert_eq!(sum(|f| f.returned), count(&story, |f| matches!(f, Fact::ItemReturned(_))));
    assert_eq!(sum(|f| f.filed), count(&story, |f| matches!(f, Fact::ItemFiled(_))));
    let mut begun: Vec<_> = story
        .events
        .iter()
        .filter(|e| matches!(e.fact, Some(Fact::ItemPrefiled(_) | Fact::ItemParked(_))))
        .filter_map(submission)
        .collect();
    begun.sort();
    begun.dedup();
    assert_eq!(sum(|f| f.received), begun.len() as u64, "a parked package is received once");
    let closed: u64 = expected.closings.iter().map(|c| c.received).sum();
    assert_eq!(closed, story.items.len() as u64, "every item is closed on one day");
    assert_eq!(expected.closings.iter().map(|c| c.filed).sum::<u64>(), 1);
    assert!(expected.departments.iter().any(|d| d.second == "科室1"), "{:?}", expected.departments);
    for seed in 0..12 {
        let pool = empty().await;
        deliver(&pool, &story, &Dice(seed).bundles(&story.events)).await;
        deliver(&pool, &story, &Dice(seed + 100).bundles(&story.events)).await;
        assert_eq!(monitor(&pool).await, expected, "seed {seed}");
    }
}

#[tokio::test]
async fn bundles_counted_side_by_side_give_the_same_numbers() {
    let story = Story::told();
    let (first, second) = (empty().await, empty().await);
    let one_by_one = one_by_one(&story);
    deliver(&first, &story, &one_by_one).await;
    let reversed: Vec<Vec<Event>> = one_by_one.iter().rev().cloned().collect();
    tokio::join!(deliver(&second, &story, &one_by_one), deliver(&second, &story, &reversed));
    assert_eq!(monitor(&second).await, monitor(&first).await);
}

#[tokio::test]
async fn where_nobody_tells_the_origin_what_the_facts_say_is_counted_and_the_rest_is_asked_for_later() {
    let story = Story::told();
    let pool = empty().await;
    for event in &story.events {
        let mut tx = pool.begin().await.unwrap();
        let told = Told { lists: story.lists.clone(), origins: None };
        apply_told(&mut tx, std::slice::from_ref(event), &[String::new()], &told).await.unwrap();
        tx.commit().await.unwrap();
    }
    let seen = monitor(&pool).await;
    assert!(seen.unplaced > 0);
    assert!(
        seen.closings.is_empty() || seen.closings.iter().all(|c| c.day.is_empty()),
        "{:?}",
        seen.closings
    );
    assert!(seen.matters.iter().any(|m| !m.key.is_empty() && m.flow.as_ref().unwrap().filed == 1));
}
