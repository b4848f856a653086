//! The door before real gRPC peers: who may come in, which status an answer leaves with, what a page escapes.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping")]

mod peers;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use peers::{AT_THE_DOOR, BATCH, ITEM, Roles, TOKEN};
use serde_json::Value;
use tower::ServiceExt as _;

async fn door() -> (Router, Roles) {
    let roles = Roles::default();
    let config = peers::start(&roles).await;
    (dengbei_gateway::router(&config).unwrap(), roles)
}

async fn ask(door: &Router, request: Request<Body>) -> Response<Body> {
    door.clone().oneshot(request).await.unwrap()
}

fn bare(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "door:1")
}

fn with_token(method: &str, path: &str) -> http::request::Builder {
    bare(method, path).header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
}

fn empty(builder: http::request::Builder) -> Request<Body> {
    builder.body(Body::empty()).unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn json(response: Response<Body>) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

#[tokio::test]
async fn the_door_asks_for_its_token_except_where_the_public_may_look() {
    let (door, _) = door().await;
    for path in
        ["/v1/items", "/v1/queues", "/v1/dead-letters", "/metrics", "/log/tile/entries/000", "/nowhere"]
    {
        let response = ask(&door, empty(bare("GET", path))).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(json(response).await["code"], "door.token");
    }
    let wrong = bare("GET", "/v1/items").header(header::AUTHORIZATION, "Bearer wrong");
    assert_eq!(ask(&door, empty(wrong)).await.status(), StatusCode::UNAUTHORIZED);
    for path in
        ["/log/checkpoint", "/log/tile/0/000", "/health", "/sign-in", "/assets/console.css", "/openapi.json"]
    {
        assert_eq!(ask(&door, empty(bare("GET", path))).await.status(), StatusCode::OK, "{path}");
    }
    for path in ["/v1/items", "/", "/items", "/dead-letters", "/metrics", "/log/tile/entries/000"] {
        assert_eq!(ask(&door, empty(with_token("GET", path))).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_browser_signs_in_once_and_changes_nothing_from_another_site() {
    let (door, _) = door().await;
    let sent_away = ask(&door, empty(bare("GET", "/items?custody=filed"))).await;
    assert_eq!(sent_away.headers()[header::LOCATION], "/sign-in?next=/items%3Fcustody%3Dfiled");
    let form = |token: &str| {
        let form = bare("POST", "/sign-in?next=/items")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        form.body(Body::from(format!("token={token}"))).unwrap()
    };
    assert_eq!(ask(&door, form("wrong")).await.status(), StatusCode::UNAUTHORIZED);
    let signed_in = ask(&door, form(TOKEN)).await;
    assert_eq!(signed_in.headers()[header::LOCATION], "/items");
    let cookie = signed_in.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains(TOKEN),
        "{cookie}"
    );
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(
        ask(&door, empty(bare("GET", "/items").header(header::COOKIE, cookie))).await.status(),
        StatusCode::OK
    );
    let change = |origin: Option<&str>| {
        let mut change = bare("POST", "/dead-letters").header(header::COOKIE, cookie);
        if let Some(origin) = origin {
            change = change.header(header::ORIGIN, origin);
        }
        let form = change.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        form.body(Body::from(format!("hash={}", "07".repeat(32)))).unwrap()
    };
    assert_eq!(ask(&door, change(None)).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(ask(&door, change(Some("http://evil"))).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(ask(&door, change(Some("http://door:1"))).await.status(), StatusCode::SEE_OTHER);
}

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

async fn got(door: &Router, path: &str) -> Value {
    let response = ask(door, empty(with_token("GET", path))).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    json(response).await
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
async fn registrations_and_transfers_are_paged_and_found_by_their_numbers() {
    let (door, _) = door().await;
    let page = got(&door, "/v1/registrations?limit=2&state=applied").await;
    assert_eq!(page["registrations"].as_array().unwrap().len(), 2);
    assert_eq!((&page["registrations"][0]["batch"], &page["waiting"][0]["pack"]), (&BATCH.into(), &9.into()));
    got(&door, &format!("/v1/registrations?after={}", page["next"].as_str().unwrap())).await;
    let one = got(&door, &format!("/v1/registrations/{BATCH}")).await;
    assert_eq!((&one["items"], &one["steps"][0]["by"]), (&3.into(), &"林梅".into()));
    got(&door, "/v1/registrations/DJ-330382-2026-1-000001-0").await;
    let none = ask(&door, empty(with_token("GET", &format!("/v1/registrations/{ITEM}")))).await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
    let page = got(&door, "/v1/transfers?limit=2").await;
    got(&door, &format!("/v1/transfers?after={}", page["next"].as_str().unwrap())).await;
    assert_eq!(got(&door, "/v1/transfers/YJ-7").await["transfer_no"], "YJ-7");
}

#[tokio::test]
async fn a_decision_by_the_token_is_passed_on_in_the_name_that_it_gives() {
    let (door, roles) = door().await;
    let post = async |path: &str, body: &str| {
        let request = with_token("POST", path).header(header::CONTENT_TYPE, "application/json");
        ask(&door, request.body(Body::from(body.to_owned())).unwrap()).await
    };
    let accept = post(&format!("/v1/registrations/{BATCH}:decide"), r#"{"step":"accept","by":"王强"}"#).await;
    assert_eq!(accept.status(), StatusCode::OK);
    let apply = post("/v1/registrations", r#"{"packs":[4,5]}"#).await;
    assert_eq!(apply.status(), StatusCode::OK);
    let decided = roles.decided.lock().unwrap().clone();
    assert_eq!((decided[0].step.as_str(), decided[0].by.as_str()), ("accept", "王强"));
    assert_eq!((decided[1].step.as_str(), &decided[1].packs), ("apply", &vec![4, 5]));
    let signing = r#"{"step":"sign_unit","filled_by":"李四","reviewed_by":"王强"}"#;
    assert_eq!(post("/v1/transfers/YJ-7:decide", signing).await.status(), StatusCode::OK);
    let propose = post("/v1/transfers", &format!(r#"{{"batches":["{BATCH}"]}}"#)).await;
    assert_eq!(propose.status(), StatusCode::OK);
    let signed = roles.signed.lock().unwrap().clone();
    assert_eq!((signed[0].transfer_no.as_str(), signed[0].filled_by.as_str()), ("YJ-7", "李四"));
    assert_eq!((signed[1].step.as_str(), signed[1].batches.len()), ("propose", 1));
    for (path, body) in [
        (format!("/v1/registrations/{BATCH}:decide"), r#"{"step":"accept","colour":1}"#),
        (format!("/v1/registrations/{BATCH}"), r#"{"step":"accept"}"#),
        ("/v1/registrations/x:decide".into(), r#"{"step":"accept"}"#),
    ] {
        assert!(post(&path, body).await.status().is_client_error(), "{path}");
    }
}

#[tokio::test]
async fn papers_come_as_data_and_as_pdf_under_names_that_a_header_can_carry() {
    let (door, _) = door().await;
    let paths = [
        ("/v1/certificates/ZS-1", "certificate ZS-1"),
        (&format!("/v1/registrations/{BATCH}/application"), &format!("application {BATCH}")),
        (&format!("/v1/registrations/{BATCH}/decision"), &format!("registration {BATCH}")),
        ("/v1/transfers/YJ-1/handover", "handover YJ-1"),
        ("/v1/transfers/YJ-1/digests", "digests YJ-1"),
        ("/v1/transfers/YJ-1/catalogue", "catalogue YJ-1"),
        ("/v1/filing-batches/7/filing", "filing 7"),
    ];
    for (path, said) in paths {
        for (ending, format, kind) in [("", "json", "application/json"), (".pdf", "pdf", "application/pdf")] {
            let response = ask(&door, empty(with_token("GET", &format!("{path}{ending}")))).await;
            assert_eq!(response.headers()[header::CONTENT_TYPE], kind, "{path}{ending}");
            let named = response.headers()[header::CONTENT_DISPOSITION].to_str().unwrap().to_owned();
            assert!(named.ends_with(&format!(".{format}\"")) && named.matches('"').count() == 2, "{named}");
            assert_eq!(text(response).await, format!("{said} {format}"));
        }
    }
}

#[tokio::test]
async fn copies_sites_rules_and_figures_are_shown() {
    let (door, _) = door().await;
    let copies = got(&door, "/v1/packs/7/copies").await;
    assert_eq!((&copies["pack"], &copies["secured"]), (&7.into(), &true.into()));
    assert_eq!(copies["copies"][0]["receipts"][0]["digest"], "07".repeat(32));
    assert_eq!(got(&door, "/v1/sites").await["sites"][0]["answers"], true);
    assert_eq!(got(&door, "/v1/sites?limit=5").await["troubles"][0]["kind"], "damaged");
    assert!(got(&door, "/v1/figures").await["units"].is_array());
    let rule = got(&door, "/v1/policies").await;
    assert_eq!((&rule["is_default"], &rule["policy"]["registration"]), (&true.into(), &"automatic".into()));
    let put = async |policy: &Value| {
        let request = with_token("PUT", "/v1/policies/11330382MB0000000X");
        let request = request.header(header::CONTENT_TYPE, "application/json");
        ask(&door, request.body(Body::from(policy.to_string())).unwrap()).await
    };
    let mut policy = rule["policy"].clone();
    policy["registration"] = "desk".into();
    let set = json(put(&policy).await).await;
    assert_eq!((&set["is_default"], &set["policy"]["registration"]), (&false.into(), &"desk".into()));
    policy["transfer"] = serde_json::json!({ "after_years": 5 });
    assert_eq!(json(put(&policy).await).await["policy"]["transfer"]["after_years"], 5);
    policy["transfer"] = "whenever".into();
    assert_eq!(json(put(&policy).await).await["code"], "policy.invalid");
    policy["transfer"] = "by_hand".into();
    policy["reviewer"] = policy["registrar"].clone();
    let refused = put(&policy).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(json(refused).await["code"], "policy.invalid");
}

#[tokio::test]
async fn anybody_may_check_a_paper_and_nobody_gets_more_than_that() {
    let (door, _) = door().await;
    for path in ["/verify", "/verify?lang=en"] {
        let page = ask(&door, empty(bare("GET", path))).await;
        assert_eq!(page.status(), StatusCode::OK);
        assert!(text(page).await.contains("multipart/form-data"));
    }
    let forged = r#"{"body":{"certificate_no":"<b>"},"paper":"certificate/1","seals":[]}"#;
    let checked = ask(&door, bare("POST", "/v1/verify").body(Body::from(forged)).unwrap()).await;
    assert_eq!(
        (checked.status(), json(checked).await["verdict"].clone()),
        (StatusCode::OK, "invalid".into())
    );
    let form = format!("--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n{forged}\r\n--x--\r\n");
    let request = bare("POST", "/verify").header(header::CONTENT_TYPE, "multipart/form-data; boundary=x");
    let page = text(ask(&door, request.body(Body::from(form)).unwrap()).await).await;
    assert!(page.contains(r#"data-verdict="invalid""#) && !page.contains("<b>"), "{page}");
    let garbage = ask(&door, bare("POST", "/v1/verify").body(Body::from("no json")).unwrap()).await;
    assert_eq!(json(garbage).await["code"], "verify.not_json");
    let wrong = ask(&door, empty(bare("GET", "/verify?certificate=ZS-330382-2026-1-000001-0"))).await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY, "a wrong check digit");
}

#[tokio::test]
async fn without_a_database_there_are_no_accounts_and_the_token_still_opens() {
    let (door, _) = door().await;
    for path in ["/v1/accounts", "/v1/audit"] {
        let response = ask(&door, empty(with_token("GET", path))).await;
        assert_eq!(json(response).await["code"], "account.not_configured", "{path}");
    }
    let page = text(ask(&door, empty(bare("GET", "/sign-in"))).await).await;
    assert!(page.contains(r#"name="token""#) && !page.contains(r#"name="account""#));
}
