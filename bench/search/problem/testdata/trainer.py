"""Trains nothing: the loss is the sum of the parameters; a seed of 7 cannot be trained, one of 8 breaks the process."""
import json
import sys

for line in sys.stdin:
    r = json.loads(line)
    if r["seed"] == 8:
        sys.exit(1)
    print(json.dumps({"failed": "no"} if r["seed"] == 7 else {"value": sum(r["params"].values())}), flush=True)
