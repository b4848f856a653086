//! The console before roles that hold a believable county, and before roles that are away: every page answers, in both
//! languages, escapes what others wrote, and what it offers leads somewhere.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping")]

mod life;

use std::collections::{BTreeSet, VecDeque};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use life::{TOKEN, item, number};
use tower::ServiceExt as _;

/// Pages that the ways around lead to and that roles fill; accounts are the door's own.
const WAYS: [&str; 16] = [
    "/",
    "/items",
    "/filing",
    "/returns",
    "/parked",
    "/registrations",
    "/certificates",
    "/transfers",
    "/sites",
    "/troubles",
    "/operations",
    "/dead-letters",
    "/policies",
    "/tasks",
    "/wholes",
    "/quality",
];

async fn door() -> Router {
    dengbei_gateway::router(&life::start().await).unwrap()
}

async fn ask(door: &Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
    read(door.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()).await
}

async fn read(response: Response<Body>) -> (StatusCode, String) {
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

async fn send(door: &Router, path: &str, form: &str) -> Response<Body> {
    let request = Request::post(path).header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
    let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    door.clone().oneshot(request.body(Body::from(form.to_owned())).unwrap()).await.unwrap()
}

/// Addresses of this site that a page links to.
fn links(page: &str) -> Vec<String> {
    let targets = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    targets.filter(|t| t.starts_with('/')).map(|t| t.replace("&amp;", "&")).collect()
}

/// A path with its numbers and ids taken out, and the names of its query.
fn shape(link: &str) -> String {
    let (path, query) = link.split('#').next().unwrap_or_default().split_once('?').unwrap_or((link, ""));
    let part = |p: &str| {
        if p.contains(|c: char| c.is_ascii_digit()) && p != "v1" { "*".to_owned() } else { p.to_owned() }
    };
    let path: Vec<String> = path.split('/').map(part).collect();
    let names: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    format!("{}?{}", path.join("/"), names.join("&"))
}

#[tokio::test]
async fn every_page_and_every_link_on_it_leads_somewhere() {
    let door = door().await;
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut open: VecDeque<String> = WAYS.iter().map(ToString::to_string).collect();
    while let Some(path) = open.pop_front() {
        let (status, page) = ask(&door, &path).await;
        // The door's own pages ask its database, which is not here.
        let needs_database = path.starts_with("/account") || path.starts_with("/audit");
        assert!(status.is_success() || status.is_redirection() || needs_database, "{path}: {status} {page}");
        let fresh: Vec<String> = links(&page).into_iter().filter(|link| seen.insert(shape(link))).collect();
        open.extend(fresh);
    }
    for kind in [
        "/items/*?",
        "/packs/*?",
        "/registrations/*?",
        "/certificates/*?",
        "/transfers/*?",
        "/policies/default?",
        "/wholes/*?",
        "/v1/filing-batches/*/filing.pdf?",
        "/v1/items/*/receipt?",
    ] {
        assert!(seen.contains(kind), "no page leads to {kind}: {seen:?}");
    }
}

#[tokio::test]
async fn english_pages_have_no_chinese_words_of_ours() {
    let door = door().await;
    let details = [
        format!("/items/{}", uuid::Uuid::from_slice(&item(0)).unwrap()),
        "/packs/19".to_owned(),
        format!("/registrations/{}", number("DJ", 1)),
        format!("/transfers/{}", number("YJ", 1)),
        "/policies/default".to_owned(),
    ];
    for path in WAYS.iter().map(ToString::to_string).chain(details) {
        let (_, page) = ask(&door, &format!("{path}?lang=en")).await;
        assert!(page.contains(r#"<html lang="en">"#), "{path}");
        for tag in ["h1", "h2", "h3", "th", "label", "dt", "legend", "button", "option", "summary", "nav"] {
            for words in texts(&page, tag) {
                let is_ours = !is_name(&words);
                assert!(
                    !(is_ours && words.contains(|c: char| ('\u{4e00}'..='\u{9fff}').contains(&c))),
                    "{path} <{tag}>: {words}"
                );
            }
        }
    }
}

/// What stands inside every element of this kind, without the tags inside.
fn texts(page: &str, tag: &str) -> Vec<String> {
    let (open, close) = (format!("<{tag}"), format!("</{tag}>"));
    let elements = page.split(&open).skip(1).filter(|rest| rest.starts_with([' ', '>']));
    let inside = elements.filter_map(|rest| Some(rest.split_once('>')?.1.split(&close).next()?.to_owned()));
    inside
        .map(|text| {
            text.split('<')
                .filter_map(|part| {
                    part.split_once('>').map(|p| p.1.to_owned()).or_else(|| Some(part.to_owned()))
                })
                .collect()
        })
        .collect()
}

/// Names of offices and papers' own words stay as they are.
fn is_name(text: &str) -> bool {
    text.contains("南湖区") || ["载体外观", "病毒", "真实性", "可靠性", "完整性", "可用性"].contains(&text)
}

#[tokio::test]
async fn an_item_tells_its_whole_life_in_both_languages() {
    let door = door().await;
    let path = format!("/items/{}", uuid::Uuid::from_slice(&item(0)).unwrap());
    let (_, chinese) = ask(&door, &path).await;
    for words in [
        "预归档",
        "四性检测",
        "正式归档",
        "归档批签章",
        "存储回执",
        "备份达标",
        "发证",
        "移交检测",
        "交接",
        "进馆",
        "双方四人签字",
        "起因",
    ] {
        assert!(chinese.contains(words), "{words}");
    }
    let (_, english) = ask(&door, &format!("{path}?lang=en")).await;
    for words in [
        "in a run of 184 items",
        "sealed with the unit",
        "receipts of primary, archive, remote",
        "signed by four people under two seals",
        "custody is the archive",
    ] {
        assert!(english.contains(words), "{words}");
    }
    assert!(
        english.contains(&number("ZS", 1).to_string()) && english.contains("4bf92f35"),
        "certificate and trace"
    );
}

#[tokio::test]
async fn the_desk_decides_and_leads_back() {
    let door = door().await;
    let batch = uuid::Uuid::from_slice(&life::batch(3)).unwrap();
    let decided =
        send(&door, &format!("/registrations/{batch}?lang=en"), "step=register&by=周敏&note=").await;
    assert_eq!(decided.status(), StatusCode::SEE_OTHER);
    assert_eq!(decided.headers()[header::LOCATION], format!("/registrations/{batch}?lang=en"));
    let applied = send(&door, "/registrations", "pack=97&pack=98&by=沈洁").await;
    assert_eq!(applied.status(), StatusCode::SEE_OTHER);
    let (status, page) = read(send(&door, "/registrations", "by=沈洁").await).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("未选择存储包") && page.contains("batch.no_packs"), "{page}");
    let signed =
        send(&door, &format!("/transfers/{}", number("YJ", 1)), "step=sign_unit&filled_by=甲&reviewed_by=乙")
            .await;
    assert_eq!(signed.headers()[header::LOCATION], format!("/transfers/{}", number("YJ", 1)));
    let (status, page) = read(send(&door, "/transfers", "by=甲").await).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("transfer.no_batches"));
}

#[tokio::test]
async fn a_rule_is_saved_as_a_whole_or_not_at_all() {
    let door = door().await;
    let people = "unit_filled_by=a&unit_reviewed_by=b&archive_filled_by=c&archive_reviewed_by=d&registrar=e";
    let rule = |rest: &str| format!("version=1&registration=desk&transfer=monthly&range=Y&{people}&{rest}");
    let saved = send(&door, "/policies/113304020025280011", &rule("reviewer=f")).await;
    assert_eq!(saved.headers()[header::LOCATION], "/policies");
    let (status, page) = read(send(&door, "/policies/default", &rule("reviewer=e")).await).await;
    assert!(status == StatusCode::UNPROCESSABLE_ENTITY && page.contains("policy.signatories"), "{page}");
}

#[tokio::test]
async fn pages_say_which_part_is_away_and_none_of_them_breaks() {
    let mut config = life::start().await;
    for url in [&mut config.peers.replication, &mut config.peers.ingest] {
        *url = "http://127.0.0.1:9".into();
    }
    let door = dengbei_gateway::router(&config).unwrap();
    for path in ["/", "/items", "/returns", "/registrations", "/operations", "/filing"] {
        assert_eq!(ask(&door, path).await.0, StatusCode::OK, "{path}");
    }
    let (_, pack) = ask(&door, "/packs/19").await;
    assert!(pack.contains("暂不可见") && pack.contains("归档批"), "{pack}");
    assert_eq!(ask(&door, "/sites").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn an_address_that_names_nothing_is_a_page_that_says_so() {
    let door = door().await;
    for (path, status) in [
        ("/packs/x", 422),
        ("/registrations/x", 422),
        ("/items?after=zz", 422),
        ("/items?year=%3Cb%3E", 422),
        ("/items?q=a&q=b", 422),
        ("/transfers?before=x", 422),
        ("/tasks?limit=x&lang=zh", 422),
        ("/certificates/ZS-1", 404),
        ("/transfers/YJ-1", 404),
    ] {
        let (found, page) = ask(&door, path).await;
        assert_eq!(found.as_u16(), status, "{path}");
        assert!(
            page.contains("无法完成") && page.contains("lang=en") && !page.contains("<b>\""),
            "{path}: {page}"
        );
    }
}
