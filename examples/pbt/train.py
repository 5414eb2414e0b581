#!/usr/bin/env python3
"""Train one stretch: from the checkpoint in a directory, where there is one, and leave a checkpoint there.

That is all a program needs for population based training.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import softmax


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--momentum", type=float, default=0.0)
    parser.add_argument("--epochs", type=int, default=1, help="epochs of one stretch")
    parser.add_argument("--checkpoint", type=Path, required=True, help="directory")
    args = parser.parse_args()

    training, test = softmax.load()
    training = training[::8]  # an eighth, to keep epochs short
    file = args.checkpoint / "model.json"
    state = {"epoch": 0, "model": softmax.zeros(), "step": softmax.zeros()}
    if file.exists():
        state = json.loads(file.read_text())
        print(f"goes on after epoch {state['epoch']}", flush=True)
    model, step = state["model"], state["step"]
    for epoch in range(state["epoch"] + 1, state["epoch"] + args.epochs + 1):
        for batch in softmax.batches(training, 32, epoch):
            slope = softmax.gradient(model, batch)
            for row, new in zip(step, slope):
                row[:] = [args.momentum * s + g for s, g in zip(row, new)]
            softmax.descend(model, step, args.lr)
        state["epoch"] = epoch
        loss, accuracy = softmax.evaluate(model, test)
        print(f"{softmax.now()} epoch={epoch} loss={loss:.6f} accuracy={accuracy:.4f}", flush=True)
    args.checkpoint.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(state))
    partial.replace(file)


if __name__ == "__main__":
    main()
