//! The description of the interface, made from the code: every handler says what it takes and gives, and the same list
//! routes it. What a path of the router cannot spell (`…/{batch}:decide`, `….pdf` after a parameter, a path of several
//! segments) is routed here by hand and described all the same.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use super::{
    accounts, copies, download, expectations, figures, health, items, log, matters, operations, packages,
    papers, policies, quality, rechecks, registrations, reports, tasks, transfers, verify, wholes,
};
use crate::service::Gateway;

#[derive(OpenApi)]
#[openapi(
    info(title = "dengbei", version = "1", description = "Registration and backup of electronic records",
        license(name = "Apache-2.0", identifier = "Apache-2.0")),
    components(schemas(crate::problem::ProblemBody)),
    modifiers(&Bearer),
    security(("token" = []))
)]
struct Description;

/// The door's token, as a bearer.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// Operations of one path: the schemas of their types, what is said of them, and their handlers.
type Routes = UtoipaMethodRouter<Gateway>;

/// Uploads, which have a bound of their own.
pub(crate) fn uploads() -> OpenApiRouter<Gateway> {
    taken().into_iter().fold(OpenApiRouter::new(), OpenApiRouter::routes)
}

/// Everything else that is asked, but for pages.
pub(crate) fn questions() -> OpenApiRouter<Gateway> {
    let description = by_hand().into_iter().fold(Description::openapi(), describe);
    asked()
        .into_iter()
        .fold(OpenApiRouter::with_openapi(description), OpenApiRouter::routes)
        .route("/v1/registrations/{batch}", post(registrations::decision))
        .route("/v1/transfers/{transfer_no}", post(transfers::decision))
        .route("/v1/certificates/{certificate_no}", get(papers::certificate_or_pdf))
        .route("/log/{*path}", get(log::file))
        .route("/openapi.json", get(document))
}

/// What answers however much is in hand.
pub(crate) fn always() -> OpenApiRouter<Gateway> {
    at_all_times().into_iter().fold(OpenApiRouter::new(), OpenApiRouter::routes)
}

/// Describes what is routed by hand.
fn describe(mut document: utoipa::openapi::OpenApi, (schemas, paths, _): Routes) -> utoipa::openapi::OpenApi {
    document.paths.merge(paths);
    document.components.get_or_insert_default().schemas.extend(schemas);
    document
}

fn by_hand() -> Vec<Routes> {
    vec![
        routes!(registrations::decision),
        routes!(transfers::decision),
        routes!(papers::certificate),
        routes!(papers::certificate_pdf),
        routes!(log::file),
    ]
}

fn taken() -> Vec<Routes> {
    vec![routes!(packages::one), routes!(packages::batch)]
}

fn at_all_times() -> Vec<Routes> {
    vec![routes!(health::health)]
}

fn asked() -> Vec<Routes> {
    [about_items(), about_life(), about_papers(), about_inspection(), about_people()]
        .into_iter()
        .flatten()
        .collect()
}

fn about_items() -> Vec<Routes> {
    vec![
        routes!(items::list),
        routes!(items::states),
        routes!(items::one),
        routes!(items::receipt),
        routes!(download::package),
        routes!(matters::publish),
        routes!(operations::queues),
        routes!(operations::dead_letters),
        routes!(operations::retry),
        routes!(log::checkpoint),
        routes!(figures::figures),
        routes!(quality::quality),
        routes!(expectations::expect),
    ]
}

fn about_life() -> Vec<Routes> {
    vec![
        routes!(registrations::list, registrations::apply),
        routes!(registrations::one),
        routes!(transfers::list, transfers::propose),
        routes!(transfers::one),
        routes!(copies::copies),
        routes!(copies::sites),
        routes!(policies::default_policy, policies::set_default_policy),
        routes!(policies::policy, policies::set_policy),
    ]
}

fn about_papers() -> Vec<Routes> {
    vec![
        routes!(papers::application),
        routes!(papers::application_pdf),
        routes!(papers::decision),
        routes!(papers::decision_pdf),
        routes!(papers::handover),
        routes!(papers::handover_pdf),
        routes!(papers::digests),
        routes!(papers::digests_pdf),
        routes!(papers::catalogue),
        routes!(papers::catalogue_pdf),
        routes!(papers::filing),
        routes!(papers::filing_pdf),
        routes!(reports::item),
        routes!(reports::item_pdf),
        routes!(reports::transfer),
        routes!(reports::transfer_pdf),
        routes!(verify::verify),
    ]
}

fn about_inspection() -> Vec<Routes> {
    vec![
        routes!(tasks::tasks),
        routes!(tasks::signatures),
        routes!(wholes::wholes, wholes::check_system),
        routes!(wholes::whole),
        routes!(rechecks::rechecks, rechecks::recheck),
    ]
}

fn about_people() -> Vec<Routes> {
    vec![routes!(accounts::list), routes!(accounts::invite), routes!(accounts::audit)]
}

/// The whole description.
fn described() -> utoipa::openapi::OpenApi {
    let mut document = questions().into_openapi();
    document.merge(uploads().into_openapi());
    document.merge(always().into_openapi());
    document
}

/// The router alone of a part.
pub(crate) fn routed(part: OpenApiRouter<Gateway>) -> Router<Gateway> {
    part.into()
}

/// The description of this interface.
async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], described().to_json().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::*;

    fn operations() -> Vec<(String, String, Value)> {
        let document: Value = serde_json::from_str(&described().to_json().unwrap()).unwrap();
        let paths = document["paths"].as_object().unwrap().clone();
        let flat = |(path, methods): (String, Value)| {
            let methods = methods.as_object().unwrap().clone();
            methods.into_iter().map(move |(method, operation)| (path.clone(), method, operation))
        };
        paths.into_iter().flat_map(flat).collect()
    }

    #[test]
    fn every_operation_has_an_id_of_its_own_a_summary_and_answers_that_say_what_they_are() {
        let mut ids = BTreeSet::new();
        for (path, method, operation) in operations() {
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            assert!(!id.is_empty() && id.is_ascii(), "{method} {path} has no operation id");
            assert!(ids.insert(id.clone()), "{id} stands twice");
            assert!(operation["summary"].is_string(), "{id} has no summary");
            let responses = operation["responses"].as_object().unwrap();
            assert!(!responses.is_empty(), "{id} answers nothing");
            for (status, response) in responses {
                let what = response["description"].as_str().unwrap_or_default();
                assert!(!what.is_empty(), "{id} {status} does not say what it is");
                assert!(response["content"].is_object(), "{id} {status} has no body");
            }
            let given: BTreeSet<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|p| p["in"] == "path")
                .filter_map(|p| p["name"].as_str())
                .collect();
            let named: BTreeSet<&str> =
                path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
            assert_eq!(given, named, "{path}");
        }
    }

    #[test]
    fn the_document_is_whole_and_its_title_is_ascii() {
        let text = described().to_json().unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        assert!(document["info"]["title"].as_str().unwrap().is_ascii());
        assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for (_, rest) in
            text.match_indices("#/components/schemas/").map(|(at, m)| (at, &text[at + m.len()..]))
        {
            let name = rest.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name} is not described");
        }
    }

    /// In the document the later of two types of one name takes the place of the earlier: nothing there tells of it.
    #[test]
    fn types_that_differ_have_schema_names_that_differ() {
        let named = Description::openapi().components.unwrap().schemas.into_iter();
        let routes = [by_hand(), taken(), asked(), at_all_times()];
        let of_routes = routes.into_iter().flatten().flat_map(|(schemas, ..)| schemas);
        let mut seen = BTreeMap::new();
        let (mut registered, mut shared) = (0, BTreeSet::new());
        for (name, schema) in named.chain(of_routes) {
            let schema = serde_json::to_value(schema).unwrap();
            registered += 1;
            if *seen.entry(name.clone()).or_insert_with(|| schema.clone()) != schema {
                shared.insert(name);
            }
        }
        assert!(shared.is_empty(), "one of the types that share these names is lost: {shared:?}");
        assert!(
            registered > seen.len(),
            "{registered} registrations: none names a type twice, so nothing was compared"
        );
    }

    #[test]
    fn uploads_say_what_a_refusal_carries_and_files_are_bytes() {
        let document: Value = serde_json::from_str(&described().to_json().unwrap()).unwrap();
        let refused =
            &document["paths"]["/v1/packages"]["post"]["responses"]["422"]["content"]["application/json"];
        assert_eq!(refused["schema"]["$ref"], "#/components/schemas/RefusedPackage");
        let zip = &document["paths"]["/v1/items/{id}/package"]["get"]["responses"]["200"]["content"]["application/zip"];
        assert_eq!((&zip["schema"]["type"], &zip["schema"]["format"]), (&"string".into(), &"binary".into()));
    }

    /// The routes as the source routes them: what is in the router by hand is described by hand, and nothing is left out.
    #[test]
    fn every_route_of_the_interface_is_described() {
        let sources = [include_str!("docs.rs"), include_str!("../service.rs")];
        let described: BTreeSet<String> =
            operations().into_iter().map(|(path, ..)| path.replace(":decide", "")).collect();
        let mut seen = 0;
        for source in sources {
            let code = source.split("#[cfg(test)]").next().unwrap();
            for route in code.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let is_ours = route.starts_with("/v1/") || route.starts_with("/log/");
                if is_ours {
                    seen += 1;
                    assert!(described.contains(&route.replace('*', "")), "{route} is not described");
                }
            }
        }
        assert_eq!(seen, 4, "routed by hand");
    }
}
