"""Golden rankings by two libraries that people use: bm25s for `bm25`, gensim for `bm25q`. See README.md.

    python bm25_golden.py TERMS GOLDEN

TERMS is what export-terms.mjs wrote; GOLDEN gets figures.json and rankings.json.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import bm25s
import numpy as np
from gensim.corpora import Dictionary
from gensim.models import LuceneBM25Model
from gensim.similarities import SparseMatrixSimilarity

from exported import B, Collection, K1, figures, ranking, shortest

NAMES = ["cranfield", "cacm", "nfcorpus-dev", "textbooks", "collection"]
SHOWN = {"cranfield": 15, "collection": 3}  # every how many topics the first TOP hits are kept
TOP = 10


def plain(collection):
    """topic -> ranking, by bm25s' `lucene` variant in double precision."""
    numbers = {term: i for i, term in enumerate(sorted(collection.document_frequencies))}
    retriever = bm25s.BM25(method="lucene", k1=K1, b=B, dtype="float64")
    documents = [[numbers[term] for term in terms] for terms in collection.documents]
    retriever.index((documents, numbers), create_empty_token=False, show_progress=False)
    for topic, terms in collection.topics.items():
        known = [numbers[term] for term in terms if term in numbers]
        scores = retriever.get_scores_from_ids(known) if known else np.zeros(len(documents))
        yield topic, ranking(collection.ids, scores)


def query_side(collection):
    """topic -> ranking, by products of gensim's Lucene-weighted vectors: BRIGHT's own BM25 baseline."""
    dictionary = Dictionary(collection.documents)
    model = LuceneBM25Model(dictionary=dictionary, k1=K1, b=B)
    assert dictionary.num_docs == len(collection.documents)
    similarity = SparseMatrixSimilarity(
        [model[dictionary.doc2bow(terms)] for terms in collection.documents],
        num_docs=len(collection.documents),
        num_terms=len(dictionary),
        dtype=np.float64,
        normalize_queries=False,
        normalize_documents=False,
    )
    for topic, terms in collection.topics.items():
        query = dictionary.doc2bow(terms)  # terms that the corpus does not have are dropped
        scores = similarity[model[query]] if query else np.zeros(len(collection.documents))
        yield topic, ranking(collection.ids, scores)


source, golden = Path(sys.argv[1]), Path(sys.argv[2])
collections, shown = {}, {}
for name in NAMES:
    collection = Collection(source / name)
    record = {
        "documents": collection.all_documents,
        "documentsWithTerms": len(collection.documents),
        "terms": len(collection.document_frequencies),
        "tokens": sum(map(len, collection.documents)),
        "topics": len(collection.qrels),
    }
    for scoring, rank in [("bm25", plain), ("bm25q", query_side)]:
        rankings = dict(rank(collection))
        record[scoring] = figures(collection.qrels, rankings)
        if name in SHOWN:
            shown.setdefault(name, {})[scoring] = {
                topic: [[document, shortest(score)] for document, score in hits[:TOP]]
                for topic, hits in list(rankings.items())[:: SHOWN[name]]
            }
    collections[name] = record

packages = ["bm25s", "gensim", "numpy", "scipy", "pytrec-eval-terrier"]
made_by = {
    "command": "python bm25_golden.py TERMS GOLDEN",
    "python": sys.version.split()[0],
    "versions": {package: version(package) for package in packages},
}
golden.mkdir(parents=True, exist_ok=True)
text = json.dumps({"madeBy": made_by, "k1": K1, "b": B, "collections": collections}, indent=1)
(golden / "figures.json").write_text(text + "\n", encoding="utf-8")
text = json.dumps({"madeBy": made_by, "collections": shown})
(golden / "rankings.json").write_text(text + "\n", encoding="utf-8")
