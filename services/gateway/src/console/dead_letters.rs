//! `/dead-letters`: what could not be handled, why, and sending it again.

use axum::Form;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use dengbei_proto::v1::DeadLetter;
use dengbei_records::EventHash;
use maud::{Markup, html};
use serde::Deserialize;

use super::pieces::{self, hash, moment};
use super::view::View;
use super::{Language, words};
use crate::api::operations::{Again, letters, try_again};

const MOST: u32 = 200;

/// The page.
pub(super) async fn show(view: View) -> Response {
    let l = view.l;
    let (letters, away) = letters(view.peers(), MOST, Bytes::new()).await;
    let away: Vec<&str> = away.iter().map(|name| words::service(name, l)).collect();
    let body = html! {
        @if !away.is_empty() {
            section.card.notice { p { (l.say("无应答：", "Away: ")) (away.join(l.say("、", ", "))) } }
        }
        section.card.list { (table(&letters, l)) }
    };
    view.page(l.say("滞留消息", "Dead letters"), "/dead-letters").render(&body).into_response()
}

fn table(letters: &[DeadLetter], l: Language) -> Markup {
    html! {
        table {
            thead { tr {
                th { (l.say("自", "Since")) } th { (l.say("服务", "Role")) } th { (l.say("事件", "Event")) }
                th { (l.say("对象", "Subject")) } th { (l.say("原因", "Reason")) } th.number { (l.say("次数", "Tries")) } th { (l.say("操作", "Action")) }
            } }
            tbody {
                @for letter in letters { (row(letter, l)) }
                @if letters.is_empty() { (pieces::none(7, l.say("没有滞留消息", "No dead letters"))) }
            }
        }
    }
}

fn row(letter: &DeadLetter, l: Language) -> Markup {
    html! {
        tr {
            td.time { (moment(letter.since)) } td.short { (words::service(&letter.service, l)) }
            td { (words::fact(&letter.fact, l)) " " (hash(&letter.hash)) }
            td { span.mono.break { (letter.subject) } } td { (letter.reason) } td.number { (letter.tries) }
            td.short {
                form method="post" action=(l.link("/dead-letters")) {
                    input type="hidden" name="hash" value=(hex::encode(&letter.hash));
                    button.plain { (l.say("重送", "Send again")) }
                }
            }
        }
    }
}

/// Which one to send again.
#[derive(Deserialize)]
pub(super) struct One {
    hash: EventHash,
}

/// Sends one again and shows the list.
pub(super) async fn retry(view: View, Form(one): Form<One>) -> Response {
    match try_again(view.peers(), &Again { hashes: vec![one.hash], all: false }).await {
        Ok(_) => Redirect::to(&view.l.link("/dead-letters")).into_response(),
        Err(problem) => view.refused(problem, "/dead-letters"),
    }
}
