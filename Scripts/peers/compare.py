"""Runs both engines in turn and prints a table of ratios."""

import argparse
import json
import subprocess
import sys

import torch

import huggingface

PROFILES = ("f32", "f16", "int8")


def ours(program, options, *arguments):
    """Figures of `orchestrion bench` by profile, then by (group, name)."""
    command = [program, "bench", "--json", "--threads", str(options.threads), *arguments]
    if options.quick:
        command.append("--quick")
    reports = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return {r["profile"]: {(f["group"], f["name"]): f["value"] for f in r["figures"]} for r in reports}


def main():
    parser = argparse.ArgumentParser(prog="bench-peers")
    parser.add_argument("program")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", help="also write the figures here")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    batches = (1, 16) if options.quick else (1, 16, 32)

    def say(text):
        print(text, file=sys.stderr, flush=True)

    rows = []
    program = options.program
    model = huggingface.upsampler()
    for profile in PROFILES:
        # Again for each profile: a shared machine is not the same from one minute to the next.
        say("Hugging Face: the 1B upsampler …")
        theirs = {f"decode, batch {b}": huggingface.decode(model, b) for b in batches}
        theirs["prefill"] = huggingface.prefill(model)
        say(f"orchestrion, profile {profile} …")
        figures = ours(program, options, "--profile", profile, "--parts", "decode,prefill",
                       "--batches", ",".join(map(str, batches)))[profile]
        for name, value in theirs.items():
            group, _, batch = name.partition(", ")
            mine = next(v for (g, n), v in figures.items() if g == group and n.startswith(batch))
            rows.append((name, profile, mine, value, "tokens/s"))
    del model
    say("Hugging Face: the VQ-VAE …")
    codec = huggingface.codec(huggingface.vqvae())
    say("orchestrion: the VQ-VAE …")
    figures = ours(program, options, "--profile", "f32", "--parts", "codec")["f32"]
    for name, value in codec.items():
        rows.append((f"VQ-VAE {name}, level 0", "", figures["VQ-VAE", f"{name} level 0"], value, "× real time"))

    print(f"{'':26} {'profile':8} {'orchestrion':>12} {'Hugging Face':>13} {'ratio':>7}   "
          f"(torch {torch.__version__}, {options.threads} threads)")
    for name, profile, mine, value, unit in rows:
        print(f"{name:26} {profile:8} {mine:12.2f} {value:13.2f} {mine / value:6.1f}x   {unit}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump([dict(zip(("name", "profile", "orchestrion", "huggingface", "unit"), r)) for r in rows], file, indent=1)


if __name__ == "__main__":
    main()
