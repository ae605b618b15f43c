"""Two Dask workers against one: the same study from nothing, on this machine.

    python -m tests.benchmarks.dask_workers [--rounds 3] [--seeds 5]

Scheduler and workers are real processes on loopback, one thread each; every study has a store of its own. With a worker
for each core two can be no more than twice as fast; beside them work the study itself, Prefect's server and Dask.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.flows.processes import as_json, graft
from tests.flows.study.test_on_dask import Cluster

ASKED = ("--arms", "transfer,random-base,raw-pixels", "--json")


def seconds(workers: int, seeds: int) -> tuple[float, str]:
    """How long the study takes with so many workers, and its verdict."""
    with tempfile.TemporaryDirectory() as folder:
        place = {"GRAFT_STORE": f"{folder}/store", "GRAFT_HOME": f"{folder}/home", "GRAFT_THREADS": "1"}
        os.environ.update(place)  # the workers' too
        cluster = Cluster(Path(folder))
        try:
            cluster.add(workers)
            began = time.monotonic()
            told = as_json(
                graft("study", "quickstart", *ASKED, "--seeds", str(seeds), "--dask", cluster.address, **place)
            )
            return time.monotonic() - began, str(told["sentence"])
        finally:
            cluster.end()


def main() -> None:
    """One, two, one, two, …: a machine that grows slower or faster meanwhile favours neither."""
    parser = argparse.ArgumentParser(description="Two Dask workers against one.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    took: dict[int, list[float]] = {1: [], 2: []}
    said: set[str] = set()
    for _ in range(asked.rounds):
        for workers, found in took.items():
            needed, sentence = seconds(workers, asked.seeds)
            found.append(needed)
            said.add(sentence)
            print(f"{workers} worker{'s' * (workers > 1)}: {needed:.1f} s", flush=True)
    one, two = (statistics.median(found) for found in took.values())
    print(f"medians: one {one:.1f} s, two {two:.1f} s; two are {one / two:.2f} times as fast")
    print(f"verdicts, which must be one: {sorted(said)}")


if __name__ == "__main__":
    main()
