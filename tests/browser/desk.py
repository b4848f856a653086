#!/usr/bin/env python3
"""Does at the desk what a rule leaves to people, in a real browser: three accounts, a registration, a transfer.

First with `--step rule`: the first person makes their account and sets the area's rule to the desk. Then, once something
is filed, with `--step work`: applied for by one person, accepted, received and checked by a second, registered by a third, certified,
handed over under four signatures, in the archive. Says what is wrong; exit 0 only when nothing is.
"""

import argparse
import json
import os
import re
import sys
import time

from playwright.sync_api import sync_playwright

from walk import FLAGS, SMALL

PATIENCE = 90


class Person:
    """Somebody at a browser of their own."""

    def __init__(self, browser, base, name, state=None):
        self.base, self.name = base.rstrip("/"), name
        self.context = browser.new_context(viewport=SMALL, locale="zh-CN", storage_state=state)
        self.page = self.context.new_page()

    def join(self, link, account):
        """Makes the account that a one-time link is for."""
        self.page.goto(link)
        secret = "jing-hu-9-lantern"
        values = {"account": account, "display_name": self.name, "password": secret, "again": secret}
        for field, value in values.items():
            self.page.fill(f'input[name="{field}"]', value)
        self.page.click("main button")
        self.says(self.name, ".person")

    def goes(self, path):
        self.page.goto(self.base + path)

    def says(self, words, where="main"):
        text = self.page.text_content(where) or ""
        assert words in text, f"{self.page.url} does not say {words}: {text[:400]}"

    def waits_for(self, words, where="main"):
        """Looks again until the page says so."""
        deadline = time.monotonic() + PATIENCE
        while words not in (self.page.text_content(where) or ""):
            assert time.monotonic() < deadline, f"{self.page.url} never says {words}: {self.page.text_content(where)[:400]}"
            time.sleep(0.5)
            self.page.reload()

    def presses(self, button):
        self.page.click(f'main button:has-text("{button}")')
        self.page.wait_for_load_state()


def rule(browser, args):
    zhou = Person(browser, args.base, "周敏")
    zhou.join(args.welcome, "zhoumin")
    zhou.goes("/policies/default")
    zhou.page.check('input[name="registration"][value="desk"]')
    zhou.page.check('input[name="transfer"][value="by_hand"]')
    zhou.presses("保存规则")
    zhou.says("登记台办理")
    zhou.says("人工移交")
    zhou.context.storage_state(path=args.state)


def colleague(browser, zhou, args, name, account):
    zhou.goes("/account")
    zhou.presses("为同事生成一次性链接")
    link = re.search(r"/welcome/[0-9a-zA-Z_-]+", zhou.page.text_content("main")).group(0)
    person = Person(browser, args.base, name)
    person.join(args.base.rstrip("/") + link, account)
    return person


def registration(shen, zhou, lin):
    """From packs that wait to a certificate, whose number it gives; nobody reviews their own work."""
    shen.goes("/registrations")
    shen.says("待申请登记的存储包")
    # Ten years stay with the unit: one that the archive takes.
    row = shen.page.locator('form tbody tr:has-text("永久"), form tbody tr:has-text("定期30年")').first
    row.locator('input[name="pack"]').check()
    shen.presses("申请登记")
    desk = shen.page.url
    shen.presses("受理")
    shen.says("无法完成")
    zhou.page.goto(desk)
    for button, then in (("受理", "已受理"), ("接收", "已接收"), ("技术检测", "已检测")):
        zhou.presses(button)
        zhou.waits_for(then)
    zhou.presses("予以登记")
    zhou.says("无法完成")
    lin.page.goto(desk)
    lin.presses("予以登记")
    lin.waits_for("已发证")
    for name in ("沈洁", "周敏", "林梅"):
        lin.says(name, "ol.line")
    return lin.page.text_content("dl.facts a[href^='/certificates/']").strip()


def transfer(shen, lin, number):
    """From a certificate to the archive, signed by four people."""
    shen.goes("/transfers")
    shen.page.locator(f'form tbody tr:has-text("{number}") input[name="batch"]').check()
    shen.presses("组织移交")
    shen.waits_for("已检测待签")
    signs(shen, "移交单位签字", "俞建平")
    lin.page.goto(shen.page.url)
    signs(lin, "接收单位签字", "陆国强")
    lin.waits_for("已进馆")


def signs(person, side, reviewer):
    """Fills in the form of a side; another person has reviewed it."""
    form = person.page.locator(f'section:has(h2:has-text("{side}"))')
    form.locator('input[name="reviewed_by"]').fill(reviewer)
    form.locator("button").click()
    person.page.wait_for_load_state()


def work(browser, args):
    zhou = Person(browser, args.base, "周敏", args.state)
    shen = colleague(browser, zhou, args, "沈洁", "shenjie")
    lin = colleague(browser, zhou, args, "林梅", "linmei")
    number = registration(shen, zhou, lin)
    transfer(shen, lin, number)
    zhou.goes("/audit")
    for done in ("registration.apply", "registration.accept", "registration.register", "transfer.sign_unit", "transfer.sign_archive", "policy.set"):
        zhou.says(done)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--step", choices=("rule", "work"), required=True)
    for name in ("--base", "--welcome", "--state"):
        parser.add_argument(name, required=True)
    args = parser.parse_args()
    with sync_playwright() as playwright:
        executable = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        {"rule": rule, "work": work}[args.step](browser, args)
        browser.close()
    print(json.dumps({"done": args.step}))


if __name__ == "__main__":
    sys.exit(main())
