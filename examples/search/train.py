#!/usr/bin/env python3
"""Softmax regression with a choice: three optimisers, each with parameters of its own, and how many of the 64 pixels it looks at.

Beside the loss it prints what the model costs: its weights, how many digits it looked at in training, and in how many steps.
"""

import argparse
import math
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import softmax

PIXELS = random.Random(7).sample(range(64), 64)  # the order in which pixels are taken


def blind(examples, pixels):
    """Return the examples with all but the first so many pixels of the order black."""
    hidden = PIXELS[pixels:]
    out = []
    for inputs, digit in examples:
        inputs = list(inputs)
        for i in hidden:
            inputs[i] = 0.0
        out.append((inputs, digit))
    return out


def descend(args):
    """Return a function that takes a step: plain, with momentum (Polyak, 1964), or Adam's (Kingma and Ba, 2015)."""
    mean, square, t = softmax.zeros(), softmax.zeros(), 0

    def step(model, slope):
        nonlocal t
        t += 1
        for row, g, m, v in zip(model, slope, mean, square):
            if args.opt == "sgd":
                m[:] = g
            elif args.opt == "momentum":
                m[:] = [args.momentum * a + b for a, b in zip(m, g)]
            else:
                m[:] = [0.9 * a + 0.1 * b for a, b in zip(m, g)]
                v[:] = [args.beta2 * a + (1 - args.beta2) * b * b for a, b in zip(v, g)]
                left, right = 1 - 0.9**t, 1 - args.beta2**t
                row[:] = [w - args.lr * (a / left) / (math.sqrt(b / right) + 1e-8) for w, a, b in zip(row, m, v)]
                continue
            row[:] = [w - args.lr * a for w, a in zip(row, m)]

    return step


def main():
    parser = argparse.ArgumentParser(description="Softmax regression on 1,797 digits.")
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--opt", choices=("sgd", "momentum", "adam"), default="sgd")
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--beta2", type=float, default=0.999)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--pixels", type=int, default=64)
    args = parser.parse_args()

    training, test = (blind(part, args.pixels) for part in softmax.load())
    model, step = softmax.zeros(), descend(args)
    steps = 0
    for epoch in range(1, args.epochs + 1):
        for batch in softmax.batches(training, args.batch_size, epoch):
            step(model, softmax.gradient(model, batch))
            steps += 1
        loss, accuracy = softmax.evaluate(model, test)
        costs = f"weights={10 * (args.pixels + 1)} digits={epoch * len(training)} steps={steps}"
        print(f"{softmax.now()} epoch={epoch} loss={loss:.6f} accuracy={accuracy:.4f} {costs}", flush=True)


if __name__ == "__main__":
    main()
