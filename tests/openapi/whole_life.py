"""The whole life of a few items, through a client generated from /openapi.json and nothing else.

What a platform's engineer in another language would write: publish matters, send a batch, wait, and take home the proof.
Every answer must parse as the description says. Runs by tests/tests/openapi.rs; prints one JSON line at the end.
"""

import argparse
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile

sys.path.insert(0, sys.argv[1])

from dengbei_client import AuthenticatedClient, Client  # noqa: E402
from dengbei_client.api.accounts import invite_account, list_accounts, list_audit  # noqa: E402
from dengbei_client.api.backup import get_copies, list_sites  # noqa: E402
from dengbei_client.api.items import get_item, get_package, get_receipt, get_states, list_items  # noqa: E402
from dengbei_client.api.log import get_checkpoint, get_log_file  # noqa: E402
from dengbei_client.api.matters import publish_matters  # noqa: E402
from dengbei_client.api.operations import get_figures, get_health, get_queues, list_dead_letters  # noqa: E402
from dengbei_client.api.papers import (  # noqa: E402
    get_application,
    get_application_pdf,
    get_catalogue,
    get_catalogue_pdf,
    get_certificate,
    get_certificate_pdf,
    get_decision,
    get_decision_pdf,
    get_digests,
    get_digests_pdf,
    get_filing,
    get_filing_pdf,
    get_handover,
    get_handover_pdf,
    verify,
)
from dengbei_client.api.policies import get_default_policy, get_policy, set_policy  # noqa: E402
from dengbei_client.api.registration import get_registration, list_registrations  # noqa: E402
from dengbei_client.api.submissions import submit_batch  # noqa: E402
from dengbei_client.api.transfer import get_transfer, list_transfers  # noqa: E402
from dengbei_client.models import Asked, Problem, PublishMattersBodyItem, VerifyBody  # noqa: E402
from dengbei_client.types import File  # noqa: E402

STEPS = ["filed", "certified", "accessioned"]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("client", help="the folder that holds dengbei_client")
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--samples", required=True, type=pathlib.Path)
    parser.add_argument("--dengbei", required=True, help="the binary, for verify")
    parser.add_argument("--keys", required=True, type=pathlib.Path, help="the folder of public keys")
    parser.add_argument("--until", choices=STEPS, default="accessioned")
    parser.add_argument("--patience", type=float, default=240)
    return parser.parse_args()


def ok(response):
    """The parsed body of a 200; anything else stops the test and says what came."""
    if response.status_code != 200:
        raise SystemExit(f"{response.status_code}: {response.content.decode(errors='replace')}")
    assert response.parsed is not None, response.content[:200]
    assert not isinstance(response.parsed, Problem), response.content
    return response.parsed


def zipped(folder):
    """A batch folder as one zip: its catalogue and its packages."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(path, str(path.relative_to(folder)))
    body.seek(0)
    return File(payload=body, file_name=f"{folder.name}.zip", mime_type="application/zip")


class Life:
    def __init__(self, told):
        self.told = told
        self.door = AuthenticatedClient(base_url=told.url, token=told.token, raise_on_unexpected_status=True, timeout=60)
        self.deadline = time.monotonic() + told.patience
        self.verified = 0

    def publish(self):
        matters = json.loads((self.told.samples / "matters.json").read_text())
        body = [PublishMattersBodyItem.from_dict(matter) for matter in matters]
        assert ok(publish_matters.sync_detailed(client=self.door, body=body)).published > 0
        again = ok(publish_matters.sync_detailed(client=self.door, body=body))
        assert again.published == 0 and again.unchanged == len(matters), again

    def submit(self):
        items = []
        folders = sorted(self.told.samples.glob("batch-*"))
        for folder in folders:
            batch = ok(submit_batch.sync_detailed(client=self.door, body=zipped(folder), name=folder.name))
            for package in batch.packages:
                assert package.outcome == "prefiled", package
                assert package.state.custody == "prefiled" and package.data_version >= 1
                items.append(package.item)
        again = ok(submit_batch.sync_detailed(client=self.door, body=zipped(folders[0]), name="again"))
        assert {package.outcome for package in again.packages} == {"duplicate"}, again
        assert len(set(items)) == len(items)
        return items

    def is_there(self, summary, step):
        state = summary.state
        is_filed = state.custody in ("filed", "accessioned")
        if step == "filed":
            return is_filed
        if step == "certified" or not summary.in_archive_range:
            return is_filed and state.registration == "certified" and state.preservation == "secured"
        return state.custody == "accessioned"

    def wait(self, items, step):
        asked = Asked(items=items, submissions=[])
        while True:
            states = ok(get_states.sync_detailed(client=self.door, body=asked))
            late = [s for s in states.items if not self.is_there(s, step)]
            if len(states.items) == len(items) and not late:
                return states.items
            assert time.monotonic() < self.deadline, f"{step}: {late[:3]} of {len(states.items)}"
            time.sleep(0.5)

    def holds(self, content, key, *further):
        """`dengbei verify` says so, and the door says the same to somebody without a token."""
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "file.json"
            file.write_bytes(content)
            command = [self.told.dengbei, "verify", str(file), "--key", str(key), "--json", *further]
            run = subprocess.run(command, capture_output=True, check=False)
        assert run.returncode == 0, (run.stdout, run.stderr)
        anybody = Client(base_url=self.told.url)
        told = ok(verify.sync_detailed(client=anybody, body=VerifyBody.from_dict(json.loads(content))))
        self.verified += 1
        return told

    def list(self, items):
        seen, after = [], None
        while True:
            page = ok(list_items.sync_detailed(client=self.door, limit=5, **({"after": after} if after else {})))
            seen += [summary.item for summary in page.items]
            after = page.next_
            if not after:
                break
        assert sorted(seen) == sorted(items), "every item once, page after page"
        assert page.total == len(items)

    def receipt(self, item, facts):
        """The newest step is sealed within a moment; until then the receipt tells the one before."""
        while True:
            response = get_receipt.sync_detailed(item, client=self.door)
            if response.status_code == 200:
                told = self.holds(response.content, self.told.keys / "register.pub")
                if told.receipt.stage in facts:
                    return response.content
            assert time.monotonic() < self.deadline, response.content
            time.sleep(0.5)

    def item(self, summary, until):
        whole = ok(get_item.sync_detailed(summary.item, client=self.door))
        facts = [event.fact for event in whole.history]
        assert facts.index("item.prefiled") < facts.index("item.filed"), facts
        assert whole.archival_code and whole.record is not None
        stages = {"filed": None, "certified": ["certified", "accepted", "accessioned"]}.get(until, ["accessioned"])
        if until == "accessioned" and not whole.in_archive_range:
            stages = ["certified"]
        self.receipt(summary.item, stages or ["filed", "applied", "registered", "secured", "certified", "accepted", "accessioned"])
        package = get_package.sync_detailed(summary.item, client=self.door)
        assert package.status_code == 200
        with zipfile.ZipFile(io.BytesIO(package.content)) as archive:
            assert archive.testzip() is None and "record.json" in archive.namelist()
        return whole

    def paper(self, data, pdf, name, holds=False):
        response = data.sync_detailed(name, client=self.door)
        ok(response)
        if holds:
            told = self.holds(response.content, self.told.keys)
            assert told.verdict == "valid", told
        drawn = pdf.sync_detailed(name, client=self.door)
        assert drawn.status_code == 200 and drawn.content.startswith(b"%PDF-"), drawn.content[:200]

    def registrations(self, wholes):
        page = ok(list_registrations.sync_detailed(client=self.door))
        known = {r.batch: r for r in page.registrations}
        assert {w.batch for w in wholes} <= known.keys()
        for whole in wholes:
            one = ok(get_registration.sync_detailed(whole.registration_no, client=self.door))
            assert one.batch == whole.batch and one.steps and whole.pack in one.packs
            assert whole.copies, "sites that signed"
        for batch in {w.batch for w in wholes}:
            self.paper(get_application, get_application_pdf, batch)
            self.paper(get_decision, get_decision_pdf, batch)
        for number in {w.certificate_no for w in wholes}:
            self.paper(get_certificate, get_certificate_pdf, number, holds=True)
        for pack in {w.pack for w in wholes}:
            self.paper(get_filing, get_filing_pdf, pack)
            copies = ok(get_copies.sync_detailed(pack, client=self.door))
            assert copies.secured and len(copies.copies) >= 3, copies
        sites = ok(list_sites.sync_detailed(client=self.door)).sites
        assert len(sites) >= 3 and all(site.answers and site.packs for site in sites), sites

    def transfers(self, wholes):
        numbers = {w.transfer_no for w in wholes if w.in_archive_range}
        assert numbers and None not in numbers
        page = ok(list_transfers.sync_detailed(client=self.door))
        assert numbers <= {t.transfer_no for t in page.transfers}
        for number in numbers:
            one = ok(get_transfer.sync_detailed(number, client=self.door))
            assert one.state == "accessioned" and one.archival_codes, one
            self.paper(get_handover, get_handover_pdf, number, holds=True)
            self.paper(get_digests, get_digests_pdf, number)
            self.paper(get_catalogue, get_catalogue_pdf, number)

    def rules(self, unit):
        assert ok(get_default_policy.sync_detailed(client=self.door)).is_default
        rule = ok(get_policy.sync_detailed(unit, client=self.door)).policy
        rule.registration = "desk"
        assert ok(set_policy.sync_detailed(unit, client=self.door, body=rule)).policy.registration == "desk"
        rule.reviewer = rule.registrar
        refused = set_policy.sync_detailed(unit, client=self.door, body=rule)
        assert refused.status_code == 422 and refused.parsed.code == "policy.invalid", refused

    def around(self, items):
        """What is asked beside the life itself."""
        assert ok(get_health.sync_detailed(client=self.door)).status == "ok"
        assert ok(get_queues.sync_detailed(client=self.door)).services
        letters = ok(list_dead_letters.sync_detailed(client=self.door))
        assert not letters.dead_letters, letters
        assert sum(ok(get_figures.sync_detailed(client=self.door)).custody.additional_properties.values()) >= len(items)
        anybody = Client(base_url=self.told.url, raise_on_unexpected_status=True)
        note = get_checkpoint.sync_detailed(client=anybody)
        assert note.status_code == 200 and note.content.startswith(b"dengbei/"), note.content
        assert get_log_file.sync_detailed("tile/entries/000", client=anybody).status_code in (401, 404)
        unknown = get_item.sync_detailed(str(uuid.UUID(int=7)), client=self.door)
        assert unknown.status_code in (404, 422) and isinstance(unknown.parsed, Problem) and unknown.parsed.message_en
        stranger = list_items.sync_detailed(client=AuthenticatedClient(base_url=self.told.url, token="wrong"))
        assert stranger.status_code == 401 and stranger.parsed.code == "door.token"

    def people(self):
        assert ok(invite_account.sync_detailed(client=self.door)).path.startswith("/welcome/")
        assert ok(list_accounts.sync_detailed(client=self.door)).accounts == []
        rows = ok(list_audit.sync_detailed(client=self.door, action="account.invite")).audit
        assert len(rows) == 1 and rows[0].who, rows


def main():
    told = arguments()
    life = Life(told)
    life.publish()
    items = life.submit()
    for step in STEPS[: STEPS.index(told.until) + 1]:
        reached = life.wait(items, step)
    life.list(items)
    wholes = [life.item(summary, told.until) for summary in reached]
    if told.until != "filed":
        life.registrations(wholes)
    if told.until == "accessioned":
        life.transfers(wholes)
    life.rules(wholes[0].unit.uscc)
    life.people()
    life.around(items)
    print(json.dumps({"items": len(items), "until": told.until, "verified": life.verified}))


if __name__ == "__main__":
    main()
