//! What a service answers about its queues and dead letters (滞留消息): gRPC `Operations`.

use bytes::Bytes;
use dengbei_kit::grpc::MAX_MESSAGE;
use dengbei_kit::{db, status};
use dengbei_proto::v1;
use dengbei_proto::v1::operations_server::{Operations, OperationsServer};
use dengbei_records::{ErrorClass, Problem};
use sqlx::postgres::PgPool;
use tonic::{Request, Response, Status};

use crate::store::{cursor, dead_letters, outbox};
use crate::subjects;

/// At most so many letters in one answer: 32 KiB each must fit in one message.
const MOST: u32 = 256;

/// Serves the queues and dead letters of a service's database.
pub fn service(pool: PgPool, service_name: &str) -> OperationsServer<impl Operations> {
    OperationsServer::new(Served { pool, service: service_name.to_owned() })
        .max_encoding_message_size(MAX_MESSAGE)
}

struct Served {
    pool: PgPool,
    service: String,
}

#[tonic::async_trait]
impl Operations for Served {
    async fn queues(&self, _: Request<v1::QueuesRequest>) -> Result<Response<v1::QueuesReply>, Status> {
        let holding = outbox::holding(&self.pool).await.map_err(failed)?;
        let (pending, dead) = cursor::queues(&self.pool).await.map_err(failed)?;
        let log_index = cursor::read(&self.pool, &self.service).await.map_err(failed)?;
        Ok(Response::new(v1::QueuesReply {
            service: self.service.clone(),
            outbox_unpublished: holding.unpublished,
            outbox_unsealed: holding.unsealed,
            oldest_unsealed_at: holding.oldest_at,
            pending,
            dead_letters: dead,
            log_index,
            consumer: subjects::durable(&self.service).to_owned(),
        }))
    }

    async fn dead_letters(
        &self,
        request: Request<v1::DeadLettersRequest>,
    ) -> Result<Response<v1::DeadLettersReply>, Status> {
        let request = request.into_inner();
        let hash = (!request.hash.is_empty()).then(|| checked(&request.hash)).transpose()?;
        let limit = if request.limit == 0 { MOST } else { request.limit.min(MOST) };
        let letters = dead_letters::list(&self.pool, hash, i64::from(limit)).await.map_err(failed)?;
        let letters = letters.into_iter().map(|letter| self.render(letter)).collect();
        Ok(Response::new(v1::DeadLettersReply { letters }))
    }

    async fn retry_dead_letters(
        &self,
        request: Request<v1::RetryDeadLettersRequest>,
    ) -> Result<Response<v1::RetryDeadLettersReply>, Status> {
        let request = request.into_inner();
        let hashes = request.hashes.iter().map(checked).collect::<Result<Vec<_>, _>>()?;
        let chosen = if request.all { None } else { Some(hashes.as_slice()) };
        let retried = dead_letters::revive(&self.pool, chosen).await.map_err(failed)?;
        Ok(Response::new(v1::RetryDeadLettersReply { retried: u32::try_from(retried).unwrap_or(u32::MAX) }))
    }
}

impl Served {
    fn render(&self, letter: dead_letters::Shown) -> v1::DeadLetter {
        v1::DeadLetter {
            service: self.service.clone(),
            hash: letter.hash.into(),
            fact: letter.fact,
            subject: letter.subject,
            reason: letter.reason,
            tries: u32::try_from(letter.tries).unwrap_or(0),
            since: letter.since,
            event: letter.event.into(),
            consumer: letter.consumer,
        }
    }
}

#[allow(clippy::result_large_err, reason = "tonic's own error type")]
fn checked(hash: &Bytes) -> Result<&[u8], Status> {
    if hash.len() == 32 {
        return Ok(hash);
    }
    let problem = Problem::new(
        "dead_letter.hash",
        ErrorClass::Invalid,
        "事件哈希须为 32 字节",
        "an event hash has 32 bytes",
    );
    Err(status::from_problem(&problem))
}

#[allow(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn failed(error: sqlx::Error) -> Status {
    status::report(&status::plain(db::class(&error)), &error)
}
