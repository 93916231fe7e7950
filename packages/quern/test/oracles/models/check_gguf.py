"""Reads GGUF files with the package gguf and prints what it finds: see README.md."""

import sys

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize

for path in sys.argv[1:]:
    reader = GGUFReader(path)
    print(path)
    for key, field in reader.fields.items():
        value = field.contents()
        print(" ", key, f"[{len(value)}] {value[:3]}" if isinstance(value, list) else repr(value)[:80])
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type)
        assert np.isfinite(values).all(), tensor.name
        print(" ", tensor.name, tensor.tensor_type.name, tensor.shape.tolist(), f"{values.std():.4f}")
