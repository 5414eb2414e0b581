#!/usr/bin/env python3
"""Search, by gradient, which operation of those that `darts` tells is the best for each layer, on 8×8 digits.

A layer is a mixture of all operations, with weights softmax(alpha), before a softmax regression; the layers' logits are
added. Steps of the regressions on one half of the training digits take turns with steps of alpha on the other half. The
arguments are those of Katib's trial image.
"""

import argparse
import json
import math
import re
import sys
from operator import mul
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import softmax

SIDE = 8


def pool(inputs, size, pick):
    """Return the image with pick() of the square of size pixels a side around every pixel."""
    reach = size // 2
    result = []
    for i in range(SIDE * SIDE):
        rows = range(max(0, i // SIDE - reach), min(SIDE, i // SIDE + reach + 1))
        left, right = max(0, i % SIDE - reach), min(SIDE, i % SIDE + reach + 1)
        result.append(pick([pixel for r in rows for pixel in inputs[SIDE * r + left : SIDE * r + right]]))
    return result + [1.0]


def operation(primitive):
    """Return the function of an operation such as max_pooling_3x3 or skip_connection."""
    if primitive == "skip_connection":
        return lambda inputs: inputs
    kind, size = re.fullmatch(r"(\w+)_(\d+)x\d+", primitive).groups()
    picks = {"max_pooling": max, "avg_pooling": lambda pixels: sum(pixels) / len(pixels)}
    return lambda inputs: pool(inputs, int(size), picks[kind])


def mixture(alpha):
    """Return softmax(alpha)."""
    powers = [math.exp(a - max(alpha)) for a in alpha]
    return [power / sum(powers) for power in powers]


def errors(layers, images):
    """Return the inputs mixed for every layer, and the errors of the 10 probabilities, of one example."""
    features, digit = images
    mixed = []
    for alpha, _ in layers:
        weights = mixture(alpha)
        mixed.append([sum(map(mul, weights, pixels)) for pixels in zip(*features)])
    logits = [sum(sum(map(mul, model[k], x)) for (_, model), x in zip(layers, mixed)) for k in range(softmax.CLASSES)]
    powers = [math.exp(logit - max(logits)) for logit in logits]
    return mixed, [power / sum(powers) - (k == digit) for k, power in enumerate(powers)]


def step(layers, images, w_lr, alpha_lr):
    """Take a step by one example: of the regressions with w_lr, of alpha with alpha_lr."""
    mixed, error = errors(layers, images)
    for (alpha, model), x in zip(layers, mixed):
        weights = mixture(alpha)
        if alpha_lr:
            slope = [sum(e * row[i] for e, row in zip(error, model)) for i in range(len(x))]
            gains = [sum(map(mul, slope, feature)) for feature in images[0]]
            mean = sum(map(mul, weights, gains))
            alpha[:] = [a - alpha_lr * w * (g - mean) for a, w, g in zip(alpha, weights, gains)]
        if w_lr:
            for k, e in enumerate(error):
                model[k] = [w - w_lr * e * value for w, value in zip(model[k], x)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    for name in ("algorithm-settings", "search-space", "num-layers"):
        parser.add_argument("--" + name, required=True)
    args = parser.parse_args()
    settings = json.loads(args.algorithm_settings.replace("'", '"'))
    primitives = json.loads(args.search_space.replace("'", '"'))
    operations = [operation(primitive) for primitive in primitives]

    training, test = softmax.load()
    prepare = lambda examples: [([op(inputs) for op in operations], digit) for inputs, digit in examples]
    training, test = prepare(training[::4]), prepare(test)
    layers = [([0.001 * i] * len(primitives), softmax.zeros()) for i in range(int(args.num_layers))]
    for _ in range(int(settings["num_epochs"])):
        for one, other in zip(training[::2], training[1::2]):
            step(layers, one, float(settings["w_lr"]), 0)
            step(layers, other, 0, float(settings["alpha_lr"]))
        right = 0
        for images in test:
            guess = errors(layers, images)[1]
            guess[images[1]] += 1  # back from errors to probabilities
            right += guess[images[1]] == max(guess)
        genotype = [primitives[alpha.index(max(alpha))] for alpha, _ in layers]
        print(f"{softmax.now()} accuracy={right / len(test):.4f} genotype={','.join(genotype)}", flush=True)


if __name__ == "__main__":
    main()
