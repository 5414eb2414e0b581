"""Vizier's default: a Gaussian process with UCB and pure exploration for batches."""
import importlib.metadata
import logging
import warnings

import jax
from vizier import algorithms as vza
from vizier import pyvizier as vz
from vizier.algorithms.designers import VizierGPUCBPEBandit

jax.config.update("jax_enable_x64", True)  # with single precision what it proposes is not a number from the third trial on
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


class Vizier:
    objectives, constraints, workers, conditions = 1, 0, 10**6, False

    def __init__(self, kind, spec):
        self.version = f"google-vizier {importlib.metadata.version('google-vizier')}, jax {jax.__version__}"
        self.parameters = spec["parameters"]
        problem = vz.ProblemStatement()
        root = problem.search_space.root
        for p in self.parameters:
            scale = vz.ScaleType.LOG if p["distribution"].startswith("log") else vz.ScaleType.LINEAR
            if p["type"] in ("categorical", "discrete"):
                root.add_categorical_param(p["name"], p["list"])
            elif p["type"] == "int":
                root.add_int_param(p["name"], int(p["min"]), int(p["max"]), scale_type=scale)
            elif p.get("step"):
                count = round((p["max"] - p["min"]) / p["step"])
                root.add_discrete_param(p["name"], [round(p["min"] + i * p["step"], 12) for i in range(count + 1)])
            else:
                root.add_float_param(p["name"], p["min"], p["max"], scale_type=scale)
        problem.metric_information.append(vz.MetricInformation("loss", goal=vz.ObjectiveMetricGoal.MINIMIZE))
        self.designer = VizierGPUCBPEBandit(problem, rng=jax.random.PRNGKey(spec["seed"]))
        self.active, self.count = {}, 0

    def ask(self, count):
        for suggestion in self.designer.suggest(count):
            self.count += 1
            trial = suggestion.to_trial(self.count)
            self.active[self.count] = trial
            assignments = {}
            for p in self.parameters:
                v = trial.parameters.get_value(p["name"])
                assignments[p["name"]] = str(v) if "list" in p else float(v)
            yield trial, assignments
        if len(self.active) > 1:
            self.update([])

    def update(self, completed):
        self.designer.update(vza.CompletedTrials(completed), vza.ActiveTrials(list(self.active.values())))

    def tell(self, trial, assignments, values, constraints):
        self.active.pop(trial.id)
        if values is None:
            trial.complete(vz.Measurement(), infeasibility_reason="it failed")
        else:
            trial.complete(vz.Measurement({"loss": values[0]}))
        self.update([trial])

    def add(self, trials):
        done = []
        for assignments, values in trials:
            self.count += 1
            trial = vz.Trial(id=self.count, parameters={
                p["name"]: int(assignments[p["name"]]) if p["type"] == "int" else assignments[p["name"]] for p in self.parameters})
            trial.complete(vz.Measurement({"loss": values[0]}))
            done.append(trial)
        self.update(done)
