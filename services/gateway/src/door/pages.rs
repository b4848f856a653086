//! The door's own pages: signing in, the first account, one's own account, the audit.

use axum::response::Html;
use dengbei_records::{Problem, Timestamp};
use maud::{Markup, html};

use super::Who;
use super::sign_in::escaped;
use crate::accounts::{Account, NewAccount};
use crate::api::accounts::AuditFilters;
use crate::console::{Language, Page};
use crate::store::audit::AuditRow;

fn trouble(problem: Option<&Problem>, l: Language) -> Markup {
    html! {
        @if let Some(problem) = problem {
            p role="alert" { span.tag.bad { (l.say(&problem.message, &problem.message_en)) } }
        }
    }
}

/// Asks for account and password, or the token; with what was wrong the last time.
pub(super) fn sign_in(
    l: Language,
    next: &str,
    has_accounts: bool,
    problem: Option<&Problem>,
) -> Html<String> {
    let to = format!("/sign-in?next={}", escaped(next));
    let here = format!("{to}{}", l.say("", "&lang=en"));
    let body = html! {
        section.card.sign-in {
            (trouble(problem, l))
            @if has_accounts {
                form method="post" action=(here) {
                    label { (l.say("账号", "Account")) input name="account" autocomplete="username" required autofocus; }
                    label { (l.say("口令", "Password")) input type="password" name="password" autocomplete="current-password" required; }
                    button { (l.say("登录", "Sign in")) }
                }
                details { summary { (l.say("用访问令牌进入", "Enter with the access token")) } (by_token(&here, l)) }
            } @else { (by_token(&here, l)) }
            p { a href={ (to) (l.say("&lang=en", "")) } { (l.say("English", "中文")) } " · " a href=(l.link("/verify")) { (l.say("核验存证回执与登记证书", "Check a receipt or certificate")) } }
        }
    };
    Page::new(l, l.say("登录", "Sign in")).render(&body)
}

fn by_token(here: &str, l: Language) -> Markup {
    html! {
        form method="post" action=(here) {
            label { (l.say("访问令牌", "Access token")) input type="password" name="token" autocomplete="off" required; }
            button { (l.say("进入", "Enter")) }
        }
        p.quiet { (l.say("令牌在数据目录的 token 文件中。", "The token is in the file token of the data folder.")) }
    }
}

/// The form of a one-time link.
pub(super) fn welcome(
    l: Language,
    secret: &str,
    given: &NewAccount,
    problem: Option<&Problem>,
) -> Html<String> {
    let body = html! {
        section.card.sign-in {
            (trouble(problem, l))
            p { (l.say("此链接用于建立一个账号，使用一次后失效。", "This link makes one account and is used up by it.")) }
            form method="post" action=(l.link(&format!("/welcome/{}", escaped(secret)))) {
                label { (l.say("账号", "Account")) input name="account" value=(given.name) autocomplete="username" minlength="2" maxlength="64" required autofocus; }
                label { (l.say("姓名（签字用）", "Name, as papers print it")) input name="display_name" value=(given.display_name) autocomplete="name" maxlength="64" required; }
                label { (l.say("口令（至少 12 个字符）", "Password, at least 12 characters")) input type="password" name="password" autocomplete="new-password" minlength="12" required; }
                label { (l.say("再次输入口令", "The password again")) input type="password" name="again" autocomplete="new-password" minlength="12" required; }
                button { (l.say("建立账号", "Make the account")) }
            }
        }
    };
    Page::new(l, l.say("建立账号", "Make an account")).render(&body)
}

/// What the account's page says beside itself.
#[derive(Clone, Copy)]
pub(super) enum Told<'a> {
    Nothing,
    Changed,
    Refused(&'a Problem),
    /// The path of a one-time link.
    Link(&'a str),
}

/// One's own account and the colleagues'.
pub(super) fn account(l: Language, area: &str, who: &Who, all: &[Account], told: Told<'_>) -> Html<String> {
    let body = html! {
        (said(&told, l))
        div.columns {
            section.card {
                h2 { (l.say("账号", "Accounts")) }
                table {
                    thead { tr { th { (l.say("账号", "Account")) } th { (l.say("姓名", "Name")) } th { (l.say("建立时间", "Since")) } } }
                    tbody { @for one in all { tr { td { (one.name) } td { (one.display_name) } td.time { (Timestamp::from_millis(one.created_at)) } } } }
                }
                form method="post" action=(l.link("/account/invite")) { p { button { (l.say("为同事生成一次性链接", "Make a one-time link for a colleague")) } } }
                p { a href=(l.link("/audit")) { (l.say("操作与查看记录", "Who did and saw what")) } }
            }
            section.card.sign-in {
                h2 { (who.name()) }
                @if who.account().is_some() { (passwords(l)) }
                @else { p.quiet { (l.say("以访问令牌进入，没有自己的口令。", "Entered with the access token, which has no password.")) } }
            }
        }
    };
    Page::new(l, l.say("账号", "Accounts")).at(area, "/account").signed_in(who.name()).render(&body)
}

fn said(told: &Told<'_>, l: Language) -> Markup {
    html! {
        @match told {
            Told::Nothing => {},
            Told::Changed => p role="status" { span.tag.good { (l.say("口令已修改，其他会话已退出", "The password is changed; other sessions have ended")) } },
            Told::Refused(problem) => (trouble(Some(problem), l)),
            Told::Link(path) => section.card.notice role="status" {
                p { (l.say("请把此地址交给同事，七天内有效，只显示这一次：", "Give this address to your colleague. It holds seven days and is shown this once:")) }
                p.mono { (path) }
            },
        }
    }
}

fn passwords(l: Language) -> Markup {
    html! {
        form method="post" action=(l.link("/account/password")) {
            label { (l.say("原口令", "Old password")) input type="password" name="old" autocomplete="current-password" required; }
            label { (l.say("新口令（至少 12 个字符）", "New password, at least 12 characters")) input type="password" name="new" autocomplete="new-password" minlength="12" required; }
            label { (l.say("再次输入新口令", "The new password again")) input type="password" name="again" autocomplete="new-password" minlength="12" required; }
            button { (l.say("修改口令", "Change the password")) }
        }
    }
}

/// The audit.
pub(super) fn audit(
    l: Language,
    area: &str,
    who: &Who,
    filters: &AuditFilters,
    (rows, next): (&[AuditRow], Option<&str>),
) -> Html<String> {
    let body = html! {
        section.card {
            form.filters method="get" action="/audit" {
                label { (l.say("姓名", "Who")) input name="who" value=(filters.who); }
                label { (l.say("动作", "Action")) input name="action" value=(filters.action); }
                label { (l.say("对象", "Object")) input name="object" value=(filters.object); }
                @if l == Language::English { input type="hidden" name="lang" value="en"; }
                button { (l.say("查询", "Search")) }
            }
        }
        section.card {
            table {
                thead { tr {
                    th { (l.say("时间", "When")) } th { (l.say("谁", "Who")) } th { (l.say("动作", "Action")) }
                    th { (l.say("对象", "Object")) } th { (l.say("说明", "Detail")) } th { (l.say("来自", "From")) }
                } }
                tbody {
                    @for row in rows {
                        tr {
                            td.time { (Timestamp::from_millis(row.at)) } td { (row.who) } td.mono { (row.action) }
                            td.mono { (row.object) } td { (row.detail) } td.mono { (row.address) }
                        }
                    }
                    @if rows.is_empty() { tr { td.quiet colspan="6" { (l.say("没有记录", "Nothing")) } } }
                }
            }
            @if let Some(next) = next {
                div.pager { span {} span { a rel="next" href=(l.link(&older(filters, next))) { (l.say("更早", "Older")) } } }
            }
        }
    };
    let page = Page::new(l, l.say("操作与查看记录", "Who did and saw what"));
    page.at(area, "/audit").signed_in(who.name()).render(&body)
}

fn older(filters: &AuditFilters, next: &str) -> String {
    let (who, action, object) = (escaped(&filters.who), escaped(&filters.action), escaped(&filters.object));
    format!("/audit?who={who}&action={action}&object={object}&after={next}")
}
