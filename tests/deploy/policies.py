"""The network policies of a rendered county allow exactly the calls that the code makes: no more and no fewer.

Usage: policies.py DIR/CODE SOURCES. Who dials whom is read from the services' own sources (which peer's URL a service
opens a channel to), who may reach whom from the policies of both ends. Prints every difference and exits 1.
"""

import re
import sys
from itertools import product
from pathlib import Path

import yaml

ROLES = ("gateway", "ingest", "registration", "fixity", "replication", "query", "site")
PEER = re.compile(r"(?:peers|\bp)\.(ingest|registration|fixity|query|replication)\b(?!\()")
SITE = re.compile(r"\b(?:site|address|first)\.url\b|Sources::new\(")
STORES = {"postgres": 5432, "nats": 4222}
# What a service says in its sources when it stands on a store.
STANDS_ON = {"postgres": re.compile(r"config\.database\b"), "nats": re.compile(r"Nats::of\(")}


def sources(folder, role):
    files = (folder / role / "src").rglob("*.rs")
    return "\n".join(f.read_text(encoding="utf-8") for f in files if "tests" not in f.parts and f.name != "tests.rs")


def dialled(folder):
    calls, stores = set(), set()
    for role in ROLES:
        text = sources(folder, role)
        calls |= {(role, peer) for peer in PEER.findall(text)}
        if SITE.search(text):
            calls.add((role, "site"))
        stores |= {(role, store) for store, said in STANDS_ON.items() if said.search(text)}
    return calls, stores


def chosen(selector, labels):
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for wanted in selector.get("matchExpressions") or []:
        assert wanted["operator"] == "In", wanted
        if labels.get(wanted["key"]) not in wanted["values"]:
            return False
    return True


def opens(rule, side, labels, ports):
    """Whether a rule lets through pods of these labels, at one of these ports (number or name)."""
    there = any("podSelector" in p and "namespaceSelector" not in p and chosen(p["podSelector"], labels) for p in rule.get(side, []))
    return there and any(port["port"] in ports for port in rule.get("ports", []))


def may(policies, caller, callee, ports):
    out = any(
        "Egress" in p["policyTypes"] and chosen(p["podSelector"], caller) and opens(rule, "to", callee, ports)
        for p in policies for rule in p.get("egress", [])
    )
    into = any(
        "Ingress" in p["policyTypes"] and chosen(p["podSelector"], callee) and opens(rule, "from", caller, ports)
        for p in policies for rule in p.get("ingress", [])
    )
    return out, into


def pods(documents):
    """Labels and gRPC ports of every role; a site is any of them."""
    found = {role: [] for role in ROLES}
    for document in documents:
        if document["kind"] in ("Deployment", "StatefulSet"):
            template = document["spec"]["template"]
            role = template["metadata"]["labels"].get("app.kubernetes.io/component")
            ports = {p["name"]: p["containerPort"] for p in template["spec"]["containers"][0]["ports"]}
            if role in found:
                found[role].append((template["metadata"]["labels"], {"grpc", ports.get("grpc")} - {None}))
    return found


def differences(documents, folder):
    policies = [d["spec"] for d in documents if d["kind"] == "NetworkPolicy"]
    everyone = [p for p in policies if p["podSelector"] == {} and set(p["policyTypes"]) == {"Ingress", "Egress"}]
    if not any("ingress" not in p and "egress" not in p for p in everyone):
        yield "nothing is denied by default"
    calls, stores = dialled(folder)
    if len(calls) < len(ROLES) or len(stores) < len(ROLES):
        yield f"the sources could not be read: {sorted(calls)} {sorted(stores)}"
    there = pods(documents)
    for caller, callee in product(ROLES, ROLES):
        wanted = (caller, callee) in calls
        for (from_labels, _), (to_labels, ports) in product(there[caller], there[callee]):
            if may(policies, from_labels, to_labels, ports) != (wanted, wanted):
                yield f"{caller} → {callee}: wanted {wanted}, allowed {may(policies, from_labels, to_labels, ports)}"
    for (role, found), (store, port) in product(there.items(), STORES.items()):
        for labels, _ in found:
            out, _ = may(policies, labels, {"dengbei.io/store": store}, {port})
            if out != ((role, store) in stores):
                yield f"{role} → {store}: wanted {(role, store) in stores}, allowed {out}"


def main():
    texts = [f.read_text(encoding="utf-8") for f in sorted(Path(sys.argv[1]).glob("*.yaml"))]
    documents = [document for text in texts for document in yaml.safe_load_all(text)]
    found = sorted(set(differences(documents, Path(sys.argv[2]))))
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
