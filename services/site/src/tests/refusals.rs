//! What a site refuses: each with its stable code, in both languages, and with what was found.

use dengbei_proto::v1;
use dengbei_records::{ErrorClass, Sha256};
use tonic::Code;

use super::world::{World, attest, code, detail, name, put, take};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_missing() {
    let world = World::new().await;
    let pack = super::world::writer(1, "一").write_in_memory(&mut Vec::new()).unwrap();
    for refused in [
        world.archive.take(take(1, &pack, "")).await.unwrap_err(),
        world.archive.attest(attest(1, &pack)).await.unwrap_err(),
        world.archive.quarantine(1, pack.sha256.as_bytes()).await.map(drop).unwrap_err(),
        world
            .archive
            .client
            .clone()
            .read(v1::ReadPackRequest { name: name(1), offset: 0, length: 0 })
            .await
            .map(drop)
            .unwrap_err(),
    ] {
        assert_eq!((refused.code(), code(&refused).as_str()), (Code::NotFound, "site.missing"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_under_the_name_are_told_and_never_overwritten() {
    let world = World::new().await;
    let pack = world.write(1, "一").await;
    let other = put(&world.archive, 1, "壹").await;
    let refused = world.archive.take(take(1, &pack, &world.primary.url)).await.unwrap_err();
    assert_eq!((refused.code(), code(&refused).as_str()), (Code::FailedPrecondition, "site.differs"));
    let detail = detail(&refused);
    assert_eq!(detail["found"], other.sha256.to_string());
    assert_eq!(detail["found_bytes"], other.len);
    assert!(detail["message"].as_str().unwrap().contains("内容不同"));
    assert!(detail["message_en"].as_str().unwrap().contains("other bytes"));
    assert_eq!(world.archive.attest(attest(1, &other)).await.unwrap().digest, other.sha256);
    // Only the bytes that are meant go to the quarantine.
    let refused = world.archive.quarantine(1, pack.sha256.as_bytes()).await.unwrap_err();
    assert_eq!(code(&refused), "site.differs");
    let refused = world.archive.quarantine(1, b"").await.unwrap_err();
    assert_eq!(code(&refused), "site.differs");
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_data_loss_with_the_digest_and_length_that_were_found() {
    let world = World::new().await;
    let pack = world.write(1, "一").await;
    let good = std::fs::read(world.primary.path(1)).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 8;
    let cut = good[..good.len() - 512].to_vec();
    for bytes in [flipped, cut, Vec::new()] {
        std::fs::write(world.primary.path(1), &bytes).unwrap();
        let refused = world.primary.attest(attest(1, &pack)).await.unwrap_err();
        assert_eq!((refused.code(), code(&refused).as_str()), (Code::DataLoss, "site.damaged"));
        assert_eq!(detail(&refused)["found"], Sha256::of(&bytes).to_string());
        assert_eq!(detail(&refused)["found_bytes"], bytes.len());
        assert!(dengbei_kit::status::to_problem(&refused).message.contains("损坏"));
    }
    // A copy that does not begin with this pack's catalogue is not signed for, whoever asks.
    std::fs::write(world.primary.path(1), &good[512..]).unwrap();
    let plain = v1::AttestRequest { name: name(1), ..v1::AttestRequest::default() };
    let refused = world.primary.attest(plain).await.unwrap_err();
    assert_eq!(code(&refused), "site.damaged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_cannot_be_read_is_told_apart_and_can_be_set_aside() {
    let world = World::new().await;
    let pack = world.write(1, "一").await;
    std::fs::remove_file(world.primary.path(1)).unwrap();
    std::fs::create_dir(world.primary.path(1)).unwrap();
    let refused = world.primary.attest(attest(1, &pack)).await.unwrap_err();
    assert_eq!(code(&refused), "site.unreadable");
    assert_eq!(detail(&refused)["found"], "");
    assert_eq!(code(&world.primary.quarantine(1, &[7; 32]).await.unwrap_err()), "site.differs");
    world.primary.quarantine(1, b"").await.unwrap();
    assert_eq!(code(&world.primary.attest(attest(1, &pack)).await.unwrap_err()), "site.missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_with_other_bytes_gives_nothing_the_name() {
    let world = World::new().await;
    let pack = world.write(1, "一").await;
    let good = std::fs::read(world.primary.path(1)).unwrap();
    let mut flipped = good.clone();
    flipped[3000] ^= 1;
    let longer = [good.clone(), vec![0; 300_000]].concat();
    for bytes in [flipped, good[..1024].to_vec(), longer] {
        std::fs::write(world.primary.path(1), &bytes).unwrap();
        let refused = world.remote.take(take(1, &pack, &world.primary.url)).await.unwrap_err();
        assert_eq!(code(&refused), "site.source_differs");
        assert!(!world.remote.path(1).exists());
    }
    assert_eq!(std::fs::read_dir(world.folder.path().join("remote/incoming")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_has_it_not_is_told_from_one_that_does_not_answer() {
    let world = World::new().await;
    let pack = world.write(1, "一").await;
    let refused = world.remote.take(take(1, &pack, &world.archive.url)).await.unwrap_err();
    assert_eq!((refused.code(), code(&refused).as_str()), (Code::NotFound, "site.source_missing"));
    // Nobody is sent the mesh token but the sites of the deployment.
    let refused = world.remote.take(take(1, &pack, "http://127.0.0.1:9")).await.unwrap_err();
    assert_eq!((refused.code(), code(&refused).as_str()), (Code::InvalidArgument, "site.unknown_source"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_as_such() {
    let world = World::new().await;
    let pack = world.write(1, "一").await;
    let good = take(1, &pack, "");
    for bad in [
        v1::TakeRequest { name: None, ..good.clone() },
        v1::TakeRequest { name: name(0), ..good.clone() },
        v1::TakeRequest { purpose: "fun".into(), ..good.clone() },
        v1::TakeRequest { digest: vec![1; 31].into(), ..good.clone() },
    ] {
        let refused = world.primary.take(bad).await.unwrap_err();
        assert_eq!((refused.code(), code(&refused).as_str()), (Code::InvalidArgument, "site.request"));
    }
    let other_root = v1::TakeRequest { versions_root: vec![1; 32].into(), ..good.clone() };
    assert_eq!(code(&world.primary.take(other_root).await.unwrap_err()), "site.root_differs");
    let huge = v1::TakeRequest { bytes: u64::MAX / 2, from: world.primary.url.clone(), ..good };
    let refused = world.remote.take(huge).await.unwrap_err();
    assert_eq!((refused.code(), code(&refused).as_str()), (Code::ResourceExhausted, "site.full"));
    let beyond = v1::ReadPackRequest { name: name(1), offset: pack.len, length: 1 };
    let refused = world.primary.client.clone().read(beyond).await.map(drop).unwrap_err();
    assert_eq!(dengbei_kit::status::class(&refused), ErrorClass::Invalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_carry_the_mesh_token_is_not_heard() {
    let world = World::new().await;
    let channel = dengbei_kit::grpc::channel(&world.primary.url, "guess").unwrap();
    let mut stranger = v1::site_client::SiteClient::new(channel);
    let refused = stranger.describe(v1::DescribeRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}
