//! Items as they are asked for, what is taken of them, and events that got stuck.

use axum::body::Body;
use axum::http::{StatusCode, header};
use http_body_util::BodyExt as _;

use crate::peers::{AT_THE_DOOR, BATCH, ITEM};
use crate::{ask, door, empty, got, json, text, with_token};

#[tokio::test]
async fn an_item_its_states_and_its_receipt_are_asked_by_id() {
    let (door, _) = door().await;
    let item = json(ask(&door, empty(with_token("GET", &format!("/v1/items/{ITEM}")))).await).await;
    assert_eq!((&item["item"], &item["state"]["custody"]), (&ITEM.into(), &"filed".into()));
    assert_eq!(item["history"][0]["fact"], "item.prefiled");
    let unknown =
        ask(&door, empty(with_token("GET", "/v1/items/0a0b0c0d-0e0f-8001-8002-030405060709"))).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    let refused = json(ask(&door, empty(with_token("GET", &format!("/v1/items/{AT_THE_DOOR}")))).await).await;
    assert_eq!(
        (&refused["state"]["custody"], &refused["checks"][0]["id"]),
        (&"refused".into(), &"S-02".into())
    );
    let no_id = ask(&door, empty(with_token("GET", "/v1/items/..%2f..%2fetc"))).await;
    assert_eq!(
        (no_id.status(), json(no_id).await["code"].clone()),
        (StatusCode::UNPROCESSABLE_ENTITY, "item.id".into())
    );
    let asked = format!(r#"{{"items":["{ITEM}"],"submissions":["01010101-0101-0101-0101-010101010101"]}}"#);
    let post = with_token("POST", "/v1/items:states").header(header::CONTENT_TYPE, "application/json");
    let states = json(ask(&door, post.body(Body::from(asked)).unwrap()).await).await;
    assert_eq!(states["items"][0]["item"], ITEM);
    assert_eq!(states["submissions"][0]["custody"], "planned");
    let post = with_token("POST", "/v1/items:states").header(header::CONTENT_TYPE, "application/json");
    let wrong = ask(&door, post.body(Body::from("{")).unwrap()).await;
    assert_eq!(json(wrong).await["code"], "request.not_json");
    let receipt = ask(&door, empty(with_token("GET", &format!("/v1/items/{ITEM}/receipt")))).await;
    assert_eq!(text(receipt).await, r#"{"a":1}"#);
}

#[tokio::test]
async fn a_filed_package_comes_as_a_zip_and_a_broken_one_as_a_broken_answer() {
    let (door, _) = door().await;
    let response = ask(&door, empty(with_token("GET", &format!("/v1/items/{ITEM}/package")))).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/zip");
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names, ["record.json", "申请材料/申请表.pdf"]);
    let mut pdf = String::new();
    std::io::Read::read_to_string(&mut zip.by_name("申请材料/申请表.pdf").unwrap(), &mut pdf).unwrap();
    assert_eq!(pdf, "%PDF-1.4");
    let broken =
        ask(&door, empty(with_token("GET", &format!("/v1/items/{ITEM}/package?data_version=9")))).await;
    assert!(broken.into_body().collect().await.is_err(), "half a package is not taken for a whole one");
}

#[tokio::test]
async fn items_are_asked_for_by_every_filter_and_empty_fields_of_a_form_are_none() {
    let (door, roles) = door().await;
    let path = format!(
        "/v1/items?registration=certified&preservation=secured&retention=Y&year=2026&pack=7&transfer=YJ-1&batch={BATCH}&unit=&matter="
    );
    let items = got(&door, &path).await;
    for name in ["registration_no", "certificate_no", "transfer_no", "in_archive_range", "copies", "batch"] {
        assert!(items["items"][0].get(name).is_some(), "{name}");
    }
    let asked = roles.asked.lock().unwrap().clone();
    assert_eq!((asked.registration.as_str(), asked.preservation.as_str()), ("certified", "secured"));
    assert_eq!((asked.year, asked.pack, asked.transfer_no.as_str()), (2026, 7, "YJ-1"));
    assert_eq!((asked.retention.as_str(), asked.batch.len()), ("Y", 16));
    got(&door, "/v1/items?year=&pack=&batch=").await;
    for wrong in ["year=x", "batch=x", "after=x"] {
        let response = ask(&door, empty(with_token("GET", &format!("/v1/items?{wrong}")))).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn dead_letters_of_all_roles_are_listed_and_sent_again() {
    let (door, _) = door().await;
    let list = json(ask(&door, empty(with_token("GET", "/v1/dead-letters"))).await).await;
    assert_eq!(list["dead_letters"].as_array().unwrap().len(), 5);
    let retry = |body: String| {
        let post =
            with_token("POST", "/v1/dead-letters:retry").header(header::CONTENT_TYPE, "application/json");
        post.body(Body::from(body)).unwrap()
    };
    let again = json(ask(&door, retry(format!(r#"{{"hashes":["{}"]}}"#, "07".repeat(32)))).await).await;
    assert_eq!(again["retried"], 5);
    assert_eq!(ask(&door, retry("{}".into())).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let queues = json(ask(&door, empty(with_token("GET", "/v1/queues"))).await).await;
    assert_eq!((&queues["ingest"]["parked"], &queues["filing"]["ready"]), (&3.into(), &7.into()));
}
