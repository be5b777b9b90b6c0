"""Has the program itself check the command lines of rendered manifests: `orchestrion config check`, which starts nothing.

    command_lines.py RENDERED.yaml KEYS-FOLDER PROGRAM      KEYS-FOLDER is from Deploy/kubernetes/make-keys
"""

import os
import re
import subprocess
import sys

import yaml


def check(program, keys, args, values):
    """What the program says against them; nothing where it is content."""
    args = [re.sub(r"\$\((\w+)\)", lambda m: values[m[1]], a).replace("=/keys/", f"={keys}/") for a in args]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ORCHESTRION")}
    done = subprocess.run([program, "config", "check", "--command", args[0], "--config", "/dev/null", "--", *args[1:]],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    return done.stdout.strip() or "it says nothing" if done.returncode else ""


def main(rendered, keys, program):
    with open(rendered) as file:
        documents = [d for d in yaml.safe_load_all(file) if d["kind"] in ("Deployment", "StatefulSet")]
    failed = False
    for document in documents:
        container = document["spec"]["template"]["spec"]["containers"][0]
        values = {e["name"]: e.get("value", "x") for e in container.get("env", [])}
        for mistake in [[], ["--memmory=3"]]:
            said = check(program, os.path.realpath(keys), container["args"] + mistake, values)
            if bool(said) != bool(mistake):
                failed = True
                print(f"{document['metadata']['name']}: {said or 'a planted mistake was not found: ' + mistake[0]}", file=sys.stderr)
    if not failed:
        print(f"{os.path.basename(rendered)}: the program takes the command lines of all {len(documents)} containers")
    sys.exit(failed)


main(*sys.argv[1:])
