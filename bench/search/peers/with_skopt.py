"""scikit-optimize's Optimizer: Gaussian process with gp_hedge, or random forest with EI."""
import warnings

import skopt
from skopt.space import Categorical, Integer, Real

warnings.filterwarnings("ignore")


class Skopt:
    objectives, constraints, workers, conditions = 1, 0, 1, False

    def __init__(self, kind, spec):
        self.version = f"scikit-optimize {skopt.__version__}"
        self.parameters = spec["parameters"]
        self.optimizer = skopt.Optimizer(
            [self.dimension(p) for p in self.parameters], base_estimator=kind, n_initial_points=10,
            acq_func="gp_hedge" if kind == "GP" else "EI", random_state=spec["seed"])
        self.worst = None

    def dimension(self, p):
        prior = "log-uniform" if p["distribution"].startswith("log") else "uniform"
        if p["type"] in ("categorical", "discrete"):
            return Categorical(p["list"])
        if p["type"] == "int":
            return Integer(int(p["min"]), int(p["max"]), prior)
        if p.get("step"):
            return Integer(0, round((p["max"] - p["min"]) / p["step"]))
        return Real(p["min"], p["max"], prior)

    def encode(self, p, v):
        return round((v - p["min"]) / p["step"]) if p["type"] == "double" and p.get("step") else int(v) if p["type"] == "int" else v

    def decode(self, p, v):
        if p["type"] in ("categorical", "discrete"):
            return str(v)
        return p["min"] + int(v) * p["step"] if p["type"] == "double" and p.get("step") else float(v)

    def ask(self, count):
        x = self.optimizer.ask()
        yield x, {p["name"]: self.decode(p, v) for p, v in zip(self.parameters, x)}

    def tell(self, x, assignments, values, constraints):
        if values is None:  # it knows no failures: they are as bad as the worst so far
            values = [self.worst if self.worst is not None else 0.0]
        self.worst = values[0] if self.worst is None else max(self.worst, values[0])
        self.optimizer.tell(x, values[0])

    def add(self, trials):
        x = [[self.encode(p, a[p["name"]]) for p in self.parameters] for a, _ in trials]
        self.optimizer.tell(x, [v[0] for _, v in trials])
