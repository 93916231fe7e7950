"""Tantivy with its BM25 as it is (k1 = 1.2, b = 0.75, lengths rounded to a byte). The index has term frequencies and no
positions. A query is a disjunction of its terms, one that is repeated boosted by how often; counting the matches, which
the binding does unless told otherwise, is switched off. Made once, not timed: the query, and the numbers of documents."""

from pathlib import Path

import tantivy
from job import documents_of, word, work

# What the writer may hold before it begins another segment.
HEAP_BYTES = 2_000_000_000


def write(job, tokenizer, texts):
    fields = tantivy.SchemaBuilder().add_unsigned_field("number", fast=True)
    fields = fields.add_text_field("text", tokenizer_name=tokenizer, index_option="freq")
    Path(job["index"]).mkdir(parents=True)
    index = tantivy.Index(fields.build(), path=job["index"])
    register(index)
    writer = index.writer(heap_size=HEAP_BYTES, num_threads=1)
    for number, text in enumerate(texts):
        document = tantivy.Document()
        document.add_unsigned("number", number)
        document.add_text("text", text)
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    segments = index.searcher().num_segments
    return None if segments == 1 else f"{segments} segments"


def register(index):
    index.register_tokenizer("words", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())


class Opened:
    def __init__(self, folder):
        self.index = tantivy.Index.open(folder)
        register(self.index)
        self.searcher = self.index.searcher()

    def query(self, terms):
        clauses = []
        for term in dict.fromkeys(terms):
            clause = tantivy.Query.term_query(self.index.schema, "text", word(term), index_option="freq")
            frequency = terms.count(term)
            clauses.append(clause if frequency == 1 else tantivy.Query.boost_query(clause, frequency))
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, clause) for clause in clauses])

    def search(self, query, k):
        return self.searcher.search(query, limit=k, count=False)

    def rank(self, query, k):
        hits = self.search(query, k).hits
        numbers = self.searcher.fast_field_values("number", [address for _, address in hits])
        return {"documents": numbers, "scores": [score for score, _ in hits]}


class Tantivy:
    def version(self):
        return f"Tantivy (tantivy-py {tantivy.__version__})"

    def index(self, job):
        return write(job, "words", (" ".join(map(word, terms)) for terms in documents_of(job)))

    def index_texts(self, job, texts):
        return write(job, "en_stem", texts)

    def open(self, job):
        return Opened(job["index"])


if __name__ == "__main__":
    work(Tantivy())
