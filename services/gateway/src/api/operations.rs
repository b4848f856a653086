//! Queues and dead letters (滞留消息) of every role, in one answer.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use bytes::Bytes;
use dengbei_proto::v1;
use dengbei_records::{EventHash, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::problems::Problems;
use super::{not_a_query, not_json};
use crate::accounts::Entry;
use crate::door::Who;
use crate::json;
use crate::peers::{Peers, answered, question};
use crate::problem::{ProblemBody, Refusal};
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

/// How one role's queues stand, or what is wrong with it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ServiceQueues {
    /// It answers.
    Told(Queue),
    /// It does not.
    Away(Away),
}

/// How one role's queues stand.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Queue {
    service: String,
    outbox_unpublished: u64,
    outbox_unsealed: u64,
    oldest_unsealed_at: Option<String>,
    /// 待因: events whose cause has not come
    pending: u64,
    /// 滞留消息
    dead_letters: u64,
    log_index: u64,
    consumer: String,
}

/// A role that does not answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Away {
    service: String,
    problem: ProblemBody,
}

/// What ingest has not decided, or why it is not known.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct IngestStanding {
    undecided: Option<u64>,
    undecided_bytes: Option<u64>,
    parked: Option<u64>,
    free_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemBody>,
}

/// How filing stands, or why it is not known.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct FilingStanding {
    undecided: Option<u64>,
    ready: Option<u64>,
    open_plans: Option<u64>,
    filed: Option<u64>,
    returned: Option<u64>,
    packs: Option<u64>,
    matters: Option<u64>,
    oldest_ready: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemBody>,
}

/// What the read model counts, or why it is not known.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct CountedStanding {
    custody: Option<BTreeMap<String, u64>>,
    events: Option<u64>,
    log_index: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemBody>,
}

/// Everything that waits.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Queues {
    services: Vec<ServiceQueues>,
    ingest: IngestStanding,
    filing: FilingStanding,
    figures: CountedStanding,
}

/// Queues of every role
#[utoipa::path(get, path = "/v1/queues", operation_id = "getQueues", tag = "operations",
    responses((status = 200, description = "what waits; a role that is away with its problem", body = Queues), Problems))]
pub(crate) async fn queues(State(gateway): State<Gateway>) -> Json<Queues> {
    let standing = standing(&gateway.peers).await;
    let services = standing.roles.iter().map(|(name, reply)| service(name, reply)).collect();
    Json(Queues {
        services,
        ingest: standing
            .ingest
            .map_or_else(|p| IngestStanding { problem: told(&p), ..Default::default() }, |s| intake(&s)),
        filing: standing
            .filing
            .map_or_else(|p| FilingStanding { problem: told(&p), ..Default::default() }, filing),
        figures: standing.figures.map_or_else(
            |p| CountedStanding { problem: told(&p), ..Default::default() },
            |f| CountedStanding {
                custody: Some(f.custody.into_iter().collect()),
                events: Some(f.events),
                log_index: Some(f.log_index),
                problem: None,
            },
        ),
    })
}

fn told(problem: &Problem) -> Option<ProblemBody> {
    Some(ProblemBody::from(problem))
}

fn service(name: &str, reply: &Result<v1::QueuesReply, Problem>) -> ServiceQueues {
    let service = name.to_owned();
    match reply {
        Err(p) => ServiceQueues::Away(Away { service, problem: p.into() }),
        Ok(q) => ServiceQueues::Told(Queue {
            service,
            outbox_unpublished: q.outbox_unpublished,
            outbox_unsealed: q.outbox_unsealed,
            oldest_unsealed_at: json::time(q.oldest_unsealed_at),
            pending: q.pending,
            dead_letters: q.dead_letters,
            log_index: q.log_index,
            consumer: q.consumer.clone(),
        }),
    }
}

fn intake(s: &v1::StandingReply) -> IngestStanding {
    IngestStanding {
        undecided: Some(s.undecided),
        undecided_bytes: Some(s.undecided_bytes),
        parked: Some(s.parked),
        free_bytes: Some(s.free_bytes),
        problem: None,
    }
}

fn filing(f: v1::FilingReply) -> FilingStanding {
    FilingStanding {
        undecided: Some(f.undecided),
        ready: Some(f.ready),
        open_plans: Some(f.open_plans),
        filed: Some(f.filed),
        returned: Some(f.returned),
        packs: Some(f.packs),
        matters: Some(f.matters),
        oldest_ready: json::time(f.oldest_ready),
        problem: None,
    }
}

/// Which dead letters.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// How many, 1 to 1000; 100 when not told
    #[serde(default)]
    limit: Option<u32>,
    /// One of them, by its event's hash
    #[serde(default)]
    #[param(value_type = Option<String>)]
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

/// An event that could not be handled.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub(crate) struct Letter {
    service: String,
    consumer: String,
    hash: String,
    fact: String,
    subject: String,
    reason: String,
    tries: u32,
    since: Option<String>,
    /// The event as it was encoded, base64
    event: String,
}

/// Dead letters of the roles that answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetters {
    dead_letters: Vec<Letter>,
    /// Roles that do not answer
    unavailable: Vec<String>,
}

/// Events that could not be handled
#[utoipa::path(get, path = "/v1/dead-letters", operation_id = "listDeadLetters", tag = "operations", params(Which),
    responses((status = 200, description = "newest first", body = DeadLetters), Problems))]
pub(crate) async fn dead_letters(
    State(gateway): State<Gateway>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<DeadLetters>, Refusal> {
    let Query(which) = which.map_err(|e| not_a_query(&e))?;
    let hash = which.hash.map(|h| Bytes::copy_from_slice(h.as_bytes())).unwrap_or_default();
    let (letters, away) = letters(&gateway.peers, which.limit.unwrap_or(100).clamp(1, 1000), hash).await;
    let unavailable = away.into_iter().map(str::to_owned).collect();
    Ok(Json(DeadLetters { dead_letters: letters.iter().map(Letter::from).collect(), unavailable }))
}

impl From<&v1::DeadLetter> for Letter {
    fn from(l: &v1::DeadLetter) -> Self {
        Self {
            service: l.service.clone(),
            consumer: l.consumer.clone(),
            hash: hex::encode(&l.hash),
            fact: l.fact.clone(),
            subject: l.subject.clone(),
            reason: l.reason.clone(),
            tries: l.tries,
            since: json::time(l.since),
            event: json::base64(&l.event),
        }
    }
}

/// Which dead letters to try again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Again {
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
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

/// How many are tried again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Retried {
    retried: u32,
}

/// Try events that could not be handled again
#[utoipa::path(post, path = "/v1/dead-letters:retry", operation_id = "retryDeadLetters", tag = "operations",
    request_body(content = Again, description = "which: hashes, or all"),
    responses((status = 200, description = "how many are tried again", body = Retried), Problems))]
pub(crate) async fn retry(
    State(gateway): State<Gateway>,
    who: Who,
    again: Result<Json<Again>, JsonRejection>,
) -> Result<Json<Retried>, Refusal> {
    let Json(again) = again.map_err(|e| not_json(&e))?;
    if again.hashes.is_empty() && !again.all {
        return Err(Refusal::invalid("dead_letter.none_named", "未指明滞留消息", "name hashes, or say all"));
    }
    let detail = if again.all { "all".to_owned() } else { format!("{} named", again.hashes.len()) };
    gateway.audit.does(&who, Entry { action: "dead_letter.retry", object: "", detail: &detail }).await?;
    Ok(Json(Retried { retried: try_again(&gateway.peers, &again).await? }))
}
