"""What export-terms.mjs wrote, and what both oracles do with rankings. Nothing here knows a formula."""

import json
from collections import Counter

import numpy as np
import pytrec_eval

K1, B, DEPTH = 0.9, 0.4, 1000
MEASURES = {"ndcg@10": "ndcg_cut_10", "map": "map", "recall@1000": "recall_1000"}


class Collection:
    """Documents WITH terms (what N and avgdl count), topics, judgements."""

    def __init__(self, folder):
        records = list(_lines(folder / "corpus.jsonl"))
        self.all_documents = len(records)
        records = [record for record in records if record["terms"]]
        self.ids = [record["id"] for record in records]
        self.documents = [record["terms"] for record in records]
        self.topics = {record["id"]: record["terms"] for record in _lines(folder / "topics.jsonl")}
        self.qrels = json.loads((folder / "qrels.json").read_text(encoding="utf-8"))
        self.document_frequencies = Counter(term for terms in self.documents for term in set(terms))


def ranking(ids, scores, depth=DEPTH):
    """The best documents of positive score as (id, 32-bit score), ties by descending bytes of the id."""
    scores = np.asarray(scores).astype(np.float32)
    found = [(ids[i], float(scores[i])) for i in np.flatnonzero(scores)]
    found.sort(key=lambda hit: (hit[1], hit[0].encode()), reverse=True)
    return found[:depth]


def figures(qrels, rankings):
    """Means over all judged topics; a topic without a ranking counts 0."""
    run = {topic: dict(hits) for topic, hits in rankings.items() if hits}
    values = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "map", "recall.1000"}).evaluate(run)
    return {
        name: sum(topic[measure] for topic in values.values()) / len(qrels) for name, measure in MEASURES.items()
    }


def shortest(score):
    """The shortest decimal of a 32-bit score."""
    return float(str(np.float32(score)))


def _lines(path):
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
