#!/usr/bin/env python3
"""Train and write one JSON object per epoch to a file, as metrics collector `File` reads it.

The values are strings, which is what Katib's collector accepts. An epoch lasts at least
EPOCH_SECONDS (0.2) so that there is time to stop a run that does badly.
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
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--metrics", type=Path, default=Path("/katib/metrics.json"))
    args = parser.parse_args()
    try:
        pause = float(os.environ.get("EPOCH_SECONDS", "0.2"))
    except ValueError:
        parser.error(f"EPOCH_SECONDS={os.environ['EPOCH_SECONDS']} is no number of seconds")

    training, test = softmax.load()
    training = training[::4]  # a quarter, to keep epochs short
    model = softmax.zeros()
    args.metrics.parent.mkdir(parents=True, exist_ok=True)
    with open(args.metrics, "a", encoding="utf-8") as file:
        for epoch in range(1, args.epochs + 1):
            end = time.monotonic() + pause
            for batch in softmax.batches(training, 32, epoch):
                softmax.descend(model, softmax.gradient(model, batch), args.lr)
            loss, accuracy = softmax.evaluate(model, test)
            time.sleep(max(0.0, end - time.monotonic()))
            line = {
                "timestamp": softmax.now(),
                "epoch": str(epoch),
                "loss": f"{loss:.6f}",
                "accuracy": f"{accuracy:.4f}",
            }
            file.write(json.dumps(line) + "\n")
            file.flush()
            print(f"epoch {epoch} of {args.epochs} is written to {args.metrics}", flush=True)


if __name__ == "__main__":
    main()
