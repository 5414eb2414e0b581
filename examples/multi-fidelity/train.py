#!/usr/bin/env python3
"""Train for as many epochs as asked for and print a line for each, as every trial of a multi-fidelity search does.

With --checkpoint it goes on from the checkpoint in that directory, where there is one, and leaves one there.
An epoch lasts at least EPOCH_SECONDS (0), so that there is time to stop a run that does badly.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import softmax


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--checkpoint", type=Path, help="directory")
    args = parser.parse_args()
    pause = float(os.environ.get("EPOCH_SECONDS", "0"))

    training, test = softmax.load()
    training = training[::8]  # an eighth, to keep epochs short
    state = {"epoch": 0, "model": softmax.zeros()}
    file = args.checkpoint / "model.json" if args.checkpoint else None
    if file and file.exists():
        state = json.loads(file.read_text())
    model = state["model"]
    for epoch in range(state["epoch"] + 1, args.epochs + 1):
        end = time.monotonic() + pause
        for batch in softmax.batches(training, args.batch_size, epoch):
            softmax.descend(model, softmax.gradient(model, batch), args.lr)
        loss, accuracy = softmax.evaluate(model, test)
        time.sleep(max(0.0, end - time.monotonic()))
        print(f"{softmax.now()} epoch={epoch} loss={loss:.6f} accuracy={accuracy:.4f}", flush=True)
    if file:
        state["epoch"] = args.epochs
        args.checkpoint.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(state))
        partial.replace(file)


if __name__ == "__main__":
    main()
