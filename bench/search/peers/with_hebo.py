"""HEBO."""
import importlib.metadata
import warnings

import numpy as np
import pandas as pd
import torch
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO

warnings.filterwarnings("ignore")
torch.set_num_threads(1)


class Hebo:
    objectives, constraints, workers, conditions = 1, 0, 10**6, False

    def __init__(self, kind, spec):
        self.version = f"HEBO {importlib.metadata.version('HEBO')}, torch {torch.__version__}"
        torch.manual_seed(spec["seed"])
        np.random.seed(spec["seed"])
        self.parameters = spec["parameters"]
        self.optimizer = HEBO(DesignSpace().parse([self.entry(p) for p in self.parameters]), scramble_seed=spec["seed"])

    def entry(self, p):
        if p["type"] in ("categorical", "discrete"):
            return {"name": p["name"], "type": "cat", "categories": p["list"]}
        log, bounds = p["distribution"].startswith("log"), {"lb": p["min"], "ub": p["max"]}
        if p["type"] == "int":
            return {"name": p["name"], "type": "pow_int" if log else "int", "lb": int(p["min"]), "ub": int(p["max"])}
        if p.get("step"):
            return {"name": p["name"], "type": "int", "lb": 0, "ub": round((p["max"] - p["min"]) / p["step"])}
        return {"name": p["name"], "type": "pow" if log else "num", **bounds}

    def stepped(self, p):
        return p["type"] == "double" and p.get("step")

    def ask(self, count):
        rows = self.optimizer.suggest(count)
        for i in range(len(rows)):
            row, assignments = rows.iloc[[i]], {}
            for p in self.parameters:
                v = row[p["name"]].iloc[0]
                assignments[p["name"]] = p["min"] + int(v) * p["step"] if self.stepped(p) else str(v) if "list" in p else float(v)
            yield row, assignments

    def tell(self, row, assignments, values, constraints):
        self.optimizer.observe(row, np.array([[np.nan if values is None else values[0]]]))

    def add(self, trials):
        rows = pd.DataFrame([
            {p["name"]: round((a[p["name"]] - p["min"]) / p["step"]) if self.stepped(p) else int(a[p["name"]]) if p["type"] == "int" else a[p["name"]]
             for p in self.parameters} for a, _ in trials])
        self.optimizer.observe(rows, np.array([v for _, v in trials]))
