//! gRPC `Site`: parse, call, render.

use std::time::Instant;

use dengbei_chain::facts::Purpose;
use dengbei_proto::v1;
use dengbei_proto::v1::site_server::Site;
use dengbei_records::{Invalid, PackNumber, Sha256};
use dengbei_vault::PackName;
use tonic::{Request, Response, Status};

use crate::attest::Expected;
use crate::error::Refusal;
use crate::keeper::Keeper;
use crate::log::LogFile;
use crate::metrics;
use crate::read::Pieces;
use crate::take::Wanted;

/// Packs of one answer.
const MOST_LISTED: u32 = 10_000;

/// Serves one site.
#[derive(Clone)]
pub(crate) struct Served(pub(crate) Keeper);

impl Served {
    fn name(&self, name: Option<v1::PackName>) -> Result<PackName, Refusal> {
        let name = name.ok_or_else(|| Invalid::new("存储包 pack", "none"))?;
        self.0.pack(name.pack, name.generation)
    }

    fn wanted(&self, request: &v1::TakeRequest) -> Result<Wanted, Refusal> {
        Ok(Wanted {
            name: self.name(request.name)?,
            purpose: request.purpose.parse()?,
            digest: Sha256::from_slice(&request.digest)?,
            bytes: request.bytes,
            versions_root: Sha256::from_slice(&request.versions_root)?,
        })
    }

    async fn take_it(&self, request: &v1::TakeRequest) -> Result<v1::SiteReceipt, Refusal> {
        let wanted = self.wanted(request)?;
        let began = Instant::now();
        let taken = self.0.take(&wanted, &request.from).await;
        metrics::read_back("take", began, &taken);
        Ok(taken?.write())
    }

    async fn attest_it(&self, request: v1::AttestRequest) -> Result<v1::SiteReceipt, Refusal> {
        let name = self.name(request.name)?;
        // Who only wants to know says nothing of a purpose.
        let purpose = if request.purpose.is_empty() { Purpose::Storage } else { request.purpose.parse()? };
        let expected = match request.digest.len() {
            0 => None,
            _ => Some(Expected { digest: Sha256::from_slice(&request.digest)?, bytes: request.bytes }),
        };
        let began = Instant::now();
        let attested = self.0.attest(&name, purpose, expected).await;
        metrics::read_back("attest", began, &attested);
        Ok(attested?.write())
    }

    async fn quarantine_it(&self, request: v1::QuarantineRequest) -> Result<String, Refusal> {
        let bad = match request.found.len() {
            0 => None,
            _ => Some(Sha256::from_slice(&request.found)?),
        };
        self.0.quarantine(&self.name(request.name)?, bad).await
    }

    async fn list_them(&self, request: v1::ListPacksRequest) -> Result<Vec<v1::ListedPack>, Refusal> {
        let Keeper { site, area, .. } = &self.0;
        let limit = if request.limit == 0 { MOST_LISTED } else { request.limit.min(MOST_LISTED) };
        let from = PackNumber::new(request.from_pack);
        let listed = site.list_from(area, from, limit as usize).await?;
        let render = |p: dengbei_vault::ListedPack| v1::ListedPack {
            name: Some(v1::PackName { pack: p.name.number.get(), generation: p.name.generation }),
            bytes: p.len,
        };
        Ok(listed.into_iter().map(render).collect())
    }

    async fn describe_it(&self) -> Result<v1::DescribeReply, Refusal> {
        let keeper = &self.0;
        let holding = keeper.counted.holding(&keeper.site, &keeper.area).await?;
        let free = keeper.free_bytes().await?;
        Ok(v1::DescribeReply {
            site: keeper.name.clone(),
            class: keeper.class.clone(),
            key: keeper.key.public().to_vec().into(),
            packs: holding.packs,
            bytes: holding.bytes,
            free_bytes: free.unwrap_or_default(),
            free_unknown: free.is_none(),
            quarantined: holding.quarantined,
            log_size: keeper.log.size().await,
        })
    }
}

fn answer<T>(outcome: Result<T, Refusal>) -> Result<Response<T>, Status> {
    outcome.map(Response::new).map_err(|refusal| refusal.status())
}

#[tonic::async_trait]
impl Site for Served {
    async fn take(&self, request: Request<v1::TakeRequest>) -> Result<Response<v1::SiteReceipt>, Status> {
        answer(self.take_it(request.get_ref()).await)
    }

    async fn attest(&self, request: Request<v1::AttestRequest>) -> Result<Response<v1::SiteReceipt>, Status> {
        answer(self.attest_it(request.into_inner()).await)
    }

    type ReadStream = Pieces;

    async fn read(&self, request: Request<v1::ReadPackRequest>) -> Result<Response<Pieces>, Status> {
        let request = request.into_inner();
        let read = async {
            let name = self.name(request.name)?;
            self.0.read(&name, request.offset, request.length).await
        };
        answer(read.await)
    }

    async fn list(
        &self,
        request: Request<v1::ListPacksRequest>,
    ) -> Result<Response<v1::ListPacksReply>, Status> {
        answer(self.list_them(request.into_inner()).await.map(|packs| v1::ListPacksReply { packs }))
    }

    async fn quarantine(
        &self,
        request: Request<v1::QuarantineRequest>,
    ) -> Result<Response<v1::QuarantineReply>, Status> {
        answer(self.quarantine_it(request.into_inner()).await.map(|path| v1::QuarantineReply { path }))
    }

    async fn put_log(
        &self,
        request: Request<v1::PutLogRequest>,
    ) -> Result<Response<v1::PutLogReply>, Status> {
        let files = request.into_inner().files.into_iter();
        let files = files.map(|f| LogFile { path: f.path, body: f.body }).collect();
        answer(self.0.log.put(files).await.map(|()| v1::PutLogReply {}))
    }

    async fn get_log(
        &self,
        request: Request<v1::GetLogRequest>,
    ) -> Result<Response<v1::GetLogReply>, Status> {
        answer(self.0.log.get(&request.get_ref().path).await.map(|body| v1::GetLogReply { body }))
    }

    async fn describe(&self, _: Request<v1::DescribeRequest>) -> Result<Response<v1::DescribeReply>, Status> {
        answer(self.describe_it().await)
    }
}
