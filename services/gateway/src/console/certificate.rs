//! `GET /certificates/{number}`: a registration certificate (登记证书) as a page, with its seals.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use dengbei_records::papers::{Certificate, Seal, Sealed};
use dengbei_records::{ErrorClass, Problem};
use maud::{Markup, html};

use super::pieces;
use super::view::View;
use super::words::{self, Of};
use super::{Language, asked, thousands};

/// The page.
pub(super) async fn show(view: View, Path(number): Path<String>) -> Response {
    let read = asked::paper(view.peers(), "certificate", &number, "json").await.and_then(|paper| {
        serde_json::from_slice::<Sealed<Certificate>>(&paper.body).map_err(|_| unreadable())
    });
    let sealed = match read {
        Ok(sealed) => sealed,
        Err(problem) => return view.refused(problem, "/certificates"),
    };
    let (l, c) = (view.l, &sealed.body);
    let body = html! {
        article.certificate {
            (head(c, l))
            (facts(c, l))
            (packs(c, l))
            (copies(c, l))
            (seals(&sealed.seals, l))
        }
    };
    let page = view.page(&number, "/certificates").under("", &number);
    page.beside(pieces::paper(&format!("certificates/{number}"), "")).render(&body).into_response()
}

fn unreadable() -> Problem {
    let (zh, en) = ("证书数据无法读取", "the certificate's data cannot be read");
    Problem::new("certificate.unreadable", ErrorClass::Internal, zh, en)
}

fn head(c: &Certificate, l: Language) -> Markup {
    html! {
        header {
            p.issuer { (c.administration.name) }
            h2 { (l.say("档案登记证书", "Certificate of registration")) }
            p.mono { (c.certificate_no) }
        }
        p.scope { (c.scope) }
    }
}

fn facts(c: &Certificate, l: Language) -> Markup {
    html! {
        dl.facts {
            dt { (l.say("登记单位", "Unit")) } dd { (c.unit.name) " " span.mono.quiet { (c.unit.code) } }
            dt { (l.say("全宗、年度", "Fonds, year")) } dd { span.mono { (c.unit.mark) } " · " (c.year) }
            dt { (l.say("登记号", "Registration no.")) } dd { a.mono href=(l.link(&format!("/registrations/{}", c.batch))) { (c.registration_no) } " " (c.kind) }
            dt { (l.say("数量", "Amount")) } dd { (thousands(c.items.into())) (l.say(" 件，", " items, ")) (thousands(c.files)) (l.say(" 个文件，", " files, ")) (words::size(c.bytes)) }
            dt { (l.say("摘要清单根", "Root of digests")) } dd { (c.digest_root.algorithm) " " span.mono.break { (c.digest_root.value) } }
            dt { (l.say("登记簿根", "Root of events")) } dd { "SHA-256 " span.mono.break { (c.event_root) } }
            dt { (l.say("检测报告", "Check reports")) } dd { @for line in &c.checks { div { (line.stage) " " (line.scheme) " " span.mono.break { (line.report) } } } }
            dt { (l.say("登记日期", "Registered on")) } dd { (c.registered_on) (l.say("，有效期至 ", ", valid until ")) (c.valid_until) }
            dt { (l.say("使用条件", "Conditions")) } dd { (c.conditions) }
            dt { (l.say("签发", "Issued")) } dd { (c.signer) " " (c.issued_at) }
            dt { (l.say("核验", "Verify at")) } dd { a.mono href=(c.verify_at) { (c.verify_at) } }
        }
    }
}

fn packs(c: &Certificate, l: Language) -> Markup {
    html! {
        h3 { (l.say("存储包", "Packs")) }
        table {
            thead { tr { th { (l.say("存储包", "Pack")) } th { (l.say("内容", "Content")) } th.number { (l.say("件数", "Items")) } th.number { (l.say("容量(GB)", "GB")) } th { (l.say("数字摘要", "Digest")) } } }
            tbody { @for p in &c.packs { tr {
                td.code { (pieces::pack(p.pack, l)) } td { (p.content) } td.number { (thousands(p.items.into())) } td.number { (p.gigabytes) }
                td { (p.algorithm) " " span.mono.break { (p.digest) } }
            } } }
        }
    }
}

fn copies(c: &Certificate, l: Language) -> Markup {
    html! {
        h3 { (l.say("备份副本", "Backup copies")) }
        table {
            thead { tr { th { (l.say("备份点", "Site")) } th { (l.say("类别", "Class")) } th { (l.say("载体", "Carrier")) } th { (l.say("存储包", "Packs")) } th { (l.say("备份点公钥", "The site's key")) } } }
            tbody { @for copy in &c.copies { tr {
                td { (copy.site) } td.short { (words::state(Of::Class, &copy.class, l)) } td.short { (copy.carrier) } td { (pieces::packs(&copy.packs, l)) } td { span.mono.break { (copy.key) } }
            } } }
        }
    }
}

/// Who stands for a paper.
pub(super) fn seals(seals: &[Seal], l: Language) -> Markup {
    html! {
        h3 { (l.say("签章", "Seals")) }
        table {
            thead { tr { th { (l.say("签章人", "By")) } th { (l.say("身份", "As")) } th { (l.say("时间", "When")) } th { (l.say("算法", "Algorithm")) } th { (l.say("公钥", "Key")) } } }
            tbody { @for s in seals { tr { td { (s.name) } td.code { (s.role) } td.time { (s.at.get(..19).unwrap_or(&s.at).replace('T', " ")) } td.short { (s.algorithm) } td { span.mono.break { (s.key) } } } } }
        }
    }
}
