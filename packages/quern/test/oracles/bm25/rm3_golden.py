"""Golden expanded queries and figures of RM3, estimated as Anserini estimates it, in NumPy. See README.md.

    python rm3_golden.py TERMS GOLDEN

TERMS is what export-terms.mjs wrote; GOLDEN gets rm3.json.

Written from the description in Anserini's Rm3Reranker and FeatureVector; what those leave open (which of two terms of
equal weight survives a cut: the order of a hash table decides) is decided here by ascending order of the terms.
With `drop_unknown=False` query terms that no document has keep their part of the original query's weight, as in
Anserini, where they are there and match nothing; with True they are dropped before weights are scaled to sum 1.
"""

import json
import re
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from exported import B, Collection, K1, figures, ranking

FEEDBACK_DOCUMENTS, FEEDBACK_TERMS, ORIGINAL_WEIGHT, COMMON = 10, 10, 0.5, 0.1
SHOWN = {"cranfield": 15, "cacm": 5, "collection": 3}  # every how many topics the expanded query is kept


class Bm25:
    """Dense-in, sparse inside: one row of w(t,d) a document."""

    def __init__(self, collection):
        self.collection = collection
        self.vectors = [Counter(terms) for terms in collection.documents]
        self.terms = sorted(collection.document_frequencies)
        self.number = {term: i for i, term in enumerate(self.terms)}
        count = len(self.vectors)
        df = np.array([collection.document_frequencies[term] for term in self.terms], dtype=np.float64)
        self.idf = np.log(1 + (count - df + 0.5) / (df + 0.5))
        lengths = np.array([len(terms) for terms in collection.documents], dtype=np.float64)
        self.average = lengths.mean()
        rows = np.repeat(np.arange(count), [len(vector) for vector in self.vectors])
        columns = np.array([self.number[term] for vector in self.vectors for term in vector])
        tf = np.array([f for vector in self.vectors for f in vector.values()], dtype=np.float64)
        weights = self.idf[columns] * tf / (tf + K1 * (1 - B + B * lengths[rows] / self.average))
        self.matrix = csr_array((weights, (rows, columns)), shape=(count, len(self.terms)))
        self.place = {document: i for i, document in enumerate(collection.ids)}

    def rank(self, weights, depth):
        query = np.zeros(len(self.terms))
        for term, weight in weights.items():
            if term in self.number:
                query[self.number[term]] = weight
        return ranking(self.collection.ids, self.matrix @ query, depth)

    def query_side(self, weights):
        length = sum(weights.values())
        norm = K1 * (1 - B + B * length / self.average)
        return {term: self.idf[self.number[term]] * tf / (tf + norm) for term, tf in weights.items()}


def pruned(vector, size=FEEDBACK_TERMS):
    return dict(sorted(vector.items(), key=lambda pair: (-pair[1], pair[0]))[:size])


def scaled(vector):
    norm = sum(map(abs, vector.values()))
    return {term: weight / norm for term, weight in vector.items()} if norm > 0 else {}


def expanded(bm25, terms, scoring, drop_unknown):
    original = Counter(terms)
    known = {term: tf for term, tf in original.items() if term in bm25.number}
    if scoring == "bm25q":
        known = original = bm25.query_side(known)
    elif drop_unknown:
        original = known
    collection = bm25.collection
    model = Counter()
    for document, score in bm25.rank(known, FEEDBACK_DOCUMENTS):
        features = {
            term: tf
            for term, tf in bm25.vectors[bm25.place[document]].items()
            if re.fullmatch("[a-z0-9]{2,20}", term)
            and collection.document_frequencies[term] / collection.all_documents <= COMMON
        }
        for term, share in scaled(pruned(features)).items():
            model[term] += share * score
    original, model = scaled(original), scaled(pruned(model))
    return {
        term: ORIGINAL_WEIGHT * original.get(term, 0) + (1 - ORIGINAL_WEIGHT) * model.get(term, 0)
        for term in original.keys() | model.keys()
    }


source, golden = Path(sys.argv[1]), Path(sys.argv[2])
variants = [("bm25", True), ("bm25", False), ("bm25q", True)]
collections = {}
for name in ["cranfield", "cacm", "collection"]:
    collection = Collection(source / name)
    bm25 = Bm25(collection)
    record = {"topicsWithUnknownTerms": sum(
        any(term not in bm25.number for term in terms) for terms in collection.topics.values()
    )}  # fmt: skip
    for scoring, drop_unknown in variants:
        queries = {topic: expanded(bm25, terms, scoring, drop_unknown) for topic, terms in collection.topics.items()}
        rankings = {topic: bm25.rank(weights, 1000) for topic, weights in queries.items()}
        variant = scoring if drop_unknown else f"{scoring} as Anserini weighs unknown terms"
        record[variant] = {"figures": figures(collection.qrels, rankings)}
        if drop_unknown:
            # The terms of our own collection; of the others, whose texts are not ours, the weights alone.
            record[variant]["queries"] = {
                topic: dict(sorted(weights.items())) if name == "collection" else sorted(weights.values())
                for topic, weights in list(queries.items())[:: SHOWN[name]]
            }
    collections[name] = record

made_by = {
    "command": "python rm3_golden.py TERMS GOLDEN",
    "python": sys.version.split()[0],
    "versions": {package: version(package) for package in ["numpy", "scipy", "pytrec-eval-terrier"]},
}
golden.mkdir(parents=True, exist_ok=True)
(golden / "rm3.json").write_text(
    json.dumps({"madeBy": made_by, "collections": collections}, indent=1) + "\n", encoding="utf-8"
)
