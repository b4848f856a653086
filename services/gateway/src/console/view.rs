//! What every page starts from: the door, the language, the address, who is signed in.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use dengbei_records::Problem;
use maud::{Markup, html};
use serde::de::DeserializeOwned;

use super::pieces::bilingual;
use super::{Language, Page};
use crate::api::not_a_query;
use crate::door::Who;
use crate::peers::Peers;
use crate::problem::Refusal;
use crate::service::Gateway;

/// What a page starts from.
pub(crate) struct View {
    pub(crate) gateway: Gateway,
    /// The language that is spoken.
    pub(crate) l: Language,
    here: String,
    pub(crate) who: Who,
}

impl FromRequestParts<Gateway> for View {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        let spoken = query.split('&').find_map(|pair| pair.strip_prefix("lang=")).unwrap_or_default();
        let l = Language::from_name(spoken);
        let kept: Vec<&str> = query.split('&').filter(|p| !p.is_empty() && !p.starts_with("lang=")).collect();
        let path = parts.uri.path();
        let here = if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) };
        let who = Who::from_request_parts(parts, gateway).await?;
        Ok(Self { gateway: gateway.clone(), l, here, who })
    }
}

/// What the address asks of a page. What does not read is said on a page of the same way.
pub(crate) struct Wanted<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Gateway> for Wanted<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Response> {
        let error = match Query::try_from_uri(&parts.uri) {
            Ok(Query(wanted)) => return Ok(Self(wanted)),
            Err(error) => error,
        };
        let Ok(view) = View::from_request_parts(parts, gateway).await;
        Err(view.refused(not_a_query(&error), parts.uri.path()))
    }
}

impl View {
    /// A page with this heading, under one of the ways.
    pub(super) fn page<'a>(&'a self, title: &'a str, way: &'a str) -> Page<'a> {
        let page = Page::new(self.l, title).at(&self.gateway.area, way);
        page.switching_to(self.here.clone()).signed_in(self.name())
    }

    /// As the bar names who is here.
    fn name(&self) -> &str {
        match self.who.account() {
            None if self.who.is_token() => self.l.say("门户令牌", "door token"),
            _ => self.who.name(),
        }
    }

    /// The roles behind the door.
    pub(super) fn peers(&self) -> &Peers {
        &self.gateway.peers
    }

    /// Whoever is signed in, as papers name them; empty where the token alone let them in.
    pub(super) fn person(&self) -> &str {
        self.who.account().map_or("", |account| &account.display_name)
    }

    /// A page that says what went wrong, with the status of it.
    pub(super) fn refused(&self, problem: impl Into<Refusal>, way: &str) -> Response {
        let refusal = problem.into();
        let title = self.l.say("无法完成", "This could not be done");
        let page = self.page(title, way).render(&trouble(refusal.problem(), self.l));
        (refusal.status(), page).into_response()
    }
}

/// What went wrong, and what to do.
pub(super) fn trouble(problem: &Problem, l: Language) -> Markup {
    html! {
        section.card.notice role="alert" {
            p { (l.say(&problem.message, &problem.message_en)) }
            @if !problem.remedy.is_empty() { p.quiet { (bilingual(&problem.remedy, l)) } }
            p.quiet { code { (problem.code) } }
        }
    }
}

/// A part of a page that cannot be shown because its role does not answer.
pub(super) fn away(part: &str, problem: &Problem, l: Language) -> Markup {
    html! {
        section.card.notice {
            p { b { (part) } (l.say("：暂不可见。", ": cannot be shown now. ")) span.quiet { (l.say(&problem.message, &problem.message_en)) } }
        }
    }
}
