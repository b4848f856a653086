//! What is sent in: outcomes and their statuses, streams that end and streams that break off.

use axum::body::Body;
use axum::http::{StatusCode, header};

use crate::{ask, door, json, with_token};

#[tokio::test]
async fn every_outcome_of_a_package_has_its_status() {
    let (door, _) = door().await;
    let table = [("prefiled", 200), ("parked", 200), ("duplicate", 200), ("refused", 422), ("conflict", 409)];
    for (outcome, status) in table {
        let request =
            with_token("POST", &format!("/v1/packages?name={outcome}")).body(Body::from("zip")).unwrap();
        let response = ask(&door, request).await;
        assert_eq!(response.status().as_u16(), status, "{outcome}");
        let package = json(response).await;
        assert_eq!(package["outcome"], outcome);
        assert_eq!(package["checks"].as_array().unwrap().len(), 1, "only what did not pass");
        assert_eq!(package["checks"][0]["id"], "A-08");
        assert_eq!(package["item"].is_null(), outcome == "refused");
        let custody = if outcome == "refused" { "refused" } else { "prefiled" };
        assert_eq!(package["state"]["custody"], custody);
    }
}

#[tokio::test]
async fn an_upload_streams_in_small_chunks_and_arrives_whole() {
    let (door, roles) = door().await;
    let zip: Vec<u8> = (0..900_000_u32).map(|n| (n % 251) as u8).collect();
    let request = with_token("POST", "/v1/batches?source=ZWFW&name=b&data_version=3")
        .body(Body::from(zip.clone()))
        .unwrap();
    let reply = json(ask(&door, request).await).await;
    assert_eq!(reply["packages"].as_array().unwrap().len(), 1);
    let arrived = roles.arrived.lock().unwrap().clone();
    assert!(arrived.ended && arrived.bytes == zip);
    assert!(arrived.chunks.iter().all(|size| *size <= 256 * 1024), "{:?}", arrived.chunks);
    let head = arrived.head;
    assert_eq!((head.batch, head.source_system.as_str(), head.data_version), (true, "ZWFW", 3));
}

#[tokio::test]
async fn an_upload_that_breaks_off_never_ends_at_ingest() {
    let (door, roles) = door().await;
    let frames = [Ok(vec![1; 100_000]), Ok(vec![2; 100_000]), Err(std::io::Error::other("gone"))];
    let body = Body::from_stream(tokio_stream::iter(frames));
    let response = ask(&door, with_token("POST", "/v1/packages?name=prefiled").body(body).unwrap()).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(json(response).await["code"], "upload.broken_off");
    assert!(!roles.arrived.lock().unwrap().ended);
}

#[tokio::test]
async fn what_cannot_be_a_package_is_refused_before_ingest_sees_it() {
    let (door, roles) = door().await;
    let post = |builder: http::request::Builder, body: Body| builder.body(body).unwrap();
    let nothing = ask(&door, post(with_token("POST", "/v1/packages"), Body::empty())).await;
    assert_eq!(nothing.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(json(nothing).await["code"], "package.empty");
    let announced = with_token("POST", "/v1/packages").header(header::CONTENT_LENGTH, (2 << 20).to_string());
    let announced = ask(&door, post(announced, Body::from("x"))).await;
    assert_eq!(announced.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let endless = tokio_stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(vec![0; 100_000])));
    let endless = ask(&door, post(with_token("POST", "/v1/packages"), Body::from_stream(endless))).await;
    assert_eq!(endless.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let body = json(endless).await;
    assert_eq!(body["code"], "package.too_large");
    assert!(body["message"].as_str().is_some_and(|m| !m.is_empty()) && body["message_en"].is_string());
    let unknown = ask(&door, post(with_token("POST", "/v1/packages?colour=red"), Body::from("x"))).await;
    assert_eq!(json(unknown).await["code"], "request.parameters");
    assert!(!roles.arrived.lock().unwrap().ended);
    let full = ask(&door, post(with_token("POST", "/v1/packages?name=full%20house"), Body::from("x"))).await;
    assert_eq!(full.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(full.headers().contains_key(header::RETRY_AFTER));
}
