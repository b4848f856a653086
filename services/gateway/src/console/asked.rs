//! Questions that pages ask the roles: one line each, the answer or the problem.

use bytes::Bytes;
use dengbei_proto::v1;
use dengbei_records::Problem;

use crate::peers::{Peers, answered, question};

type Answer<T> = Result<T, Problem>;

pub(super) async fn items(peers: &Peers, request: v1::ItemsRequest) -> Answer<v1::ItemsReply> {
    answered(peers.query().items(question(request)).await)
}

pub(super) async fn figures(peers: &Peers) -> Answer<v1::FiguresReply> {
    answered(peers.query().figures(question(v1::FiguresRequest {})).await)
}

pub(super) async fn batches(peers: &Peers, request: v1::BatchesRequest) -> Answer<v1::BatchesReply> {
    answered(peers.registration().batches(question(request)).await)
}

pub(super) async fn batch(peers: &Peers, request: v1::BatchRequest) -> Answer<v1::BatchReply> {
    answered(peers.registration().batch(question(request)).await)
}

pub(super) async fn transfers(peers: &Peers, request: v1::TransfersRequest) -> Answer<v1::TransfersReply> {
    answered(peers.registration().transfers(question(request)).await)
}

pub(super) async fn transfer(peers: &Peers, transfer_no: &str) -> Answer<v1::TransferReply> {
    let request = v1::TransferRequest { transfer_no: transfer_no.into(), item: Bytes::new() };
    answered(peers.registration().transfer(question(request)).await)
}

pub(super) async fn policy(peers: &Peers, unit_uscc: &str) -> Answer<v1::UnitPolicyReply> {
    let request = v1::UnitPolicyRequest { unit_uscc: unit_uscc.into() };
    answered(peers.registration().policy(question(request)).await)
}

pub(super) async fn paper(peers: &Peers, kind: &str, id: &str, format: &str) -> Answer<v1::PaperReply> {
    let request = v1::PaperRequest { kind: kind.into(), id: id.into(), format: format.into() };
    answered(peers.registration().paper(question(request)).await)
}

pub(super) async fn sites(peers: &Peers) -> Answer<Vec<v1::SiteStanding>> {
    let reply = peers.replication()?.sites(question(v1::SitesRequest {})).await;
    answered(reply).map(|reply| reply.sites)
}

pub(super) async fn copies(peers: &Peers, pack: u64) -> Answer<v1::CopiesReply> {
    answered(peers.replication()?.copies(question(v1::CopiesRequest { pack })).await)
}

pub(super) async fn troubles(peers: &Peers, limit: u32) -> Answer<Vec<v1::PackTrouble>> {
    let reply = peers.replication()?.troubles(question(v1::TroublesRequest { limit })).await;
    answered(reply).map(|reply| reply.troubles)
}

/// Units by code and name, for choosing; none while query is away.
pub(super) async fn units(peers: &Peers) -> Vec<(String, String)> {
    let figures = figures(peers).await.unwrap_or_default();
    let mut units: Vec<_> = figures.units.into_iter().map(|u| (u.unit_uscc, u.unit_name)).collect();
    units.sort_by(|a, b| a.1.cmp(&b.1));
    units
}
