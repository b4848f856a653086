//! Packs are taken, read back, signed for, listed and sent.

use dengbei_chain::facts::Purpose;
use dengbei_proto::v1;
use dengbei_records::Sha256;

use super::world::{World, attest, name, put, take};

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_is_taken_from_another_site_read_back_and_signed_for() {
    let world = World::new().await;
    let large = "档".repeat(1_000_000);
    let pack = world.write(1, &large).await;
    let receipt = world.archive.take(take(1, &pack, &world.primary.url)).await.unwrap();
    assert_eq!((receipt.site.as_str(), receipt.class.as_str()), ("archive", "archive"));
    assert_eq!((receipt.purpose, receipt.pack.get(), receipt.generation), (Purpose::Backup, 1, 1));
    assert_eq!((receipt.digest, receipt.bytes), (pack.sha256, pack.len));
    assert_eq!(receipt.versions_root, pack.versions_root);
    assert!(world.archive.signed(&receipt).await);
    assert_eq!(std::fs::read(world.archive.path(1)).unwrap(), std::fs::read(world.primary.path(1)).unwrap());
    let described = world.archive.describe().await;
    assert_eq!((described.packs, described.bytes, described.quarantined), (1, pack.len, 0));
    assert!(described.free_bytes > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_read_back_and_signed_again_wherever_it_should_come_from() {
    let world = World::new().await;
    let pack = world.write(1, "一").await;
    for from in ["", "", "http://127.0.0.1:1"] {
        let receipt = world.primary.take(take(1, &pack, from)).await.unwrap();
        assert!(world.primary.signed(&receipt).await);
    }
    let both =
        futures::future::join_all((0..6).map(|_| world.remote.take(take(1, &pack, &world.primary.url))));
    assert!(both.await.into_iter().all(|taken| taken.unwrap().digest == pack.sha256));
    let attested = world.remote.attest(attest(1, &pack)).await.unwrap();
    assert_eq!((attested.purpose, attested.digest), (Purpose::Storage, pack.sha256));
    assert!(world.remote.signed(&attested).await);
    // Who only wants to know what is there.
    let plain = v1::AttestRequest { name: name(1), ..v1::AttestRequest::default() };
    assert_eq!(world.remote.attest(plain).await.unwrap().digest, pack.sha256);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_the_same_after_a_restart_and_every_site_has_its_own() {
    let world = World::new().await;
    let keys = [world.primary.describe().await.key, world.archive.describe().await.key];
    assert_ne!(keys[0], keys[1]);
    let folder = world.folder.path().join("keys/sites");
    let again = dengbei_kit::seals::SealKeys::open_or_make(&folder, "primary").unwrap();
    assert_eq!(keys[0], again.public().as_slice());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_comes_in_pieces_of_256_kib_at_most_that_tell_their_place() {
    let world = World::new().await;
    world.write(1, &"字节".repeat(200_000)).await;
    let whole = std::fs::read(world.primary.path(1)).unwrap();
    for (offset, length) in [(0, 0), (1000, 700_000), (whole.len() as u64 - 5, 0), (7, 1)] {
        let request = v1::ReadPackRequest { name: name(1), offset, length };
        let mut stream = world.primary.client.clone().read(request).await.unwrap().into_inner();
        let (mut read, mut at) = (Vec::new(), offset);
        while let Some(piece) = stream.message().await.unwrap() {
            assert!(piece.offset == at && piece.data.len() <= 256 * 1024);
            at += piece.data.len() as u64;
            read.extend_from_slice(&piece.data);
        }
        let end = if length == 0 { whole.len() } else { (offset + length) as usize };
        assert_eq!(Sha256::of(&read), Sha256::of(&whole[offset as usize..end]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn packs_are_listed_by_number_in_pages() {
    let world = World::new().await;
    for number in [4, 2, 9] {
        put(&world.remote, number, "文").await;
    }
    let listed = async |from_pack, limit| {
        let request = v1::ListPacksRequest { from_pack, limit };
        let packs = world.remote.client.clone().list(request).await.unwrap().into_inner().packs;
        packs.into_iter().map(|p| p.name.unwrap().pack).collect::<Vec<_>>()
    };
    assert_eq!(listed(0, 2).await, [2, 4]);
    assert_eq!(listed(5, 0).await, [9]);
    assert_eq!(listed(10, 5).await, Vec::<u64>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_copy_is_set_aside_as_evidence_and_made_again() {
    let world = World::new().await;
    let pack = world.write(1, "一").await;
    world.remote.take(take(1, &pack, &world.primary.url)).await.unwrap();
    let mut bytes = std::fs::read(world.remote.path(1)).unwrap();
    bytes[2000] ^= 1;
    std::fs::write(world.remote.path(1), &bytes).unwrap();
    let bad = Sha256::of(&bytes);
    let path = world.remote.quarantine(1, bad.as_bytes()).await.unwrap();
    let kept = world.folder.path().join("remote").join(&path);
    assert_eq!(Sha256::of(&std::fs::read(&kept).unwrap()), bad);
    assert!(
        std::fs::read_to_string(
            kept.with_extension(format!("{}.reason.json", path.rsplit('.').next().unwrap()))
        )
        .unwrap()
        .contains(&bad.to_string())
    );
    let receipt = world.remote.take(take(1, &pack, &world.archive.url)).await;
    assert_eq!(super::world::code(&receipt.unwrap_err()), "site.source_missing");
    let receipt = world.remote.take(take(1, &pack, &world.primary.url)).await.unwrap();
    assert!(world.remote.signed(&receipt).await);
    assert_eq!(world.remote.describe().await.quarantined, 1);
}
