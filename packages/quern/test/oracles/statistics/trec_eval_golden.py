"""Golden values for src/evaluate/measure*.ts: trec_eval 9 (through pytrec_eval) on a random run and random judgements.

    python -m venv venv && venv/bin/pip install -r test/oracles/statistics/requirements.txt
    venv/bin/python test/oracles/statistics/trec_eval_golden.py test/golden/trec-eval

run in packages/quern. Writes random.qrels, random.run and random.json there; the same versions write the same files.
Scores tie often, some of them only as 32-bit floats; ids need the byte order of UTF-8; levels run from -1 to 4.
"""

import json
import random
import sys
from pathlib import Path

import pytrec_eval

folder = Path(sys.argv[1])
dice = random.Random(20250601)

# U+FF41 comes before U+1D54F in UTF-8 and after it in UTF-16.
prefixes = ["d", "D", "é", "ａ", "𝕏", "doc-"]
documents = [f"{dice.choice(prefixes)}{i}" for i in range(160)]

qrels, run = {}, {}
for number in range(1, 15):
    topic = str(number)
    judged = dice.sample(documents, dice.randint(1, 90))
    weights = [4, 30, 8, 5, 3, 2] if number % 4 else [1, 5, 0, 0, 0, 0]
    levels = dice.choices([-1, 0, 1, 2, 3, 4], weights, k=len(judged))
    if max(levels) < 0:
        levels[0] = 0
    qrels[topic] = dict(zip(judged, levels))
    retrieved = dice.sample(documents, dice.choice([1, 3, 40, 120]))
    step = dice.choice([1.0, 0.25, 1e-9])
    run[topic] = {document: 3 + step * dice.randint(0, 12) for document in retrieved}
del run["3"]
del qrels["7"]

measures = [
    "ndcg", "ndcg_cut.1,3,5,10,30,1000", "map", "map_cut.1,5,10,30", "P.1,3,5,10,30,1000", "recall.1,5,10,30,1000",
    "relative_P.1,5,10,30", "success.1,3,5,10", "recip_rank", "Rprec", "bpref", "set_P", "set_recall",
    "set_relative_P", "set_map", "set_F", "num_q", "num_ret", "num_rel", "num_rel_ret",
]  # fmt: skip
golden = {"levels": {}}
for level in (1, 2, 3):
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, set(measures), relevance_level=level)
    values = evaluator.evaluate(run)
    golden["measures"] = sorted(next(iter(values.values())))
    golden["levels"][level] = {
        topic: [values[topic][measure] for measure in golden["measures"]] for topic in sorted(values)
    }

folder.mkdir(parents=True, exist_ok=True)
(folder / "random.json").write_text(json.dumps(golden) + "\n", encoding="utf-8")
(folder / "random.qrels").write_text(
    "".join(f"{topic} 0 {d} {level}\n" for topic, levels in qrels.items() for d, level in levels.items()),
    encoding="utf-8",
)
(folder / "random.run").write_text(
    "".join(f"{topic} Q0 {d} 0 {score!r} random\n" for topic, hits in run.items() for d, score in hits.items()),
    encoding="utf-8",
)
