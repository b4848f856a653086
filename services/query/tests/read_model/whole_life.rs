//! Registration, backup, certificate and handover in the read model, on a real PostgreSQL.

use std::collections::HashMap;

use dengbei_proto::v1;
use dengbei_proto::v1::query_server::Query as _;
use dengbei_query::QueryService;
use dengbei_records::Series;
use tonic::Request;

use crate::deliver::{self, Dice, deliver, empty, one_by_one, seen};
use crate::story::Story;
use crate::story::life::{BATCH, OTHER, number, transfer_no};

async fn told() -> (Story, QueryService) {
    let (story, pool) = (Story::whole_life(), empty().await);
    deliver(&pool, &story, &one_by_one(&story)).await;
    (story, QueryService::new(pool))
}

async fn list(query: &QueryService, request: v1::ItemsRequest) -> Vec<usize> {
    let story = Story::whole_life();
    let reply = query.items(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(reply.total, reply.items.len() as u64);
    let place = |item: &v1::ItemSummary| story.items.iter().position(|i| i.as_bytes()[..] == item.item[..]);
    let mut found: Vec<usize> = reply.items.iter().map(|item| place(item).unwrap()).collect();
    found.sort_unstable();
    found
}

#[tokio::test]
async fn any_order_and_redelivery_of_a_whole_life_give_the_same_read_model() {
    let story = Story::whole_life();
    let pool = empty().await;
    deliver(&pool, &story, &one_by_one(&story)).await;
    let expected = seen(&pool, &story).await;
    for seed in 0..16 {
        let pool = empty().await;
        deliver(&pool, &story, &Dice(seed).bundles(&story.events)).await;
        let found = seen(&pool, &story).await;
        assert!(found == expected, "seed {seed}: {:#?}", deliver::difference(&found, &expected));
        deliver(&pool, &story, &one_by_one(&story)).await;
        assert!(seen(&pool, &story).await == expected, "seed {seed}, delivered again");
    }
    let pool = empty().await;
    let reversed: Vec<_> = one_by_one(&story).into_iter().rev().collect();
    deliver(&pool, &story, &reversed).await;
    assert!(seen(&pool, &story).await == expected, "from the end");
}

#[tokio::test]
async fn items_show_the_states_of_their_pack_batch_and_transfer() {
    let (story, query) = told().await;
    let items = story.items.iter().map(|i| i.as_bytes().to_vec().into()).collect();
    let submissions = story.submissions.iter().map(|s| s.as_bytes().to_vec().into()).collect();
    let request = v1::StatesRequest { items, submissions };
    let states = query.states(Request::new(request)).await.unwrap().into_inner();
    let by_item: HashMap<_, _> = states.items.iter().map(|i| (i.item.clone(), i)).collect();
    let item = |n: usize| by_item[story.items[n].as_bytes().as_slice()];
    let regions =
        |n| (item(n).custody.as_str(), item(n).registration.as_str(), item(n).preservation.as_str());
    assert_eq!(regions(0), ("accessioned", "certified", "secured"), "repaired");
    assert_eq!(regions(2), ("filed", "certified", "secured"), "taken out of the transfer");
    assert_eq!(regions(3), ("accessioned", "certified", "suspect"), "a copy is missing");
    assert_eq!(regions(4), ("filed", "certified", "secured"), "not for the archive");
    assert_eq!(item(0).registration_no, number(Series::Registration, 1).to_string());
    assert_eq!(item(0).certificate_no, number(Series::Certificate, 1).to_string());
    assert_eq!((item(0).transfer_no.clone(), item(2).transfer_no.as_str()), (transfer_no(), ""));
    assert_eq!(item(3).batch.as_ref(), BATCH.as_bytes(), "not the one that was declined");
    assert_eq!(item(0).copies, ["archive", "primary", "remote"]);
    assert_eq!((item(0).in_archive_range, item(4).in_archive_range), (true, false));
    let attempts: HashMap<_, _> = states.submissions.iter().map(|a| (a.submission.clone(), a)).collect();
    for n in 0..5 {
        let attempt = attempts[story.submissions[n].as_bytes().as_slice()];
        let of = (attempt.custody.as_str(), attempt.registration.as_str(), attempt.preservation.as_str());
        assert_eq!(of, regions(n));
        assert_eq!((&attempt.retention, attempt.in_archive_range), (&item(n).retention, n < 4));
    }
}

#[tokio::test]
async fn a_history_is_the_items_own_with_that_of_its_pack_batch_and_transfer() {
    let (story, query) = told().await;
    let facts = async |n: usize| {
        let request = v1::ItemRequest { item: story.items[n].as_bytes().to_vec().into() };
        let history = query.item(Request::new(request)).await.unwrap().into_inner().history;
        assert!(history.iter().all(|e| !e.summary.is_empty()), "{history:#?}");
        assert!(
            history
                .iter()
                .all(|e| e.by_membership != ["item.prefiled", "item.filed"].contains(&e.fact.as_str()))
        );
        history.into_iter().map(|e| e.fact).collect::<Vec<_>>()
    };
    let moved = [
        "item.prefiled",
        "item.checked",
        "item.filed",
        "batch.filed",
        "batch.applied",
        "batch.declined",
        "batch.applied",
        "batch.registered",
        "pack.stored",
        "pack.stored",
        "pack.stored",
        "pack.secured",
        "certificate.issued",
        "transfer.packed",
        "transfer.checked",
        "transfer.submitted",
        "transfer.checked",
        "transfer.accepted",
        "pack.stored",
        "transfer.checked",
        "item.accessioned",
        "pack.missing",
    ];
    assert_eq!(facts(3).await, moved);
    let left_out = facts(2).await;
    assert!(left_out.contains(&"transfer.submitted".into()), "what was before it was taken out");
    assert!(!left_out.iter().any(|f| f == "transfer.accepted" || f == "item.accessioned"), "{left_out:?}");
    assert_eq!(facts(4).await.last().unwrap(), "certificate.issued");
}

#[tokio::test]
async fn lists_are_filtered_by_every_state_and_place() {
    let (_, query) = told().await;
    let (all, nobody) = (v1::ItemsRequest::default, Vec::<usize>::new());
    assert_eq!(list(&query, v1::ItemsRequest { custody: "accessioned".into(), ..all() }).await, [0, 1, 3]);
    assert_eq!(list(&query, v1::ItemsRequest { custody: "filed".into(), ..all() }).await, [2, 4]);
    let certified = v1::ItemsRequest { registration: "certified".into(), ..all() };
    assert_eq!(list(&query, certified.clone()).await, [0, 1, 2, 3, 4]);
    assert_eq!(list(&query, v1::ItemsRequest { pack: 12, ..certified }).await, [0, 1, 2]);
    assert_eq!(list(&query, v1::ItemsRequest { registration: "applied".into(), ..all() }).await, nobody);
    assert_eq!(list(&query, v1::ItemsRequest { preservation: "suspect".into(), ..all() }).await, [3]);
    assert_eq!(list(&query, v1::ItemsRequest { preservation: "none".into(), ..all() }).await, nobody);
    assert_eq!(list(&query, v1::ItemsRequest { retention: "D10".into(), ..all() }).await, [4]);
    assert_eq!(list(&query, v1::ItemsRequest { year: 2025, ..all() }).await, nobody);
    assert_eq!(list(&query, v1::ItemsRequest { year: 2026, ..all() }).await.len(), 5);
    assert_eq!(list(&query, v1::ItemsRequest { transfer_no: transfer_no(), ..all() }).await, [0, 1, 3]);
    let batch = OTHER.as_bytes().to_vec().into();
    assert_eq!(list(&query, v1::ItemsRequest { batch, ..all() }).await, [4]);
    let wrong = v1::ItemsRequest { registration: "finished".into(), ..all() };
    assert_eq!(query.items(Request::new(wrong)).await.unwrap_err().code(), tonic::Code::InvalidArgument);
}

#[tokio::test]
async fn figures_add_up() {
    let (_, query) = told().await;
    let figures = query.figures(Request::new(v1::FiguresRequest {})).await.unwrap().into_inner();
    let map = |of: &[(&str, u64)]| of.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect::<HashMap<_, _>>();
    assert_eq!(figures.custody, map(&[("filed", 2), ("accessioned", 3)]));
    assert_eq!(figures.registration, map(&[("certified", 5)]));
    assert_eq!(figures.preservation, map(&[("secured", 4), ("suspect", 1)]));
    let unit = &figures.units[0];
    assert_eq!((unit.prefiled, unit.filed, unit.certified, unit.accessioned), (5, 5, 5, 3));
    assert_eq!(unit.unit_name, "区经信局");
    let day = &figures.days[0];
    assert_eq!((day.day.as_str(), day.prefiled, day.filed, day.accessioned), ("2026-09-21", 5, 5, 3));
}

#[tokio::test]
async fn a_life_is_seen_step_by_step() {
    let (story, pool) = (Story::whole_life(), empty().await);
    let query = QueryService::new(pool.clone());
    let mut steps = Vec::new();
    for event in &story.events {
        deliver(&pool, &story, &[vec![event.clone()]]).await;
        let items = vec![story.items[3].as_bytes().to_vec().into()];
        let request = v1::StatesRequest { items, submissions: Vec::new() };
        let states = query.states(Request::new(request)).await.unwrap().into_inner();
        let Some(item) = states.items.into_iter().next() else { continue };
        let step = format!("{} {} {}", item.custody, item.registration, item.preservation);
        if steps.last() != Some(&step) {
            steps.push(step);
        }
    }
    let expected = [
        "prefiled unregistered none",
        "planned unregistered none",
        "filed unregistered stored",
        "filed applied stored",
        "filed unregistered stored",
        "filed applied stored",
        "filed registered stored",
        "filed backed_up secured",
        "filed certified secured",
        "accessioned certified secured",
        "accessioned certified suspect",
    ];
    assert_eq!(steps, expected);
}
