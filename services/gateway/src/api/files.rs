//! Files as answers: what they are, under which name they are saved, and whether a browser shows them first.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

/// Bytes as they are: a zip, a PDF, a tile.
#[derive(ToSchema)]
#[schema(as = File, value_type = String, format = Binary)]
#[allow(dead_code, reason = "stands for what is streamed, in the description alone")]
pub(crate) struct File(Vec<u8>);

/// A PDF, which a browser shows.
pub(super) fn pdf(name: &str, body: impl Into<Body>) -> Response {
    file(("inline", "application/pdf"), name, body)
}

/// A file to keep.
pub(super) fn saved(kind: &'static str, name: &str, body: impl Into<Body>) -> Response {
    file(("attachment", kind), name, body)
}

fn file((shown, kind): (&str, &str), name: &str, body: impl Into<Body>) -> Response {
    let named = format!("{shown}; filename=\"{}\"", plain(name));
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, named)];
    (headers, body.into()).into_response()
}

/// Names come from paths, numbers and other roles: what a header cannot carry goes.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_carries_nothing_into_the_header_but_itself() {
        let named =
            |answer: Response| answer.headers()[header::CONTENT_DISPOSITION].to_str().unwrap().to_owned();
        assert_eq!(named(pdf("report-YJ-1\"\r\n登.pdf", "")), "inline; filename=\"report-YJ-1.pdf\"");
        assert_eq!(named(saved("text/csv", "a_b.csv", "")), "attachment; filename=\"a_b.csv\"");
    }
}
