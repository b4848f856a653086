//! How the interface's description says what can go wrong: one body, a status by what the caller can do.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::response::Response;
use utoipa::openapi::{Ref, RefOr, ResponseBuilder};

/// The answers that every operation may give beside its own.
pub(crate) struct Problems;

const TABLE: [(&str, &str); 8] = [
    ("401", "no token, or a wrong one"),
    ("403", "not in this name, or from another site"),
    ("404", "there is no such thing"),
    ("409", "contradicts what is recorded"),
    ("422", "the request does not read as it should"),
    ("429", "too many attempts; wait"),
    ("500", "a fault of ours"),
    ("503", "too much at once, or a part is away; Retry-After says when to come again"),
];

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let body = || ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let answer =
            |what: &str| ResponseBuilder::new().description(what).content("application/json", body()).build();
        TABLE.iter().map(|(status, what)| ((*status).to_owned(), RefOr::T(answer(what)))).collect()
    }
}
