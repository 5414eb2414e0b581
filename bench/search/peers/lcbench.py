"""Writes learning curves of LCBench: 34 data sets, 1,000 configurations of a neural network each, 52 epochs.

    python lcbench.py CHECKOUT FOLDER    CHECKOUT of github.com/slds-lmu/yahpo_data -> FOLDER/lcbench-tuning/3945.json.gz, FOLDER/lcbench/7593.json.gz, ...

In the order of the checkout the data sets are for tuning and for the comparison by turns.

A file is in the form of TaskSet's, [{"hp": {"learning_rate": 0.003, ...}, "valid": {"loss": [62.3, ...]}}, ...]: the loss is the
percentage of the validation data that is classified wrongly, after each epoch. The same checkout gives the same files.

LCBench is L. Zimmer, M. Lindauer, F. Hutter, "Auto-PyTorch: multi-fidelity metalearning for efficient and robust AutoDL", IEEE
Transactions on Pattern Analysis and Machine Intelligence 43(9), 3079-3090 (2021). Its curves are not in the checkout, but a network
that was fitted to them: F. Pfisterer, L. Schneider, J. Moosbauer, M. Binder, B. Bischl, "YAHPO Gym", AutoML 2022. What that says
has no noise, so that curves are smoother and cross less often than those it was fitted to.
"""
import gzip
import json
import pathlib
import sys

import numpy as np
import onnxruntime

CONFIGURATIONS, EPOCHS, SEED = 1000, 52, 1
FAMILIES = ("lcbench-tuning", "lcbench")  # of the data sets, by turns
# The network's inputs in their order; its outputs are time, val_accuracy (in percent), val_cross_entropy and three others.
INPUTS = ("epoch", "batch_size", "learning_rate", "momentum", "weight_decay", "num_layers", "max_units", "max_dropout")
ACCURACY = 1


def draw(rng, p):
    """CONFIGURATIONS values of a parameter, as its range says."""
    low, high = float(p["lower"]), float(p["upper"])
    if p["type"] == "uniform_int":
        low, high = low - 0.4999, high + 0.4999
    values = np.exp(rng.uniform(np.log(low), np.log(high), CONFIGURATIONS)) if p["log"] else rng.uniform(low, high, CONFIGURATIONS)
    return np.round(values) if p["type"] == "uniform_int" else values


def write(name, hp, losses):
    entries = [{"hp": {k: float(v[i]) for k, v in hp.items()}, "valid": {"loss": [round(float(x), 6) for x in losses[i]]}} for i in range(CONFIGURATIONS)]
    with open(name, "wb") as file, gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
        packed.write(json.dumps(entries, separators=(",", ":")).encode())


def main(checkout, folder):
    source, target = pathlib.Path(checkout) / "lcbench", pathlib.Path(folder)
    for family in FAMILIES:
        (target / family).mkdir(parents=True, exist_ok=True)
    parameters = {p["name"]: p for p in json.loads((source / "config_space.json").read_text())["hyperparameters"]}
    codes = json.loads((source / "encoding.json").read_text())["OpenML_task_id"]
    network = onnxruntime.InferenceSession(str(source / "model.onnx"), providers=["CPUExecutionProvider"])
    epochs = np.tile(np.arange(1, EPOCHS + 1), CONFIGURATIONS)
    for i, data in enumerate(parameters["OpenML_task_id"]["choices"]):
        rng = np.random.default_rng([SEED, int(data)])
        hp = {name: draw(rng, parameters[name]) for name in INPUTS[1:]}
        x = np.stack([epochs] + [np.repeat(hp[name], EPOCHS) for name in INPUTS[1:]], axis=1).astype(np.float32)
        y = network.run(None, {"x_cat": np.full((len(x), 1), codes[data], np.int32), "x_cont": x})[0]
        write(target / FAMILIES[i % len(FAMILIES)] / f"{data}.json.gz", hp, (100 - y[:, ACCURACY]).reshape(CONFIGURATIONS, EPOCHS))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: lcbench.py CHECKOUT FOLDER")
    main(*sys.argv[1:])
