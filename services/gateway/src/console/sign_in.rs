//! The page that asks for the token.

use axum::response::Html;
use maud::html;

use super::{Language, Page};

/// Asks for the token; `was_wrong` after one that was not the door's.
pub(crate) fn page(language: Language, next: &str, was_wrong: bool) -> Html<String> {
    let l = language;
    let lang = l.say("", "&lang=en");
    let escaped: String = next
        .bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect();
    let body = html! {
        section.card.sign-in {
            @if was_wrong {
                p role="alert" { span.tag.bad { (l.say("令牌不符", "Wrong token")) } }
            }
            form method="post" action={ "/sign-in?next=" (escaped) (lang) } {
                label { (l.say("访问令牌", "Access token")) input type="password" name="token" autocomplete="current-password" required autofocus; }
                button { (l.say("进入", "Enter")) }
            }
            p.quiet { (l.say("令牌在数据目录的 token 文件中。", "The token is in the file token of the data folder.")) }
            p { a href={ "/sign-in?next=" (escaped) (l.say("&lang=en", "")) } { (l.say("English", "中文")) } }
        }
    };
    Page::new(language, l.say("登录", "Sign in")).render(&body)
}
