#!/usr/bin/env python3
"""Train for as many epochs as asked for and print a line for each, as every trial of a multi-fidelity search does.

An epoch lasts at least EPOCH_SECONDS (0), so that there is time to stop a run that does badly.
"""

import argparse
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
    args = parser.parse_args()
    pause = float(os.environ.get("EPOCH_SECONDS", "0"))

    training, test = softmax.load()
    training = training[::8]  # an eighth, to keep epochs short
    model = softmax.zeros()
    for epoch in range(1, args.epochs + 1):
        end = time.monotonic() + pause
        for batch in softmax.batches(training, args.batch_size, epoch):
            softmax.descend(model, softmax.gradient(model, batch), args.lr)
        loss, accuracy = softmax.evaluate(model, test)
        time.sleep(max(0.0, end - time.monotonic()))
        print(f"{softmax.now()} epoch={epoch} loss={loss:.6f} accuracy={accuracy:.4f}", flush=True)


if __name__ == "__main__":
    main()
