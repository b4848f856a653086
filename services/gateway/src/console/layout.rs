//! What every page has: the bar, the ways around at the side, the trail of where one is, the heading, the style sheet.

use axum::response::Html;
use maud::{DOCTYPE, Markup, html};

use super::Language;

/// A path with its Chinese and English word.
type Way = (&'static str, &'static str, &'static str);

/// The ways around, by the life of a record.
const WAYS: &[(&str, &str, &[Way])] = &[
    ("", "", &[("/", "概览", "Overview")]),
    (
        "收集归档",
        "Filing",
        &[
            ("/items", "办件", "Items"),
            ("/filing", "归档清单", "Packs"),
            ("/returns", "退回", "Returns"),
            ("/parked", "待配置", "Parked"),
            ("/quality", "质量监控", "Quality"),
        ],
    ),
    (
        "登记备份",
        "Registration",
        &[
            ("/registrations", "登记台", "Desk"),
            ("/certificates", "登记证书", "Certificates"),
            ("/transfers", "移交进馆", "Transfers"),
        ],
    ),
    (
        "保存",
        "Preservation",
        &[
            ("/sites", "备份点", "Sites"),
            ("/troubles", "副本异常", "Copies in trouble"),
            ("/tasks", "人工检测", "Checks by persons"),
            ("/wholes", "整体检测", "Batches and system"),
        ],
    ),
    (
        "运行",
        "Operation",
        &[
            ("/operations", "运行状态", "Status"),
            ("/dead-letters", "滞留消息", "Dead letters"),
            ("/policies", "单位规则", "Unit rules"),
            ("/account", "账号", "Accounts"),
            ("/audit", "操作记录", "Audit"),
        ],
    ),
];

/// One page.
pub(crate) struct Page<'a> {
    language: Language,
    title: &'a str,
    area: &'a str,
    here: &'a str,
    switch: String,
    trail: Vec<(String, String)>,
    beside: Markup,
    person: &'a str,
}

impl<'a> Page<'a> {
    /// With this heading.
    pub(crate) fn new(language: Language, title: &'a str) -> Self {
        let (trail, beside) = (Vec::new(), html! {});
        Self { language, title, area: "", here: "", switch: "/".into(), trail, beside, person: "" }
    }

    /// In which area, and under which of the ways.
    #[must_use]
    pub(crate) fn at(mut self, area: &'a str, here: &'a str) -> Self {
        (self.area, self.here) = (area, here);
        self.switch = here.into();
        self
    }

    /// Where the language switch leads: this very page.
    #[must_use]
    pub(crate) fn switching_to(mut self, path: String) -> Self {
        self.switch = path;
        self
    }

    /// Under a page that is none of the ways: one more step of the trail.
    #[must_use]
    pub(crate) fn under(mut self, path: impl Into<String>, word: impl Into<String>) -> Self {
        self.trail.push((path.into(), word.into()));
        self
    }

    /// What can be done here, beside the heading.
    #[must_use]
    pub(crate) fn beside(mut self, actions: Markup) -> Self {
        self.beside = actions;
        self
    }

    /// Who is signed in, as the bar says it.
    #[must_use]
    pub(crate) fn signed_in(mut self, person: &'a str) -> Self {
        self.person = person;
        self
    }

    /// The whole page.
    pub(crate) fn render(&self, body: &Markup) -> Html<String> {
        let l = self.language;
        let is_inside = !self.area.is_empty();
        let page = html! {
            (DOCTYPE)
            html lang=(l.say("zh-CN", "en")) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) " · " (l.say("登备", "dengbei")) }
                    link rel="stylesheet" href="/assets/console.css";
                    link rel="icon" href="/assets/mark.svg" type="image/svg+xml";
                }
                body.inside[is_inside] {
                    a.skip href="#main" { (l.say("跳到正文", "Skip to content")) }
                    header.bar { (self.bar(is_inside)) }
                    @if is_inside { nav.ways aria-label=(l.say("主导航", "Main")) { (self.ways()) } }
                    main id="main" {
                        @if is_inside { (self.trail()) }
                        div.heading { h1 { (self.title) } div.beside { (self.beside) } }
                        (body)
                    }
                }
            }
        };
        Html(page.into_string())
    }

    fn bar(&self, is_inside: bool) -> Markup {
        let l = self.language;
        let other = if self.switch.contains('?') { "&lang=en" } else { "?lang=en" };
        html! {
            a.brand href=(l.link("/")) {
                img src="/assets/mark.svg" alt="" width="22" height="22";
                (l.say("登备", "dengbei")) " " small { (l.say("政务档案登记备份", "registration and backup of records")) }
            }
            div.aside {
                @if is_inside { span.quiet { (l.say("行政区划", "Area")) " " span.mono { (self.area) } } }
                @match l {
                    Language::Chinese => a href={ (self.switch) (other) } lang="en" hreflang="en" { "English" },
                    Language::English => a href=(self.switch) lang="zh-CN" hreflang="zh-CN" { "中文" },
                }
                @if is_inside {
                    @if !self.person.is_empty() { span.person { (self.person) } }
                    form method="post" action=(l.link("/sign-out")) { button.plain { (l.say("退出", "Sign out")) } }
                }
            }
        }
    }

    fn ways(&self) -> Markup {
        let l = self.language;
        html! {
            @for (zh, en, ways) in WAYS {
                @if !zh.is_empty() { h2 { (l.say(zh, en)) } }
                ul {
                    @for (path, zh, en) in *ways {
                        li { a.here[*path == self.here] aria-current=[(*path == self.here).then_some("page")] href=(l.link(path)) { (l.say(zh, en)) } }
                    }
                }
            }
        }
    }

    /// Where one is: the group, the way, the pages under it.
    fn trail(&self) -> Markup {
        let l = self.language;
        let found = WAYS.iter().find_map(|(zh, en, ways)| {
            let way = ways.iter().find(|way| way.0 == self.here)?;
            Some((l.say(zh, en), way))
        });
        let is_deeper = !self.trail.is_empty();
        html! {
            @if let Some((group, (path, zh, en))) = found.filter(|(group, _)| !group.is_empty()) {
                nav.trail aria-label=(l.say("所在位置", "Trail")) { ol {
                    li { (group) }
                    @if is_deeper { li { a href=(l.link(path)) { (l.say(zh, en)) } } } @else { li aria-current="page" { (l.say(zh, en)) } }
                    @for (i, (path, word)) in self.trail.iter().enumerate() {
                        @if i + 1 == self.trail.len() { li aria-current="page" { (word) } }
                        @else { li { a href=(l.link(path)) { (word) } } }
                    }
                } }
            }
        }
    }
}
