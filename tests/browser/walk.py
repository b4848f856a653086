#!/usr/bin/env python3
"""Walks the console of a running deployment in a real browser, as a person would.

Makes the first account by its one-time link, visits every page in both languages, follows what pages link to, and goes
from an item to its pack, registration, certificate and transfer. Says what is wrong, one line each; exit 0 only when
nothing is.

    walk.py --base http://127.0.0.1:8080 --welcome http://127.0.0.1:8080/welcome/… --token …

With AXE_CORE naming axe.min.js (npm pack axe-core), every page is also checked for accessibility.
"""

import argparse
import json
import os
import re
import sys
import urllib.request

from playwright.sync_api import sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]
SMALL, LARGE = {"width": 1280, "height": 720}, {"width": 1920, "height": 1080}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Words of ours that a page is made of, without what the records themselves say.
WORDS = """() => [...document.querySelectorAll('main h1, main h2, main h3, thead th, dt, legend, button, nav, .tabs a, .tag, label')]
    .map(e => { const c = e.cloneNode(true); c.querySelectorAll('select, input, textarea, a[hreflang]').forEach(x => x.remove()); return c.textContent.trim(); })"""
WIDE = """() => [document.documentElement.scrollWidth - innerWidth, ...[...document.querySelectorAll('.list, .card')]
    .map(e => e.scrollWidth - e.clientWidth)].reduce((a, b) => Math.max(a, b), 0)"""


def shape(path):
    """A path without its numbers and ids, and the names of its query: pages of one kind have one shape."""
    path, _, query = path.split("#")[0].partition("?")
    parts = [p if p == "v1" or not re.search(r"\d", p) else "*" for p in path.split("/")]
    names = sorted(pair.split("=")[0] for pair in query.split("&") if pair)
    return "/".join(parts) + "?" + "&".join(n for n in names if n != "lang")


class Walk:
    def __init__(self, base, token):
        self.base, self.token = base.rstrip("/"), token
        self.faults, self.visited, self.here = [], {}, ""

    def fault(self, what):
        self.faults.append(f"{self.here}: {what}")

    def json(self, path):
        request = urllib.request.Request(self.base + path, headers={"authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=20) as reply:
            return json.load(reply)

    def open(self, browser):
        self.context = browser.new_context(viewport=SMALL, locale="zh-CN", bypass_csp=False)
        self.page = self.context.new_page()
        self.listen(self.page)

    def listen(self, page):
        page.on("console", lambda m: self.fault(f"console {m.type}: {m.text}") if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: self.fault(f"script: {e}"))
        # What the next page cuts off (the tab's mark) has not failed.
        page.on("requestfailed", lambda r: self.fault(f"request failed: {r.url} {r.failure}") if r.failure != "net::ERR_ABORTED" else None)
        page.on("response", lambda r: self.fault(f"{r.status} {r.url}") if r.status >= 400 else None)

    def sign_in(self, welcome):
        self.here = "welcome"
        self.page.goto(welcome)
        values = {"account": "walker", "display_name": "周敏", "password": "jing-hu-9-lantern", "again": "jing-hu-9-lantern"}
        for name, value in values.items():
            self.page.fill(f'input[name="{name}"]', value)
        self.page.click("main button")
        self.page.wait_for_load_state()
        if "周敏" not in (self.page.text_content(".person") or ""):
            self.fault("the person is not named after signing in")

    def visit(self, path, english):
        """Opens a page and looks at it; gives the addresses that it links to."""
        joint = "&" if "?" in path else "?"
        self.here = path + (f"{joint}lang=en" if english else "")
        self.page.goto(self.base + self.here)
        self.look(english)
        links = self.page.eval_on_selector_all("a[href^='/']", "es => es.map(e => e.getAttribute('href'))")
        return [re.sub(r"[?&]lang=en", "", link) for link in links]

    def look(self, english):
        if (wide := self.page.evaluate(WIDE)) > 1:
            self.fault(f"{wide} px wider than the window")
        if not self.page.text_content("h1"):
            self.fault("no heading")
        if english != (self.page.get_attribute("html", "lang") == "en"):
            self.fault("the wrong language")
        if english:
            for words in self.page.evaluate(WORDS):
                if CHINESE.search(words) and not self.is_name(words):
                    self.fault(f"Chinese on an English page: {words[:60]}")
        self.accessible()

    def is_name(self, words):
        rest = words
        for name in self.names:
            rest = rest.replace(name, "")
        return not CHINESE.search(rest)

    def accessible(self):
        if not (axe := os.environ.get("AXE_CORE")):
            return
        # The policy forbids foreign scripts, as it should: the checker runs on a copy that is told to.
        copy = self.axe.new_page()
        copy.goto(self.base + self.here)
        copy.add_script_tag(path=axe)
        found = copy.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
        for violation in found:
            self.fault(f"axe {violation['id']}: {violation['help']} {violation['nodes'][0]['target']}")
        copy.close()

    def everywhere(self):
        """Every way of the frame, then one page of every shape that is linked to, in both languages. The first item
        that is met has been through everything."""
        open_ = ["/items?custody=accessioned", "/"]
        seen = {shape(path) for path in open_}
        while open_:
            path = open_.pop(0)
            if path.startswith(("/v1/", "/log/")):
                self.fetch(path)
                continue
            links = self.visit(path, english=False)
            self.visit(path, english=True)
            self.visited[shape(path)] = path
            for link in links:
                if shape(link) not in seen:
                    seen.add(shape(link))
                    open_.append(link)

    def others(self):
        """Items that ended elsewhere."""
        for custody in ("filed", "returned", "refused", "parked"):
            listed = f"/items?custody={custody}"
            links = [link for link in self.visit(listed, english=False) if re.match(r"/items/[0-9a-f-]{36}", link)]
            for link in links[:1]:
                self.visit(link, english=False)
                self.visit(link, english=True)

    def fetch(self, path):
        self.here = path
        reply = self.context.request.get(self.base + path)
        if not reply.ok:
            self.fault(f"{reply.status} {reply.text()[:200]}")
        elif path.endswith(".pdf") and not reply.body().startswith(b"%PDF-"):
            self.fault("no PDF")
        self.visited[shape(path)] = path

    def follow(self):
        """An item in the archive, its pack, its registration, its certificate, its transfer: by clicking."""
        for kind, needed in (("packs", "副本与备份回执"), ("registrations", "办理经过"), ("certificates", "签章"), ("transfers", "办理经过")):
            self.page.goto(self.base + "/items?custody=accessioned")
            self.here = "an accessioned item"
            self.page.click("td.code a[href^='/items/']")
            self.page.wait_for_load_state()
            for words in ("预归档", "正式归档", "备份达标", "发证", "进馆"):
                if words not in self.page.text_content("ol.steps"):
                    self.fault(f"its steps do not say {words}")
            target = self.page.query_selector(f"dl.facts a[href^='/{kind}/']")
            if not target:
                self.fault(f"does not lead to {kind}")
                continue
            target.click()
            self.page.wait_for_load_state()
            self.here = self.page.url
            if needed not in self.page.text_content("main"):
                self.fault(f"does not say {needed}")

    def large(self):
        self.page.set_viewport_size(LARGE)
        for path in [p for p in self.visited.values() if not p.startswith(("/v1/", "/log/"))]:
            self.visit(path, english=False)


def main():
    parser = argparse.ArgumentParser()
    for name in ("--base", "--welcome", "--token"):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
    walk = Walk(args.base, args.token)
    with sync_playwright() as playwright:
        executable = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        walk.open(browser)
        walk.sign_in(args.welcome)
        walk.axe = browser.new_context(viewport=SMALL, bypass_csp=True, storage_state=walk.context.storage_state())
        units = walk.json("/v1/figures").get("units", [])
        walk.names = ["中文", "周敏", *[u.get("name") or u.get("unit_name") or (u.get("unit") or {}).get("name", "") for u in units]]
        walk.names = sorted({n for n in walk.names if n}, key=len, reverse=True)
        walk.everywhere()
        walk.others()
        walk.follow()
        walk.large()
        browser.close()
    pages = [s for s in walk.visited if not s.startswith(("/v1/", "/log/"))]
    print(json.dumps({"pages": len(pages), "shapes": sorted(walk.visited), "faults": walk.faults}, ensure_ascii=False, indent=1))
    return 1 if walk.faults else 0


if __name__ == "__main__":
    sys.exit(main())
