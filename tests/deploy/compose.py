"""What docker-compose.yml must be beyond the schema: pinned, guarded, bounded, and without a secret.

Usage: compose.py FILE. Prints every fault and exits 1 if there is any.
"""

import re
import sys

import yaml

# Images that hold no program which could ask them how they are.
MUTE = {"collector", "jaeger"}
# Done once and over.
ONCE = {"init", "migrate", "bucket"}
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|ACCESS_KEY|DATABASE|NATS")
ROLES = {"gateway", "ingest", "registration", "fixity", "replication", "query", "site-primary", "site-archive", "site-remote"}


def pinned(image):
    """A tag with a version in it, or one that the environment may replace and whose default has."""
    image = re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", image)
    return re.fullmatch(r"[a-z0-9./_-]+:[A-Za-z]?\d+\.\d+[A-Za-z0-9._-]*(@sha256:[0-9a-f]{64})?", image)


def environment(service):
    given = service.get("environment") or {}
    return given if isinstance(given, dict) else dict(line.split("=", 1) for line in given)


def faults_of(name, service, document):
    if not pinned(service["image"]):
        yield f"the image {service['image']} is not pinned"
    for key in environment(service):
        if SECRET.search(key):
            yield f"{key} stands in the file"
    for port in service.get("ports", []):
        if not str(port).startswith("127.0.0.1:"):
            yield f"port {port} is not bound to loopback"
    for key in ("read_only", "mem_limit", "pids_limit", "logging"):
        if not service.get(key):
            yield f"no {key}"
    if service.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in service.get("security_opt", []):
        yield "keeps privileges"
    if not service["logging"].get("options", {}).get("max-size"):
        yield "its log is not bounded"
    is_once = name in ONCE
    if is_once != (service.get("restart") == "no"):
        yield "restarts as it should not"
    test = service.get("healthcheck", {}).get("test")
    if bool(test) == (name in MUTE) and not is_once:
        yield "has no health check, or one that cannot work"
    for other, how in (service.get("depends_on") or {}).items():
        wanted = "service_completed_successfully" if other in ONCE else "service_healthy"
        if how.get("condition") != wanted:
            yield f"waits for {other} as {how}"
        if other not in document["services"]:
            yield f"waits for {other}, which is not there"
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        if not source.startswith(".") and source not in document["volumes"]:
            yield f"volume {source} is not named"
    for file in [service["env_file"]] if isinstance(service.get("env_file"), str) else service.get("env_file", []):
        if not file.startswith("${DENGBEI_SECRETS:?"):
            yield f"{file} is not of the secrets' folder, or its absence says nothing"


def faults(document):
    for name, service in document["services"].items():
        yield from (f"{name}: {fault}" for fault in faults_of(name, service, document))
    missing = (ROLES | ONCE) - set(document["services"])
    if missing:
        yield f"missing: {sorted(missing)}"
    images = {document["services"][role]["image"] for role in ROLES & set(document["services"])}
    if len(images) != 1:
        yield f"the roles are not from one image: {sorted(images)}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        found = list(faults(yaml.safe_load(file)))
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
