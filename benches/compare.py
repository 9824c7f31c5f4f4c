#!/usr/bin/env python3
"""Quality and training speed of the census and kuairand examples, and of a PyTorch baseline in the same run.

    benches/compare.py quality --data ../shared/data --seeds 0 1 2        the README's results table
    benches/compare.py speed --data ../shared/data --baseline ../shared/bench/torch_baseline.py --python V/bin/python

Both pin every process to one core and one thread. `speed` alternates ours and the baseline's runs and prints rows/s and
their ratio; `--python` names an interpreter with torch, numpy, pandas and scikit-learn. Standard library only.
"""
import argparse, json, os, pathlib, statistics, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = {"census": "census_income_kdd", "kuairand": "kuairand_pure_subset"}
TASKS = {"census": ["income", "never_married"], "kuairand": ["is_click", "long_view", "is_like"]}
MODELS = ["shared_bottom", "mmoe", "ple"]


def pinned(a):
    env = dict(os.environ, RAYON_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    return ["taskset", "-c", str(a.core)], env


def ours(a, dataset, model, seed, epochs=None):
    """One training run of an example; its JSON report."""
    pin, env = pinned(a)
    with tempfile.TemporaryDirectory() as tmp:
        out = pathlib.Path(tmp)
        command = pin + [str(a.target / "debug" / dataset), model, "train", "--data", str(a.data / FOLDER[dataset]),
                         "--out", str(out / "model.mtl.safetensors"), "--json", str(out / "run.json"), "--set", f"train.seed={seed}"]
        if epochs:
            command += ["--set", f"train.epochs={epochs}"]
        subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL, stderr=None if a.verbose else subprocess.DEVNULL)
        return json.loads((out / "run.json").read_text())


def torch(a, dataset, model, seed, epochs):
    """One run of the baseline; its JSON report."""
    pin, env = pinned(a)
    with tempfile.TemporaryDirectory() as tmp:
        out = pathlib.Path(tmp) / "out.json"
        subprocess.run(pin + [a.python, str(a.baseline), "--data-dir", str(a.data / FOLDER[dataset]), "--dataset", dataset, "--model", model,
                              "--epochs", str(epochs), "--seeds", str(seed), "--json", str(out)],
                       check=True, env=env, stdout=subprocess.DEVNULL)
        return json.loads(out.read_text())


def spread(values):
    return f"{statistics.mean(values):.4f}" + (f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else "")


def quality(a):
    rows = []
    for dataset in a.datasets:
        print(f"\n| {dataset} | " + " | ".join(f"{t} AUC" for t in TASKS[dataset]) + " | parameters | rows/s | train s |")
        print("|---" * (len(TASKS[dataset]) + 4) + "|")
        for model in a.models:
            runs = [ours(a, dataset, model, seed) for seed in a.seeds]
            test = {t: [r["split"]["test"]["tasks"][t]["auc"] for r in runs] for t in TASKS[dataset]}
            print(f"| {model} | " + " | ".join(spread(test[t]) for t in TASKS[dataset])
                  + f" | {runs[0]['parameters']:,} | {statistics.median(r['rows_per_second'] for r in runs):,.0f}"
                  + f" | {statistics.median(r['seconds']['train'] for r in runs):.1f} |", flush=True)
            rows.append(dict(dataset=dataset, model=model, seeds=a.seeds, runs=runs))
    return rows


def speed(a):
    rows = []
    print("| run | ours rows/s | PyTorch rows/s | ratio |\n|---|---|---|---|")
    for dataset in a.datasets:
        for model in a.models:
            mine, theirs = [], []
            for repeat in range(a.repeats):
                mine.append(ours(a, dataset, model, repeat, a.epochs)["rows_per_second"])
                theirs.append(torch(a, dataset, model, repeat, a.epochs)["runs"][0]["train_rows_per_s"])
            ratio = statistics.median(x / y for x, y in zip(mine, theirs))
            print(f"| {dataset} {model} | {statistics.median(mine):,.0f} | {statistics.median(theirs):,.0f} | {ratio:.2f} |", flush=True)
            rows.append(dict(dataset=dataset, model=model, ours=mine, torch=theirs, ratio=ratio))
    return rows


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("what", choices=["quality", "speed"])
    ap.add_argument("--data", type=pathlib.Path, required=True, help="the folder that holds census_income_kdd and kuairand_pure_subset")
    ap.add_argument("--target", type=pathlib.Path, default=pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")))
    ap.add_argument("--datasets", nargs="+", default=list(FOLDER), choices=list(FOLDER))
    ap.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    ap.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    ap.add_argument("--baseline", type=pathlib.Path, help="torch_baseline.py (speed)")
    ap.add_argument("--python", default=sys.executable, help="an interpreter with torch (speed)")
    ap.add_argument("--epochs", type=int, default=2, help="epochs of a speed run")
    ap.add_argument("--repeats", type=int, default=3, help="alternations of a speed run")
    ap.add_argument("--core", type=int, default=1)
    ap.add_argument("--verbose", action="store_true")
    ap.add_argument("--json", type=pathlib.Path, help="write every run here")
    a = ap.parse_args()
    if a.what == "speed" and not a.baseline:
        ap.error("speed needs --baseline")
    subprocess.run(["cargo", "build", "-q", "--workspace", "--bins"], check=True, cwd=ROOT)
    rows = {"quality": quality, "speed": speed}[a.what](a)
    if a.json:
        a.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
