"""Golden query performance predictors, by plain loops over the documents' terms. See README.md.

    python predictors_golden.py TERMS GOLDEN

TERMS is what ../bm25/export-terms.mjs wrote; GOLDEN gets predictors.json. Nothing but Python's own library is needed.
Written from the papers that the formulas are of, every sum spelled out; nothing is shared with ours but the terms.
"""

import json
import math
import struct
import sys
from pathlib import Path

K1, B = 0.9, 0.4
DEPTH, WIG_DEPTH, CLARITY_DOCUMENTS, LAMBDA = 100, 5, 50, 0.6
SHOWN = {"cranfield": 9, "cacm": 3, "collection": 2}  # every how many topics


def records(path):
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def single(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def counted(terms):
    counts = {}
    for term in terms:
        counts[term] = counts.get(term, 0) + 1
    return counts


def idf(n, df):
    return math.log((n + 1) / (df + 0.5))


class Corpus:
    def __init__(self, documents):
        self.vectors = {r["id"]: counted(r["terms"]) for r in documents if r["terms"]}
        self.lengths = {name: sum(vector.values()) for name, vector in self.vectors.items()}
        self.n = len(self.vectors)
        self.df = {}
        tokens = 0
        for vector in self.vectors.values():
            for term, tf in vector.items():
                self.df[term] = self.df.get(term, 0) + 1
                tokens += tf
        self.average = tokens / self.n

    def query_weights(self, terms, scoring):
        known = counted([term for term in terms if term in self.df])
        if scoring == "bm25":
            return known
        length = sum(known.values())
        return {
            t: idf(self.n, self.df[t]) * tf / (tf + K1 * (1 - B + B * length / self.average))
            for t, tf in known.items()
        }

    def ranking(self, weights):
        scored = []
        for name, vector in self.vectors.items():
            length = self.lengths[name]
            score = 0.0
            for term, weight in weights.items():
                tf = vector.get(term, 0)
                if tf > 0:
                    score += weight * idf(self.n, self.df[term]) * tf / (tf + K1 * (1 - B + B * length / self.average))
            if score > 0:
                scored.append((single(score), name))
        scored.sort(key=lambda pair: (pair[0], pair[1].encode()), reverse=True)
        return scored[:DEPTH]


def predictors(corpus, terms, scoring):
    weights = corpus.query_weights(terms, scoring)
    ranking = corpus.ranking(weights)
    scores = [score for score, _ in ranking]
    whole = 0.0
    bound = 0.0
    for term, weight in weights.items():
        df = corpus.df[term]
        bound += weight * idf(corpus.n, df)
        whole += weight * idf(corpus.n, df) * df / (df + K1 * (1 - B + B * corpus.n))
    values = {name: 0.0 for name in ["nqc", "smv", "wig", "gap", "lead", "coverage", "clarity"]}
    distinct = sorted(set(terms))
    known = [term for term in distinct if term in corpus.df]
    idfs = [idf(corpus.n, corpus.df[t]) for t in known] or [0.0]
    scqs = [(1 + math.log(corpus.df[t])) * math.log(1 + corpus.n / corpus.df[t]) for t in known] or [0.0]
    values["averageIdf"], values["maxIdf"] = sum(idfs) / len(idfs), max(idfs)
    values["averageScq"], values["maxScq"] = sum(scqs) / len(scqs), max(scqs)
    values["knownTerms"] = len(known) / len(distinct) if distinct else 0.0
    if not scores:
        return values
    mean = sum(scores) / len(scores)
    variance = 0.0
    magnitude = 0.0
    for score in scores:
        variance += (score - mean) * (score - mean)
        magnitude += score * abs(math.log(score / mean))
    values["nqc"] = math.sqrt(variance / len(scores)) / whole
    values["smv"] = magnitude / len(scores) / whole
    top = scores[:WIG_DEPTH]
    gain = 0.0
    for score in top:
        gain += (score - whole) / math.sqrt(len(weights))
    values["wig"] = gain / len(top)
    values["gap"] = (scores[0] - scores[1]) / scores[0] if len(scores) > 1 else 1.0
    values["lead"] = (scores[0] - mean) / scores[0]
    values["coverage"] = scores[0] / bound

    # Clarity over every term of the corpus, in the open.
    first = ranking[:CLARITY_DOCUMENTS]
    total = sum(score for score, _ in first)
    postings = sum(corpus.df.values())
    for term, df in corpus.df.items():
        of_corpus = df / postings
        of_ranking = 0.0
        for score, name in first:
            vector = corpus.vectors[name]
            share = vector.get(term, 0) / corpus.lengths[name]
            of_ranking += score / total * (LAMBDA * share + (1 - LAMBDA) * of_corpus)
        values["clarity"] += of_ranking * math.log2(of_ranking / of_corpus)
    return values


source, golden = Path(sys.argv[1]), Path(sys.argv[2])
collections = {}
for name in ["cranfield", "cacm", "collection"]:
    corpus = Corpus(records(source / name / "corpus.jsonl"))
    topics = records(source / name / "topics.jsonl")[:: SHOWN[name]]
    collections[name] = {
        scoring: {topic["id"]: predictors(corpus, topic["terms"], scoring) for topic in topics}
        for scoring in ["bm25", "bm25q"]
    }

made_by = {"command": "python predictors_golden.py TERMS GOLDEN", "python": sys.version.split()[0]}
golden.mkdir(parents=True, exist_ok=True)
(golden / "predictors.json").write_text(
    json.dumps({"madeBy": made_by, "collections": collections}, indent=1) + "\n", encoding="utf-8"
)
