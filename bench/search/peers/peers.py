"""Speaks for optimisers of other projects: reads one JSON object a line from standard input, answers each with one on standard output.

    {"open": {"method", "seed", "parameters", "objectives", "constraints", "trials", "workers"}}
        -> {"opened": "name and version"} or {"unsuited": "why it cannot search this problem"}
    {"ask": 2}  -> {"suggestions": [{"number": 1, "assignments": {"lr": 0.01, "opt": "adam"}}, ...], "wall", "cpu"}
    {"tell": [{"number": 1, "value": 0.31}, {"number": 2, "state": "Failed"}]} -> {"told": 2, "wall", "cpu"}

Values of several objectives are "values", observed constraints (at most 0 where kept) "constraints"; a trial that was not proposed here
comes with its "assignments". "wall" and "cpu" are the seconds that the optimiser took. Errors are {"error": "..."}. Every optimiser
runs with its own defaults.
"""
import importlib
import json
import os
import sys
import time
import traceback

METHODS = {  # id: (module, class, kind)
    **{kind: ("with_optuna", "Optuna", kind)
       for kind in ("random", "tpe5", "tpe4", "tpegroup", "tperec", "cmaes", "gp", "gpdet", "nsga2", "qmc", "optauto")},
    "hyperopt": ("with_hyperopt", "Hyperopt", ""),
    "skgp": ("with_skopt", "Skopt", "GP"),
    "skrf": ("with_skopt", "Skopt", "RF"),
    "hebo": ("with_hebo", "Hebo", ""),
    "smac": ("with_smac", "Smac", "rf"),
    "smacgp": ("with_smac", "Smac", "gp"),
    "vizier": ("with_vizier", "Vizier", ""),
    "ax": ("with_ax", "Ax", ""),
}


class Unsuited(Exception):
    """The optimiser cannot search the problem."""


class Session:
    """Numbers the trials of one search."""

    def __init__(self, spec):
        if spec["method"] not in METHODS:
            raise ValueError(f"there is no peer {spec['method']!r}: use one of {', '.join(METHODS)}")
        module, name, kind = METHODS[spec["method"]]
        optimiser = getattr(importlib.import_module(module), name)
        for what, most in (("objectives", optimiser.objectives), ("constraints", optimiser.constraints), ("workers", optimiser.workers)):
            if spec[what] > most:
                raise Unsuited(f"it knows at most {most} {what}, not {spec[what]}")
        if any(p.get("when") for p in spec["parameters"]) and not optimiser.conditions:
            raise Unsuited("it knows no conditional parameters")
        self.optimiser = optimiser(kind, spec)
        self.pending = {}
        self.next = 1

    def ask(self, count):
        suggestions = []
        for handle, assignments in self.optimiser.ask(count):
            self.pending[self.next] = (handle, assignments)
            suggestions.append({"number": self.next, "assignments": assignments})
            self.next += 1
        return {"suggestions": suggestions}

    def tell(self, trials):
        foreign = [t for t in trials if "assignments" in t]
        if foreign:
            self.next = max(self.next, max(t["number"] for t in foreign) + 1)
            self.optimiser.add([(t["assignments"], t.get("values") or [t["value"]]) for t in foreign])
        for t in trials:
            if "assignments" not in t:
                handle, assignments = self.pending.pop(t["number"])
                values = None if t.get("state") == "Failed" else t.get("values") or [t["value"]]
                self.optimiser.tell(handle, assignments, values, t.get("constraints") or [])
        return {"told": len(trials)}


def answer(session, request):
    """Carries a request out and returns the session and the answer."""
    if "open" in request:
        session = Session(request["open"])
        return session, {"opened": session.optimiser.version}
    if session is None:
        raise ValueError("open a session first")
    wall, cpu = time.perf_counter(), time.process_time()
    reply = session.ask(request["ask"]) if "ask" in request else session.tell(request["tell"])
    return session, {**reply, "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def main():
    # What libraries print must not come between the answers.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    sys.modules["peers"] = sys.modules["__main__"]
    session = None
    for line in sys.stdin:
        try:
            session, reply = answer(session, json.loads(line))
        except Unsuited as e:
            reply = {"unsuited": str(e)}
        except ImportError as e:
            reply = {"error": f"it is not installed: {e}"}
        except Exception as e:
            traceback.print_exc()
            reply = {"error": f"{type(e).__name__}: {e}"}
        out.write(json.dumps(reply, default=float) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
