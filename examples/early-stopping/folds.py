#!/usr/bin/env python3
"""Cross-validate on eight folds and print a line for each, then their mean.

A fold lasts at least FOLD_SECONDS (0), so that there is time to stop a run that does badly.
"""

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import softmax

FOLDS = 8


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--lr", type=float, required=True)
    args = parser.parse_args()
    pause = float(os.environ.get("FOLD_SECONDS", "0"))

    data, _ = softmax.load()
    data = data[::8]  # an eighth, to keep folds short
    losses = []
    for fold in range(FOLDS):
        end = time.monotonic() + pause
        training = [row for i, row in enumerate(data) if i % FOLDS != fold]
        model = softmax.zeros()
        for batch in softmax.batches(training, 32, 1):
            softmax.descend(model, softmax.gradient(model, batch), args.lr)
        loss, _ = softmax.evaluate(model, data[fold::FOLDS])
        losses.append(loss)
        time.sleep(max(0.0, end - time.monotonic()))
        print(f"{softmax.now()} step={fold + 1} loss={loss:.6f}", flush=True)
    print(f"{softmax.now()} step={FOLDS + 1} loss={sum(losses) / FOLDS:.6f}", flush=True)


if __name__ == "__main__":
    main()
