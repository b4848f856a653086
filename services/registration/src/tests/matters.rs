//! Publishing matters.

use dengbei_chain::Fact;
use dengbei_records::ErrorClass;

use super::world::{OTHER_UNIT, UNIT, World, matter};

#[tokio::test]
async fn a_units_first_matter_gives_it_fonds_and_key_and_states_it() {
    let world = World::new().await;
    world.publish(UNIT).await;
    let done =
        world.parts.publisher().publish(matter(OTHER_UNIT, "M-2", "许可").as_bytes(), None).await.unwrap();
    assert_eq!((done.published, done.unchanged), (1, 0));
    let fonds: Vec<String> = world
        .stated()
        .await
        .into_iter()
        .map(|e| match e.fact {
            Some(Fact::MatterPublished(f)) => f.fonds_no.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(fonds, ["J001", "J002"]);
    for unit in [UNIT, OTHER_UNIT] {
        assert!(world.folder.path().join(format!("keys/units/{unit}.key")).is_file());
        assert!(world.folder.path().join(format!("keys/units/{unit}.pub")).is_file());
    }
}

#[tokio::test]
async fn the_same_again_is_unchanged_and_other_content_of_a_version_is_a_conflict() {
    let world = World::new().await;
    world.publish(UNIT).await;
    let publisher = world.parts.publisher();
    let again = publisher.publish(matter(UNIT, "M-1", "备案").as_bytes(), None).await.unwrap();
    assert_eq!((again.published, again.unchanged), (0, 1));
    let other = publisher.publish(matter(UNIT, "M-1", "其他").as_bytes(), None).await.unwrap_err();
    assert_eq!(other.class(), ErrorClass::Conflict);
    assert_eq!(other.problem().code, "matter.conflict");
    assert_eq!(world.stated().await.len(), 1);
}

#[tokio::test]
async fn all_matters_of_a_call_are_published_or_none() {
    let world = World::new().await;
    world.publish(UNIT).await;
    let new = matter(OTHER_UNIT, "M-9", "新");
    let changed = matter(UNIT, "M-1", "其他");
    let both = format!("[{},{}]", &new[1..new.len() - 1], &changed[1..changed.len() - 1]);
    assert!(world.parts.publisher().publish(both.as_bytes(), None).await.is_err());
    assert_eq!(world.ask::<i64>("select count(*) from matters").await, 1);
    assert_eq!(world.ask::<i64>("select last from counters where name = 'fonds'").await, 1);
    assert_eq!(world.stated().await.len(), 1);
}
