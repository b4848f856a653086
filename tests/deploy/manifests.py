"""What rendered manifests must be: valid against Kubernetes' own schemas, restricted, and consistent with what they
configure. Usage: manifests.py DIR, where DIR/CODE/{1-prepare,2-roles}.yaml are what deploy/render wrote.

Counties differ in their code and name alone, so a document that differs from another by nothing else is validated
once. Prints every fault and exits 1 if there is any.
"""

import re
import sys
import tomllib
from pathlib import Path

import kubernetes_validate
import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
WORKLOADS = ("Deployment", "StatefulSet", "Job")
# Kinds of operators that Kubernetes' own schemas do not know.
FOREIGN = ("postgresql.cnpg.io/", "monitoring.coreos.com/")
PROBES = {"startupProbe": "/alive", "livenessProbe": "/alive", "readinessProbe": "/ready"}


def name_of(document):
    return f"{document['kind']}/{document['metadata']['name']}"


def schema_faults(document):
    if document["apiVersion"].startswith(FOREIGN):
        return
    try:
        kubernetes_validate.validate(document, "1.37", strict=True)
    except kubernetes_validate.ValidationError as reason:
        yield f"{name_of(document)}: {'/'.join(map(str, reason.path))}: {reason.message}"
    except kubernetes_validate.SchemaNotFoundError as reason:
        yield f"{name_of(document)}: {reason}"


def pod_of(document):
    return document["spec"]["template"]["spec"]


def containers(document):
    pod = pod_of(document)
    return [*pod.get("initContainers", []), *pod["containers"]]


def restricted_faults(document):
    """Pod Security Standards, restricted; and what an operator expects of every pod."""
    pod = pod_of(document)
    guard = pod.get("securityContext", {})
    if not guard.get("runAsNonRoot") or guard.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "the pod is not restricted"
    if pod.get("automountServiceAccountToken") is not False:
        yield "a token is mounted"
    if any(set(volume) & {"hostPath", "nfs"} for volume in pod.get("volumes", [])) or pod.get("hostNetwork"):
        yield "reaches into the node"
    for container in containers(document):
        guard = container.get("securityContext", {})
        if guard.get("allowPrivilegeEscalation") is not False or guard.get("capabilities", {}).get("drop") != ["ALL"]:
            yield f"{container['name']} keeps privileges"
        if guard.get("readOnlyRootFilesystem") is not True:
            yield f"{container['name']} may write to its root"
        if not re.search(r":[A-Za-z]?\d[\w.-]*$", container["image"]):
            yield f"{container['name']}: the image {container['image']} is not pinned"
        names = [one["name"] for one in container.get("env", [])]
        if len(names) != len(set(names)) or any(("value" in one) == ("valueFrom" in one) for one in container.get("env", [])):
            yield f"{container['name']}: a variable is given twice or not at all"
        resources = container.get("resources", {})
        if "memory" not in resources.get("limits", {}) or not resources.get("requests"):
            yield f"{container['name']} has no bounds"


def probe_faults(document):
    main = pod_of(document)["containers"][0]
    ports = {port["name"] for port in main.get("ports", [])}
    for probe, path in PROBES.items():
        get = main.get(probe, {}).get("httpGet", {})
        if (get.get("path"), get.get("port")) != (path, "admin") or "admin" not in ports:
            yield f"{probe} asks {get}"
    if pod_of(document).get("terminationGracePeriodSeconds") != 40:
        yield "does not drain for 40 s"
    notes = document["spec"]["template"]["metadata"].get("annotations", {})
    admin = next((port["containerPort"] for port in main.get("ports", []) if port["name"] == "admin"), None)
    if (notes.get("prometheus.io/path"), notes.get("prometheus.io/port")) != ("/metrics", str(admin)):
        yield f"Prometheus is sent to {notes}"


def port_faults(document, told):
    """The ports that are declared are those that the configuration binds."""
    main = pod_of(document)["containers"][0]
    if main["args"][0] != "serve":
        return
    role = main["args"][1]
    tables = ["site", f"site-{main['args'][3]}"] if role == "site" else ["gateway"] if role == "all" else [role]
    table = {}
    for one in ["default", *tables]:
        table |= told.get(one, {})
    wanted = {key: int(table[key].rsplit(":", 1)[1]) for key in ("grpc", "admin", "http") if key in table}
    declared = {port["name"]: port["containerPort"] for port in main["ports"]}
    if wanted != declared:
        yield f"listens at {wanted} and declares {declared}"


def mount_faults(document):
    """Whatever is mounted is there, and whatever is there is mounted."""
    pod = pod_of(document)
    there = {volume["name"] for volume in pod.get("volumes", [])}
    there |= {claim["metadata"]["name"] for claim in document["spec"].get("volumeClaimTemplates", [])}
    mounted = {mount["name"] for container in containers(document) for mount in container.get("volumeMounts", [])}
    if there != mounted:
        yield f"volumes {sorted(there ^ mounted)} are mounted or there, not both"


def references(value):
    """Every (kind, name) that a document asks for by reference."""
    if isinstance(value, list):
        for one in value:
            yield from references(one)
    if isinstance(value, dict):
        for key, one in value.items():
            if key in ("configMapKeyRef", "configMap", "configMapRef"):
                yield "ConfigMap", one["name"]
            elif key == "claimName":
                yield "PersistentVolumeClaim", one
            elif key == "serviceAccountName":
                yield "ServiceAccount", one
            else:
                yield from references(one)


def labels_match(selector, labels):
    return all(labels.get(key) == value for key, value in selector.items())


def county_faults(code, documents):
    there = {(document["kind"], document["metadata"]["name"]) for document in documents}
    namespaces = {document["metadata"].get("namespace", document["metadata"]["name"]) for document in documents}
    if namespaces != {f"dengbei-{code}"}:
        yield f"namespaces {sorted(namespaces)}"
    if any(kind == "Secret" for kind, _ in there):
        yield "a Secret stands in the manifests"
    for wanted in sorted(set(references(documents)) - there):
        yield f"{'/'.join(wanted)} is asked for and not there"
    maps = [d["data"] for d in documents if d["kind"] == "ConfigMap"]
    if [one["area"] for one in maps if "area" in one] != [code]:
        yield "the area is not the county's"
    told = next(tomllib.loads(one["dengbei.toml"]) for one in maps if "dengbei.toml" in one)
    pods = [document["spec"]["template"]["metadata"]["labels"] for document in documents if document["kind"] in WORKLOADS]
    for document in documents:
        faults = list(document_faults(document, documents, told, pods))
        yield from (f"{name_of(document)}: {fault}" for fault in faults)


def document_faults(document, documents, told, pods):
    kind = document["kind"]
    if kind in WORKLOADS:
        yield from restricted_faults(document)
        yield from mount_faults(document)
    is_ours = document["metadata"].get("labels", {}).get("app.kubernetes.io/name") == "dengbei"
    if kind in ("Deployment", "StatefulSet") and is_ours:
        yield from probe_faults(document)
        yield from port_faults(document, told)
        labels = document["spec"]["template"]["metadata"]["labels"]
        budgets = [d for d in documents if d["kind"] == "PodDisruptionBudget"]
        if not any(labels_match(d["spec"]["selector"]["matchLabels"], labels) for d in budgets):
            yield "no disruption budget"
    if kind == "Service" and not any(labels_match(document["spec"]["selector"], labels) for labels in pods):
        yield "selects nobody"


def same_but_for_the_county(text, code):
    """The document as it would be for another county."""
    text = text.replace(code, "000000")
    return re.sub(r"^  (administration|archive): .*|^    dengbei.io/name: .*|prepare-[0-9a-f]{10}|(county|buckets)-[a-z0-9]{10}\b", "", text, flags=re.M)


def main():
    seen, checked, faults = set(), 0, []
    for place in sorted(Path(sys.argv[1]).iterdir()):
        texts = [text for file in sorted(place.glob("*.yaml")) for text in file.read_text(encoding="utf-8").split("\n---\n")]
        alike = {same_but_for_the_county(text, place.name) for text in texts}
        # Of a county that brings nothing new, what differs is still looked at.
        documents = [yaml.load(text, LOADER) for text in texts]
        new = [d for d, text in zip(documents, texts) if same_but_for_the_county(text, place.name) not in seen]
        for document in new:
            checked += 1
            faults += [f"{place.name}: {fault}" for fault in schema_faults(document)]
        faults += [f"{place.name}: {fault}" for fault in county_faults(place.name, documents)]
        seen |= alike
    print("\n".join(faults) or f"{checked} kinds of documents are valid")
    sys.exit(1 if faults or not checked else 0)


if __name__ == "__main__":
    main()
