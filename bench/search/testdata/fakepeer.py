"""A peer as bench/search talks to one: draws at random, or misbehaves as its argument says."""
import json
import random
import sys
import time

how = sys.argv[1]
print("greetings that are no answer", flush=True)
for line in sys.stdin:
    r = json.loads(line)
    if "open" in r:
        parameters, told, number = r["open"]["parameters"], 0, 0
        rng = random.Random(r["open"]["seed"])
        reply = {"unsuited": "it is not in the mood"} if how == "unsuited" else {"opened": "fake 1.0"}
    elif "ask" in r:
        suggestions = []
        for _ in range(r["ask"]):
            number += 1
            values = {p["name"]: rng.choice(p["list"]) if "list" in p else rng.uniform(p["min"], p["max"]) for p in parameters}
            suggestions.append({"number": number + (how == "misnumber"), "assignments": values})
        reply = {"suggestions": suggestions, "wall": 0.25, "cpu": 0.125}
        if how == "foreign":
            suggestions[0]["assignments"][parameters[-1]["name"]] = "nothing of the list"
    else:
        told += len(r["tell"])
        number = max([number] + [t["number"] for t in r["tell"]])
        reply = {"told": told, "wall": 0.5, "cpu": 0.25}
        if how == "crash" and told == 3:
            print("something is wrong", file=sys.stderr)
            sys.exit(3)
        if how == "error" and told == 3:
            reply = {"error": "it does not like this"}
        if how == "hang" and told == 3:
            time.sleep(60)
    print(json.dumps(reply), flush=True)
