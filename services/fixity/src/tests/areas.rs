//! Two areas in one deployment, each with its own checking scheme (检测方案).

use std::sync::Arc;

use dengbei_chain::facts::Verdict;
use dengbei_checks::{Scheme, Schemes};

use super::desk::{Desk, area, prefiled};
use super::door::{Staged, package};
use crate::check::Bench;

/// Without a title (I-04), of this area.
fn untitled(n: u32, area: &str) -> Staged {
    package(n, &format!("33038201-XK-00001-001-2026-30年-{n:07}"), |files| {
        let basic = files[1].1.replace("甲申请食品经营许可", "");
        files[1].1 = basic.replace("<areacode>330382<", &format!("<areacode>{area}<"));
    })
}

fn schemes() -> Schemes {
    let base = Scheme::builtin();
    let document = format!(
        r#"{{"format":"dengbei.scheme/1","id":"test/mild","version":"7","title":"测","title_en":"test",
            "extends":{{"id":"{}","version":"{}","digest":"{}"}},"in_force_from":"2026-01-01",
            "areas":["330381"],"stages":{{"G":{{"I-04":"W"}}}}}}"#,
        base.id, base.version, base.digest
    );
    Schemes::read(&[("mild.json".to_owned(), document.into_bytes())]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_fault_has_another_verdict_in_another_area_and_each_names_its_scheme() {
    let mut desk = Desk::with_matter().await;
    desk.checks.bench = Arc::new(Bench {
        area: area(),
        schemes: schemes(),
        guard: None,
        readers: Arc::new(dengbei_formats::content::Here),
    });
    let staged = [untitled(1, "330382"), untitled(2, "330381")];
    staged.iter().for_each(|s| desk.door.put(s));
    let events: Vec<_> = staged.iter().map(prefiled).collect();
    desk.hear(&events).await.unwrap();
    let stated = desk.stated().await;
    assert_eq!(stated.len(), 2, "{stated:?}");
    let base = Scheme::builtin();
    for (_, checked) in &stated {
        match &checked.verdict {
            Verdict::Passed { count, .. } => {
                assert_eq!((*count, checked.scheme.as_str()), (1, "test/mild/7"));
            }
            Verdict::Failed { item, failed, .. } => {
                assert_eq!((*item, failed.as_slice()), (staged[0].item, ["I-04".to_owned()].as_slice()));
                assert_eq!(checked.scheme, format!("{}/{}", base.id, base.version));
            }
        }
    }
}
