"""What a deployment tells each role is accepted by the role itself: `dengbei serve … --check-config` for every container
that is rendered, and for every service of docker-compose.yml, with its file and its environment; what comes from a
Secret is made up here. Usage: told.py DENGBEI COMPOSE DIR/CODE…

Prints what a role refused and exits 1 if any did. The same without its secrets must be refused, or nothing was checked.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

CONFIG = "/etc/dengbei/dengbei.toml"
SECRETS = {
    "DENGBEI_DATABASE": "postgres://dengbei:kmadeup@postgres:5432/dengbei_{role}",
    "DENGBEI_NATS": "nats://kmadeup@nats:4222",
    "DENGBEI_MESH_TOKEN": "kmadeup1",
    "DENGBEI_DOOR_TOKEN": "kmadeup2",
    "DENGBEI_S3__ACCESS_KEY": "kmadeup3",
    "DENGBEI_S3__SECRET_KEY": "kmadeup4",
}


def environment(container, maps):
    """What the container sees; a Secret's values are ours."""
    env = {}
    for one in container.get("env", []):
        source = one.get("valueFrom", {})
        if "configMapKeyRef" in source:
            env[one["name"]] = maps[source["configMapKeyRef"]["name"]][source["configMapKeyRef"]["key"]]
        elif "secretKeyRef" in source:
            env[one["name"]] = SECRETS[source["secretKeyRef"]["key"]]
        else:
            env[one["name"]] = one["value"]
    return env


def kubernetes(place):
    """(what, file, arguments, environment) of every container that serves."""
    texts = [f.read_text(encoding="utf-8") for f in sorted(place.glob("*.yaml"))]
    documents = [document for text in texts for document in yaml.safe_load_all(text)]
    maps = {d["metadata"]["name"]: d["data"] for d in documents if d["kind"] == "ConfigMap"}
    file = next(one["dengbei.toml"] for one in maps.values() if "dengbei.toml" in one)
    for document in documents:
        if document["kind"] not in ("Deployment", "StatefulSet"):
            continue
        for container in document["spec"]["template"]["spec"]["containers"]:
            if (container.get("args") or [""])[0] == "serve":
                yield f"{place}: {document['metadata']['name']}", file, container["args"], environment(container, maps)


def compose(path):
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    file = (path.parent / "deploy/compose/dengbei.toml").read_text(encoding="utf-8")
    door, bucket = {"DENGBEI_DOOR_TOKEN"}, {"DENGBEI_S3__ACCESS_KEY", "DENGBEI_S3__SECRET_KEY"}
    for name, service in document["services"].items():
        command = service.get("command") or [""]
        if command[0] != "serve":
            continue
        env = {key: value for key, value in service["environment"].items() if "${" not in value}
        files = " ".join(service["env_file"])
        wanted = set(SECRETS) - door - bucket | (door if "door.env" in files else set())
        wanted |= bucket if "bucket.env" in files else set()
        yield f"{path.name}: {name}", file, command, env | {"DENGBEI_AREA": "330382"} | {k: SECRETS[k] for k in wanted}


def check(dengbei, file, arguments, env):
    with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as told:
        told.write(file)
        told.flush()
        arguments = [told.name if argument == CONFIG else argument for argument in arguments]
        plain = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        command = [dengbei, *arguments, "--check-config"]
        done = subprocess.run(command, env=plain | env, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def main():
    dengbei, path, *places = sys.argv[1:]
    roles = list(compose(Path(path)))
    for place in places:
        roles += kubernetes(Path(place))
    faults = []
    for what, file, arguments, env in roles:
        code, said = check(dengbei, file, arguments, env)
        if code != 0:
            faults.append(f"{what} is refused ({code}):\n{said}")
        if any(secret in said for secret in ("kmadeup", "kmadeup1")):
            faults.append(f"{what} shows a secret:\n{said}")
        bare = {key: value for key, value in env.items() if key not in SECRETS}
        if check(dengbei, file, arguments, bare)[0] == 0:
            faults.append(f"{what} is accepted without its secrets")
    print("\n".join(faults) or f"{len(roles)} roles accept what they are told")
    sys.exit(1 if faults or len(roles) < 9 else 0)


if __name__ == "__main__":
    main()
