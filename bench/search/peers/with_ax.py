"""Ax: its default strategy, Sobol points and then BoTorch's Gaussian processes."""
import importlib.metadata
import logging
import warnings

import torch
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
torch.set_num_threads(1)


class Ax:
    objectives, constraints, workers, conditions = 1, 0, 10**6, False

    def __init__(self, kind, spec):
        self.version = f"ax-platform {importlib.metadata.version('ax-platform')}, torch {torch.__version__}"
        self.parameters = spec["parameters"]
        self.client = Client(random_seed=spec["seed"])
        self.client.configure_experiment(parameters=[self.config(p) for p in self.parameters])
        self.client.configure_optimization(objective="-loss")

    def config(self, p):
        scaling = "log" if p["distribution"].startswith("log") else "linear"
        if p["type"] in ("categorical", "discrete"):
            return ChoiceParameterConfig(name=p["name"], values=p["list"], parameter_type="str", is_ordered=False)
        if p["type"] == "int":
            return RangeParameterConfig(name=p["name"], bounds=(int(p["min"]), int(p["max"])), parameter_type="int", scaling=scaling)
        if p.get("step"):
            return RangeParameterConfig(name=p["name"], bounds=(0, round((p["max"] - p["min"]) / p["step"])), parameter_type="int")
        return RangeParameterConfig(name=p["name"], bounds=(p["min"], p["max"]), parameter_type="float", scaling=scaling)

    def stepped(self, p):
        return p["type"] == "double" and p.get("step")

    def ask(self, count):
        for index, values in self.client.get_next_trials(max_trials=count).items():
            yield index, {p["name"]: p["min"] + values[p["name"]] * p["step"] if self.stepped(p) else values[p["name"]] for p in self.parameters}

    def tell(self, index, assignments, values, constraints):
        if values is None:
            self.client.mark_trial_failed(index)
        else:
            self.client.complete_trial(index, raw_data={"loss": values[0]})

    def add(self, trials):
        for assignments, values in trials:
            encoded = {p["name"]: round((assignments[p["name"]] - p["min"]) / p["step"]) if self.stepped(p) else
                       int(assignments[p["name"]]) if p["type"] == "int" else assignments[p["name"]] for p in self.parameters}
            self.client.complete_trial(self.client.attach_trial(encoded), raw_data={"loss": values[0]})
