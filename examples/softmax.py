"""Softmax regression on the 1,797 digits in plain Python: what the small examples train.

A model is 10 rows of 65 weights, one row per digit; the 65th belongs to an input that is always 1.
"""

import csv
import datetime
import gzip
import math
import random
from operator import mul
from pathlib import Path

DIGITS = Path(__file__).resolve().parent / "pytorch-mnist" / "digits.csv.gz"
CLASSES = 10
TEST = 360  # the last 360 digits, for the most part by other writers, are for the test


def load(path=DIGITS):
    """Return (training examples, test examples): lists of (65 inputs from 0 to 1, digit)."""
    with gzip.open(path, "rt", newline="") as file:
        rows = [[int(value) for value in row] for row in csv.reader(file)]
    examples = [([pixel / 16 for pixel in row[:-1]] + [1.0], row[-1]) for row in rows]
    return examples[:-TEST], examples[-TEST:]


def zeros():
    """Return a model of zeros, 10 × 65; gradients have the same shape."""
    return [[0.0] * 65 for _ in range(CLASSES)]


def probabilities(model, inputs):
    """Return the model's 10 probabilities for 65 inputs."""
    logits = [sum(map(mul, row, inputs)) for row in model]
    top = max(logits)
    powers = [math.exp(logit - top) for logit in logits]
    total = sum(powers)
    return [power / total for power in powers]


def gradient(model, examples):
    """Return the gradient, 10 × 65, of the mean cross-entropy over the examples."""
    result = zeros()
    for inputs, digit in examples:
        for k, p in enumerate(probabilities(model, inputs)):
            error = (p - (k == digit)) / len(examples)
            result[k] = [g + error * x for g, x in zip(result[k], inputs)]
    return result


def evaluate(model, examples):
    """Return the mean cross-entropy and the accuracy over the examples."""
    loss = right = 0.0
    for inputs, digit in examples:
        p = probabilities(model, inputs)
        loss -= math.log(max(p[digit], 1e-300))
        right += max(p) == p[digit]
    return loss / len(examples), right / len(examples)


def batches(examples, size, seed):
    """Return the examples in an order drawn with the seed, in lists of the given size."""
    order = random.Random(seed).sample(examples, len(examples))
    return [order[start : start + size] for start in range(0, len(order), size)]


def descend(model, slope, lr):
    """Take a step of gradient descent: model ← model − lr · slope, in place."""
    for row, slopes in zip(model, slope):
        row[:] = [w - lr * g for w, g in zip(row, slopes)]


def now():
    """Return the time as RFC 3339 writes it, for the start of a line of metrics."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
