"""Optuna's samplers by ask and tell."""
import os
import warnings
from importlib.metadata import version

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from peers import Unsuited

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def distribution(p):
    log = p["distribution"] in ("logUniform", "logNormal")
    if p["type"] in ("categorical", "discrete"):
        return CategoricalDistribution(p["list"])
    if p["type"] == "int":
        return IntDistribution(int(p["min"]), int(p["max"]), log=log, step=1 if log else int(p.get("step") or 1))
    return FloatDistribution(p["min"], p["max"], log=log, step=p.get("step") or None)


def from_hub(package):
    """A module of OptunaHub: of a clone of its registry that $OPTUNAHUB_REGISTRY names, or else from the network."""
    import optunahub
    registry = os.environ.get("OPTUNAHUB_REGISTRY")
    if registry:
        return optunahub.load_local_module(package, registry_root=os.path.join(registry, "package"))
    return optunahub.load_module(package)


def constraints_of(trial):
    return trial.user_attrs.get("constraints", ())


class Optuna:
    objectives, constraints, workers, conditions = 9, 9, 10**6, True

    def __init__(self, kind, spec):
        samplers, seed = optuna.samplers, spec["seed"]
        constrained = {"constraints_func": constraints_of} if spec["constraints"] else {}
        make = {
            "random": lambda: samplers.RandomSampler(seed=seed),
            "tpe5": lambda: samplers.TPESampler(seed=seed, **constrained),
            "tpe4": lambda: samplers.TPESampler(seed=seed, multivariate=False, constant_liar=False, **constrained),
            "tpegroup": lambda: samplers.TPESampler(seed=seed, multivariate=True, group=True, **constrained),
            "tperec": lambda: from_hub("samplers/tpe_tutorial").CustomizableTPESampler(seed=seed),
            "cmaes": lambda: samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False),
            "gp": lambda: samplers.GPSampler(seed=seed, warn_independent_sampling=False, **constrained),
            "gpdet": lambda: samplers.GPSampler(
                seed=seed, deterministic_objective=True, warn_independent_sampling=False, **constrained),
            "nsga2": lambda: samplers.NSGAIISampler(seed=seed, **constrained),
            "qmc": lambda: samplers.QMCSampler(seed=seed, scramble=True, warn_independent_sampling=False),
            "optauto": lambda: from_hub("samplers/auto_sampler").AutoSampler(seed=seed, **constrained),
        }
        self.parameters = spec["parameters"]
        self.conditional = any(p.get("when") for p in self.parameters)
        if kind in ("tperec", "cmaes") and (spec["objectives"] > 1 or constrained):
            raise Unsuited("it knows one objective and no constraints")
        if kind == "cmaes" and all(p["type"] in ("categorical", "discrete") for p in self.parameters):
            raise Unsuited("it draws categorical parameters at random")
        if kind in ("gp", "gpdet", "tperec", "cmaes") and self.conditional:
            raise Unsuited("it draws conditional parameters at random")
        uses = {"cmaes": "cmaes", "gp": "torch", "gpdet": "torch"}.get(kind)
        self.version = f"optuna {optuna.__version__}" + (f", {uses} {version(uses)}" if uses else "")
        self.distributions = {p["name"]: distribution(p) for p in self.parameters}
        self.study = optuna.create_study(sampler=make[kind](), directions=["minimize"] * spec["objectives"])

    def ask(self, count):
        for _ in range(count):
            if self.conditional:
                trial = self.study.ask()
                yield trial, self.define(trial)
            else:
                trial = self.study.ask(self.distributions)
                yield trial, dict(trial.params)

    def define(self, trial):
        """Suggests, one by one, the parameters whose conditions hold."""
        values = {}
        for p in self.parameters:
            if all(values.get(c["parameter"]) in c["values"] for c in p.get("when", ())):
                d, name = self.distributions[p["name"]], p["name"]
                if isinstance(d, CategoricalDistribution):
                    values[name] = trial.suggest_categorical(name, d.choices)
                elif isinstance(d, IntDistribution):
                    values[name] = trial.suggest_int(name, d.low, d.high, step=d.step, log=d.log)
                else:
                    values[name] = trial.suggest_float(name, d.low, d.high, step=d.step, log=d.log)
        return values

    def tell(self, trial, assignments, values, constraints):
        if constraints:
            trial.set_user_attr("constraints", constraints)
        if values is None:
            self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            self.study.tell(trial, values)

    def add(self, trials):
        for assignments, values in trials:
            params = {p["name"]: int(v) if p["type"] == "int" else v for p in self.parameters if (v := assignments.get(p["name"])) is not None}
            self.study.add_trial(optuna.trial.create_trial(
                params=params, distributions={name: self.distributions[name] for name in params}, values=values))
