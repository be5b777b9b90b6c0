"""Checks rendered manifests: their schemas, and whether what they name is there.

    manifests.py RENDERED.yaml KEDA-SCHEMA.json NAME[,NAME…]      the last: what the Secret orchestrion-keys holds
    manifests.py --try-mistakes RENDERED.yaml …                   plants mistakes, each of which must be found

Needs kubernetes-validate (PyPI) with its jsonschema and PyYAML. Scripts/check-kubernetes runs it.
"""

import copy
import json
import re
import sys

import jsonschema
import kubernetes_validate
import yaml

# The oldest that its users may have, and the newest that the schemas know.
VERSIONS = ["1.30", "1.37"]
SECRET = "orchestrion-keys"


class Manifests:
    def __init__(self, documents, keda, secret_names):
        self.documents = documents
        self.keda = keda
        self.secret_names = secret_names
        self.complaints = []

    def complain(self, document, words):
        self.complaints.append(f"{document['kind']} {document['metadata']['name']}: {words}")

    def of_kind(self, *kinds):
        return [d for d in self.documents if d["kind"] in kinds]

    def templates(self):
        """What has pods, with their labels and specification."""
        for document in self.of_kind("Deployment", "StatefulSet"):
            template = document["spec"]["template"]
            yield document, template["metadata"].get("labels", {}), template["spec"]

    def selected(self, labels):
        return [(d, spec) for d, own, spec in self.templates() if labels.items() <= own.items()]

    def check(self):
        self.check_schemas()
        # What is no manifest at all is not looked at further.
        if not self.complaints:
            self.check_pods()
            self.check_selectors()
            self.check_policies()
            self.check_names()
        return self.complaints

    def check_schemas(self):
        for document in self.documents:
            try:
                if document["apiVersion"].startswith("keda.sh/"):
                    jsonschema.validate(document, self.keda)
                else:
                    for version in VERSIONS:
                        kubernetes_validate.validate(document, version, strict=True)
            except (jsonschema.ValidationError, kubernetes_validate.ValidationError) as error:
                path = "/".join(str(part) for part in error.path)
                self.complain(document, f"{path}: {error.message}")

    def check_pods(self):
        for document, _, spec in self.templates():
            volumes = {v["name"]: v for v in spec.get("volumes", [])}
            claimed = {c["metadata"]["name"] for c in document["spec"].get("volumeClaimTemplates", [])}
            for volume in volumes.values():
                self.check_volume(document, volume)
            for container in spec["containers"]:
                for mount in container.get("volumeMounts", []):
                    if mount["name"] not in volumes.keys() | claimed:
                        self.complain(document, f"mounts {mount['name']}, and has no such volume")
                self.check_ports(document, container)
                self.check_confinement(document, spec, container)

    def check_volume(self, document, volume):
        if "secret" in volume:
            secret = volume["secret"]
            if secret["secretName"] != SECRET:
                return self.complain(document, f"nobody makes the Secret {secret['secretName']}")
            for item in secret.get("items", []):
                if item["key"] not in self.secret_names:
                    self.complain(document, f"the Secret {SECRET} has no {item['key']}")
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim and claim not in [d["metadata"]["name"] for d in self.of_kind("PersistentVolumeClaim")]:
            self.complain(document, f"nobody makes the PersistentVolumeClaim {claim}")

    def check_ports(self, document, container):
        ports = container.get("ports", [])
        known = {p.get("name") for p in ports} | {p["containerPort"] for p in ports}
        for kind in ["startupProbe", "livenessProbe", "readinessProbe"]:
            probe = container.get(kind)
            if probe and probe["httpGet"]["port"] not in known:
                self.complain(document, f"{kind} asks port {probe['httpGet']['port']}, and the container has none")
        for argument in container.get("args", []):
            listening = re.match(r"--(listen|http|metrics)=.*:(\d+)$", argument)
            if listening and int(listening[2]) not in known:
                self.complain(document, f"{argument} is a port that the container does not name")

    def check_confinement(self, document, spec, container):
        pod, own = spec.get("securityContext", {}), container.get("securityContext", {})
        wanted = [
            (pod.get("runAsNonRoot"), "may run as root"),
            (own.get("readOnlyRootFilesystem"), "may write to its root"),
            (own.get("allowPrivilegeEscalation") is False, "may gain privileges"),
            (own.get("capabilities", {}).get("drop") == ["ALL"], "keeps capabilities"),
            (container.get("resources", {}).get("requests", {}).get("memory"), "requests no memory"),
        ]
        for holds, words in wanted:
            if not holds:
                self.complain(document, words)

    def check_selectors(self):
        for document, labels, _ in self.templates():
            if not document["spec"]["selector"]["matchLabels"].items() <= labels.items():
                self.complain(document, "its selector does not match its own pods")
        for service in self.of_kind("Service"):
            pods = self.selected(service["spec"]["selector"])
            if not pods:
                self.complain(service, "its selector matches nothing")
            for document, spec in pods:
                names = {p.get("name") for c in spec["containers"] for p in c.get("ports", [])}
                for port in service["spec"]["ports"]:
                    if port["targetPort"] not in names:
                        self.complain(service, f"{document['metadata']['name']} has no port {port['targetPort']}")
        for budget in self.of_kind("PodDisruptionBudget"):
            if not self.selected(budget["spec"]["selector"]["matchLabels"]):
                self.complain(budget, "its selector matches nothing")

    def check_policies(self):
        for policy in self.of_kind("NetworkPolicy"):
            spec = policy["spec"]
            own = self.selected(spec["podSelector"].get("matchLabels", {}))
            if not own:
                self.complain(policy, "its selector matches nothing")
            for rule in spec.get("ingress") or []:
                self.check_peers(policy, rule.get("from", []))
                self.check_policy_ports(policy, rule, own)
            for rule in spec.get("egress") or []:
                targets = self.check_peers(policy, rule.get("to", []))
                self.check_policy_ports(policy, rule, targets)

    def check_peers(self, policy, peers):
        """Those of this namespace; who is in others, only they know."""
        found = []
        for peer in peers:
            if "namespaceSelector" in peer:
                continue
            pods = self.selected(peer["podSelector"].get("matchLabels", {}))
            found += pods
            if not pods:
                self.complain(policy, f"a rule's selector matches nothing: {peer['podSelector']}")
        return found

    def check_policy_ports(self, policy, rule, pods):
        for document, spec in pods:
            ports = [p for c in spec["containers"] for p in c.get("ports", [])]
            known = {p.get("name") for p in ports} | {p["containerPort"] for p in ports}
            for port in rule.get("ports", []):
                if port["port"] not in known:
                    self.complain(policy, f"{document['metadata']['name']} has no port {port['port']}")

    def check_names(self):
        services = {d["metadata"]["name"] for d in self.of_kind("Service")}
        workloads = {d["metadata"]["name"] for d in self.of_kind("Deployment")}
        for document in self.of_kind("StatefulSet"):
            if document["spec"]["serviceName"] not in services:
                self.complain(document, f"there is no Service {document['spec']['serviceName']}")
        for document in self.of_kind("ScaledObject"):
            if document["spec"]["scaleTargetRef"]["name"] not in workloads:
                self.complain(document, "there is no such Deployment as it scales")
            for trigger in document["spec"]["triggers"]:
                # No schema has them: pkg/scalers/prometheus_scaler.go of KEDA does.
                given, wanted = set(trigger["metadata"]), {"serverAddress", "query", "threshold"}
                for name in (wanted - given) | (given - wanted - {"activationThreshold", "ignoreNullValues"}):
                    self.complain(document, f"trigger {trigger['name']}: {name} is {'missing' if name in wanted else 'unknown'}")
        for document, _, spec in self.templates():
            for container in spec["containers"]:
                for argument in container.get("args", []):
                    place = re.match(r"--connect=tcp://([^:]+):\d+$", argument)
                    if place and place[1] not in services:
                        self.complain(document, f"{argument}: there is no such Service")


def strict(schema):
    """The same schema, in which no field may be there that it does not name."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: strict(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        schema.pop("type", None)
    if "properties" in schema and schema.get("type") == "object":
        schema.setdefault("additionalProperties", False)
    return schema


# Each: what is wrong, how it comes about, and words of the complaint.
def mistakes():
    def change(kind, name, edit):
        def apply(documents):
            edit(next(d for d in documents if d["kind"] == kind and d["metadata"]["name"].endswith(name)))
        return apply

    def container(document):
        return document["spec"]["template"]["spec"]["containers"][0]

    def rename(mapping, old, new):
        mapping[new] = mapping.pop(old)

    yield ("a misspelt field", change("Deployment", "worker", lambda d: rename(container(d), "livenessProbe", "livenesProbe")),
           "livenesProbe")
    yield ("a wrong type", change("StatefulSet", "coordinator", lambda d: d["spec"].update(replicas="one")), "'one'")
    yield ("a wrong type of a port", change("Service", "gateway", lambda d: d["spec"]["ports"][0].update(port="web")), "'web'")
    yield ("a probe on a port that is not there",
           change("Deployment", "gateway", lambda d: container(d)["readinessProbe"]["httpGet"].update(port="htpp")), "asks port htpp")
    yield ("a probe on a number that is not there",
           change("StatefulSet", "coordinator", lambda d: container(d)["livenessProbe"]["httpGet"].update(port=8081)), "asks port 8081")
    yield ("a Secret that nobody makes",
           change("Deployment", "worker", lambda d: next(
               v for v in d["spec"]["template"]["spec"]["volumes"] if v["name"] == "keys")["secret"].update(secretName="keys")),
           "nobody makes the Secret keys")
    yield ("a key that the Secret has not",
           change("Deployment", "worker", lambda d: next(
               v for v in d["spec"]["template"]["spec"]["volumes"] if v["name"] == "keys")["secret"]["items"][0].update(key="me.key")),
           "has no me.key")
    yield ("a service's selector that matches nothing",
           change("Service", "gateway", lambda d: d["spec"]["selector"].update({"app.kubernetes.io/component": "getaway"})),
           "matches nothing")
    yield ("a budget's selector that matches nothing",
           change("PodDisruptionBudget", "worker", lambda d: d["spec"]["selector"]["matchLabels"].update(tier="x")), "matches nothing")
    yield ("a policy's rule that matches nothing",
           change("NetworkPolicy", "coordinator", lambda d: d["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"].update(tier="x")),
           "matches nothing")
    yield ("a container that may be root",
           change("Deployment", "worker", lambda d: d["spec"]["template"]["spec"]["securityContext"].pop("runAsNonRoot")), "may run as root")
    yield ("an address of no service",
           change("Deployment", "worker", lambda d: container(d)["args"].append("--connect=tcp://coordinator:5550")), "no such Service")
    yield ("a listener on a port that nobody may reach",
           change("Deployment", "worker", lambda d: container(d)["args"].append("--metrics=0.0.0.0:9200")), "does not name")
    yield ("a misspelt field of KEDA", change("ScaledObject", "worker", lambda d: rename(d["spec"], "maxReplicaCount", "maxReplicas")),
           "maxReplicas")
    yield ("a wrong type of KEDA", change("ScaledObject", "worker", lambda d: d["spec"].update(minReplicaCount="none")), "'none'")
    yield ("a number where KEDA wants text",
           change("ScaledObject", "worker", lambda d: d["spec"]["triggers"][0]["metadata"].update(threshold=1)), "1 is not of type")
    yield ("a misspelt field of a trigger",
           change("ScaledObject", "worker", lambda d: rename(d["spec"]["triggers"][0]["metadata"], "activationThreshold", "activation")),
           "activation is unknown")


def main(arguments):
    trying = arguments[:1] == ["--try-mistakes"]
    if len(arguments[trying:]) != 3:
        sys.exit(__doc__)
    rendered, schema, names = arguments[trying:]
    with open(rendered) as file:
        documents = list(yaml.safe_load_all(file))
    with open(schema) as file:
        keda = strict(json.load(file))
    # Of every resource, and no matter of this schema.
    keda["properties"]["metadata"] = {"type": "object"}
    check = lambda documents: Manifests(documents, keda, names.split(",")).check()
    failed = False
    for complaint in check(documents):
        failed = True
        print(f"{rendered}: {complaint}", file=sys.stderr)
    count = 0
    for what, apply, words in mistakes() if trying else []:
        count += 1
        planted = copy.deepcopy(documents)
        apply(planted)
        found = check(planted)
        if not any(words in complaint for complaint in found):
            failed = True
            print(f"{what} was not found; the complaints: {found}", file=sys.stderr)
    if not failed:
        more = f"; {count} planted mistakes found" if trying else ""
        print(f"{rendered.rsplit('/', 1)[-1]}: {len(documents)} resources, nothing to mend{more}")
    sys.exit(failed)


main(sys.argv[1:])
