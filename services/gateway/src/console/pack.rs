//! `GET /packs/{number}`: one pack: what it holds, whose it is, where its copies are and who signed for them.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use dengbei_proto::v1;
use dengbei_records::papers::{Filing, Sealed};
use dengbei_records::{Problem, Timestamp};
use maud::{Markup, html};

use super::pieces::{self, hash, moment, or_dash, pack_number};
use super::view::{View, away};
use super::words::{self, Of};
use super::{Language, asked, items, thousands};
use crate::problem::Refusal;

/// Items of it that are shown; the rest a link away.
const FIRST: u32 = 10;

/// The page.
pub(super) async fn show(view: View, Path(number): Path<String>) -> Response {
    let (l, peers) = (view.l, view.peers());
    let Ok(pack) = number.parse::<u64>() else {
        let (zh, en) = ("不是有效的存储包号", "not a pack's number");
        return view.refused(Refusal::invalid("pack.number", zh, en), "/filing");
    };
    let members = v1::ItemsRequest { pack, limit: FIRST, ..Default::default() };
    let of = v1::BatchRequest { pack, ..Default::default() };
    let id = pack.to_string();
    let (filing, copies, members, batch) = tokio::join!(
        asked::paper(peers, "filing", &id, "json"),
        asked::copies(peers, pack),
        asked::items(peers, members),
        asked::batch(peers, of),
    );
    let filing: Option<Sealed<Filing>> = filing.ok().and_then(|p| serde_json::from_slice(&p.body).ok());
    let batch = batch.ok().and_then(|reply| reply.batch);
    let body = html! {
        div.columns.even {
            section.card { h2 { (l.say("归档批", "Filing batch")) } (facts(filing.as_ref().map(|f| &f.body), batch.as_ref(), l)) }
            section.card { h2 { (l.say("检验", "Examined")) } (examined(filing.as_ref().map(|f| &f.body))) }
        }
        @match &copies { Ok(copies) => (self::copies(copies, l)), Err(problem) => (away(l.say("副本", "Copies"), problem, l)) }
        @match &members { Ok(reply) => (held(pack, reply, l)), Err(problem) => (away(l.say("包内办件", "Items"), problem, l)) }
    };
    let title = format!("{} {}", l.say("存储包", "Pack"), pack_number(pack));
    let paper =
        pieces::paper(&format!("filing-batches/{pack}/filing"), l.say("归档电子文件登记表", "Filing form"));
    view.page(&title, "/filing").under("", pack_number(pack)).beside(paper).render(&body).into_response()
}

fn facts(filing: Option<&Filing>, batch: Option<&v1::BatchSummary>, l: Language) -> Markup {
    html! {
        dl.facts {
            @if let Some(f) = filing {
                dt { (l.say("立档单位", "Unit")) } dd { (f.unit.name) " " span.mono.quiet { (f.unit.code) } }
                dt { (l.say("全宗号", "Fonds")) } dd.mono { (or_dash(&f.unit.mark)) }
                dt { (l.say("年度、期限", "Year, kept")) } dd { (f.class) }
                dt { (l.say("归档时间", "Filed")) } dd { (office(&f.filed_at)) }
                dt { (l.say("数量", "Amount")) } dd { (thousands(f.items.into())) (l.say(" 件，", " items, ")) (words::size(f.bytes)) }
                dt { (l.say("档号起止", "Codes")) } dd.mono { (f.codes) }
                dt { (l.say("归档方式", "By")) } dd { (f.method) }
            } @else {
                dt { (l.say("登记表", "Form")) } dd.quiet { (l.say("暂不可见", "cannot be shown now")) }
            }
            @if let Some(b) = batch {
                dt { (l.say("登记批", "Registration")) } dd { (pieces::batch(&b.batch, &b.registration_no, l)) " " (words::tag(Of::Batch, &b.state, l)) }
                dt { (l.say("登记证书", "Certificate")) } dd { (pieces::certificate(&b.certificate_no, l)) }
            } @else {
                dt { (l.say("登记批", "Registration")) } dd { (l.say("未申请", "not applied for")) }
            }
        }
    }
}

fn examined(filing: Option<&Filing>) -> Markup {
    html! {
        @match filing {
            Some(f) => {
                table { tbody { @for (property, finding) in &f.checks { tr { th scope="row" { (property) } td { (finding) } } } } }
                p.quiet { (f.technique) }
                p { (f.pack.algorithm) " " span.mono.break { (f.pack.digest) } }
            },
            None => p.quiet { "–" },
        }
    }
}

fn office(rfc3339: &str) -> String {
    rfc3339.get(..19).unwrap_or(rfc3339).replace('T', " ")
}

fn held(pack: u64, reply: &v1::ItemsReply, l: Language) -> Markup {
    html! {
        section.card {
            h2 { (l.say("包内办件", "Items")) span.unit { (l.say("共 ", "")) (thousands(reply.total)) (l.say(" 件", " in all")) } }
            (items::table(&reply.items, l))
            @if reply.total > u64::from(FIRST) {
                div.pager { span {} a href=(l.link(&format!("/items?pack={pack}"))) { (l.say("全部办件", "All items")) } }
            }
        }
    }
}

/// Where a pack's copies are, and every receipt for them.
pub(super) fn copies(copies: &v1::CopiesReply, l: Language) -> Markup {
    html! {
        section.card {
            h2 {
                (l.say("副本与备份回执", "Copies and receipts"))
                span.unit { @if copies.secured { span.tag.good { (l.say("备份达标", "secured")) } } @else { span.tag.wait { (l.say("未达标", "not secured yet")) } } }
            }
            div.scroll tabindex="0" { table {
                thead { tr {
                    th { (l.say("备份点", "Site")) } th { (l.say("类别", "Class")) } th { (l.say("状态", "State")) } th { (l.say("用途", "Purpose")) }
                    th { (l.say("读回时间", "Read back")) } th.number { (l.say("大小", "Size")) } th { (l.say("摘要", "Digest")) } th { (l.say("签名公钥", "Signed with key")) }
                } }
                tbody {
                    @for copy in &copies.copies { (copied(copy, l)) }
                    @if copies.copies.is_empty() { (pieces::none(8, l.say("尚无副本", "No copies yet"))) }
                }
            } }
        }
    }
}

fn copied(copy: &v1::PackCopy, l: Language) -> Markup {
    let head = |is_first: bool| {
        html! {
            @if is_first { td.short { b { (copy.site) } } td.short { (words::state(Of::Class, &copy.class, l)) } td { (words::tag(Of::Copy, &copy.state, l)) } }
            @else { td {} td {} td {} }
        }
    };
    html! {
        @for (i, r) in copy.receipts.iter().enumerate() {
            tr {
                (head(i == 0))
                td { (words::tag(Of::Purpose, &r.purpose, l)) } td.time { (moment(r.stored_at)) } td.number { (words::size(r.bytes)) } td.code { (hash(&r.digest)) }
                td.code { @if r.key.is_empty() { (l.say("代为观察：", "observed by ")) (r.observed_by) } @else { (hash(&r.key)) } }
            }
        }
        @if copy.receipts.is_empty() { tr { (head(true)) td.quiet colspan="5" { (l.say("尚无回执", "no receipt yet")) } } }
    }
}

/// What a list of packs shows of one: how many items, how long they are kept, how large it is.
pub(super) struct Seen {
    pub(super) items: Option<u64>,
    pub(super) retention: String,
    pub(super) bytes: Option<u64>,
    pub(super) filed_at: Option<Timestamp>,
}

/// Asks for what a list shows; what is not known stays out.
pub(super) async fn seen(view: &View, pack: u64) -> Seen {
    let request = v1::ItemsRequest { pack, limit: 1, ..Default::default() };
    let (members, copies): (Result<_, Problem>, Result<_, Problem>) =
        tokio::join!(asked::items(view.peers(), request), asked::copies(view.peers(), pack));
    let receipts = copies.ok().into_iter().flat_map(|reply| reply.copies).flat_map(|copy| copy.receipts);
    let first = receipts.min_by_key(|receipt| receipt.stored_at);
    Seen {
        items: members.as_ref().ok().map(|reply| reply.total),
        retention: members
            .ok()
            .and_then(|reply| Some(reply.items.first()?.retention.clone()))
            .unwrap_or_default(),
        bytes: first.as_ref().map(|receipt| receipt.bytes),
        filed_at: first.map(|receipt| Timestamp::from_millis(receipt.stored_at)),
    }
}
