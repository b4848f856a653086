//! How a service's own database stands: whether it answers, its size, its connections, the oldest open transaction.

use std::time::Duration;

use sqlx::postgres::PgPool;

use super::{Metric, Values};

const UP: &str = "dengbei_database_up";
const BYTES: &str = "dengbei_database_bytes";
const CONNECTIONS: &str = "dengbei_database_connections";
const SERVER: &str = "dengbei_database_server_connections";
const SERVER_LIMIT: &str = "dengbei_database_server_connections_limit";
const POOL: &str = "dengbei_database_pool_in_use";
const POOL_LIMIT: &str = "dengbei_database_pool_limit";
const TRANSACTION: &str = "dengbei_database_oldest_transaction_seconds";
/// A database that has not answered by then is not up.
const ANSWER: Duration = Duration::from_secs(5);

const BY: &[Values] = &[("database", &[])];

const METRICS: &[Metric] = &[
    Metric::gauge(UP, "数据库是否应答", "1 while the service's database answers").by(BY),
    Metric::gauge(BYTES, "数据库大小", "Size of the service's database").by(BY),
    Metric::gauge(CONNECTIONS, "该数据库的连接数", "Connections to this database").by(BY),
    Metric::gauge(SERVER, "数据库服务器的连接总数", "Connections to the whole server").by(BY),
    Metric::gauge(SERVER_LIMIT, "数据库服务器允许的连接数", "Connections that the server takes").by(BY),
    Metric::gauge(POOL, "本进程正在使用的连接数", "Connections that this process uses now").by(BY),
    Metric::gauge(POOL_LIMIT, "本进程可用的连接数", "Connections that this process may use").by(BY),
    Metric::gauge(
        TRANSACTION,
        "最久未结束的事务已持续的时间；它会挡住事件外发",
        "How long the oldest open transaction lasts; it holds the relay back",
    )
    .by(BY),
];

pub(super) fn describe() {
    super::describe(METRICS, &[]);
}

#[derive(sqlx::FromRow)]
struct Row {
    bytes: i64,
    connections: i64,
    server: i64,
    server_limit: i64,
    oldest: f64,
}

/// Looks at the database of `service`. It never fails: a database that does not answer is what is measured then.
#[allow(clippy::cast_precision_loss, reason = "gauges")]
pub async fn look(pool: &PgPool, service: &str) {
    let gauge = |name: &'static str, value: f64| {
        metrics::gauge!(name, "database" => service.to_owned()).set(value);
    };
    gauge(POOL, f64::from(pool.size().saturating_sub(u32::try_from(pool.num_idle()).unwrap_or(0))));
    gauge(POOL_LIMIT, f64::from(pool.options().get_max_connections()));
    match tokio::time::timeout(ANSWER, read(pool)).await {
        Ok(Ok(row)) => {
            gauge(UP, 1.0);
            gauge(BYTES, row.bytes as f64);
            gauge(CONNECTIONS, row.connections as f64);
            gauge(SERVER, row.server as f64);
            gauge(SERVER_LIMIT, row.server_limit as f64);
            gauge(TRANSACTION, row.oldest);
        }
        Ok(Err(error)) => {
            tracing::warn!(database = service, %error, "the database was not measured");
            gauge(UP, 0.0);
        }
        Err(_) => gauge(UP, 0.0),
    }
}

async fn read(pool: &PgPool) -> Result<Row, sqlx::Error> {
    sqlx::query_as(
        "select pg_database_size(current_database()) as bytes,
                (select count(*) from pg_stat_activity where datname = current_database()) as connections,
                (select count(*) from pg_stat_activity where backend_type = 'client backend') as server,
                current_setting('max_connections')::bigint
                  - current_setting('superuser_reserved_connections')::bigint as server_limit,
                (select coalesce(extract(epoch from max(clock_timestamp() - xact_start)), 0)::float8
                 from pg_stat_activity
                 where datname = current_database() and pid <> pg_backend_pid()
                   and backend_type = 'client backend') as oldest",
    )
    .fetch_one(pool)
    .await
}
