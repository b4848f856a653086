//! The console: pages rendered here, no script, no font and no picture from anywhere else. Chinese first.
//!
//! Every text goes through maud, which escapes it. What a page cannot learn because a role is away it shows as "–"
//! and says so; it does not fail as a whole.

pub(crate) mod dead_letters;
pub(crate) mod item;
pub(crate) mod items;
mod layout;
pub(crate) mod overview;
mod station;
mod words;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
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
        .route("/dead-letters", get(dead_letters::show).post(dead_letters::retry))
        .route("/assets/console.css", get(style))
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
            Self::English if path.contains('?') => format!("{path}&lang=en"),
            Self::English => format!("{path}?lang=en"),
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
    let problem = refusal.problem();
    let body = maud::html! {
        section.card {
            p { (language.say(&problem.message, &problem.message_en)) }
            @if !problem.remedy.is_empty() { p { (problem.remedy) } }
            p.quiet { code { (problem.code) } }
        }
    };
    (refusal.status(), Page::new(language, language.say("无法显示", "Cannot be shown")).render(&body))
        .into_response()
}

/// The one style sheet.
pub(crate) async fn style() -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, include_str!("console.css"))
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
        assert_eq!(Language::from_name("en").link("/"), "/?lang=en");
        assert_eq!(Language::from_name("fr").link("/"), "/");
    }
}
