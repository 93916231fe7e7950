"""bm25s with its numba backend, method "lucene", k1 = 0.9, b = 0.4, as Quern's defaults have it. A query is a list of
token ids. Memory is measured from after numba has compiled its functions."""

import platform

import bm25s
import numba
import Stemmer
from job import documents_of, work

OPTIONS = {"show_progress": False, "leave_progress": False}


def retriever():
    return bm25s.BM25(method="lucene", k1=0.9, b=0.4, backend="numba")


def compile_searches(threads):
    small = retriever()
    small.index(([[0, 1], [1, 2], [2]], {"a": 0, "b": 1, "c": 2}), **OPTIONS)
    for count in threads:
        small.retrieve([[0, 1], [2]], k=2, n_threads=count, **OPTIONS)


class Opened:
    def __init__(self, folder):
        self.retriever = bm25s.BM25.load(folder, load_vocab=True)

    def query(self, terms):
        return terms

    def search(self, query, k):
        return self.retriever.retrieve([query], k=k, n_threads=0, **OPTIONS)

    def rank(self, query, k):
        found = self.search(query, k)
        hits = [
            (document, score)
            for document, score in zip(found.documents[0].tolist(), found.scores[0].tolist())
            if score > 0
        ]
        return {"documents": [document for document, _ in hits], "scores": [score for _, score in hits]}

    def search_batch(self, queries, k):
        return self.retriever.retrieve(queries, k=k, n_threads=0, **OPTIONS)

    def search_all(self, queries, k):
        return self.retriever.retrieve(queries, k=k, n_threads=-1, **OPTIONS)


class Bm25s:
    def version(self):
        return f"bm25s {bm25s.__version__} (numba {numba.__version__}, Python {platform.python_version()})"

    def index(self, job):
        numbers = list(range(job["terms"]))
        # The same int object for the same number: the corpus is held in memory as lists.
        documents = [[numbers[term] for term in terms] for terms in documents_of(job)]
        self.build(job, (documents, {str(number): number for number in numbers}))

    def index_texts(self, job, texts):
        stemmer = Stemmer.Stemmer("english")
        self.build(job, bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False))

    def build(self, job, corpus):
        made = retriever()
        made.index(corpus, **OPTIONS)
        made.save(job["index"])

    def open(self, job):
        compile_searches((0, -1) if job["action"] == "time" else (0,))
        return Opened(job["index"])


if __name__ == "__main__":
    work(Bm25s())
