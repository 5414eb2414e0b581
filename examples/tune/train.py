#!/usr/bin/env python3
"""A plain training script as anyone has one: arguments in, a line per epoch out.

    qalam tune --param lr=log:1e-3..10 --param opt=sgd,adam --minimize loss --trials 12 -- \\
        python3 examples/tune/train.py --lr '{lr}' --opt '{opt}'
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import softmax


class Sgd:
    """Stochastic gradient descent."""

    def __init__(self, lr):
        self.lr = lr

    def step(self, model, slope):
        softmax.descend(model, slope, self.lr)


class Adam:
    """Adam (Kingma and Ba, 2015, algorithm 1, with the defaults given there)."""

    def __init__(self, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.lr, self.beta1, self.beta2, self.epsilon = lr, beta1, beta2, epsilon
        self.mean, self.square, self.t = softmax.zeros(), softmax.zeros(), 0

    def step(self, model, slope):
        self.t += 1
        unbias1, unbias2 = 1 - self.beta1**self.t, 1 - self.beta2**self.t
        for row, g, m, v in zip(model, slope, self.mean, self.square):
            m[:] = [self.beta1 * a + (1 - self.beta1) * b for a, b in zip(m, g)]
            v[:] = [self.beta2 * a + (1 - self.beta2) * b * b for a, b in zip(v, g)]
            row[:] = [
                w - self.lr * (a / unbias1) / ((b / unbias2) ** 0.5 + self.epsilon)
                for w, a, b in zip(row, m, v)
            ]


def main():
    parser = argparse.ArgumentParser(description="Softmax regression on 1,797 digits.")
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--opt", choices=("sgd", "adam"), default="sgd")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=softmax.DIGITS, help="digits.csv.gz")
    args = parser.parse_args()

    training, test = softmax.load(args.data)
    model = softmax.zeros()
    optimiser = {"sgd": Sgd, "adam": Adam}[args.opt](args.lr)
    for epoch in range(1, args.epochs + 1):
        for batch in softmax.batches(training, args.batch_size, args.seed * 1000 + epoch):
            optimiser.step(model, softmax.gradient(model, batch))
        loss, accuracy = softmax.evaluate(model, test)
        print(f"{softmax.now()} epoch={epoch} loss={loss:.6f} accuracy={accuracy:.4f}", flush=True)


if __name__ == "__main__":
    main()
