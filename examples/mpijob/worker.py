#!/usr/bin/env python3
"""One rank of parallel stochastic gradient descent: trains on its share, prints its model.

After every epoch it prints the whole model, 10 × 65, as one line of JSON for the launcher to read.
"""

import argparse
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import softmax


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    args = parser.parse_args()
    rank = int(os.environ["OMPI_COMM_WORLD_RANK"])
    size = int(os.environ["OMPI_COMM_WORLD_SIZE"])

    share = softmax.load()[0][rank::size]
    model = softmax.zeros()
    for epoch in range(1, args.epochs + 1):
        for batch in softmax.batches(share, 32, epoch):
            softmax.descend(model, softmax.gradient(model, batch), args.lr)
        print(json.dumps(model), flush=True)


if __name__ == "__main__":
    main()
