#!/usr/bin/env python3
"""Train and write loss and accuracy as TensorBoard scalars, as collector `TensorFlowEvent` reads.

The directory is --log-dir, or the environment's LOG_DIR. `tensorboard --logdir` shows it too.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from events import EventWriter

import softmax


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument(
        "--log-dir", default=os.environ.get("LOG_DIR", "/var/log/katib/tfevent"), metavar="DIR"
    )
    args = parser.parse_args()

    training, test = softmax.load()
    model = softmax.zeros()
    with EventWriter(args.log_dir) as writer:
        for epoch in range(1, args.epochs + 1):
            for batch in softmax.batches(training, args.batch_size, epoch):
                softmax.descend(model, softmax.gradient(model, batch), args.lr)
            loss, accuracy = softmax.evaluate(model, test)
            writer.scalars(epoch, loss=loss, accuracy=accuracy)
            print(f"epoch {epoch} of {args.epochs} is written to {args.log_dir}", flush=True)


if __name__ == "__main__":
    main()
