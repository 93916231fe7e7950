"""What one engine is asked to do in a process of its own: `python ENGINE.py JOB RESULT`. See job.ts, which says what
the fields mean and is the same for the engines of JavaScript.

An engine is an object with version(), index(job), index_texts(job, texts) and open(job). What open returns has
query(terms), search(query, k) and rank(query, k), and may have search_batch(queries, k), all queries at once on one
thread, and search_all(queries, k), all queries at once on all cores.
"""

import json
import math
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import psutil


def work(engine):
    """Does the job that the command line names."""
    job_path, result_path = sys.argv[1:]
    job = json.loads(Path(job_path).read_text())
    Path(result_path).write_text(json.dumps(result_of(engine, job)))


def result_of(engine, job):
    if job["action"] == "rank":
        opened = engine.open(job)
        return {
            name: [opened.rank(opened.query(terms), 10) for terms in queries_of(job, f"{name}.rank")]
            for name in job["sets"]
        }
    if job["action"] == "time":
        return time_all(engine, job)
    texts = texts_of(job) if job["action"] == "index-texts" else []
    start = time.perf_counter()
    remark = engine.index(job) if job["action"] == "index" else engine.index_texts(job, texts)
    result = {"version": engine.version(), "seconds": time.perf_counter() - start}
    return {**result, "remark": remark} if remark else result


def time_all(engine, job):
    sets = [(name, queries_of(job, f"{name}.time")) for name in job["sets"]]
    process = psutil.Process()
    before = process.memory_info().rss
    opened = engine.open(job)
    cells = []
    for name, queries in sets:
        prepared = [opened.query(terms) for terms in queries]
        for k in job["ks"]:
            # The warm-up, which finds out for how many queries there is time.
            until = time.perf_counter() + job["cellSeconds"] / (job["rounds"] + 1)
            count = 0
            while count < len(prepared) and time.perf_counter() < until:
                opened.search(prepared[count], k)
                count += 1
            cells.append((name, k, prepared[:count]))
    memory = process.memory_info().rss - before
    return {"memory": memory, "cells": [timed_cell(opened, *cell, job["rounds"]) for cell in cells]}


def timed_cell(opened, name, k, queries, rounds):
    timed = [time_round(opened, queries, k) for _ in range(rounds)]
    per_second, p50, p99 = (statistics.median(values) for values in zip(*timed))
    cell = {"set": name, "k": k, "queries": len(queries), "p50": p50, "p99": p99}
    if hasattr(opened, "search_batch"):
        per_second = max(per_second, rate(opened.search_batch, queries, k, rounds))
    if hasattr(opened, "search_all"):
        cell["allCores"] = rate(opened.search_all, queries, k, rounds)
    return {**cell, "perSecond": per_second}


def time_round(opened, queries, k):
    times = []
    start = time.perf_counter()
    for query in queries:
        before = time.perf_counter()
        opened.search(query, k)
        times.append(time.perf_counter() - before)
    seconds = time.perf_counter() - start
    times.sort()
    p50, p99 = (1000 * times[math.ceil(part * len(times)) - 1] for part in (0.5, 0.99))
    return len(queries) / seconds, p50, p99


def rate(search, queries, k, rounds):
    rates = []
    # The first round is the warm-up.
    for number in range(rounds + 1):
        start = time.perf_counter()
        search(queries, k)
        if number > 0:
            rates.append(len(queries) / (time.perf_counter() - start))
    return statistics.median(rates)


def queries_of(job, name):
    queries = json.loads((Path(job["corpus"]) / f"{name}.json").read_text())
    return [list(dict.fromkeys(terms)) for terms in queries] if job["distinct"] else queries


def texts_of(job):
    with open(Path(job["corpus"]) / "texts.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def documents_of(job):
    """Each document's term numbers, a list each."""
    folder = Path(job["corpus"])
    tokens = np.memmap(folder / "tokens.u32", dtype=np.uint32, mode="r")
    start = 0
    for length in np.fromfile(folder / "lengths.u32", dtype=np.uint32).tolist():
        yield tokens[start : start + length].tolist()
        start += length


def word(term):
    """The word that a term number is given as."""
    return f"t{term}"
