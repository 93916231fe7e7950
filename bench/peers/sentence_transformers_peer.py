"""Embeds texts with sentence-transformers: `python sentence_transformers_peer.py JOB RESULT`. See bench/embeddings.ts.

The job is {folder, texts, batch, rounds}; the result {version, seconds, vectors, tokens}, where `seconds` is the median round.
"""

import json
import os
import statistics
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import sentence_transformers
import torch


def main(job_path, result_path):
    with open(job_path, encoding="utf-8") as file:
        job = json.load(file)
    model = sentence_transformers.SentenceTransformer(job["folder"], device="cpu")
    texts = job["texts"]
    model.encode(texts[:8])
    times = []
    for _ in range(job["rounds"]):
        start = time.perf_counter()
        vectors = model.encode(texts, batch_size=job["batch"], show_progress_bar=False)
        times.append(time.perf_counter() - start)
    lengths = [len(model.tokenizer(text)["input_ids"]) for text in texts]
    version = f"sentence-transformers {sentence_transformers.__version__}, torch {torch.__version__}"
    result = {
        "version": f"{version}, {torch.get_num_threads()} threads",
        "seconds": statistics.median(times),
        "vectors": vectors.tolist(),
        "longer": sum(length > model.max_seq_length for length in lengths),
    }
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
