//! A site as fixity sees it: real packs in a folder, a real key, over a real gRPC connection.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use dengbei_chain::facts::{Purpose, SiteReceipt, Witness};
use dengbei_kit::config::SiteAddress;
use dengbei_kit::seals::SealKeys;
use dengbei_kit::{Drain, grpc, status};
use dengbei_ocfl::Catalogue;
use dengbei_proto::v1;
use dengbei_proto::v1::site_server::{Site, SiteServer};
use dengbei_records::{Clock as _, ErrorClass, PackNumber, Problem, Sha256, SystemClock};
use tonic::{Code, Request, Response, Status};

use super::desk::area;

/// One site.
#[derive(Clone)]
pub(super) struct Storage {
    pub(super) name: &'static str,
    pub(super) class: &'static str,
    folder: PathBuf,
    key: Arc<SealKeys>,
    /// Answers every call with UNAVAILABLE.
    is_down: Arc<AtomicBool>,
    /// The disk gives an error for every pack.
    is_unreadable: Arc<AtomicBool>,
    pub(super) attested: Arc<AtomicU64>,
    pub(super) sent: Arc<AtomicU64>,
    pub(super) log_size: Arc<AtomicU64>,
}

impl Storage {
    pub(super) fn new(name: &'static str, class: &'static str, keys: &Path, folder: &Path) -> Self {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let key = Arc::new(SealKeys::open_or_make(&keys.join("sites"), name).unwrap());
        Self {
            name,
            class,
            folder,
            key,
            is_down: Arc::default(),
            is_unreadable: Arc::default(),
            attested: Arc::default(),
            sent: Arc::default(),
            log_size: Arc::default(),
        }
    }

    pub(super) fn path(&self, pack: u64, generation: u32) -> PathBuf {
        self.folder.join(format!("{pack:08}.g{generation}.tar"))
    }

    pub(super) fn put(&self, pack: u64, bytes: &[u8]) {
        std::fs::write(self.path(pack, 1), bytes).unwrap();
    }

    /// Flips the byte at `at`.
    pub(super) fn flip(&self, pack: u64, at: u64) {
        let mut bytes = std::fs::read(self.path(pack, 1)).unwrap();
        bytes[usize::try_from(at).unwrap()] ^= 0x20;
        self.put(pack, &bytes);
    }

    pub(super) fn remove(&self, pack: u64) {
        std::fs::remove_file(self.path(pack, 1)).unwrap();
    }

    pub(super) fn down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    pub(super) fn unreadable(&self, is_unreadable: bool) {
        self.is_unreadable.store(is_unreadable, Ordering::SeqCst);
    }

    /// Signs for a pack as it is.
    pub(super) fn receipt(&self, pack: u64, purpose: Purpose) -> SiteReceipt {
        let bytes = std::fs::read(self.path(pack, 1)).unwrap();
        let (catalogue, _, _) = Catalogue::read(&mut bytes.as_slice()).unwrap();
        let mut receipt = SiteReceipt {
            site: self.name.into(),
            class: self.class.into(),
            purpose,
            pack: PackNumber::new(pack),
            generation: 1,
            digest: Sha256::of(&bytes),
            versions_root: catalogue.versions_root,
            bytes: bytes.len() as u64,
            stored_at: SystemClock.now(),
            witness: Witness::Signed { key: self.key.public(), signature: [0; 64] },
        };
        let signature = self.key.sign(&receipt.signed_text(&area()));
        receipt.witness = Witness::Signed { key: self.key.public(), signature };
        receipt
    }

    /// Serves it; its address.
    pub(super) async fn serve(&self) -> SiteAddress {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = tonic::service::Routes::new(SiteServer::new(self.clone()));
        tokio::spawn(async move { grpc::serve_on(listener, "t", routes, Drain::new()).await.unwrap() });
        SiteAddress { name: self.name.into(), class: self.class.into(), url }
    }

    fn up(&self) -> Result<(), Status> {
        if self.is_down.load(Ordering::SeqCst) { Err(Status::unavailable("down")) } else { Ok(()) }
    }

    fn bytes(&self, name: Option<v1::PackName>) -> Result<Vec<u8>, Status> {
        self.up()?;
        let name = name.unwrap();
        if self.is_unreadable.load(Ordering::SeqCst) {
            return Err(refused("site.unreadable", ErrorClass::Unavailable));
        }
        std::fs::read(self.path(name.pack, name.generation))
            .map_err(|_| refused("site.missing", ErrorClass::NotFound))
    }
}

fn refused(code: &str, class: ErrorClass) -> Status {
    status::from_problem(&Problem::new(code, class, "备份点", code))
}

fn damaged(bytes: &[u8]) -> Status {
    let problem = Problem::new("site.damaged", ErrorClass::Internal, "损坏", "damaged");
    let mut details = serde_json::to_value(problem).unwrap();
    details["found"] = Sha256::of(bytes).to_string().into();
    details["found_bytes"] = (bytes.len() as u64).into();
    Status::with_details(Code::DataLoss, "damaged", details.to_string().into())
}

type Pieces = Pin<Box<dyn futures::Stream<Item = Result<v1::PackChunk, Status>> + Send>>;

#[tonic::async_trait]
impl Site for Storage {
    async fn take(&self, _: Request<v1::TakeRequest>) -> Result<Response<v1::SiteReceipt>, Status> {
        Err(Status::unimplemented("fixity only reads"))
    }

    async fn attest(&self, request: Request<v1::AttestRequest>) -> Result<Response<v1::SiteReceipt>, Status> {
        let request = request.into_inner();
        let bytes = self.bytes(request.name)?;
        self.attested.fetch_add(1, Ordering::SeqCst);
        let digest = Sha256::of(&bytes);
        let is_other = !request.digest.is_empty() && request.digest.as_ref() != digest.as_bytes();
        if is_other || Catalogue::read(&mut bytes.as_slice()).is_err() {
            return Err(damaged(&bytes));
        }
        let name = request.name.unwrap();
        let mut receipt = self.receipt(name.pack, request.purpose.parse().unwrap());
        receipt.generation = name.generation;
        let signature = self.key.sign(&receipt.signed_text(&area()));
        receipt.witness = Witness::Signed { key: self.key.public(), signature };
        Ok(Response::new(receipt.write()))
    }

    type ReadStream = Pieces;

    async fn read(&self, request: Request<v1::ReadPackRequest>) -> Result<Response<Pieces>, Status> {
        let request = request.into_inner();
        let bytes = self.bytes(request.name)?;
        let end = if request.length == 0 { bytes.len() as u64 } else { request.offset + request.length };
        if end > bytes.len() as u64 {
            return Err(refused("site.request", ErrorClass::Invalid));
        }
        self.sent.fetch_add(end - request.offset, Ordering::SeqCst);
        let range = usize::try_from(request.offset).unwrap()..usize::try_from(end).unwrap();
        let mut offset = request.offset;
        let pieces: Vec<_> = bytes[range]
            .chunks(7_000)
            .map(|data| {
                let piece = v1::PackChunk { offset, data: data.to_vec().into() };
                offset += data.len() as u64;
                Ok(piece)
            })
            .collect();
        Ok(Response::new(Box::pin(futures::stream::iter(pieces))))
    }

    async fn list(
        &self,
        request: Request<v1::ListPacksRequest>,
    ) -> Result<Response<v1::ListPacksReply>, Status> {
        self.up()?;
        let request = request.into_inner();
        let mut packs: Vec<v1::ListedPack> = std::fs::read_dir(&self.folder)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                let (number, rest) = name.split_once(".g").unwrap();
                let generation = rest.trim_end_matches(".tar").parse().unwrap();
                let name = Some(v1::PackName { pack: number.parse().unwrap(), generation });
                v1::ListedPack { name, bytes: entry.metadata().unwrap().len() }
            })
            .filter(|p| p.name.unwrap().pack >= request.from_pack)
            .collect();
        packs.sort_by_key(|p| p.name.map(|n| (n.pack, n.generation)));
        packs.truncate(request.limit as usize);
        Ok(Response::new(v1::ListPacksReply { packs }))
    }

    async fn quarantine(
        &self,
        _: Request<v1::QuarantineRequest>,
    ) -> Result<Response<v1::QuarantineReply>, Status> {
        Err(Status::unimplemented("fixity only reads"))
    }

    async fn put_log(&self, _: Request<v1::PutLogRequest>) -> Result<Response<v1::PutLogReply>, Status> {
        Err(Status::unimplemented("fixity only reads"))
    }

    async fn get_log(&self, _: Request<v1::GetLogRequest>) -> Result<Response<v1::GetLogReply>, Status> {
        Err(Status::unimplemented("fixity only reads"))
    }

    async fn describe(&self, _: Request<v1::DescribeRequest>) -> Result<Response<v1::DescribeReply>, Status> {
        self.up()?;
        let log_size = self.log_size.load(Ordering::SeqCst);
        Ok(Response::new(v1::DescribeReply { site: self.name.into(), log_size, ..Default::default() }))
    }
}
