//! The same over gRPC: what a sender and other roles see, and every status that is promised.

use std::sync::Arc;

use bytes::Bytes;
use dengbei_kit::grpc::{self, MeshChannel};
use dengbei_kit::{Drain, status};
use dengbei_proto::v1;
use dengbei_proto::v1::ingest_client::IngestClient;
use dengbei_proto::v1::ingest_server::IngestServer;
use dengbei_proto::v1::submit_part::Part;
use dengbei_records::ErrorClass;
use futures::stream;
use tonic::Status;

use super::house::House;
use super::made::Package;
use crate::grpc::Served;
use crate::read_staged::Readers;
use crate::standing::Standing;

async fn served(house: &House, standing: Arc<Standing>) -> IngestClient<MeshChannel> {
    let served = Served {
        door: house.parts.door.clone(),
        pool: house.pool.clone(),
        standing,
        uploads: Served::uploads(),
        readers: Readers { pool: house.pool.clone(), stage: house.parts.let_go.stage.clone() },
        guard: house.parts.guard.clone(),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = tonic::service::Routes::new(IngestServer::new(served));
    tokio::spawn(async move { grpc::serve_on(listener, "t", routes, Drain::new()).await.unwrap() });
    IngestClient::new(grpc::channel(&url, "t").unwrap())
}

async fn open(house: &House) -> IngestClient<MeshChannel> {
    served(house, house.parts.let_go.standing.clone()).await
}

fn parts(head: v1::SubmitHead, body: &Bytes) -> Vec<v1::SubmitPart> {
    let chunks = (0..body.len()).step_by(1_000).map(|at| body.slice(at..body.len().min(at + 1_000)));
    let parts = std::iter::once(Part::Head(head)).chain(chunks.map(Part::Chunk));
    parts.map(|part| v1::SubmitPart { part: Some(part) }).collect()
}

async fn submit(
    client: &mut IngestClient<MeshChannel>,
    head: v1::SubmitHead,
    body: &Bytes,
) -> Result<v1::SubmitReply, Status> {
    Ok(client.submit(stream::iter(parts(head, body))).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_gets_its_answer_and_others_find_the_submission() {
    let house = House::with_matter().await;
    let mut client = open(&house).await;
    let body = Package::of(1).zip();
    let head = v1::SubmitHead { name: "p.zip".into(), length: body.len() as u64, ..Default::default() };
    let reply = submit(&mut client, head, &body).await.unwrap().packages.remove(0);
    assert_eq!(
        (reply.outcome.as_str(), reply.custody.as_str(), reply.data_version),
        ("prefiled", "prefiled", 1)
    );
    let by_item = v1::SubmissionRequest { item: reply.item.clone(), submission: Bytes::new() };
    let found = client.submission(by_item).await.unwrap().into_inner();
    assert_eq!((found.submission, found.outcome.as_str()), (reply.submission.clone(), "prefiled"));
    house.parts.let_go.standing.recount(&house.pool).await.unwrap();
    let standing = client.standing(v1::StandingRequest {}).await.unwrap().into_inner();
    assert_eq!((standing.undecided, standing.parked), (1, 0));
    assert!(standing.free_bytes > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_package_is_found_by_its_submission_with_its_checks() {
    let house = House::with_matter().await;
    let mut client = open(&house).await;
    let body = Package::of(1).with("申请材料/多余.txt", b"x").zip();
    let reply = submit(&mut client, v1::SubmitHead::default(), &body).await.unwrap().packages.remove(0);
    assert_eq!(reply.outcome, "refused");
    let asked = v1::SubmissionRequest { item: Bytes::new(), submission: reply.submission };
    let found = client.submission(asked).await.unwrap().into_inner();
    assert_eq!((found.outcome.as_str(), found.checks), ("refused", reply.checks));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_house_says_so_before_the_body() {
    let house = House::with_matter().await;
    let mut settings = house.parts.door.settings.clone();
    settings.undecided_items = 1;
    let standing = Arc::new(Standing::new(&settings));
    standing.add(1, 100);
    let mut client = served(&house, standing).await;
    let refused = submit(&mut client, v1::SubmitHead::default(), &Package::of(1).zip()).await.unwrap_err();
    let problem = status::to_problem(&refused);
    assert_eq!((problem.code.as_str(), problem.class), ("ingest.full", ErrorClass::Exhausted));
    assert!(problem.remedy.contains("60"));
    assert!(house.events().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_protocol_or_the_cap_is_told_so() {
    let house = House::with_matter().await;
    let mut client = open(&house).await;
    let body = Package::of(1).zip();
    let code = |refused: Status| status::to_problem(&refused).code;
    let lying = v1::SubmitHead { length: 5, ..Default::default() };
    assert_eq!(code(submit(&mut client, lying, &body).await.unwrap_err()), "submission.protocol");
    let huge = v1::SubmitHead { length: u64::MAX / 4, ..Default::default() };
    let huge = code(submit(&mut client, huge, &body).await.unwrap_err());
    assert!(["ingest.full", "package.too_large"].contains(&huge.as_str()), "{huge}");
    let headless = vec![v1::SubmitPart { part: Some(Part::Chunk(body.clone())) }];
    let refused = client.submit(stream::iter(headless)).await.unwrap_err();
    assert_eq!(code(refused), "submission.protocol");
    let source = v1::SubmitHead { source_system: "有 空格".into(), ..Default::default() };
    assert_eq!(code(submit(&mut client, source, &body).await.unwrap_err()), "submission.source_system");
    let nobody = v1::SubmissionRequest { item: Bytes::new(), submission: Bytes::from(vec![9; 16]) };
    assert_eq!(code(client.submission(nobody).await.unwrap_err()), "submission.unknown");
    assert!(house.events().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_submissions_are_read_in_one_call_in_the_order_asked() {
    let house = House::with_matter().await;
    let mut ids = Vec::new();
    for n in 1..=7 {
        ids.push(house.submit(&Package::of(n)).await.submission);
    }
    ids.reverse();
    let mut client = open(&house).await;
    let asked: Vec<Bytes> = ids.iter().map(|id| Bytes::copy_from_slice(id.as_bytes())).collect();
    let receptions = v1::ReadStagedRequest { submissions: asked.clone(), receptions_only: true };
    let mut parts = client.read_staged(receptions).await.unwrap().into_inner();
    for id in &asked {
        let part = parts.message().await.unwrap().unwrap();
        assert!(matches!(part.part, Some(v1::staged_part::Part::Reception(_))) && part.submission == id);
    }
    assert!(parts.message().await.unwrap().is_none(), "receptions alone were asked for");
    let everything = v1::ReadStagedRequest { submissions: asked, receptions_only: false };
    let mut parts = client.read_staged(everything).await.unwrap().into_inner();
    let mut order = Vec::new();
    while let Some(part) = parts.message().await.unwrap() {
        match part.part.unwrap() {
            v1::staged_part::Part::Reception(_) => order.push(part.submission),
            v1::staged_part::Part::File(file) => {
                assert_eq!(order.last(), Some(&part.submission), "{}", file.content);
            }
            v1::staged_part::Part::Missing(why) => panic!("{why}"),
        }
    }
    assert_eq!(order, ids.iter().map(|id| Bytes::copy_from_slice(id.as_bytes())).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_goes_away_leaves_nothing_half_done() {
    let house = House::with_matter().await;
    let mut client = open(&house).await;
    let body = Package::of(1).zip();
    let half = parts(v1::SubmitHead { length: body.len() as u64, ..Default::default() }, &body);
    let broken = half[..half.len() / 2].to_vec();
    let refused = client.submit(stream::iter(broken)).await.unwrap_err();
    assert_eq!(status::class(&refused), ErrorClass::Invalid);
    assert_eq!(house.staged_rows().await, 0);
    assert_eq!(house.outcome(&Package::of(1)).await, "prefiled");
}
