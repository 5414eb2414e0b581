#!/usr/bin/env python3
"""Train a small convolutional network on handwritten digits, alone or with other processes.

Run by itself it trains in one process. Where WORLD_SIZE is above 1 (a PyTorchJob or torchrun sets
it, with RANK, MASTER_ADDR and MASTER_PORT) the processes meet at that address and train one model
with DistributedDataParallel; each takes its share of the training images and of the test images.

After each epoch rank 0 prints one line with the loss and the accuracy over the whole test set:

    2026-01-01T00:00:00Z epoch=1 loss=0.412345 accuracy=0.8972

and on the way there, every --log-interval batches, the loss of the training batch at hand:

    2026-01-01T00:00:00Z epoch=1 batch=20/45 train_loss=0.823456

The images come from MNIST, FashionMNIST or EMNIST files in IDX format in a directory (--data, or
the environment's QALAM_MNIST or MNIST_DIR), otherwise from digits.csv.gz beside this file. Nothing
is ever downloaded. The same arguments, seed and number of processes give the same numbers.
"""

import argparse
import csv
import datetime
import gzip
import math
import os
import re
import struct
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data.distributed import DistributedSampler

DIGITS = Path(__file__).resolve().parent / "digits.csv.gz"
IMAGES_NAME = re.compile(r"(?P<part>.*)-images[-.]idx3-ubyte(\.gz)?")
TEST_SHARE = 5  # where the data are not split already, the last fifth is for the test
MIN_SIDE = 4  # of an image, in pixels: the network halves it twice


class Fault(Exception):
    """Something the user can put right: printed without a traceback."""


# Data.


class Part(NamedTuple):
    """Labelled images: uint8 of shape (N, height, width) and int64 of shape (N,)."""

    images: torch.Tensor
    labels: torch.Tensor

    def to(self, device):
        return Part(self.images.to(device), self.labels.to(device))


def read_idx(path, dimensions):
    """Return the unsigned bytes of an IDX file, plain or gzipped, in the shape that it states."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            data = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise Fault(f"{path} cannot be read: {error}") from error
    header = 4 + 4 * dimensions
    if data[:4] != bytes([0, 0, 8, dimensions]) or len(data) < header:
        raise Fault(f"{path} is no IDX file of unsigned bytes in {dimensions} dimension(s)")
    shape = struct.unpack(f">{dimensions}I", data[4:header])
    if math.prod(shape) != len(data) - header or 0 in shape:
        raise Fault(f"{path} states the shape {shape} but holds {len(data) - header} bytes")
    return torch.frombuffer(bytearray(data[header:]), dtype=torch.uint8).reshape(shape)


def read_pair(images_path):
    """Return the part whose images are in this IDX file and whose labels are in one beside it."""
    name = images_path.name.replace("-images", "-labels").replace("idx3", "idx1")
    stem = name[: -len(".gz")] if name.endswith(".gz") else name
    candidates = [images_path.with_name(stem), images_path.with_name(stem + ".gz")]
    labels_path = next((path for path in candidates if path.exists()), None)
    if labels_path is None:
        raise Fault(f"{images_path} has no labels beside it: {stem} or {stem}.gz is missing")
    part = Part(read_idx(images_path, 3), read_idx(labels_path, 1).long())
    counts = len(part.images), len(part.labels)
    if counts[0] != counts[1]:
        raise Fault(f"{images_path} has {counts[0]} images but {labels_path} {counts[1]} labels")
    return part


def find_idx(directory):
    """Return the files of images in a directory by part ("train", "t10k", "test", …)."""
    for folder in (directory, *(directory / d for d in ("raw", "MNIST/raw", "FashionMNIST/raw"))):
        found = {}
        for path in sorted(folder.glob("*")):
            match = IMAGES_NAME.fullmatch(path.name)
            if match:
                found.setdefault(match["part"], path)
        if found:
            return found
    return {}


def read_directory(directory):
    """Return the parts for training and for the test from IDX files."""
    parts = find_idx(directory)
    if not parts:
        raise Fault(
            f"{directory} holds no MNIST files: train-images-idx3-ubyte[.gz] or such is expected"
            + ("" if directory.is_dir() else " (there is no such directory)")
        )
    test = next((parts[p] for p in parts if p.endswith(("t10k", "test"))), None)
    train = next((parts[p] for p in parts if p.endswith("train")), None)
    if train and test:
        return read_pair(train), read_pair(test)
    return split(read_pair(train or test or next(iter(parts.values()))))


def read_digits(path):
    """Return the parts for training and for the test of the 8×8 digits."""
    try:
        with gzip.open(path, "rt", newline="") as file:
            rows = torch.tensor([[int(v) for v in row] for row in csv.reader(file)])
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise Fault(f"{path} cannot be read: {error}") from error
    return split(Part(rows[:, :-1].reshape(-1, 8, 8).to(torch.uint8), rows[:, -1]))


def split(part):
    """Keep the last fifth for the test; where the order is by writer, these are other hands."""
    count = len(part.images) - len(part.images) // TEST_SHARE
    return Part(*(t[:count] for t in part)), Part(*(t[count:] for t in part))


def load(directory):
    """Return the parts for training and for the test from where the user says."""
    directory = directory or os.environ.get("QALAM_MNIST") or os.environ.get("MNIST_DIR")
    training, test = read_directory(Path(directory)) if directory else read_digits(DIGITS)
    size, test_size = (tuple(part.images.shape[1:]) for part in (training, test))
    if size != test_size or min(size) < MIN_SIDE:
        raise Fault(
            f"the images are {size} for training and {test_size} for the test; "
            f"they must be alike and {MIN_SIDE} pixels wide and high at least"
        )
    if not len(test.images):
        raise Fault(f"{len(training.images)} images are too few to keep a fifth for the test")
    return training, test


# The model, its training and its test.


class Net(nn.Module):
    """Two convolutions and a linear layer on images scaled to mean 0 and variance 1."""

    def __init__(self, images, classes):
        super().__init__()
        height, width = images.shape[1:]
        sample = images[:10000].float()  # enough for two figures, and small beside 60,000 images
        self.mean, self.std = sample.mean().item(), max(sample.std().item(), 1e-6)
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.out = nn.Linear(32 * (height // 4) * (width // 4), classes)

    def forward(self, images):
        """Return logits (B, classes) for uint8 images (B, height, width)."""
        x = images.float().sub(self.mean).div(self.std).unsqueeze(1)
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        return self.out(x.flatten(1))


def train(model, optimiser, part, batches, report):
    """Take one step per batch, a tensor (B,) of indices into the part."""
    model.train()
    for number, batch in enumerate(batches, start=1):
        loss = functional.cross_entropy(model(part.images[batch]), part.labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        report(number, len(batches), loss)


@torch.no_grad()
def evaluate(net, part, batches):
    """Return the mean loss and the accuracy over the test batches of all processes together."""
    net.eval()
    sums = torch.zeros(3, dtype=torch.float64, device=part.labels.device)  # loss, right, seen
    for batch in batches:
        logits, truth = net(part.images[batch]), part.labels[batch]
        sums[0] += functional.cross_entropy(logits, truth, reduction="sum")
        sums[1] += (logits.argmax(1) == truth).sum()
        sums[2] += len(batch)
    if dist.is_initialized():
        dist.all_reduce(sums)
    loss, right, seen = sums.tolist()
    return loss / seen, right / seen


# The processes.


def place(args):
    """Return (rank, world size, device) and join the other processes where there are any."""
    values = {}
    for name, default in (("WORLD_SIZE", "1"), ("RANK", "0"), ("LOCAL_RANK", "0")):
        text = os.environ.get(name, default)
        if not text.isdecimal():
            raise Fault(f"the environment's {name} must be a whole number, not {text!r}")
        values[name] = int(text)
    rank, world = values["RANK"], max(values["WORLD_SIZE"], 1)
    device = torch.device("cpu")
    if torch.cuda.is_available() and not args.no_cuda:
        device = torch.device("cuda", values["LOCAL_RANK"] % torch.cuda.device_count())
        torch.cuda.set_device(device)
    if world > 1:
        missing = [n for n in ("RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(n)]
        if missing:
            raise Fault(f"WORLD_SIZE is {world}, so {', '.join(missing)} must be set too")
        if rank >= world:
            raise Fault(f"RANK {rank} must be below WORLD_SIZE {world}")
        join(args, rank, world)
    return rank, world, device


def join(args, rank, world):
    """Meet the other processes at MASTER_ADDR:MASTER_PORT."""
    try:
        timeout = datetime.timedelta(seconds=args.timeout)
        dist.init_process_group(args.backend, rank=rank, world_size=world, timeout=timeout)
    except (RuntimeError, ValueError, OSError) as error:  # a time-out is the last of these
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        who = f"rank {rank} of {world}"
        raise Fault(f"{who} could not meet the others at {where}: {error}") from error


def say(**values):
    """Print a line of name=value with the time in front, at once."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    print(now, *(f"{name}={value}" for name, value in values.items()), flush=True)


def run(args):
    """Train for all epochs; rank 0 prints what the others keep quiet about."""
    training, test = load(args.data)
    rank, world, device = place(args)

    torch.manual_seed(args.seed)
    classes = int(max(training.labels.max(), test.labels.max())) + 1
    net = Net(training.images, classes).to(device)
    model = DistributedDataParallel(net) if world > 1 else net
    optimiser = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum)
    training, test = training.to(device), test.to(device)
    sampler = DistributedSampler(training.images, world, rank, seed=args.seed)
    test_batches = torch.arange(rank, len(test.images), world).split(args.test_batch_size)

    for epoch in range(1, args.epochs + 1):

        def report(number, count, loss, epoch=epoch):
            if rank == 0 and args.log_interval and number % args.log_interval == 0:
                say(epoch=epoch, batch=f"{number}/{count}", train_loss=f"{loss.item():.6f}")

        sampler.set_epoch(epoch)
        batches = torch.tensor(list(sampler)).split(args.batch_size)
        train(model, optimiser, training, batches, report)
        loss, accuracy = evaluate(net, test, test_batches)
        if rank == 0:
            say(epoch=epoch, loss=f"{loss:.6f}", accuracy=f"{accuracy:.4f}")


def number(kind, low, low_included=True):
    """Return a parser of finite numbers that are at least, or more than, low."""

    def parse(text):
        value = kind(text)
        if not math.isfinite(value) or value < low or (value == low and not low_included):
            bound = "at least" if low_included else "more than"
            raise argparse.ArgumentTypeError(f"{text} is not a finite number {bound} {low}")
        return value

    parse.__name__ = "number"
    return parse


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--epochs", type=number(int, 1), default=10)
    parser.add_argument("--batch-size", type=number(int, 1), default=64, help="per process")
    parser.add_argument("--test-batch-size", type=number(int, 1), default=1000, help="per process")
    parser.add_argument("--lr", type=number(float, 0, False), default=0.01, help="of SGD")
    parser.add_argument("--momentum", type=number(float, 0), default=0.5, help="of SGD")
    parser.add_argument("--seed", type=number(int, 0), default=1)
    parser.add_argument(
        "--data", metavar="DIR", help="directory of IDX files (default: the digits)"
    )
    parser.add_argument("--log-interval", type=number(int, 0), default=20, help="batches; 0: never")
    parser.add_argument("--no-cuda", action="store_true", help="stay on the CPU")
    parser.add_argument("--backend", choices=("gloo", "nccl", "mpi"), default="gloo")
    parser.add_argument(
        "--timeout",
        type=number(float, 0, False),
        default=600,
        metavar="SECONDS",
        help="how long to wait for the other processes",
    )
    parser.add_argument(
        "--threads",
        type=number(int, 1),
        default=None,
        help="per process (default: the environment's OMP_NUM_THREADS, or 1)",
    )
    return parser.parse_args()


def main():
    args = arguments()
    # Several processes share the cores; with torch's default of all cores each they would crawl.
    if args.threads or "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(args.threads or 1)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    try:
        run(args)
    except Fault as fault:
        print(f"mnist.py: {fault}", file=sys.stderr, flush=True)
        return 1
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
    return 0


if __name__ == "__main__":
    sys.exit(main())
