"""Checks that what watches a cluster asks for metrics and labels that are there.

    metric_names.py RULES-OUT      from the repository's root; writes all queries as rules, for promtool to parse

The metrics are those of Docs/Guide/Metrics.md, which a test compares with the program. Looks at the alerts, the dashboard and KEDA's
queries, and whether each alert has a test in which it fires and one in which it does not.
"""

import glob
import json
import re
import sys

import yaml

# By name: type and labels, from the tables.
known = {}
for line in open("Docs/Guide/Metrics.md"):
    row = [cell.strip() for cell in line.split("|")]
    if len(row) > 5 and row[1].startswith("`orchestrion_"):
        known[row[1].strip("`")] = (row[2], set(re.findall(r"`(\w+)`", row[4])))
known["up"] = ("gauge", {"job", "instance"})

queries = {}
alerts = []
for path in glob.glob("Deploy/prometheus/alerts.yml"):
    for group in yaml.safe_load(open(path))["groups"]:
        for rule in group["rules"]:
            queries[f"{path}: {rule.get('alert') or rule['record']}"] = rule["expr"]
            if "record" in rule:
                known[rule["record"]] = ("gauge", set(re.findall(r"by \((\w+)\)", rule["expr"])))
            else:
                alerts.append(rule["alert"])
path = "Deploy/grafana/orchestrion.json"
for panel in json.load(open(path))["panels"]:
    for target in panel.get("targets", []):
        queries[f"{path}: {panel['title']}, {target['refId']}"] = target["expr"]
path = "Deploy/kubernetes/overlays/many/scaled-object.yaml"
for trigger in yaml.safe_load(open(path))["spec"]["triggers"]:
    queries[f"{path}: {trigger['name']}"] = trigger["metadata"]["query"]


def complaints(query):
    for name, labels in re.findall(r"\b(orchestrion[a-z_:0-9]*|up\b)(\{[^}]*\})?", query):
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        if name not in known and known.get(base, ("",))[0] == "histogram":
            name, own = base, known[base][1] | {"le"}
        elif name in known:
            own = known[name][1]
            if known[name][0] == "histogram":
                yield f"{name} is a histogram: it has _bucket, _sum and _count"
        else:
            yield f"there is no metric {name}"
            continue
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", labels):
            if label not in own:
                yield f"{name} has no label {label}"
    # What is summed by a label must come from metrics that have it.
    for labels, name in re.findall(r"by \(([\w, ]+)\) \((?:rate|increase)?\(?(orchestrion[a-z_]*)", query):
        own = known.get(name, known.get(re.sub(r"_(bucket|sum|count)$", "", name), ("", set())))[1] | {"le"}
        for label in labels.split(", "):
            if label not in own:
                yield f"{name} has no label {label}"


def check(queries):
    return [f"{place}: {words}" for place, query in queries.items() for words in complaints(query)]


found = check(queries)
tests = [t for test in yaml.safe_load(open("Deploy/prometheus/alerts.test.yml"))["tests"] for t in test["alert_rule_test"]]
for alert in alerts:
    fires = [bool(t.get("exp_alerts")) for t in tests if t["alertname"] == alert]
    if True not in fires or False not in fires:
        found.append(f"alerts.test.yml: {alert} needs a case in which it fires, and one in which it does not")
# The check itself must find what is wrong.
for wrong in ["sum(orchestrion_tokens_total)", 'orchestrion_songs{status="parked"}', "sum by (worker) (orchestrion_workers)",
              "rate(orchestrion_journal_commit_seconds[5m])", "orchestrion_songs_waiting_bucket"]:
    if not check({"planted": wrong}):
        found.append(f"a planted mistake was not found: {wrong}")
for words in found:
    print(words, file=sys.stderr)
with open(sys.argv[1], "w") as out:
    yaml.safe_dump({"groups": [{"name": "queries", "rules": [
        {"record": f"query:{number}", "expr": query} for number, query in enumerate(queries.values())]}]}, out)
print(f"{len(queries)} queries ask for metrics and labels that are there; {len(alerts)} alerts have tests" if not found else "")
sys.exit(bool(found))
