//! `/dead-letters`: what could not be handled, why, and sending it again.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use dengbei_proto::v1::DeadLetter;
use dengbei_records::{EventHash, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Language, Page, Spoken, refused, words};
use crate::api::operations::{Again, letters, try_again};
use crate::service::Gateway;

const MOST: u32 = 200;

/// The page.
pub(crate) async fn show(State(gateway): State<Gateway>, Query(spoken): Query<Spoken>) -> Response {
    let l = spoken.language();
    let (letters, away) = letters(&gateway.peers, MOST, Bytes::new()).await;
    let body = html! {
        @if !away.is_empty() {
            section.card.notice { (l.say("无应答：", "Away: ")) (away.join(", ")) }
        }
        section.card { (table(&letters, l)) }
    };
    let page = Page::new(l, l.say("滞留消息", "Dead letters")).at(&gateway.area, "/dead-letters");
    page.render(&body).into_response()
}

fn table(letters: &[DeadLetter], l: Language) -> Markup {
    html! {
        table {
            thead { tr {
                th { (l.say("自", "Since")) } th { (l.say("服务", "Service")) } th { (l.say("事件", "Event")) }
                th { (l.say("对象", "Subject")) } th { (l.say("原因", "Reason")) } th.number { (l.say("次数", "Tries")) } th {}
            } }
            tbody {
                @for letter in letters {
                    tr {
                        td.time { (Timestamp::from_millis(letter.since)) }
                        td { (words::service(&letter.service, l)) }
                        td { (words::fact(&letter.fact, l).0) " " span.mono.quiet title=(hex::encode(&letter.hash)) { (hex::encode(&letter.hash[..letter.hash.len().min(5)])) } }
                        td.mono { (letter.subject) } td { (letter.reason) } td.number { (letter.tries) }
                        td {
                            form method="post" action=(l.link("/dead-letters")) {
                                input type="hidden" name="hash" value=(hex::encode(&letter.hash));
                                button.plain { (l.say("重送", "Send again")) }
                            }
                        }
                    }
                }
                @if letters.is_empty() { tr { td.quiet colspan="7" { (l.say("没有滞留消息", "No dead letters")) } } }
            }
        }
    }
}

/// Which one to send again.
#[derive(Deserialize)]
pub(crate) struct One {
    hash: EventHash,
}

/// Sends one again and shows the list.
pub(crate) async fn retry(
    State(gateway): State<Gateway>,
    Query(spoken): Query<Spoken>,
    Form(one): Form<One>,
) -> Response {
    let l = spoken.language();
    match try_again(&gateway.peers, &Again { hashes: vec![one.hash], all: false }).await {
        Ok(_) => Redirect::to(&l.link("/dead-letters")).into_response(),
        Err(problem) => refused(&problem.into(), l),
    }
}
