"""Golden values for float-formats.ts and quantization.ts, by NumPy and gguf.quants: see README.md.

    python blocks_golden.py > ../../golden/models/blocks.json
"""

import hashlib
import json
import sys

import numpy as np
from gguf import quants
from gguf.constants import GGMLQuantizationType as T


def mulberry32(seed, count):
    """The same numbers as random-numbers.ts gives, from 0 to 2^32 - 1."""
    out = np.empty(count, dtype=np.uint32)
    state = seed
    for i in range(count):
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        x = state
        x = ((x ^ (x >> 15)) * (x | 1)) & 0xFFFFFFFF
        x = (x ^ ((x + ((x ^ (x >> 7)) * (x | 61))) & 0xFFFFFFFF)) & 0xFFFFFFFF
        out[i] = x ^ (x >> 14)
    return out


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def f32(array):
    return np.asarray(array).astype(np.float32)


every = np.arange(1 << 16, dtype=np.uint16)
random = mulberry32(7, 1 << 18)
with np.errstate(all="ignore"):
    any_bits = random.view(np.float32)
    any_bits = any_bits[~np.isnan(any_bits)]
    # Uniform in the exponent: magnitudes around the ends of F16, and around its ties.
    magnitudes = np.ldexp(f32(random & 0xFFFF) / np.float32(65536) + np.float32(1), ((random >> 16) % 48).astype(np.int32) - 28)
    signed = f32(np.where(random >> 31, -magnitudes, magnitudes))
    finite = any_bits[np.abs(any_bits) < 1e38]

    uniform = f32(random[: 64 * 256]) / np.float32(2**32) - np.float32(0.5)
    rows = f32(uniform.reshape(-1, 256))
    scaled = f32(rows * f32(np.ldexp(np.float32(1), (np.arange(64) % 40 - 20).astype(np.int32)))[:, None])
    # Values on a grid, so that largest magnitudes and halves tie; and rows of zeros.
    grid = f32((random[: 16 * 256] % 17).astype(np.int32) - 8).reshape(-1, 256) / np.float32(8)
    grid[3] = 0
    grid[5, 1:] = 0
    blocks = f32(np.concatenate([scaled, grid]))

    golden = {
        "float16Values": digest(every.view(np.float16).astype(np.float32)[~np.isnan(every.view(np.float16))]),
        "roundedToFloat16": [digest(signed.astype(np.float16)), digest(any_bits.astype(np.float16))],
        "roundedToBfloat16": [digest(quants.quantize(x, T.BF16)) for x in (signed, any_bits)],
        "bfloat16ToFloat16": digest(
            (v := (every.astype(np.uint32) << 16).view(np.float32))[~np.isnan(v)].astype(np.float16)
        ),
        "values": digest(blocks),
        "q8_0": {"blocks": digest(q := quants.quantize(blocks, T.Q8_0)), "values": digest(quants.dequantize(q, T.Q8_0))},
        "q4_0": {"blocks": digest(q := quants.quantize(blocks, T.Q4_0)), "values": digest(quants.dequantize(q, T.Q4_0))},
        "first": {
            "values": blocks[5].tolist()[:32] + blocks[66].tolist()[:32],
            "q8_0": np.concatenate([quants.quantize(blocks[i, :32], T.Q8_0) for i in (5, 66)]).tolist(),
            "q4_0": np.concatenate([quants.quantize(blocks[i, :32], T.Q4_0) for i in (5, 66)]).tolist(),
        },
    }

json.dump(golden, sys.stdout, indent=1)
print()
