#!/usr/bin/env python3
"""Synchronous data-parallel training with a parameter server, by TF_CONFIG, without TensorFlow.

Every task of a TFJob runs this script. A `ps` holds the model: it listens at its own address in
TF_CONFIG, collects one gradient from each training task (`chief`, `worker`, `master`), takes a step
with their mean and answers all of them with the new model. The first training task (the chief,
where there is one) also prints the metrics.

Messages are JSON, one per line. From a training task: {"gradient": 10 × 65}, or {"done": true};
from the parameter server: {"model": 10 × 65}, first without being asked.
"""

import argparse
import json
import os
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import softmax

TRAINING = ("chief", "master", "worker")


def send(connection, message):
    connection.sendall(json.dumps(message).encode() + b"\n")


def receive(lines, who):
    """Return the next message of a connection."""
    try:
        line = lines.readline()
    except OSError as error:  # a time-out is one too
        sys.exit(f"train.py: no answer from {who}: {error}")
    if not line.endswith(b"\n"):
        sys.exit(f"train.py: {who} closed the connection before it was done")
    return json.loads(line)


def split_address(address):
    host, _, port = address.rpartition(":")
    return host, int(port)


def listen(address):
    """Listen at our own address; on all where a cluster's DNS does not know our name yet."""
    host, port = split_address(address)
    try:
        return socket.create_server((host, port))
    except socket.gaierror:
        return socket.create_server(("", port))


def serve(address, tasks, lr, timeout):
    """Hold the model until all training tasks are done."""
    model = softmax.zeros()
    with listen(address) as server:
        server.settimeout(timeout)
        try:
            connections = [server.accept()[0] for _ in range(tasks)]
        except TimeoutError:
            sys.exit(f"train.py: not all of the {tasks} training tasks called within {timeout:g} s")
    readers = [connection.makefile("rb") for connection in connections]
    for connection in connections:
        connection.settimeout(timeout)
        send(connection, {"model": model})
    steps = 0
    while True:
        messages = [receive(reader, "a training task") for reader in readers]
        if any("done" in message for message in messages):
            break
        for message in messages:
            softmax.descend(model, message["gradient"], lr / tasks)
        steps += 1
        for connection in connections:
            send(connection, {"model": model})
    print(f"{steps} steps with gradients of {tasks} tasks", flush=True)


def connect(address, timeout):
    """Return a connection to the parameter server, which may start later than we do."""
    end = time.monotonic() + timeout
    while True:
        try:
            return socket.create_connection(split_address(address), timeout=timeout)
        except OSError as error:
            if time.monotonic() > end:
                sys.exit(f"train.py: no parameter server at {address}: {error}")
            time.sleep(0.1)


def train(address, index, tasks, args):
    """Compute gradients on every tasks-th example from index on; task 0 prints the metrics."""
    training, test = softmax.load()
    with connect(address, args.timeout) as connection:
        lines = connection.makefile("rb")
        model = receive(lines, address)["model"]
        for epoch in range(1, args.epochs + 1):
            # All tasks take the same number of steps, for the server waits for all of them.
            share = training[index : len(training) - len(training) % tasks : tasks]
            for batch in softmax.batches(share, args.batch_size, epoch):
                send(connection, {"gradient": softmax.gradient(model, batch)})
                model = receive(lines, address)["model"]
            if index == 0:
                loss, accuracy = softmax.evaluate(model, test)
                line = f"{softmax.now()} epoch={epoch} loss={loss:.6f} accuracy={accuracy:.4f}"
                print(line, flush=True)
        send(connection, {"done": True})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--batch-size", type=int, default=32, help="per task")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=60, help="seconds to wait for the others")
    args = parser.parse_args()

    if "TF_CONFIG" not in os.environ:
        sys.exit("train.py: TF_CONFIG is not set: run this as a TFJob with PS and Chief or Worker")
    config = json.loads(os.environ["TF_CONFIG"])
    cluster, task = config["cluster"], (config["task"]["type"], int(config["task"]["index"]))
    if len(cluster.get("ps", [])) != 1:
        sys.exit(f"train.py: one PS is needed, not {len(cluster.get('ps', []))}")
    tasks = [(kind, i) for kind in TRAINING for i in range(len(cluster.get(kind, [])))]
    address = cluster["ps"][0]
    if task == ("ps", 0):
        serve(address, len(tasks), args.lr, args.timeout)
    elif task in tasks:
        train(address, tasks.index(task), len(tasks), args)
    else:
        sys.exit(f"train.py: there is no task {task[0]} {task[1]} in {', '.join(cluster)}")


if __name__ == "__main__":
    main()
