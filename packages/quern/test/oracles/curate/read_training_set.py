"""Reads a training set with pyarrow, pandas, datasets and DuckDB, and prints what each finds."""
import json, sys, tempfile

import duckdb, pandas, pyarrow.parquet
from datasets import load_dataset

folder = sys.argv[1]
splits = ["train", "validation", "test"]
files = {split: f"{folder}/{split}.parquet" for split in splits}
tables = {split: pyarrow.parquet.read_table(path) for split, path in files.items()}
with tempfile.TemporaryDirectory() as cache:
    loaded = load_dataset(folder, cache_dir=cache)
    rows = {split: len(loaded[split]) if split in loaded else 0 for split in splits}
    first = loaded["train"][0]
label = json.loads(first["answer"])
print(
    json.dumps(
        {
            "pyarrow": {split: table.num_rows for split, table in tables.items()},
            "pandas": {split: len(pandas.read_parquet(path)) for split, path in files.items()},
            "duckdb": {
                split: duckdb.sql(f"select count(*) from '{path}' where len(prompt) = 2").fetchall()[0][0]
                for split, path in files.items()
            },
            "datasets": rows,
            "schema": [f"{field.name}: {field.type}" for field in tables["train"].schema],
            "row": {
                "label_is_ground_truth": first["reward_model"]["ground_truth"] == first["answer"],
                "query_is_question": label["query"] == first["question"]
                and label["pos_docs_list"] == first["positives"],
                "roles": [turn["role"] for turn in first["prompt"]],
            },
        }
    )
)
