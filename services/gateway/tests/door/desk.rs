//! What follows filing: registrations, transfers, their papers, copies and rules.

use axum::body::Body;
use axum::http::{StatusCode, header};
use serde_json::Value;

use crate::peers::{BATCH, ITEM};
use crate::{ask, door, empty, got, json, text, with_token};

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
