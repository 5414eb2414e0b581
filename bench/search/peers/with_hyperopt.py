"""hyperopt's TPE by ask and tell."""
import logging

import hyperopt
import numpy as np
from hyperopt import JOB_STATE_DONE, STATUS_FAIL, STATUS_OK, Domain, Trials, hp, tpe

logging.getLogger("hyperopt").setLevel(logging.ERROR)


class Hyperopt:
    objectives, constraints, workers, conditions = 1, 0, 10**6, True

    def __init__(self, kind, spec):
        self.version = f"hyperopt {hyperopt.__version__}"
        self.parameters = spec["parameters"]
        self.labels = {}  # of what hyperopt draws: the parameter
        roots = [p for p in self.parameters if not p.get("when")]
        self.domain = Domain(lambda _: 0, {p["name"]: self.node(p, "") for p in roots}, pass_expr_memo_ctrl=None)
        self.trials = Trials()
        self.rng = np.random.default_rng(spec["seed"])

    def node(self, p, suffix):
        """A parameter; a choice holds the parameters that depend on it."""
        label, low, high = p["name"] + suffix, p["min"], p["max"]
        self.labels[label] = p
        log, step = p["distribution"].startswith("log"), p.get("step")
        if p["type"] in ("categorical", "discrete"):
            branches = []
            for value in p["list"]:
                children = [q for q in self.parameters for c in q.get("when", ()) if c["parameter"] == p["name"] and value in c["values"]]
                branches.append({q["name"]: self.node(q, f"@{label}={value}") for q in children} or value)
            return hp.choice(label, branches)
        if p["type"] == "int":
            return hp.qloguniform(label, np.log(low), np.log(high), 1) if log else hp.uniformint(label, low, high)
        if log:
            return hp.loguniform(label, np.log(low), np.log(high))
        return hp.quniform(label, low, high, step) if step else hp.uniform(label, low, high)

    def ask(self, count):
        for _ in range(count):
            ids = self.trials.new_trial_ids(1)
            doc = tpe.suggest(ids, self.domain, self.trials, int(self.rng.integers(2**31 - 1)))[0]
            self.trials.insert_trial_docs([doc])
            self.trials.refresh()
            assignments = {}
            for label, values in doc["misc"]["vals"].items():
                p = self.labels[label]
                if values:
                    v = values[0]
                    if p["type"] in ("categorical", "discrete"):
                        assignments[p["name"]] = p["list"][int(v)]
                    else:
                        v = min(max(float(v), p["min"]), p["max"])
                        assignments[p["name"]] = round(v) if p["type"] == "int" else v
            yield doc["tid"], assignments

    def tell(self, tid, assignments, values, constraints):
        doc = next(d for d in self.trials._dynamic_trials[::-1] if d["tid"] == tid)
        doc["state"] = JOB_STATE_DONE
        doc["result"] = {"status": STATUS_FAIL} if values is None else {"status": STATUS_OK, "loss": values[0]}
        self.trials.refresh()

    def add(self, trials):
        ids, docs = self.trials.new_trial_ids(len(trials)), []
        for tid, (assignments, values) in zip(ids, trials):
            vals = {}
            for p in self.parameters:
                v = assignments[p["name"]]
                vals[p["name"]] = [p["list"].index(v) if "list" in p and isinstance(v, str) else v]
            misc = dict(tid=tid, cmd=self.domain.cmd, workdir=None, idxs={k: [tid] for k in vals}, vals=vals)
            doc = self.trials.new_trial_docs([tid], [None], [{"status": STATUS_OK, "loss": values[0]}], [misc])[0]
            doc["state"] = JOB_STATE_DONE
            docs.append(doc)
        self.trials.insert_trial_docs(docs)
        self.trials.refresh()
