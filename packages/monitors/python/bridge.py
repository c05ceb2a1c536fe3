"""Sends metrics to Weights & Biases or Trackio, whose clients have one interface.

Started by Gumshoe with the name of the client; reads one JSON object a line from stdin and answers each
with one on stdout:

  {"open": {"project", "name", "id", "config", "next"}}  ->  {"next": step of the first point it lacks}
  {"points": [[step, seconds since the epoch, {name: value}], ...]}  ->  {}
  {"finish": exit code}                                  ->  {}

An error is answered with {"error": text}, and ends the process. So does the end of stdin: what was taken is
still sent, for a minute at most.
"""

import importlib
import json
import os
import signal
import sys


SECONDS_TO_END = 60


class Bridge:
    def __init__(self, client):
        self.name = client
        self.client = importlib.import_module(client)
        self.run = None

    def open(self, order):
        arguments = {"project": order["project"], "name": order["name"], "config": order["config"]}
        if self.name == "wandb":
            arguments["id"] = order["id"]
        self.run = self.client.init(resume="allow", **arguments)
        return {"next": self.next_step(order["next"])}

    def next_step(self, saved):
        """Where the client knows what it has, that is the truth; wandb offline cannot know."""
        if self.name == "wandb":
            return self.run.step if self.run.resumed else saved
        return getattr(self.run, "_next_step", saved)

    def points(self, points):
        for step, seconds, metrics in points:
            if self.name == "wandb":
                metrics = {**metrics, "_timestamp": seconds}
            self.run.log(metrics, step=step)
        return {}

    def finish(self, code):
        run, self.run = self.run, None
        if run is not None:
            run.finish(code) if self.name == "wandb" else run.finish()
        return {}

    def serve(self, orders, answer):
        for line in orders:
            [(order, argument)] = json.loads(line).items()
            answer({"open": self.open, "points": self.points, "finish": self.finish}[order](argument))
        # The coordinator has stopped or died. The run goes on later, and this process ends soon.
        signal.alarm(SECONDS_TO_END)
        self.finish(0)


def main():
    # Ctrl-C in the terminal of the cluster is not for this process, which ends with its stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the clients print to stdout

    def answer(value):
        try:
            answers.write(json.dumps(value) + "\n")
            answers.flush()
        except BrokenPipeError:
            pass

    try:
        Bridge(sys.argv[1]).serve(sys.stdin, answer)
    except BaseException as error:
        answer({"error": f"{type(error).__name__}: {error}"[:500]})
        sys.exit(1)


main()
