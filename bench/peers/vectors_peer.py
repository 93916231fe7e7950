"""Searches the vectors of bench/vectors.ts with numpy and faiss: python vectors_peer.py JOB, which is JSON; prints JSON.

numpy multiplies the matrix and picks by argpartition; faiss compares all (IndexFlatIP). Both are exact, on 32-bit floats.
"""
import json
import os
import statistics
import sys
import time

job = json.loads(sys.argv[1])
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(job["threads"])

import faiss  # noqa: E402
import numpy  # noqa: E402

faiss.omp_set_num_threads(job["threads"])
vectors = numpy.fromfile(job["vectors"], dtype="<f4").reshape(-1, job["dimensions"])
queries = numpy.fromfile(job["queries"], dtype="<f4").reshape(-1, job["dimensions"])
flat = faiss.IndexFlatIP(job["dimensions"])
flat.add(vectors)


def by_numpy(asked, k):
    scores = asked @ vectors.T
    best = numpy.argpartition(scores, -k, axis=1)[:, -k:]
    order = numpy.argsort(-numpy.take_along_axis(scores, best, 1), axis=1)
    return numpy.take_along_axis(best, order, 1)


def by_faiss(asked, k):
    return flat.search(asked, k)[1]


def batches(asked, size):
    return [asked[i : i + size] for i in range(0, len(asked), size)]


results = []
for name, search in ((f"numpy {numpy.__version__}", by_numpy), (f"faiss-cpu {faiss.__version__} flat", by_faiss)):
    for k in job["ks"]:
        for mode, size, count in (("single", 1, job["single"]), ("batch", job["batch"], len(queries))):
            asked = batches(queries[:count], size)
            found = numpy.concatenate([search(part, k) for part in asked])
            times = []
            for _ in range(job["rounds"]):
                start = time.perf_counter()
                for part in asked:
                    search(part, k)
                times.append(time.perf_counter() - start)
            results.append(
                {
                    "name": name,
                    "k": k,
                    "mode": mode,
                    "perSecond": count / statistics.median(times),
                    "found": found[: job["judged"]].tolist(),
                }
            )
print(json.dumps(results))
