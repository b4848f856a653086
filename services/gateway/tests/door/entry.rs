//! Who may come in: by token, by signing in, as anybody.

use axum::body::Body;
use axum::http::{StatusCode, header};

use crate::peers::TOKEN;
use crate::{ask, bare, door, empty, json, text, with_token};

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
async fn without_a_database_there_are_no_accounts_and_the_token_still_opens() {
    let (door, _) = door().await;
    for path in ["/v1/accounts", "/v1/audit"] {
        let response = ask(&door, empty(with_token("GET", path))).await;
        assert_eq!(json(response).await["code"], "account.not_configured", "{path}");
    }
    let page = text(ask(&door, empty(bare("GET", "/sign-in"))).await).await;
    assert!(page.contains(r#"name="token""#) && !page.contains(r#"name="account""#));
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
