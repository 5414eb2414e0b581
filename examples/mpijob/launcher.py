#!/usr/bin/env python3
"""Start a rank in every slot of the workers, as mpirun does, and average their models.

What an MPIJob hands to mpirun is used in the same way: OMPI_MCA_orte_default_hostfile names the
workers and their slots, and OMPI_MCA_plm_rsh_agent is the program that runs a command on one of
them (`AGENT HOST COMMAND…`). Each rank learns its number from OMPI_COMM_WORLD_RANK and trains on
its own share of the data; the mean of their models is the result (Zinkevich, Weimer, Smola and Li:
Parallelized Stochastic Gradient Descent, NIPS 2010).
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import softmax

WORKER = Path(__file__).resolve().with_name("worker.py")


def setting(name):
    """Return a variable which the operator sets in the launcher."""
    if not os.environ.get(name):
        sys.exit(f"launcher.py: {name} is not set: run this as the Launcher of an MPIJob")
    return os.environ[name]


def slots(hostfile):
    """Return the host of each rank from lines like `job-worker-0 slots=2`."""
    hosts = []
    for line in Path(hostfile).read_text(encoding="utf-8").splitlines():
        words = line.partition("#")[0].split()
        if words:
            options = dict(word.partition("=")[::2] for word in words[1:])
            hosts += [words[0]] * int(options.get("slots", "1"))
    if not hosts:
        sys.exit(f"launcher.py: {hostfile} names no hosts")
    return hosts


def start(agent, host, rank, size, args):
    """Start a rank on its host; the agent hands the words to a shell there."""
    command = [
        "env",
        f"OMPI_COMM_WORLD_RANK={rank}",
        f"OMPI_COMM_WORLD_SIZE={size}",
        "python3",
        str(WORKER),
        f"--lr={args.lr}",
        f"--epochs={args.epochs}",
    ]
    return subprocess.Popen(
        [*shlex.split(agent), host, *map(shlex.quote, command)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def mean(models):
    """Return the mean of models, each 10 × 65."""
    return [[sum(w) / len(models) for w in zip(*rows)] for rows in zip(*models)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--epochs", type=int, default=2)
    args = parser.parse_args()
    agent = setting("OMPI_MCA_plm_rsh_agent")
    hosts = slots(setting("OMPI_MCA_orte_default_hostfile"))

    _, test = softmax.load()
    ranks = [start(agent, host, rank, len(hosts), args) for rank, host in enumerate(hosts)]
    try:
        for epoch in range(1, args.epochs + 1):
            models = []
            for rank, process in enumerate(ranks):
                line = process.stdout.readline()
                if not line.endswith("\n"):
                    code = process.wait()
                    sys.exit(f"launcher.py: rank {rank} on {hosts[rank]} ended with status {code}")
                models.append(json.loads(line))
            loss, accuracy = softmax.evaluate(mean(models), test)
            line = f"{softmax.now()} epoch={epoch} loss={loss:.6f} accuracy={accuracy:.4f}"
            print(line, flush=True)
        codes = [process.wait() for process in ranks]
        if any(codes):
            sys.exit(f"launcher.py: the ranks ended with status {codes}")
    finally:
        for process in ranks:
            process.kill()


if __name__ == "__main__":
    main()
