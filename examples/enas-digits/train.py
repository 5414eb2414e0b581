#!/usr/bin/env python3
"""Build the network that `enas` proposes, of operations on 8×8 digits, and print how well it tells digits apart.

The two arguments are those of Katib's trial images: the architecture as a JSON list of layers, each an operation's number
and its skip bits, and a description of the numbers, with single quotes where JSON has double ones.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import softmax

SIDE = 8
EDGE = range(SIDE)


def smooth(image, params):
    """Average over a square of filter_size pixels a side."""
    reach = int(params["filter_size"]) // 2
    rows = [[max(0, i - reach), min(SIDE, i + reach + 1)] for i in EDGE]
    return [
        sum(sum(image[SIDE * r + left : SIDE * r + right]) for r in range(top, bottom)) / ((bottom - top) * (right - left))
        for top, bottom in rows
        for left, right in rows
    ]


def edges(image, params):
    """Take the difference of each pixel and the next, across or down."""
    step = 1 if params["direction"] == "across" else SIDE
    return [abs(image[(i + step) % len(image)] - image[i]) for i in range(len(image))]


def threshold(image, params):
    """Let through what is above a level."""
    return [max(0.0, pixel - float(params["level"])) for pixel in image]


OPERATIONS = {"smooth": smooth, "edges": edges, "threshold": threshold}


def features(image, architecture, embedding):
    """Return what the last layer makes of an image; a layer takes the output before it and those that its skip bits name."""
    outputs = [image]
    for number, *skips in architecture:
        taken = [outputs[-1]] + [output for output, skip in zip(outputs, skips) if skip]
        inputs = [sum(pixels) / len(taken) for pixels in zip(*taken)]
        operation = embedding[str(number)]
        outputs.append(OPERATIONS[operation["opt_type"]](inputs, operation["opt_params"]))
    return outputs[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--architecture", required=True)
    parser.add_argument("--nn_config", required=True)
    args = parser.parse_args()
    architecture = json.loads(args.architecture.replace("'", '"'))
    config = json.loads(args.nn_config.replace("'", '"'))
    assert len(architecture) == config["num_layers"] and config["input_sizes"] == [SIDE, SIDE, 1]

    training, test = softmax.load()
    sums = [[0.0] * SIDE * SIDE for _ in range(softmax.CLASSES)]
    counts = [0] * softmax.CLASSES
    for inputs, digit in training[::2]:  # half, to keep trials short
        counts[digit] += 1
        found = features(inputs[:-1], architecture, config["embedding"])
        sums[digit] = [s + f for s, f in zip(sums[digit], found)]
    centres = [[s / n for s in total] for total, n in zip(sums, counts)]

    right = 0
    for inputs, digit in test:
        found = features(inputs[:-1], architecture, config["embedding"])
        distances = [sum((f - c) ** 2 for f, c in zip(found, centre)) for centre in centres]
        right += distances.index(min(distances)) == digit
    print(f"{softmax.now()} accuracy={right / len(test):.4f}", flush=True)


if __name__ == "__main__":
    main()
