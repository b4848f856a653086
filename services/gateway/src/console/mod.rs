//! The console: pages rendered here, no script, no font and no picture from anywhere else. Chinese first.
//!
//! Every text goes through maud, which escapes it. What a page cannot learn because a role is away it shows as "–"
//! and says so; it does not fail as a whole. One file a page; what pages share stands in `layout` (the frame),
//! `view` (what a page starts from), `pieces` (fields, links, tables' ends), `chart` and `words`.

mod asked;
mod certificate;
mod certificates;
mod chart;
mod dead_letters;
mod desk;
mod filing;
mod item;
mod items;
mod layout;
mod operations;
mod overview;
mod pack;
mod parked;
mod pieces;
mod policies;
mod policy;
mod quality;
mod rechecks;
mod registration;
mod registrations;
mod report;
mod reports;
mod returns;
mod sites;
mod station;
mod tasks;
mod told;
mod transfer;
mod transfers;
mod troubles;
mod view;
mod wholes;
mod words;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use maud::Markup;
use serde::Deserialize;

pub(crate) use layout::Page;

use crate::problem::Refusal;
use crate::service::Gateway;

/// The console's pages and what they load. Signing in and accounts belong to the door.
pub(crate) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/", get(overview::show))
        .route("/items", get(items::show))
        .route("/items/{id}", get(item::show))
        .route("/items/{id}/report", get(reports::item))
        .route("/transfers/{number}/report", get(reports::transfer))
        .route("/quality", get(quality::show))
        .route("/filing", get(filing::show))
        .route("/packs/{number}", get(pack::show))
        .route("/returns", get(returns::show))
        .route("/parked", get(parked::show).post(parked::publish))
        .route("/registrations", get(registrations::show).post(desk::apply))
        .route("/registrations/{batch}", get(registration::show).post(desk::decide))
        .route("/certificates", get(certificates::show))
        .route("/certificates/{number}", get(certificate::show))
        .route("/transfers", get(transfers::show).post(desk::propose))
        .route("/transfers/{number}", get(transfer::show).post(desk::sign))
        .route("/sites", get(sites::show))
        .route("/troubles", get(troubles::show))
        .route("/operations", get(operations::show))
        .route("/dead-letters", get(dead_letters::show).post(dead_letters::retry))
        .route("/tasks", get(tasks::show))
        .route("/tasks/{id}", post(tasks::save))
        .route("/wholes", get(wholes::show).post(wholes::check))
        .route("/wholes/{id}", get(wholes::one))
        .route("/items/{id}/rechecks", post(rechecks::save))
        .route("/policies", get(policies::show))
        .route("/policies/{unit}", get(policy::show).post(policy::save))
        .merge(assets())
}

fn assets() -> Router<Gateway> {
    Router::new().route("/assets/console.css", get(style)).route("/assets/mark.svg", get(mark))
}

/// In which language a page speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    #[default]
    Chinese,
    English,
}

impl Language {
    /// `en`, or anything else for Chinese.
    pub(crate) fn from_name(name: &str) -> Self {
        if name == "en" { Self::English } else { Self::Chinese }
    }

    /// The text in this language.
    pub(crate) fn say<T>(self, zh: T, en: T) -> T {
        match self {
            Self::Chinese => zh,
            Self::English => en,
        }
    }

    /// `path` as a link that keeps the language.
    pub(crate) fn link(self, path: &str) -> String {
        match self {
            Self::Chinese => path.to_owned(),
            Self::English => {
                let (path, place) = path.split_once('#').map_or((path, None), |(p, at)| (p, Some(at)));
                let joint = if path.contains('?') { '&' } else { '?' };
                let place = place.map(|at| format!("#{at}")).unwrap_or_default();
                format!("{path}{joint}lang=en{place}")
            }
        }
    }
}

/// `?lang=en`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Spoken {
    #[serde(default)]
    lang: String,
}

impl Spoken {
    pub(crate) fn language(&self) -> Language {
        Language::from_name(&self.lang)
    }
}

/// A page that says what went wrong, with the status of it.
pub(crate) fn refused(refusal: &Refusal, language: Language) -> Response {
    let title = language.say("无法完成", "This could not be done");
    (refusal.status(), Page::new(language, title).render(&view::trouble(refusal.problem(), language)))
        .into_response()
}

/// The one style sheet.
async fn style() -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, include_str!("console.css"))
}

/// The mark beside the name.
async fn mark() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, include_str!("mark.svg"))
}

/// 12,408.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number, or a dash where the role that knows it is away.
pub(crate) fn figure(n: Option<u64>) -> Markup {
    maud::html! { @match n { Some(n) => (thousands(n)), None => "–" } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_thousands_apart() {
        assert_eq!(
            [0, 999, 1_000, 12_408, 1_234_567].map(thousands),
            ["0", "999", "1,000", "12,408", "1,234,567"]
        );
    }

    #[test]
    fn links_keep_the_language() {
        assert_eq!(Language::English.link("/items?q=1"), "/items?q=1&lang=en");
        assert_eq!(Language::English.link("/items/1#h-2"), "/items/1?lang=en#h-2");
        assert_eq!(Language::from_name("en").link("/"), "/?lang=en");
        assert_eq!(Language::from_name("fr").link("/"), "/");
    }
}
