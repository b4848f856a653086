//! People at the door: the first link, signing in and out, what is refused, and what the audit tells afterwards.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by unwrapping")]

#[allow(dead_code, reason = "shared with door.rs")]
mod peers;

use std::os::unix::fs::PermissionsExt as _;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use dengbei_kit::{Drain, RoleConfig};
use dengbei_testkit::{PATIENCE, Postgres, eventually};
use http_body_util::BodyExt as _;
use peers::{BATCH, ITEM, Roles, TOKEN};
use serde_json::Value;
use tower::ServiceExt as _;

const PASSWORD: &str = "seven+grey+herons";

struct House {
    door: Router,
    roles: Roles,
    config: RoleConfig,
    data: tempfile::TempDir,
}

impl House {
    async fn open() -> Self {
        let roles = Roles::default();
        let mut config = peers::start(&roles).await;
        let data = tempfile::tempdir().unwrap();
        config.keys = data.path().join("keys");
        std::fs::create_dir(&config.keys).unwrap();
        config.database = Postgres::start().await.unwrap().database().await.unwrap().as_str().into();
        let door = dengbei_gateway::router_with_accounts(&config, Drain::new()).await.unwrap();
        Self { door, roles, config, data }
    }

    async fn again(&mut self) {
        self.door = dengbei_gateway::router_with_accounts(&self.config, Drain::new()).await.unwrap();
    }

    fn welcome(&self) -> Option<String> {
        std::fs::read_to_string(self.data.path().join("welcome")).ok()
    }

    async fn ask(&self, request: Request<Body>) -> Response<Body> {
        self.door.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str, cookie: &str) -> Response<Body> {
        let request =
            Request::builder().uri(path).header(header::HOST, "door:1").header(header::COOKIE, cookie);
        self.ask(request.body(Body::empty()).unwrap()).await
    }

    async fn form(&self, path: &str, cookie: &str, fields: &str) -> Response<Body> {
        let request =
            Request::post(path).header(header::HOST, "door:1").header(header::ORIGIN, "http://door:1");
        let request = request.header(header::COOKIE, cookie);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(request.body(Body::from(fields.to_owned())).unwrap()).await
    }

    async fn json(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let request =
            Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        let request = request.header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
        let response = self.ask(request.body(Body::from(body.to_owned())).unwrap()).await;
        (response.status(), serde_json::from_str(&text(response).await).unwrap())
    }

    /// Makes an account by a link and gives the cookie.
    async fn join(&self, link: &str, account: &str, name: &str) -> String {
        let fields = format!("account={account}&display_name={name}&password={PASSWORD}&again={PASSWORD}");
        let fields = fields.replace('+', "%2B");
        let made = self.form(link, "", &fields).await;
        assert_eq!(made.status(), StatusCode::SEE_OTHER);
        cookie(&made)
    }

    async fn sign_in(&self, account: &str, password: &str) -> Response<Body> {
        let fields = format!("account={account}&password={password}").replace('+', "%2B");
        self.form("/sign-in", "", &fields).await
    }
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn cookie(response: &Response<Body>) -> String {
    let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_first_link_makes_one_account_and_is_used_up_by_it() {
    let mut house = House::open().await;
    let file = house.welcome().unwrap();
    let mode = std::fs::metadata(house.data.path().join("welcome")).unwrap().permissions().mode();
    assert_eq!((mode & 0o777, file.lines().count()), (0o600, 1));
    let link = file.trim().to_owned();
    assert!(link.starts_with("/welcome/"), "{link}");
    house.again().await;
    assert_eq!(house.welcome().unwrap(), file, "a link that still opens stays over a restart");
    assert!(text(house.get(&link, "").await).await.contains(r#"name="password""#));
    for refused in [
        "account=lin&display_name=L&password=short&again=short",
        "account=lin&display_name=L&password=long-enough-1&again=long-enough-2",
        "account=x&display_name=L&password=long-enough-1&again=long-enough-1",
        "account=lin&display_name=&password=long-enough-1&again=long-enough-1",
    ] {
        let response = house.form(&link, "", refused).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
        assert!(!response.headers().contains_key(header::SET_COOKIE));
    }
    let cookie = house.join(&link, "lin", "LinMei").await;
    assert_eq!(house.get("/items", &cookie).await.status(), StatusCode::OK);
    assert_eq!(house.get(&link, "").await.status(), StatusCode::NOT_FOUND);
    let again = "account=eve&display_name=Eve&password=long-enough-1&again=long-enough-1";
    assert_eq!(house.form(&link, "", again).await.status(), StatusCode::NOT_FOUND);
    house.again().await;
    assert_eq!(house.welcome(), None, "the file goes once there is an account");
}

#[tokio::test]
async fn a_session_ends_when_its_person_leaves_or_takes_another_password() {
    let house = House::open().await;
    let first = house.join(house.welcome().unwrap().trim(), "lin", "LinMei").await;
    let second = cookie(&house.sign_in("LIN", PASSWORD).await);
    assert_eq!(house.get("/account", &second).await.status(), StatusCode::OK);
    let fields = format!("old={PASSWORD}&new=another-long-one&again=another-long-one").replace('+', "%2B");
    let no_origin = Request::post("/account/password").header(header::COOKIE, &second);
    let no_origin = no_origin.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let no_origin = house.ask(no_origin.body(Body::from(fields.clone())).unwrap()).await;
    assert_eq!(no_origin.status(), StatusCode::FORBIDDEN, "a change must name this site");
    assert_eq!(house.form("/account/password", &second, &fields).await.status(), StatusCode::OK);
    assert_eq!(house.get("/account", &second).await.status(), StatusCode::OK);
    assert_eq!(
        house.get("/account", &first).await.status(),
        StatusCode::SEE_OTHER,
        "other sessions have ended"
    );
    assert_eq!(house.sign_in("lin", PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(house.sign_in("lin", "another-long-one").await.status(), StatusCode::SEE_OTHER);
    house.form("/sign-out", &second, "").await;
    assert_eq!(house.get("/account", &second).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn guessing_is_slowed_down_also_for_the_right_password() {
    let house = House::open().await;
    house.join(house.welcome().unwrap().trim(), "lin", "LinMei").await;
    let mut statuses = Vec::new();
    for _ in 0..7 {
        statuses.push(house.sign_in("lin", "wrong-password").await.status());
    }
    assert_eq!(statuses[..4], [StatusCode::UNAUTHORIZED; 4]);
    assert_eq!(*statuses.last().unwrap(), StatusCode::TOO_MANY_REQUESTS);
    let right = house.sign_in("lin", PASSWORD).await;
    assert_eq!(right.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(right.headers().contains_key(header::RETRY_AFTER));
    let unknown = house.sign_in("nobody", PASSWORD).await;
    assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED, "who there is, is not told");
    let token = house.form("/sign-in", "", &format!("token={TOKEN}")).await;
    assert_eq!(token.status(), StatusCode::SEE_OTHER, "the token still opens");
}

#[tokio::test]
async fn a_colleague_comes_by_a_link_and_decides_in_their_own_name_alone() {
    let house = House::open().await;
    let (status, made) = house.json("POST", "/v1/accounts:invite", "").await;
    assert_eq!(status, StatusCode::OK);
    let wang = house.join(made["path"].as_str().unwrap(), "wang", "WangQiang").await;
    let invited = text(house.form("/account/invite", &wang, "").await).await;
    assert!(invited.contains("/welcome/"));
    let decide = async |body: &str| {
        let request = Request::post(format!("/v1/registrations/{BATCH}:decide"));
        let request = request.header(header::HOST, "door:1").header(header::ORIGIN, "http://door:1");
        let request = request.header(header::COOKIE, &wang).header(header::CONTENT_TYPE, "application/json");
        house.ask(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    assert_eq!(decide(r#"{"step":"accept","by":"LinMei"}"#).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(decide(r#"{"step":"accept"}"#).await.status(), StatusCode::OK);
    let decided = house.roles.decided.lock().unwrap().clone();
    assert_eq!((decided.len(), decided[0].by.as_str(), decided[0].actor.len()), (1, "WangQiang", 16));
    let (_, accounts) = house.json("GET", "/v1/accounts", "").await;
    assert_eq!(accounts["accounts"][0]["account"], "wang");
    assert!(!accounts.to_string().contains("argon2"));
}

#[tokio::test]
async fn the_audit_tells_who_did_and_saw_what() {
    let house = House::open().await;
    let lin = house.join(house.welcome().unwrap().trim(), "lin", "LinMei").await;
    house.sign_in("lin", "wrong-password").await;
    assert_eq!(house.get(&format!("/v1/items/{ITEM}"), &lin).await.status(), StatusCode::OK);
    house
        .json("POST", &format!("/v1/registrations/{BATCH}:decide"), r#"{"step":"accept","by":"WangQiang"}"#)
        .await;
    let told = eventually(PATIENCE, "the view is written", async || {
        let (_, views) = house.json("GET", &format!("/v1/audit?object=item/{ITEM}"), "").await;
        anyhow::ensure!(views["audit"].as_array().is_some_and(|rows| rows.len() == 1), "{views}");
        Ok(views)
    });
    let views = told.await.unwrap();
    assert_eq!(
        (&views["audit"][0]["who"], &views["audit"][0]["action"]),
        (&"LinMei".into(), &"item.view".into())
    );
    let (_, decisions) = house.json("GET", &format!("/v1/audit?object=registration/{BATCH}"), "").await;
    assert_eq!(decisions["audit"][0]["action"], "registration.accept");
    assert!(decisions["audit"][0]["detail"].as_str().unwrap().contains("WangQiang"));
    let failed = eventually(PATIENCE, "the failure is written", async || {
        let (_, failed) = house.json("GET", "/v1/audit?action=account.sign_in_failed", "").await;
        anyhow::ensure!(failed["audit"][0]["object"] == "account/lin", "{failed}");
        Ok(())
    });
    failed.await.unwrap();
    let (_, page) = house.json("GET", "/v1/audit?limit=1", "").await;
    let (_, next) =
        house.json("GET", &format!("/v1/audit?limit=1&after={}", page["next"].as_str().unwrap()), "").await;
    assert_ne!(page["audit"], next["audit"]);
    let shown = house.get("/audit", &lin).await;
    assert_eq!(shown.status(), StatusCode::OK);
    assert!(text(shown).await.contains("registration.accept"));
}
