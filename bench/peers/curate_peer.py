"""Reads what bench/curate.ts curates, and does no more than count it. Prints JSON: name, seconds, rows, peak megabytes."""
import json, resource, sys, time

kind, path = sys.argv[1:3]
started = time.perf_counter()
rows = 0
if kind == "xml":
    import platform
    from xml.etree.ElementTree import ParseError, iterparse

    name = f"Python {platform.python_version()} ElementTree.iterparse, counting rows"
    # The malformed rows end it: they are taken out as the bytes go by.
    class Lines:
        def __init__(self, file):
            self.file = file

        def read(self, size=-1):
            lines = self.file.readlines(1 << 18)
            return b"".join(line for line in lines if b"cut off" not in line)

    with open(path, "rb") as file:
        events = iterparse(Lines(file), events=("start", "end"))
        _, root = next(events)
        for event, element in events:
            if event == "end" and element.tag == "row":
                rows += 1
                element.attrib.get("Body")
                root.clear()
else:
    import pyarrow, pyarrow.parquet

    name = f"pyarrow {pyarrow.__version__}, iter_batches and to_pylist"
    columns = ["qid", "question", "answers", "date", "metadata"]
    for batch in pyarrow.parquet.ParquetFile(path).iter_batches(1000, columns=columns):
        rows += len(batch.to_pylist())
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"name": name, "seconds": seconds, "rows": rows, "megabytes": peak}))
