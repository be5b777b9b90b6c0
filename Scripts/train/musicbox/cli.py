"""The stages of training, each of which goes on where it stopped."""

import argparse
import os
import time


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="train", description=__doc__)
    parser.add_argument("stage", nargs="?", default="all",
                        choices=["all", "song", "vqvae", "codes", "priors", "rehearse", "export", "status", "pack", "unpack",
                                 "adopt"])
    parser.add_argument("--run", default="build/music-box", help="folder of checkpoints, codes and logs")
    parser.add_argument("--out", help="the model's folder (default RUN/music-box)")
    parser.add_argument("--settings", default="small", help="name in settings/, or a file")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after this long; the same command goes on")
    parser.add_argument("--levels", default="2,1,0", help="levels to train, in this order")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: all)")
    parser.add_argument("--workers", type=int, default=0, help="processes that compose songs")
    parser.add_argument("--budget", type=float, default=1.0, help="factor on the settings' hours")
    parser.add_argument("--seed", type=int, default=1, help="of `song`; of `rehearse`, the round")
    parser.add_argument("--orchestrion", default=".build/release/orchestrion", help="the sampler, for `rehearse`")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each song, for `rehearse`")
    parser.add_argument("--genre", help="of `song`")
    parser.add_argument("--artist", help="of `song`")
    options = parser.parse_args(arguments)
    if options.threads:
        os.environ["OMP_NUM_THREADS"] = str(options.threads)
    return _Stages(options).run()


class _Stages:
    def __init__(self, options):
        self.options = options
        self.end = time.monotonic() + options.minutes * 60
        self.levels = [int(level) for level in options.levels.split(",")]

    def run(self):
        stage = self.options.stage
        if stage == "song":
            return self.song()
        import torch

        from . import settings

        if self.options.threads:
            torch.set_num_threads(self.options.threads)
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        self.settings = settings.load(self.options.settings)
        for part in ("vqvae", "priors"):
            hours = self.settings["training"][part]["hours"]
            self.settings["training"][part]["hours"] = [h * self.options.budget for h in hours]
        if stage == "export":
            return self.export()
        if stage == "status":
            return self.status()
        if stage == "adopt":
            from . import carry

            carry.adopt(self.settings, self.options.run, self.options.out or "Sources/Model/MusicBox/music-box")
            return 0
        if stage == "rehearse":
            return self.rehearse()
        if stage in ("pack", "unpack"):
            from . import carry

            getattr(carry, stage)(self.options.run, self.options.out or f"{self.options.run}/packed")
            return 0
        for name, work in (("vqvae", self.vqvae), ("codes", self.codes), ("priors", self.priors)):
            if stage in ("all", name) and not work():
                print(f"{name}: the time is up; the same command goes on")
                self.export()
                return 0
        self.export()
        return 0

    @property
    def minutes(self):
        return max(0.0, (self.end - time.monotonic()) / 60)

    def vqvae(self):
        from .training import vqvae

        return all([vqvae.train(self.settings, self.options.run, level, self.minutes, self.options.workers)
                    for level in self.levels])

    def codes(self):
        from .training import codes

        return codes.make(self.settings, self.options.run, self.levels, self.minutes, self.options.workers)

    def priors(self):
        from .training import priors

        return all([priors.train(self.settings, self.options.run, level, self.minutes) for level in self.levels])

    def rehearse(self):
        from .training import rehearsal

        self.export()
        model = self.options.out or f"{self.options.run}/music-box"
        top = self.settings["vqvae"]["levels"] - 1
        for level in self.levels:
            if level < top:
                rehearsal.rehearse(self.settings, self.options.run, level, self.options.orchestrion, model,
                                   self.options.seconds, self.options.threads or 2, self.options.seed, self.minutes)
        return 0

    def export(self):
        from . import export

        levels = range(self.settings["vqvae"]["levels"])
        if not all(os.path.exists(f"{self.options.run}/vqvae_level_{level}.pt") for level in levels):
            print("nothing to export yet: not every level of the VQ-VAE has a checkpoint")
            return 0
        export.export(self.settings, self.options.run, self.options.out or f"{self.options.run}/music-box")
        return 0

    def status(self):
        import torch

        for part in [f"{p}_level_{level}" for p in ("vqvae", "prior") for level in (2, 1, 0)]:
            path = f"{self.options.run}/{part}.pt"
            if os.path.exists(path):
                state = torch.load(path, map_location="cpu", weights_only=True)
                print(f"{part}: {state['step']} steps, {state['spent'] / 60:.1f} minutes")
            else:
                print(f"{part}: not begun")
        return 0

    def song(self):
        from .audio import write_wav
        from .corpus import compose

        song = compose(self.options.seed, self.options.genre, self.options.artist)
        path = self.options.out or f"song_{self.options.seed}.wav"
        write_wav(path, song.audio)
        print(f"{path}: {song.genre} by {song.artist}, {song.tempo:.0f} beats a minute, {song.seconds:.1f} s\n"
              f"{song.lyrics}")
        return 0
