"""Trains scikit-learn's models on its bundled data: reads one JSON object a line from standard input, answers each with one.

    {"model": "rf", "data": "wine", "metric": "nll", "seed": 3, "params": {...}} -> {"value": 0.21}

The value is the mean over five folds of four fifths of the data, smaller is better; data and folds are split by the seed. A model that
cannot be trained is answered with {"failed": "why"}.
"""
import json
import os
import sys
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")
warnings.filterwarnings("ignore")

import numpy as np
from sklearn import datasets, ensemble, linear_model, metrics, neighbors, neural_network, pipeline, preprocessing, svm, tree
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

REGRESSION = {"diabetes"}
LOADED = {}


def load(name, seed):
    if (name, seed) not in LOADED:
        x, y = getattr(datasets, {"breast": "load_breast_cancer"}.get(name, "load_" + name))(return_X_y=True)
        x, _, y, _ = train_test_split(x, y, test_size=0.2, random_state=seed, stratify=None if name in REGRESSION else y)
        folds = (KFold if name in REGRESSION else StratifiedKFold)(5, shuffle=True, random_state=seed)
        LOADED[name, seed] = x, y, list(folds.split(x, y))
    return LOADED[name, seed]


def make(model, p, regression):
    """The model with the parameters; what a model draws at random is the same each time."""
    p = {k: int(v) if isinstance(v, float) and k in ("n_neighbors", "p", "max_depth", "hidden_layer_sizes", "batch_size", "n_estimators")
         else v for k, v in p.items()}
    if model == "knn":
        return (neighbors.KNeighborsRegressor if regression else neighbors.KNeighborsClassifier)(**p)
    if model == "svm":
        return svm.SVR(**p) if regression else svm.SVC(probability=True, random_state=0, **p)
    if model == "dt":
        return (tree.DecisionTreeRegressor if regression else tree.DecisionTreeClassifier)(random_state=0, **p)
    if model == "rf":
        return (ensemble.RandomForestRegressor if regression else ensemble.RandomForestClassifier)(n_estimators=10, random_state=0, **p)
    if model == "ada":
        return (ensemble.AdaBoostRegressor if regression else ensemble.AdaBoostClassifier)(random_state=0, **p)
    if model == "linear":
        return linear_model.Ridge(alpha=1 / p["C"]) if regression else linear_model.LogisticRegression(C=p["C"], max_iter=p["max_iter"])
    return (neural_network.MLPRegressor if regression else neural_network.MLPClassifier)(
        solver=model.removeprefix("mlp-"), max_iter=40, early_stopping=True, random_state=0, **p)


def evaluate(r):
    regression = r["data"] in REGRESSION
    x, y, folds = load(r["data"], r["seed"])
    losses = []
    for train, test in folds:
        scaler = preprocessing.StandardScaler()
        model = pipeline.make_pipeline(scaler, make(r["model"], r["params"], regression))
        model.fit(x[train], y[train])
        if r["metric"] == "acc":
            losses.append(1 - metrics.accuracy_score(y[test], model.predict(x[test])))
        elif r["metric"] == "nll":
            losses.append(metrics.log_loss(y[test], model.predict_proba(x[test]), labels=np.unique(y)))
        else:
            error = model.predict(x[test]) - y[test]
            losses.append(float(np.abs(error).mean() if r["metric"] == "mae" else (error**2).mean()))
    return float(np.mean(losses))


for line in sys.stdin:
    try:
        value = evaluate(json.loads(line))
        reply = {"value": value} if np.isfinite(value) else {"failed": "the loss is not finite"}
    except ValueError as e:
        reply = {"failed": str(e)}
    print(json.dumps(reply), flush=True)
