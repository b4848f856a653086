//! The read model on a real PostgreSQL: whatever the order, the company and the number of deliveries, the same rows.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping")]

mod deliver;
mod quality;
mod story;
mod whole_life;

use std::collections::BTreeSet;

use deliver::{Dice, deliver, empty, one_by_one, seen};
use dengbei_chain::Event;
use dengbei_proto::v1;
use dengbei_proto::v1::query_server::Query as _;
use dengbei_query::QueryService;
use dengbei_records::EventHash;
use story::Story;
use tonic::Request;

#[tokio::test]
async fn any_order_and_redelivery_give_the_same_read_model() {
    let story = Story::told();
    let pool = empty().await;
    let one_by_one = one_by_one(&story);
    deliver(&pool, &story, &one_by_one).await;
    let expected = seen(&pool, &story).await;
    for seed in 0..24 {
        let pool = empty().await;
        deliver(&pool, &story, &Dice(seed).bundles(&story.events)).await;
        let found = seen(&pool, &story).await;
        assert!(found == expected, "seed {seed}: {:#?}", deliver::difference(&found, &expected));
        deliver(&pool, &story, &one_by_one).await;
        assert!(seen(&pool, &story).await == expected, "seed {seed}, delivered again");
    }
}

#[tokio::test]
async fn bundles_applied_side_by_side_give_the_same_read_model() {
    let story = Story::told();
    let (first, second) = (empty().await, empty().await);
    let one_by_one = one_by_one(&story);
    deliver(&first, &story, &one_by_one).await;
    let reversed: Vec<Vec<Event>> = one_by_one.iter().rev().cloned().collect();
    tokio::join!(deliver(&second, &story, &one_by_one), deliver(&second, &story, &reversed));
    assert_eq!(seen(&second, &story).await, seen(&first, &story).await);
}

#[tokio::test]
async fn states_say_how_far_each_item_and_each_submission_came() {
    let story = Story::told();
    let pool = empty().await;
    deliver(&pool, &story, std::slice::from_ref(&story.events)).await;
    let (items, states, list, figures) = seen(&pool, &story).await;
    let state = |n: usize| items[n].item.clone().unwrap();
    // Filed at version 1 and a correction returned: filed it stays, with its code.
    assert_eq!((state(0).custody.as_str(), state(0).data_version), ("filed", 1));
    assert_eq!(state(0).archival_code, "J019-ZY·QT·2026·D30-00001");
    assert_eq!(
        (state(0).matter_name.as_str(), state(0).preservation.as_str()),
        ("企业投资项目备案（新名）", "stored")
    );
    // Returned, sent again, passed, not yet filed.
    assert_eq!((state(1).custody.as_str(), state(1).failed.len()), ("planned", 0));
    // Refused at the door and never kept.
    assert_eq!((state(2).custody.as_str(), state(2).failed.clone()), ("refused", vec!["U-01".to_owned()]));
    // Superseded by a version that is parked.
    assert_eq!((state(3).custody.as_str(), state(3).data_version), ("parked", 2));
    let of: Vec<&str> = states.submissions.iter().map(|s| s.custody.as_str()).collect();
    assert_eq!(of, ["filed", "returned", "returned", "planned", "refused", "superseded", "parked"]);
    assert_eq!((list.total, list.items.len()), (4, 4));
    assert_eq!(figures.custody["filed"], 1);
}

#[tokio::test]
async fn a_history_is_in_causal_order_with_what_holds_by_membership() {
    let story = Story::told();
    let pool = empty().await;
    deliver(&pool, &story, std::slice::from_ref(&story.events)).await;
    let (items, ..) = seen(&pool, &story).await;
    let facts: Vec<(&str, bool)> =
        items[0].history.iter().map(|e| (e.fact.as_str(), e.by_membership)).collect();
    assert_eq!(
        facts,
        [
            ("item.prefiled", false),
            ("item.checked", true),
            ("item.filed", false),
            ("batch.filed", true),
            ("item.prefiled", false),
            ("item.checked", false),
            ("item.returned", false),
        ]
    );
    for event in &items[0].history {
        assert_eq!(EventHash::of(&event.event).as_bytes().as_slice(), event.hash.as_ref());
        assert_eq!(event.traceparent, format!("00-{}", hex::encode(&event.hash[..16])));
    }
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let story = Story::told();
    let pool = empty().await;
    deliver(&pool, &story, std::slice::from_ref(&story.events)).await;
    let query = QueryService::new(pool);
    let ask = async |request| query.items(Request::new(request)).await.map(tonic::Response::into_inner);
    let filed = ask(v1::ItemsRequest { custody: "filed".into(), ..Default::default() }).await.unwrap();
    assert_eq!((filed.total, filed.items.len()), (1, 1));
    let by_code = ask(v1::ItemsRequest { text: "QT·2026".into(), ..Default::default() }).await.unwrap();
    assert_eq!(by_code.items, filed.items);
    let id = story.items[1].to_string();
    let by_id = ask(v1::ItemsRequest { text: id[..10].into(), ..Default::default() }).await.unwrap();
    assert_eq!(by_id.items[0].item.as_ref(), story.items[1].as_bytes());
    let (mut page, mut walked) = (v1::ItemsRequest { limit: 1, ..Default::default() }, BTreeSet::new());
    while let Some(last) = ask(page.clone()).await.unwrap().items.pop() {
        (page.before_changed_at, page.before_item) = (last.changed_at, last.item.clone());
        assert!(walked.insert(last.item), "an item on two pages");
    }
    assert_eq!(walked.len(), 4);
}

#[tokio::test]
async fn questions_that_are_none_have_a_status_and_a_code() {
    let query = QueryService::new(empty().await);
    let code = |s: tonic::Status| (s.code(), dengbei_kit::status::to_problem(&s).code);
    let item = |bytes: &[u8]| Request::new(v1::ItemRequest { item: bytes.to_vec().into() });
    let short = code(query.item(item(b"short")).await.unwrap_err());
    assert_eq!(short, (tonic::Code::InvalidArgument, "query.invalid".into()));
    let unknown = code(query.item(item(Story::told().items[0].as_bytes())).await.unwrap_err());
    assert_eq!(unknown, (tonic::Code::NotFound, "item.not_found".into()));
    let many = v1::StatesRequest { items: vec![vec![0; 16].into(); 1001], submissions: Vec::new() };
    assert_eq!(code(query.states(Request::new(many)).await.unwrap_err()).0, tonic::Code::InvalidArgument);
    let custody = v1::ItemsRequest { custody: "gone".into(), ..Default::default() };
    assert_eq!(code(query.items(Request::new(custody)).await.unwrap_err()).0, tonic::Code::InvalidArgument);
}
