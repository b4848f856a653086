//! Documents that facts cite, held here until they lie in a pack, and after.

use bytes::Bytes;
use dengbei_chain::DocumentRef;
use dengbei_kit::documents::{self as own_documents, DocumentError};
use dengbei_records::{PackNumber, Sha256, Timestamp};
use sqlx::PgConnection;

use super::{read, signed};

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) digest: Sha256,
    pub(crate) media_type: String,
    pub(crate) body: Bytes,
}

type Row = (Vec<u8>, String, Vec<u8>);

impl TryFrom<Row> for Held {
    type Error = sqlx::Error;
    fn try_from((digest, media_type, body): Row) -> Result<Self, sqlx::Error> {
        Ok(Self { digest: read(Sha256::from_slice(&digest))?, media_type, body: body.into() })
    }
}

/// Holds a document; the same again is harmless.
pub(crate) async fn hold(
    tx: &mut PgConnection,
    document: &Held,
    at: Timestamp,
    packed_in: Option<PackNumber>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into documents_held (digest, media_type, body, held_at, packed_in) values ($1, $2, $3, $4, $5)
         on conflict (digest) do update set packed_in = coalesce(documents_held.packed_in, excluded.packed_in)",
    )
    .bind(document.digest.as_bytes().as_slice())
    .bind(&document.media_type)
    .bind(document.body.as_ref())
    .bind(at.millis())
    .bind(packed_in.map(|p| signed(p.get())))
    .execute(tx)
    .await
    .map(drop)
}

/// Keeps a document that an own fact cites: served from here, and packed next. Gives the reference for the fact.
pub(crate) async fn cite(
    tx: &mut PgConnection,
    body: Bytes,
    media_type: &str,
    at: Timestamp,
) -> Result<DocumentRef, DocumentError> {
    let reference = DocumentRef::to(&body, media_type);
    own_documents::put(tx, &body, media_type).await?;
    let held = Held { digest: reference.digest, media_type: media_type.to_owned(), body };
    hold(tx, &held, at, None).await?;
    Ok(reference)
}

/// Takes the oldest documents that no plan has taken yet, until `bytes` are together; other planners pass them by. Gives
/// how many.
pub(crate) async fn take(
    tx: &mut PgConnection,
    pack: PackNumber,
    count: i64,
    bytes: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "with oldest as (select digest, held_at, octet_length(body) as size from documents_held
             where packed_in is null order by held_at, digest limit $2 for update skip locked),
         summed as (select digest, size, sum(size) over (order by held_at, digest) as upto from oldest)
         update documents_held h set packed_in = $1 from summed s where h.digest = s.digest and s.upto - s.size < $3",
    )
    .bind(signed(pack.get()))
    .bind(count)
    .bind(bytes)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Lets the documents of a cancelled plan go into another.
pub(crate) async fn release(tx: &mut PgConnection, pack: PackNumber) -> Result<(), sqlx::Error> {
    sqlx::query("update documents_held set packed_in = null where packed_in = $1")
        .bind(signed(pack.get()))
        .execute(tx)
        .await
        .map(drop)
}

/// The documents of a plan, in the order in which the pack has them.
pub(crate) async fn of_pack(tx: &mut PgConnection, pack: PackNumber) -> Result<Vec<Held>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select digest, media_type, body from documents_held where packed_in = $1 order by digest",
    )
    .bind(signed(pack.get()))
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(Held::try_from).collect()
}

/// A document.
pub(crate) async fn find(tx: &mut PgConnection, digest: &Sha256) -> Result<Option<Held>, sqlx::Error> {
    let row: Option<Row> =
        sqlx::query_as("select digest, media_type, body from documents_held where digest = $1")
            .bind(digest.as_bytes().as_slice())
            .fetch_optional(tx)
            .await?;
    row.map(Held::try_from).transpose()
}

/// A document's bytes.
pub(crate) async fn body(tx: &mut PgConnection, digest: &Sha256) -> Result<Option<Bytes>, sqlx::Error> {
    let body: Option<Vec<u8>> = sqlx::query_scalar("select body from documents_held where digest = $1")
        .bind(digest.as_bytes().as_slice())
        .fetch_optional(tx)
        .await?;
    Ok(body.map(Bytes::from))
}
