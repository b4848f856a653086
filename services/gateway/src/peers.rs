//! The roles behind the door, as gRPC clients. Connected when first used; each call that asks has a deadline, a
//! call that carries a package has none.

use std::time::Duration;

use bytes::Bytes;
use dengbei_kit::grpc::{MAX_MESSAGE, MeshChannel, channel};
use dengbei_kit::{RoleConfig, documents, status};
use dengbei_proto::v1;
use dengbei_proto::v1::fixity_client::FixityClient;
use dengbei_proto::v1::ingest_client::IngestClient;
use dengbei_proto::v1::intake_client::IntakeClient;
use dengbei_proto::v1::operations_client::OperationsClient;
use dengbei_proto::v1::quality_client::QualityClient;
use dengbei_proto::v1::query_client::QueryClient;
use dengbei_proto::v1::register_client::RegisterClient;
use dengbei_proto::v1::registration_client::RegistrationClient;
use dengbei_proto::v1::replication_client::ReplicationClient;
use dengbei_proto::v1::site_client::SiteClient;
use dengbei_records::{ErrorClass, Invalid, Problem, Sha256};
use tonic::{Request, Response, Status};

/// How long a question to a role may take.
const ANSWER: Duration = Duration::from_secs(15);
/// How long a role has to say how it is.
const WELL: Duration = Duration::from_secs(3);

/// Clients of all roles. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Peers {
    ingest: MeshChannel,
    registration: MeshChannel,
    fixity: MeshChannel,
    query: MeshChannel,
    /// `None` in a deployment without backup.
    replication: Option<MeshChannel>,
    sites: Vec<(String, MeshChannel)>,
}

impl Peers {
    /// By the URLs of the configuration; none is dialled yet.
    pub(crate) fn new(config: &RoleConfig) -> Result<Self, Invalid> {
        let open = |url: &str| channel(url, &config.mesh_token);
        let p = &config.peers;
        let replication = (!p.replication.is_empty()).then(|| open(&p.replication)).transpose()?;
        let sites = config.sites.iter().map(|site| Ok((site.name.clone(), open(&site.url)?)));
        Ok(Self {
            ingest: open(&p.ingest)?,
            registration: open(&p.registration)?,
            fixity: open(&p.fixity)?,
            query: open(&p.query)?,
            replication,
            sites: sites.collect::<Result<_, Invalid>>()?,
        })
    }

    pub(crate) fn ingest(&self) -> IngestClient<MeshChannel> {
        IngestClient::new(self.ingest.clone()).max_decoding_message_size(MAX_MESSAGE)
    }

    pub(crate) fn registration(&self) -> RegistrationClient<MeshChannel> {
        let client = RegistrationClient::new(self.registration.clone());
        client.max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE)
    }

    pub(crate) fn register(&self) -> RegisterClient<MeshChannel> {
        RegisterClient::new(self.registration.clone()).max_decoding_message_size(MAX_MESSAGE)
    }

    /// Checks of batches and the system, and what persons sign.
    pub(crate) fn checks(&self) -> FixityClient<MeshChannel> {
        FixityClient::new(self.fixity.clone()).max_decoding_message_size(MAX_MESSAGE)
    }

    /// Where submissions come from, and what sources stated.
    pub(crate) fn intake(&self) -> IntakeClient<MeshChannel> {
        IntakeClient::new(self.ingest.clone()).max_decoding_message_size(MAX_MESSAGE)
    }

    pub(crate) fn quality(&self) -> QualityClient<MeshChannel> {
        QualityClient::new(self.query.clone()).max_decoding_message_size(MAX_MESSAGE)
    }

    pub(crate) fn query(&self) -> QueryClient<MeshChannel> {
        QueryClient::new(self.query.clone()).max_decoding_message_size(MAX_MESSAGE)
    }

    /// # Errors
    /// [`Problem`] where the deployment has no replication.
    pub(crate) fn replication(&self) -> Result<ReplicationClient<MeshChannel>, Problem> {
        let channel = self.replication.clone().ok_or_else(no_replication)?;
        Ok(ReplicationClient::new(channel).max_decoding_message_size(MAX_MESSAGE))
    }

    /// What every role answers about itself, by its name.
    pub(crate) fn operations(
        &self,
    ) -> impl Iterator<Item = (&'static str, OperationsClient<MeshChannel>)> + '_ {
        let client =
            |c: &MeshChannel| OperationsClient::new(c.clone()).max_decoding_message_size(MAX_MESSAGE);
        let roles = [
            ("ingest", Some(&self.ingest)),
            ("registration", Some(&self.registration)),
            ("fixity", Some(&self.fixity)),
            ("query", Some(&self.query)),
            ("replication", self.replication.as_ref()),
        ];
        roles.into_iter().filter_map(move |(name, channel)| Some((name, client(channel?))))
    }

    /// A document that an event of fixity cites: fixity has it, and registration holds a copy. What comes has the digest.
    ///
    /// # Errors
    /// [`Problem`] when neither gives it.
    pub(crate) async fn document(&self, digest: &Sha256) -> Result<Bytes, Problem> {
        if let Ok(document) = documents::fetch(&self.fixity, digest).await {
            return Ok(document.body);
        }
        let held = documents::fetch(&self.registration, digest).await;
        held.map(|document| document.body).map_err(|error| {
            let (zh, en) = ("检测报告暂不可取", "the report cannot be had now");
            tracing::warn!(%error, %digest, "no document of a run");
            Problem::new("report.unavailable", error.class(), zh, en)
        })
    }

    /// How every site describes itself, or what is wrong with it. All are asked at once.
    pub(crate) async fn sites(&self) -> Vec<(String, Result<v1::DescribeReply, Problem>)> {
        let ask = |(name, channel): (String, MeshChannel)| async move {
            let mut client = SiteClient::new(channel);
            let reply = tokio::time::timeout(WELL, client.describe(v1::DescribeRequest {})).await;
            let reply = reply.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer within 3 s")));
            (name, answered(reply))
        };
        futures::future::join_all(self.sites.clone().into_iter().map(ask)).await
    }

    /// How every role's queues stand, or what is wrong with it. All are asked at once.
    pub(crate) async fn queues(&self) -> Vec<(&'static str, Result<v1::QueuesReply, Problem>)> {
        let ask = |(name, mut client): (&'static str, OperationsClient<MeshChannel>)| async move {
            let mut request = Request::new(v1::QueuesRequest {});
            request.set_timeout(WELL);
            let reply = tokio::time::timeout(WELL, client.queues(request)).await;
            let reply = reply.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer within 3 s")));
            (name, answered(reply))
        };
        futures::future::join_all(self.operations().map(ask)).await
    }
}

/// A question with its deadline.
pub(crate) fn question<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(ANSWER);
    request
}

/// The answer, or the problem that the role states.
pub(crate) fn answered<T>(reply: Result<Response<T>, Status>) -> Result<T, Problem> {
    reply.map(Response::into_inner).map_err(|s| status::to_problem(&s))
}

fn no_replication() -> Problem {
    let (zh, en) = ("本部署未配置备份服务", "this deployment has no replication");
    Problem::new("replication.not_configured", ErrorClass::Unavailable, zh, en)
}
