//! What every answer keeps to: statuses and texts of errors, paths that exist, pages that escape, connections that end.

use axum::body::Body;
use axum::http::{StatusCode, header};
use http_body_util::BodyExt as _;

use crate::peers::{BATCH, ITEM, Roles, TOKEN};
use crate::{ask, bare, door, empty, json, peers, text, with_token};

#[tokio::test]
async fn every_class_of_error_has_its_status_code_texts_and_remedy() {
    let (door, _) = door().await;
    let table = [
        ("invalid", 422),
        ("not_found", 404),
        ("conflict", 409),
        ("exhausted", 503),
        ("unavailable", 503),
        ("internal", 500),
    ];
    for (class, status) in table {
        let response = ask(&door, with_token("POST", "/v1/matters").body(Body::from(class)).unwrap()).await;
        assert_eq!(response.status().as_u16(), status, "{class}");
        assert_eq!(response.headers().contains_key(header::RETRY_AFTER), status == 503);
        let body = json(response).await;
        assert_eq!(
            (&body["code"], &body["message"], &body["message_en"]),
            (&"test.code".into(), &"中文".into(), &"English".into())
        );
        assert_eq!(body["remedy"], "改正");
    }
    let published = ask(&door, with_token("POST", "/v1/matters").body(Body::from("[]")).unwrap()).await;
    assert_eq!(json(published).await, serde_json::json!({"published": 2, "unchanged": 1, "in_force": true}));
    let nothing = ask(&door, empty(with_token("POST", "/v1/matters"))).await;
    assert_eq!(json(nothing).await["code"], "matter.empty");
}

#[tokio::test]
async fn a_role_that_is_away_is_named_and_the_rest_answers() {
    let door = dengbei_gateway::router(&peers::config("http://127.0.0.1:9")).unwrap();
    let health = ask(&door, empty(bare("GET", "/health"))).await;
    assert_eq!(health.status(), StatusCode::SERVICE_UNAVAILABLE);
    let health = json(health).await;
    let names: Vec<&str> =
        health["parts"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ingest", "registration", "fixity", "query"]);
    assert_eq!(health["parts"][0]["state"], "unavailable");
    let items = ask(&door, empty(with_token("GET", "/v1/items"))).await;
    assert_eq!(items.status(), StatusCode::SERVICE_UNAVAILABLE);
    let page = ask(&door, empty(with_token("GET", "/"))).await;
    assert_eq!(page.status(), StatusCode::OK, "the overview shows what it knows");
}

#[tokio::test]
async fn pages_escape_what_others_wrote_and_speak_two_languages() {
    let (door, _) = door().await;
    for path in ["/".to_owned(), "/items".into(), format!("/items/{ITEM}"), "/dead-letters".into()] {
        let response = ask(&door, empty(with_token("GET", &path))).await;
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src"), "{policy}");
        let page = text(response).await;
        for raw in ["<script", "<b>备案", "<img src=x", "<i>坏"] {
            assert!(!page.contains(raw), "{path} holds {raw}");
        }
        assert!(
            page.contains(r#"lang="zh-CN""#) && !page.contains("http://") && !page.contains("https://"),
            "{path}"
        );
        let english = text(ask(&door, empty(with_token("GET", &format!("{path}?lang=en")))).await).await;
        assert!(english.contains(r#"<html lang="en">"#), "{path}");
    }
    let list = text(ask(&door, empty(with_token("GET", "/items?q=%3Cu%3E&custody=filed"))).await).await;
    assert!(list.contains("12,408") && list.contains("&lt;u&gt;") && !list.contains("<u>"));
    assert!(list.contains("after="), "a full page leads to the next");
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_say_so_in_json() {
    let (door, _) = door().await;
    let nowhere = ask(&door, empty(with_token("GET", "/v1/nothing"))).await;
    assert_eq!(
        (nowhere.status(), json(nowhere).await["code"].clone()),
        (StatusCode::NOT_FOUND, "door.no_such_path".into())
    );
    let method = ask(&door, empty(with_token("DELETE", "/v1/items"))).await;
    assert_eq!(method.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(json(method).await["code"], "door.no_such_method");
}

#[tokio::test]
async fn every_documented_path_leads_somewhere() {
    let (door, _) = door().await;
    let described = json(ask(&door, empty(bare("GET", "/openapi.json"))).await).await;
    for (path, methods) in described["paths"].as_object().unwrap() {
        let real = path
            .replace("{id}", ITEM)
            .replace("{path}", "tile/0/000")
            .replace("{batch}", BATCH)
            .replace("{pack}", "1")
            .replace(['{', '}'], "");
        for method in methods.as_object().unwrap().keys() {
            let response = ask(&door, empty(with_token(&method.to_uppercase(), &real))).await;
            let (status, body) =
                (response.status(), response.into_body().collect().await.unwrap().to_bytes());
            let is_lost = status == StatusCode::METHOD_NOT_ALLOWED
                || String::from_utf8_lossy(&body).contains("door.no_such");
            assert!(!is_lost, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed_and_one_in_hand_is_finished() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let roles = Roles::default();
    let mut config = peers::start(&roles).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    config.http = Some(free);
    let drain = dengbei_kit::Drain::new();
    let door = tokio::spawn(dengbei_gateway::run(config, drain.clone()));
    let connect = async || {
        dengbei_testkit::eventually(dengbei_testkit::PATIENCE, "the door is open", async || {
            Ok(tokio::net::TcpStream::connect(free).await?)
        })
        .await
        .unwrap()
    };
    let (mut silent, mut sending) = (connect().await, connect().await);
    let head = format!(
        "POST /v1/packages?name=prefiled HTTP/1.1\r\nhost: door\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: 6\r\n\r\nzip"
    );
    sending.write_all(head.as_bytes()).await.unwrap();
    let mut nothing = Vec::new();
    let closed = tokio::time::timeout(dengbei_testkit::PATIENCE, silent.read_to_end(&mut nothing)).await;
    assert!(closed.is_ok(), "a silent connection stays open");
    drain.request();
    sending.write_all(b"zip").await.unwrap();
    let mut answer = String::new();
    sending.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("prefiled"), "{answer}");
    door.await.unwrap().unwrap();
}
