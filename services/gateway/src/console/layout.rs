//! What every page has: the bar with the way around, the heading, the style sheet.

use axum::response::Html;
use maud::{DOCTYPE, Markup, html};

use super::Language;

/// One page.
pub(crate) struct Page<'a> {
    language: Language,
    title: &'a str,
    area: &'a str,
    here: &'a str,
    switch: String,
}

impl<'a> Page<'a> {
    /// With this heading.
    pub(crate) fn new(language: Language, title: &'a str) -> Self {
        Self { language, title, area: "", here: "", switch: "/".into() }
    }

    /// In which area, and under which entry of the bar.
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

    /// The whole page.
    pub(crate) fn render(&self, body: &Markup) -> Html<String> {
        let l = self.language;
        let page = html! {
            (DOCTYPE)
            html lang=(l.say("zh-CN", "en")) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) " · " (l.say("登备", "dengbei")) }
                    link rel="stylesheet" href="/assets/console.css";
                }
                body {
                    header.bar {
                        a.brand href=(l.link("/")) { (l.say("登备", "dengbei")) }
                        @if !self.area.is_empty() { (self.ways()) }
                    }
                    main { h1 { (self.title) } (body) }
                }
            }
        };
        Html(page.into_string())
    }

    fn ways(&self) -> Markup {
        let l = self.language;
        let ways = [
            ("/", l.say("总览", "Overview")),
            ("/items", l.say("归档件", "Items")),
            ("/dead-letters", l.say("滞留消息", "Dead letters")),
        ];
        let other = if self.switch.contains('?') { "&lang=en" } else { "?lang=en" };
        html! {
            nav {
                @for (path, word) in ways {
                    a.here[path == self.here] aria-current=[(path == self.here).then_some("page")] href=(l.link(path)) { (word) }
                }
            }
            div.aside {
                span.quiet { (l.say("行政区划", "area")) " " (self.area) }
                @match l {
                    Language::Chinese => a href={ (self.switch) (other) } lang="en" { "English" },
                    Language::English => a href=(self.switch) lang="zh-CN" { "中文" },
                }
                form method="post" action="/sign-out" { button.plain { (l.say("退出", "Sign out")) } }
            }
        }
    }
}
