"""SMAC3: random forests (its HPO facade) or a Gaussian process (its black-box facade)."""
import importlib.metadata
import logging
import tempfile
import warnings

from ConfigSpace import Categorical, ConfigurationSpace, Configuration, Float, InCondition, Integer
from smac import BlackBoxFacade, HyperparameterOptimizationFacade, Scenario
from smac.runhistory.dataclasses import TrialInfo, TrialValue
from smac.runhistory.enumerations import StatusType

from peers import Unsuited

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


class Smac:
    objectives, constraints, workers, conditions = 1, 0, 10**6, True

    def __init__(self, kind, spec):
        self.version = f"smac {importlib.metadata.version('smac')}"
        self.parameters = spec["parameters"]
        space = ConfigurationSpace(seed=spec["seed"])
        made = {p["name"]: self.parameter(p) for p in self.parameters}
        space.add(list(made.values()))
        for p in self.parameters:
            when = p.get("when", ())
            if len(when) > 1:
                raise Unsuited("more than one condition of a parameter is not written here")
            for c in when:
                space.add(InCondition(made[p["name"]], made[c["parameter"]], c["values"]))
        if kind == "gp" and any(p.get("when") for p in self.parameters):
            raise Unsuited("its Gaussian process knows no conditional parameters")
        self.space = space
        facade = HyperparameterOptimizationFacade if kind == "rf" else BlackBoxFacade
        scenario = Scenario(space, deterministic=True, n_trials=max(spec["trials"], 100), seed=spec["seed"], output_directory=tempfile.mkdtemp(prefix="smac-"))
        self.smac = facade(scenario, lambda config, seed=0: 0.0, overwrite=True, logging_level=False)

    def parameter(self, p):
        log = p["distribution"].startswith("log")
        if p["type"] in ("categorical", "discrete"):
            return Categorical(p["name"], p["list"])
        if p["type"] == "int":
            return Integer(p["name"], (int(p["min"]), int(p["max"])), log=log)
        if p.get("step"):
            return Integer(p["name"], (0, round((p["max"] - p["min"]) / p["step"])))
        return Float(p["name"], (p["min"], p["max"]), log=log)

    def ask(self, count):
        for _ in range(count):
            info, assignments = self.smac.ask(), {}
            for p in self.parameters:
                if p["name"] in info.config:
                    v = info.config[p["name"]]
                    if "list" in p:
                        v = str(v)
                    elif p["type"] == "double" and p.get("step"):
                        v = p["min"] + int(v) * p["step"]
                    assignments[p["name"]] = v if isinstance(v, str) else float(v)
            yield info, assignments

    def tell(self, info, assignments, values, constraints):
        if values is None:
            self.smac.tell(info, TrialValue(cost=float("inf"), status=StatusType.CRASHED))
        else:
            self.smac.tell(info, TrialValue(cost=values[0]))

    def add(self, trials):
        for assignments, values in trials:
            encoded = {}
            for p in self.parameters:
                if (v := assignments.get(p["name"])) is not None:
                    stepped = p["type"] == "double" and p.get("step")
                    encoded[p["name"]] = round((v - p["min"]) / p["step"]) if stepped else int(v) if p["type"] == "int" else v
            self.smac.tell(TrialInfo(Configuration(self.space, encoded), seed=0), TrialValue(cost=values[0]))
