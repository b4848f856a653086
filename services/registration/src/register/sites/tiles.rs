//! The copy of the log on another site, read by gRPC: what `start.rs` compares with and replays from. Read only.

use bytes::Bytes;
use dengbei_proto::v1;
use dengbei_register::storage::CHECKPOINT_PATH;
use dengbei_register::{StorageError, TilePath, Tiles};
use std::time::Duration;
use tonic::Code;

use super::OtherSite;

/// A file is there within this time, or the site does not answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Another site's tiles.
#[derive(Debug, Clone)]
pub(in crate::register) struct SiteTiles {
    site: OtherSite,
}

impl SiteTiles {
    pub(in crate::register) fn of(site: &OtherSite) -> Self {
        Self { site: site.clone() }
    }

    async fn file(&self, path: String) -> Result<Option<Bytes>, StorageError> {
        let mut client = self.site.client.clone();
        let asked = client.get_log(v1::GetLogRequest { path: path.clone() });
        match tokio::time::timeout(ANSWER, asked).await {
            Ok(Ok(reply)) => Ok(Some(reply.into_inner().body)),
            Ok(Err(status)) if status.code() == Code::NotFound => Ok(None),
            Ok(Err(status)) => Err(StorageError::unavailable(format!("{}: {path}", self.site.name), status)),
            Err(late) => Err(StorageError::unavailable(format!("{}: {path}", self.site.name), late)),
        }
    }

    fn refused(&self) -> StorageError {
        StorageError::unavailable(self.site.name.clone(), "another site's copy is only read here")
    }
}

impl Tiles for SiteTiles {
    async fn read(&self, path: TilePath) -> Result<Option<Bytes>, StorageError> {
        self.file(path.to_string()).await
    }

    async fn read_checkpoint(&self) -> Result<Option<Bytes>, StorageError> {
        self.file(CHECKPOINT_PATH.to_owned()).await
    }

    async fn write_durable(&self, _: Vec<(TilePath, Bytes)>) -> Result<(), StorageError> {
        Err(self.refused())
    }

    async fn publish(&self, _: Bytes) -> Result<(), StorageError> {
        Err(self.refused())
    }

    async fn drop_partials(&self, _: Vec<TilePath>) -> Result<(), StorageError> {
        Err(self.refused())
    }
}
