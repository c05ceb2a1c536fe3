"""What gumshoe uses of the client of Weights & Biases; the file RUNS stands for its server."""

import json
import os


class Run:
    def __init__(self, identifier):
        self.file = os.path.join(os.environ["RUNS"], identifier + ".jsonl")
        self.resumed = os.path.exists(self.file)
        lines = open(self.file).readlines() if self.resumed else []
        steps = [json.loads(line)["step"] for line in lines if "step" in line]
        self.step = max(steps) + 1 if steps else 0

    def write(self, line):
        with open(self.file, "a") as file:
            file.write(json.dumps(line) + "\n")

    def log(self, metrics, step):
        if step < self.step:
            return  # as the server does
        self.step = step + 1
        self.write({"step": step, "metrics": metrics})

    def finish(self, code):
        self.write({"code": code})


def init(project, name, id, config, resume):
    print("wandb: prints to stdout")
    run = Run(id)
    if not run.resumed:
        run.write({"project": project, "name": name, "config": config["name"], "resume": resume})
    return run
