"""Runs the containers of rendered manifests for real, without Kubernetes, under the conditions that the manifests set.

    pods.py RENDERED.yaml KEYS-FOLDER PROGRAM      as root; KEYS-FOLDER is from Deploy/kubernetes/make-keys

Each pod is a network namespace with an address of its own, in which the container's very command line runs: as its user and group,
without capabilities, on a root that nobody can write to, with its volumes, and the Secret's files as kubelet lays them out (links,
owned by root, readable by the pod's group). The probes ask what they would ask. Then a song is asked for at the gateway; a worker
and the coordinator are killed and come back. The song must have the codes of one that nobody disturbed.

What is not tried: images, the network policies, limits, KEDA, and all that is Kubernetes's own work.
"""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import yaml

SONG = {"id": "pods", "seed": 77, "seconds": 6, "samples": [{"genre": "waltz"}]}
begin = time.monotonic()


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed: {done.stdout.strip()}")


def say(words):
    print(f"{time.monotonic() - begin:5.0f} s  {words}", flush=True)


def await_(what, condition, seconds=120):
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            sys.exit(f"{what} did not happen in {seconds} s")
        time.sleep(0.2)
    return value


class Pod:
    """One pod of a Deployment or StatefulSet."""

    def __init__(self, document, folder, program, secret, address, hosts):
        self.name = document["metadata"]["name"] + "-0"
        self.spec = document["spec"]["template"]["spec"]
        self.container = self.spec["containers"][0]
        self.address = address
        self.folder = os.path.join(folder, self.name)
        self.user = self.spec["securityContext"]["runAsUser"]
        self.group = self.spec["securityContext"]["fsGroup"]
        self.process = None
        self.starts = 0
        self.root = os.path.join(self.folder, "root")
        os.makedirs(self.root)
        self.volumes = {}
        for volume in self.spec["volumes"] + document["spec"].get("volumeClaimTemplates", []):
            self.make_volume(volume, secret)
        self.hosts = hosts
        self.program = program

    def make_volume(self, volume, secret):
        name = volume.get("name") or volume["metadata"]["name"]
        path = self.volumes[name] = os.path.join(self.folder, "volumes", name)
        os.makedirs(path)
        if "secret" in volume:
            # As kubelet does it: the files are in a dated folder, to which links lead by way of ..data.
            dated = os.path.join(path, "..2026_11_30")
            os.mkdir(dated)
            os.symlink("..2026_11_30", os.path.join(path, "..data"))
            for item in volume["secret"]["items"]:
                file = os.path.join(dated, item["path"])
                with open(file, "wb") as out:
                    out.write(base64.b64decode(secret[item["key"]]))
                os.chown(file, 0, self.group)
                os.chmod(file, volume["secret"]["defaultMode"] | 0o440)
                os.symlink(os.path.join("..data", item["path"]), os.path.join(path, item["path"]))
        # An fsGroup's volume: root's, and writable for the group, to which new files belong.
        os.chown(path, 0, self.group)
        os.chmod(path, 0o2775)

    def command(self):
        values = {"POD_NAME": self.name, "ORCHESTRION_MACHINE": "this-node"}
        for entry in self.container.get("env", []):
            if "value" in entry:
                values[entry["name"]] = entry["value"]
        args = [re.sub(r"\$\((\w+)\)", lambda m: values[m[1]], a) for a in self.container["args"]]
        return args, values

    def script(self):
        lines = ["set -eu", f"r={self.root}", "mount -t tmpfs -o mode=755 pod $r"]
        for place in ["/usr", "/bin", "/lib", "/lib64", "/opt", "/etc/ld.so.cache", "/etc/passwd", "/etc/alternatives"]:
            if os.path.islink(place):
                lines.append(f"ln -s {os.readlink(place)} $r{place}")
            elif os.path.exists(place):
                make = "mkdir -p" if os.path.isdir(place) else f"mkdir -p $r{os.path.dirname(place)}; touch"
                lines += [f"{make} $r{place}", f"mount --bind {place} $r{place}", f"mount -o remount,bind,ro $r{place}"]
        lines += [
            "mkdir -p $r/app $r/dev $r/proc $r/etc", f"mount --bind {os.path.dirname(self.program)} $r/app",
            "mount -o remount,bind,ro $r/app", "mount -t proc proc $r/proc",
            f"touch $r/etc/hosts; mount --bind {self.hosts} $r/etc/hosts",
            "printf 'hosts: files\\n' > $r/etc/nsswitch.conf",
        ]
        for device in ["null", "zero", "urandom", "random"]:
            lines += [f"touch $r/dev/{device}", f"mount --bind /dev/{device} $r/dev/{device}"]
        for mount in self.container["volumeMounts"]:
            lines += [f"mkdir -p $r{mount['mountPath']}", f"mount --bind {self.volumes[mount['name']]} $r{mount['mountPath']}"]
            if mount.get("readOnly"):
                lines.append(f"mount -o remount,bind,ro $r{mount['mountPath']}")
        if self.container["securityContext"]["readOnlyRootFilesystem"]:
            lines.append("mount -o remount,ro $r")
        # The other side gives the address, then the line.
        lines += ["read line", 'exec chroot $r /usr/bin/setpriv --reuid "$USER_ID" --regid "$GROUP_ID" --groups "$GROUP_ID" '
                  '--no-new-privs --bounding-set=-all --inh-caps=-all /app/orchestrion "$@"']
        return "\n".join(lines)

    def start(self):
        args, values = self.command()
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "USER_ID": str(self.user), "GROUP_ID": str(self.group), **values}
        log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--fork", "bash", "-c", self.script(), "pod", *args],
            env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log)
        inside = await_("a namespace", lambda: self.inside(), 20)
        # A killed pod's link goes a moment later.
        self.starts += 1
        link = f"v{self.address.rsplit('.', 1)[1]}-{self.starts}"
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(inside))
        run("ip", "link", "set", link, "master", "pods", "up")
        enter = ["nsenter", "--net", "--target", str(inside), "ip"]
        run(*enter, "address", "add", f"{self.address}/24", "dev", "eth0")
        run(*enter, "link", "set", "lo", "up")
        run(*enter, "link", "set", "eth0", "up")
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()

    def inside(self):
        """The process in the namespace."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        children = open(path).read().split() if os.path.exists(path) else []
        if children and os.readlink(f"/proc/{children[0]}/ns/net") != os.readlink("/proc/self/ns/net"):
            return int(children[0])
        return None

    def kill(self):
        """As a node that is gone: nobody has a moment. Its first process takes all others of the pod along."""
        inside = self.inside()
        if inside:
            os.kill(inside, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait(20)

    def stop(self):
        """As Kubernetes ends a pod: SIGTERM to its first process. Returns seconds."""
        start = time.monotonic()
        inside = self.inside()
        if inside:
            os.kill(inside, signal.SIGTERM)
        try:
            self.process.wait(self.spec["terminationGracePeriodSeconds"])
        except subprocess.TimeoutExpired:
            sys.exit(f"{self.name} did not end in its grace period")
        if self.process.returncode:
            sys.exit(f"{self.name} ended with {self.process.returncode}")
        return time.monotonic() - start

    def port(self, name):
        return next(p["containerPort"] for p in self.container["ports"] if name in (p["name"], p["containerPort"]))

    def probe(self, kind):
        """What kubelet asks; true where it is content."""
        if self.process.poll() is not None:
            sys.exit(f"{self.name} ended with {self.process.returncode}")
        ask = self.container[kind]["httpGet"]
        try:
            with urllib.request.urlopen(f"http://{self.address}:{self.port(ask['port'])}{ask['path']}", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def await_probes(self):
        for kind in ["startupProbe", "livenessProbe", "readinessProbe"]:
            if kind in self.container:
                await_(f"{self.name}'s {kind}", lambda: self.probe(kind))


def ask(pod, token, path, body=None, method=None):
    request = urllib.request.Request(
        f"http://{pod.address}:{pod.port('http')}{path}", method=method, data=body and json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def figure(text, name):
    return float(re.search(rf"^{name}(?:{{[^}}]*}})? ([0-9.e+]+)$", text, re.M)[1])


def main(rendered, keys, program):
    with open(rendered) as file:
        documents = [d for d in yaml.safe_load_all(file) if d["kind"] in ("Deployment", "StatefulSet")]
    with open(os.path.join(keys, "secret.yaml")) as file:
        secret = yaml.safe_load(file)["data"]
    tokens = {name: open(os.path.join(keys, f"token-{name}")).read().strip() for name in ("admin", "prometheus")}
    folder = tempfile.mkdtemp(prefix="pods.")
    os.chmod(folder, 0o755)
    hosts = os.path.join(folder, "hosts")
    run("ip", "link", "add", "pods", "type", "bridge")
    run("ip", "address", "add", "10.77.0.1/24", "dev", "pods")
    run("ip", "link", "set", "pods", "up")
    run("ip", "link", "set", "lo", "up")
    pods = {}
    try:
        for number, document in enumerate(documents):
            name = document["metadata"]["labels"]["app.kubernetes.io/component"]
            pods[name] = Pod(document, folder, program, secret, f"10.77.0.{10 + number}", hosts)
        write_names(pods)
        play(pods, tokens, folder, program)
    except BaseException:
        for pod in pods.values():
            log = os.path.join(pod.folder, "log")
            if os.path.exists(log):
                print(f"--- {pod.name}", *open(log).readlines()[-12:], sep="\n", file=sys.stderr)
        raise
    finally:
        for pod in pods.values():
            if pod.process and pod.process.poll() is None:
                pod.kill()
        shutil.rmtree(folder, ignore_errors=True)


def write_names(pods):
    """What the cluster's name service would tell: in place, for pods have the file mounted."""
    with open(next(iter(pods.values())).hosts, "w") as file:
        for pod in pods.values():
            file.write(f"{pod.address} {pod.name.removesuffix('-0')}\n")


def play(pods, tokens, folder, program):
    coordinator, worker, gateway = pods["coordinator"], pods["worker"], pods["gateway"]
    for pod in pods.values():
        pod.start()
    for pod in pods.values():
        pod.await_probes()
    say(f"three pods run and their probes are content; users {worker.user}, roots nobody can write to")
    sampled = lambda: json.loads(ask(gateway, tokens["admin"], "/api/v1/songs/pods"))
    ask(gateway, tokens["admin"], "/api/v1/songs", SONG)
    await_("a token", lambda: sampled()["sampled_tokens"] > 0)
    figures = ask(coordinator, tokens["prometheus"], "/metrics").decode()
    say("a song is asked for at the gateway, and tokens are there; Prometheus reads metrics by a viewer's token")
    worker.kill()
    worker.start()
    say("the worker's pod was killed, and another one began")
    coordinator.kill()
    # As in Kubernetes, it is the same name at another address.
    coordinator.address = "10.77.0.50"
    write_names(pods)
    before = time.monotonic()
    coordinator.start()
    coordinator.await_probes()
    say(f"the coordinator's pod was killed; another one, with its volume and another address, is ready after {time.monotonic() - before:.1f} s")

    def is_finished():
        try:
            state = sampled()["state"]
        except OSError:
            return False
        if state in ("failed", "parked", "cancelled"):
            sys.exit(f"the song is {state}")
        return state == "finished"

    await_("the song's end", is_finished, 300)
    figures = ask(coordinator, tokens["prometheus"], "/metrics").decode()
    memory = {name: figure(figures, f"orchestrion_{name}_memory_bytes") / 1e6 for name in ("coordinator", "worker")}
    say("the song is finished; memory: coordinator {coordinator:.0f} MB, worker {worker:.0f} MB".format(**memory))
    codes = ask(gateway, tokens["admin"], "/api/v1/songs/pods/codes")
    ended = {name: pod.stop() for name, pod in pods.items()}
    say("on SIGTERM they ended within " + ", ".join(f"{seconds:.1f} s ({name})" for name, seconds in ended.items()))
    out = os.path.join(folder, "undisturbed")
    run(program, "sample", "--genre", "waltz", "--seconds", str(SONG["seconds"]), "--seed", str(SONG["seed"]), "--out", out)
    with open(os.path.join(out, "codes.safetensors"), "rb") as file:
        if file.read() != codes:
            sys.exit("the song has other codes than orchestrion sample makes")
    say("its codes equal those of orchestrion sample")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    # Pods end with this, whatever ends it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    main(*sys.argv[1:])
