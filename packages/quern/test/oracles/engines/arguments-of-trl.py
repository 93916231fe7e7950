"""Prints the names of GRPOConfig's arguments, read from the sources: importing them takes PyTorch's time to start."""

import ast
import importlib.util
import json
import pathlib


def package(name):
    return pathlib.Path(importlib.util.find_spec(name).origin).parent


def fields(path, *classes):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef) and node.name in classes:
            for each in node.body:
                if isinstance(each, ast.AnnAssign):
                    yield each.target.id


trl, transformers = package("trl"), package("transformers")
print(
    json.dumps(
        [
            *fields(trl / "trainer" / "grpo_config.py", "GRPOConfig"),
            *fields(trl / "trainer" / "base_config.py", "_BaseConfig"),
            *fields(transformers / "training_args.py", "TrainingArguments"),
        ]
    )
)
