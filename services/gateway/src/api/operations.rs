//! Queues and dead letters (滞留消息) of every role, in one answer.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use bytes::Bytes;
use dengbei_proto::v1;
use dengbei_records::{EventHash, Problem};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{not_a_query, not_json};
use crate::json as render;
use crate::peers::{Peers, answered, question};
use crate::problem::{self, Refusal};
use crate::service::Gateway;

/// How everything that waits stands. What a role does not tell is its problem.
pub(crate) struct Standing {
    pub(crate) roles: Vec<(&'static str, Result<v1::QueuesReply, Problem>)>,
    pub(crate) ingest: Result<v1::StandingReply, Problem>,
    pub(crate) filing: Result<v1::FilingReply, Problem>,
    pub(crate) figures: Result<v1::FiguresReply, Problem>,
}

/// Asks all roles at once.
pub(crate) async fn standing(peers: &Peers) -> Standing {
    let (mut ingest, mut registration, mut query) = (peers.ingest(), peers.registration(), peers.query());
    let (roles, ingest, filing, figures) = tokio::join!(
        peers.queues(),
        ingest.standing(question(v1::StandingRequest {})),
        registration.filing(question(v1::FilingRequest {})),
        query.figures(question(v1::FiguresRequest {})),
    );
    Standing { roles, ingest: answered(ingest), filing: answered(filing), figures: answered(figures) }
}

/// `GET /v1/queues`.
pub(crate) async fn queues(State(gateway): State<Gateway>) -> Json<Value> {
    let standing = standing(&gateway.peers).await;
    let services: Vec<Value> = standing
        .roles
        .iter()
        .map(|(name, reply)| match reply {
            Ok(q) => json!({
                "service": name,
                "outbox_unpublished": q.outbox_unpublished,
                "outbox_unsealed": q.outbox_unsealed,
                "oldest_unsealed_at": render::time(q.oldest_unsealed_at),
                "pending": q.pending,
                "dead_letters": q.dead_letters,
                "log_index": q.log_index,
                "consumer": q.consumer,
            }),
            Err(p) => json!({ "service": name, "problem": problem::body(p) }),
        })
        .collect();
    Json(json!({
        "services": services,
        "ingest": or_problem(standing.ingest, |s| json!({
            "undecided": s.undecided, "undecided_bytes": s.undecided_bytes, "parked": s.parked, "free_bytes": s.free_bytes,
        })),
        "filing": or_problem(standing.filing, |f| json!({
            "undecided": f.undecided, "ready": f.ready, "open_plans": f.open_plans, "filed": f.filed,
            "returned": f.returned, "packs": f.packs, "matters": f.matters, "oldest_ready": render::time(f.oldest_ready),
        })),
        "figures": or_problem(standing.figures, |f| json!({
            "custody": f.custody, "events": f.events, "log_index": f.log_index,
        })),
    }))
}

fn or_problem<T>(reply: Result<T, Problem>, show: impl Fn(T) -> Value) -> Value {
    reply.map_or_else(|p| json!({ "problem": problem::body(&p) }), show)
}

/// Which dead letters.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    limit: Option<u32>,
    #[serde(default)]
    hash: Option<EventHash>,
}

/// The dead letters of every role that answers, and the roles that do not.
pub(crate) async fn letters(
    peers: &Peers,
    limit: u32,
    hash: Bytes,
) -> (Vec<v1::DeadLetter>, Vec<&'static str>) {
    let (mut letters, mut away) = (Vec::new(), Vec::new());
    for (name, mut client) in peers.operations() {
        let request = question(v1::DeadLettersRequest { limit, hash: hash.clone() });
        match client.dead_letters(request).await {
            Ok(reply) => letters.extend(reply.into_inner().letters),
            Err(_) => away.push(name),
        }
    }
    letters.sort_by_key(|letter| std::cmp::Reverse(letter.since));
    (letters, away)
}

/// `GET /v1/dead-letters`.
pub(crate) async fn dead_letters(
    State(gateway): State<Gateway>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Query(which) = which.map_err(|e| not_a_query(&e))?;
    let hash = which.hash.map(|h| Bytes::copy_from_slice(h.as_bytes())).unwrap_or_default();
    let (letters, away) = letters(&gateway.peers, which.limit.unwrap_or(100).clamp(1, 1000), hash).await;
    let letters: Vec<Value> = letters.iter().map(letter).collect();
    Ok(Json(json!({ "dead_letters": letters, "unavailable": away })))
}

fn letter(l: &v1::DeadLetter) -> Value {
    use base64::Engine as _;
    json!({
        "service": l.service,
        "consumer": l.consumer,
        "hash": hex::encode(&l.hash),
        "fact": l.fact,
        "subject": l.subject,
        "reason": l.reason,
        "tries": l.tries,
        "since": render::time(l.since),
        "event": base64::engine::general_purpose::STANDARD.encode(&l.event),
    })
}

/// Which dead letters to try again.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Again {
    #[serde(default)]
    pub(crate) hashes: Vec<EventHash>,
    #[serde(default)]
    pub(crate) all: bool,
}

/// Asks every role to try them again; how many were.
pub(crate) async fn try_again(peers: &Peers, again: &Again) -> Result<u32, Problem> {
    let hashes: Vec<Bytes> = again.hashes.iter().map(|h| Bytes::copy_from_slice(h.as_bytes())).collect();
    let mut retried = 0;
    for (_, mut client) in peers.operations() {
        let request = v1::RetryDeadLettersRequest { hashes: hashes.clone(), all: again.all };
        retried += answered(client.retry_dead_letters(question(request)).await)?.retried;
    }
    Ok(retried)
}

/// `POST /v1/dead-letters:retry`.
pub(crate) async fn retry(
    State(gateway): State<Gateway>,
    again: Result<Json<Again>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let Json(again) = again.map_err(|e| not_json(&e))?;
    if again.hashes.is_empty() && !again.all {
        return Err(Refusal::invalid("dead_letter.none_named", "未指明滞留消息", "name hashes, or say all"));
    }
    Ok(Json(json!({ "retried": try_again(&gateway.peers, &again).await? })))
}
