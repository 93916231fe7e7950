"""Writes golden/operations.json: what PyTorch computes for each operation of this package, and its gradients.

    python operations_golden.py ../golden/operations.json

needs torch (2.13 wrote the file that is there) and nothing else. Values are base64 of their bytes, row by row. Results are
weighted by `weights` and summed before gradients are taken; operations.test.ts does the same, and has a function for each case.
"""

import base64
import json
import sys

import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(5)
FLOATS = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


def named(dtype):
    return str(dtype).removeprefix("torch.")


def packed(tensor):
    data = tensor.detach().contiguous()
    raw = bytes(data.reshape(-1).view(torch.uint8).tolist()) if data.numel() else b""
    return {"dtype": named(data.dtype), "shape": list(data.shape), "data": base64.b64encode(raw).decode()}


def weights(tensor):
    """7, 3, 10, … in -1 to 1, which every language computes alike."""
    count = torch.arange(tensor.numel(), dtype=torch.float64)
    return ((count * 7 % 11 - 5) / 5).to(tensor.dtype).reshape(tensor.shape)


tensors = {
    "x": torch.randn(3, 4),
    "y": torch.randn(3, 4),
    "row": torch.randn(4),
    "column": torch.randn(3, 1),
    "single": torch.randn(()),
    "positive": torch.rand(3, 4) + 0.3,
    "none": torch.zeros(0, 4),
    "cube": torch.randn(2, 3, 4),
    "matrices": torch.randn(2, 4, 2),
    "large": torch.randn(5, 4) * 40,
    "twins": torch.tensor([[2.0, 1.0, 2.0, 3.0, 1.0, 3.0]]),
    "w": torch.randn(5, 4),
    "b": torch.randn(5),
    "query": torch.randn(1, 4, 3, 2),
    "key": torch.randn(1, 2, 3, 2),
    "value": torch.randn(1, 2, 3, 2),
    "special": torch.tensor([0.0, -0.0, float("inf"), float("-inf"), float("nan"), 1.0]),
    "mask": torch.tensor([[True, False, True, True], [False, False, True, False], [True, True, False, False]]),
    "sees": torch.tensor([[True, False, False], [True, True, False], [False, True, True]]),
    "integers": torch.tensor([[3, -1, 4], [1, -5, 9]]),
    "places": torch.tensor([2, 0, 2]),
    "columns": torch.tensor([[0, 3, 1], [2, 2, 0], [1, 0, 3]]),
    "classes": torch.tensor([1, 4, 0]),
    "ignored": torch.tensor([1, -100, 0]),
}

# Name, inputs, function; the result is a tensor or a list of tensors.
CASES = [
    ("add", "x y", lambda x, y: x + y),
    ("add, a row", "x row", lambda x, y: x + y),
    ("add, a row and a column", "row column", lambda x, y: x + y),
    ("add, a view", "cube matrices", lambda x, y: x.transpose(1, 2)[:, :, :2] + y),
    ("add, nothing", "none row", lambda x, y: x + y),
    ("add, a number", "x", lambda x: x + 2.5),
    ("add, integers", "integers places", lambda x, y: x + y),
    ("add, integers and a number", "integers", lambda x: x + 0.5),
    ("add, other types", "integers single", lambda x, y: x + y),
    ("sub", "x row", lambda x, y: x - y),
    ("sub, a number", "x", lambda x: x - 3),
    ("mul", "x column", lambda x, y: x * y),
    ("mul, a number", "x", lambda x: x * -0.3),
    ("div", "x positive", lambda x, y: x / y),
    ("div, a number", "integers", lambda x: x / 4),
    ("pow", "positive y", lambda x, y: x**y),
    ("pow, a number", "x", lambda x: x**3),
    ("addcmul", "x row column", torch.addcmul),
    ("addcmul, of larger ones", "single x row", torch.addcmul),
    ("addcmul, a view", "cube matrices", lambda x, y: x[:, :2, :2].addcmul(x.transpose(1, 2)[:, :2, :2], y[:, 2:])),
    ("minimum", "x row", torch.minimum),
    ("maximum", "x row", torch.maximum),
    ("clamp", "x", lambda x: x.clamp(-0.5, 0.5)),
    ("clamp, one bound", "x", lambda x: x.clamp(max=0.25)),
    ("neg", "x", torch.neg),
    ("exp", "x", torch.exp),
    ("log", "positive", torch.log),
    ("sqrt", "positive", torch.sqrt),
    ("rsqrt", "positive", torch.rsqrt),
    ("square", "x", torch.square),
    ("abs", "x", torch.abs),
    ("sin", "x", torch.sin),
    ("cos", "x", torch.cos),
    ("tanh", "x", torch.tanh),
    ("sigmoid", "x", torch.sigmoid),
    ("relu", "x", torch.relu),
    ("silu", "x", F.silu),
    ("gelu", "x", F.gelu),
    ("gelu, tanh", "x", lambda x: F.gelu(x, approximate="tanh")),
    ("exp, a view", "cube", lambda x: x.permute(2, 0, 1).exp()),
    ("exp, nothing", "none", torch.exp),
    ("add_", "x row", lambda x, y: x.clone().add_(y)),
    ("add_, a number", "x", lambda x: x.clone().add_(1)),
    ("sub_", "x row", lambda x, y: x.clone().sub_(y)),
    ("sub_, a number", "x", lambda x: x.clone().sub_(0.5)),
    ("mul_", "x row", lambda x, y: x.clone().mul_(y)),
    ("mul_, a number", "x", lambda x: x.clone().mul_(2)),
    ("div_", "x positive", lambda x, y: x.clone().div_(y)),
    ("div_, a number", "x", lambda x: x.clone().div_(3)),
    ("copy_", "x row", lambda x, y: x.clone().copy_(y)),
    ("fill_", "x", lambda x: x.clone().fill_(2.5)),
    ("zero_", "x", lambda x: x.clone().zero_()),
    ("eq", "integers places", lambda x, y: x == y),
    ("eq, a number", "integers", lambda x: x == 4),
    ("ne", "integers places", lambda x, y: x != y),
    ("ne, a number", "integers", lambda x: x != 4),
    ("lt", "x row", lambda x, y: x < y),
    ("lt, a number", "x", lambda x: x < 0.5),
    ("le", "integers places", lambda x, y: x <= y),
    ("le, a number", "integers", lambda x: x <= 3),
    ("gt", "x row", lambda x, y: x > y),
    ("gt, a number", "x", lambda x: x > 0.5),
    ("ge", "integers places", lambda x, y: x >= y),
    ("ge, a number", "integers", lambda x: x >= 3),
    ("logicalAnd", "mask x", lambda m, x: m.logical_and(x > 0)),
    ("logicalOr", "mask x", lambda m, x: m.logical_or(x > 0)),
    ("logicalNot", "mask", torch.logical_not),
    ("isnan", "special", torch.isnan),
    ("isfinite", "special", torch.isfinite),
    ("sum", "cube", torch.sum),
    ("sum, a dimension", "cube", lambda x: x.sum(1)),
    ("sum, dimensions kept", "cube", lambda x: x.sum((0, -1), keepdim=True)),
    ("sum, nothing", "none", lambda x: x.sum(0)),
    ("sum, booleans", "mask", torch.sum),
    ("mean", "cube", torch.mean),
    ("mean, dimensions", "cube", lambda x: x.mean((1, 2))),
    ("std", "cube", torch.std),
    ("std, a dimension kept", "cube", lambda x: x.std(1, correction=0, keepdim=True)),
    ("max", "x", torch.max),
    ("maxAlong", "cube", lambda x: list(x.max(1))),
    ("min", "x", torch.min),
    ("minAlong", "cube", lambda x: list(x.min(-1, keepdim=True))),
    ("amax", "cube", lambda x: x.amax((0, 2))),
    ("any", "mask", torch.any),
    ("all", "mask", torch.all),
    ("argmax", "x", torch.argmax),
    ("argmax, a dimension", "cube", lambda x: x.argmax(1, keepdim=True)),
    ("argmin", "x", torch.argmin),
    ("argmin, a dimension", "cube", lambda x: x.argmin(-1)),
    ("logsumexp", "large", lambda x: x.logsumexp(1)),
    ("logsumexp, dimensions kept", "cube", lambda x: x.logsumexp((0, 2), keepdim=True)),
    ("norm", "cube", torch.linalg.vector_norm),
    ("norm, of order 1", "cube", lambda x: torch.linalg.vector_norm(x, 1, dim=(1,), keepdim=True)),
    ("norm, of order infinity", "x", lambda x: torch.linalg.vector_norm(x, float("inf"))),
    ("cumsum", "cube", lambda x: x.cumsum(1)),
    ("softmax", "large", lambda x: x.softmax(1)),
    ("softmax, in float64", "cube", lambda x: x.softmax(0, dtype=torch.float64)),
    ("softmax, nothing", "none", lambda x: x.softmax(1)),
    ("logSoftmax", "large", lambda x: x.log_softmax(-1)),
    ("topk", "cube", lambda x: list(x.topk(2))),
    ("topk, a dimension", "cube", lambda x: list(x.topk(1, 1))),
    ("sort", "cube", lambda x: list(x.sort(dim=-1, stable=True))),
    ("sort, equal values", "twins", lambda x: list(x.sort(dim=-1, descending=True, stable=True))),
    ("view", "cube", lambda x: x.view(6, -1)),
    ("reshape, a view", "cube", lambda x: x.transpose(0, 2).reshape(4, 6)),
    ("transpose", "cube", lambda x: x.transpose(0, -1)),
    ("permute", "cube", lambda x: x.permute(1, 2, 0)),
    ("t", "x", lambda x: x.t()),
    ("unsqueeze", "x", lambda x: x.unsqueeze(-1)),
    ("squeeze", "column", lambda x: x.squeeze(1)),
    ("expand", "column", lambda x: x.expand(2, -1, 4)),
    ("repeat", "x", lambda x: x.repeat(2, 1, 2)),
    ("repeatInterleave", "x", lambda x: x.repeat_interleave(2, 0)),
    ("contiguous", "x", lambda x: x.t().contiguous()),
    ("flatten", "cube", lambda x: x.flatten(1)),
    ("split", "cube", lambda x: list(x.split(3, -1))),
    ("chunk", "cube", lambda x: list(x.chunk(2, 2))),
    ("unbind", "cube", lambda x: list(x.unbind(1))),
    ("narrow", "cube", lambda x: x.narrow(2, 1, 2)),
    ("narrow, to nothing", "cube", lambda x: x.narrow(0, 2, 0)),
    ("select", "cube", lambda x: x.select(1, -1)),
    ("slice", "cube", lambda x: x[:, :, 1::2]),
    ("slice, from the end", "x", lambda x: x[-2:]),
    ("roll", "cube", lambda x: x.roll(2, 1)),
    ("roll, back", "cube", lambda x: x.roll(-1, -1)),
    ("roll, by more than there are", "cube", lambda x: x.transpose(0, 2).roll(6, 0)),
    ("roll, nothing", "none", lambda x: x.roll(1, 0)),
    ("flip", "cube", lambda x: x.flip((0, 2))),
    ("tril", "x", lambda x: x.tril(-1)),
    ("triu", "cube", lambda x: x.triu(1)),
    ("indexSelect", "cube places", lambda x, i: x.index_select(2, i)),
    ("gather", "x columns", lambda x, i: x.gather(1, i)),
    ("scatter_", "x columns y", lambda x, i, y: x.clone().scatter_(1, i[:, :1], y[:, :1])),
    ("scatter_, a number", "x columns", lambda x, i: x.clone().scatter_(1, i, 7)),
    ("scatterAdd_", "x columns y", lambda x, i, y: x.clone().scatter_add_(1, i, y[:, :3])),
    ("indexCopy_", "cube places x", lambda x, i, y: x.clone().index_copy_(1, i[:2], y.repeat(2, 1, 1)[:, :2])),
    ("index", "cube places", lambda x, i: x[:, i]),
    ("index, two dimensions", "cube places", lambda x, i: x[:, i, i + 1]),
    ("index, a mask", "x mask", lambda x, m: x[m]),
    ("indexPut_", "x places row", lambda x, i, y: x.clone().index_put_((i,), y)),
    ("indexPut_, added up", "x places row", lambda x, i, y: x.clone().index_put_((i,), y, accumulate=True)),
    ("maskedFill", "x mask", lambda x, m: x.masked_fill(m, -1)),
    ("where", "mask x row", torch.where),
    ("matmul", "x w", lambda x, w: x @ w.t()),
    ("matmul, in batches", "cube matrices", lambda x, y: x @ y),
    ("matmul, a row", "cube row", lambda x, y: x @ y),
    ("matmul, nothing", "none w", lambda x, w: x @ w.t()),
    ("clone", "x", torch.clone),
    ("detach", "x", torch.detach),
    ("to", "x", lambda x: x.to(torch.float64)),
    ("cat", "x y row", lambda x, y, z: torch.cat([x, y, z.unsqueeze(0)])),
    ("cat, a dimension", "x column", lambda x, y: torch.cat([x, y], 1)),
    ("stack", "x y", lambda x, y: torch.stack([x, y], -1)),
    ("linear", "cube w b", F.linear),
    ("linear, without a bias", "x w", F.linear),
    ("embedding", "columns w", F.embedding),
    ("layerNorm", "cube row", lambda x, w: F.layer_norm(x, [4], w, w * 2, 1e-4)),
    ("layerNorm, bare", "cube", lambda x: F.layer_norm(x, [4])),
    ("rmsNorm", "cube row", lambda x, w: F.rms_norm(x, [4], w, 1e-6)),
    ("rmsNorm, bare", "cube", lambda x: F.rms_norm(x, [4], eps=1e-3)),
    ("dropout, not in training", "x", lambda x: F.dropout(x, 0.5, False)),
    ("dropout, of everything", "x", lambda x: F.dropout(x, 1.0, True)),
    ("crossEntropy", "x w classes", lambda x, w, c: F.cross_entropy(x @ w.t(), c)),
    ("crossEntropy, each", "x w ignored", lambda x, w, c: F.cross_entropy(x @ w.t(), c, reduction="none")),
    ("crossEntropy, summed", "x w classes", lambda x, w, c: F.cross_entropy(x @ w.t(), c, reduction="sum", ignore_index=4)),
    ("attention", "key value", lambda k, v: F.scaled_dot_product_attention(k, k, v)),
    ("attention, causal", "key value", lambda k, v: F.scaled_dot_product_attention(k, v, v, is_causal=True, scale=0.7)),
    ("attention, masked", "key value sees", lambda k, v, m: F.scaled_dot_product_attention(k, k, v, attn_mask=m)),
    ("attention, grouped", "query key value", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True)),
    ("zeros", "", lambda: torch.zeros(2, 0, 3)),
    ("ones", "", lambda: torch.ones(2, 3, dtype=torch.int32)),
    ("full", "", lambda: torch.full((2,), 0.1, dtype=torch.float64)),
    ("zerosLike", "mask", torch.zeros_like),
    ("onesLike", "integers", torch.ones_like),
    ("eye", "", lambda: torch.eye(3)),
    ("arange", "", lambda: torch.arange(-2, 9, 3)),
    ("arange, floats", "", lambda: torch.arange(0.5, 2, 0.25, dtype=torch.float32)),
]


def case(name, inputs, function):
    names = inputs.split()
    given = [tensors[n].clone().requires_grad_(tensors[n].dtype in FLOATS) for n in names]
    results = function(*given)
    results = results if isinstance(results, list) else [results]
    found = {"name": name, "inputs": names, "results": [packed(r) for r in results]}
    recorded = [r for r in results if r.requires_grad]
    if recorded:
        sum((r * weights(r)).sum() for r in recorded).backward()
        found["gradients"] = [packed(g.grad) if g.grad is not None else None for g in given]
    return found


def conversions():
    sources = {
        "float32": torch.tensor(
            [0.0, -0.0, 1.0, -1.5, 0.1, 1e-8, 6e-8, 5.96e-8, 1e-40, 65504.0, 65519.9, 1.00390625, 1.01171875, 255.0, 3.14159]
        ),
        "float64": torch.tensor([0.0, 1 / 3, -2.7, 1e-300, 123.456, 2**-24, 1 + 2**-9], dtype=torch.float64),
        "bfloat16": torch.tensor([0.0, -1.0, 3.140625, 1e-30, 250.0]).bfloat16(),
        "float16": torch.tensor([0.0, -0.333, 65504.0, 6e-8, 250.5]).half(),
        "int64": torch.tensor([0, 1, -1, 2**24 + 1, 2**53 + 1, -(2**62)]),
        "int32": torch.tensor([0, 1, -1, 2**24 + 1, 2**31 - 1], dtype=torch.int32),
        "uint8": torch.tensor([0, 1, 200, 255], dtype=torch.uint8),
        "bool": torch.tensor([False, True]),
    }
    for source in sources.values():
        found = []
        for dtype in (torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.int64, torch.int32, torch.uint8, torch.bool):
            # Floats that an integer type does not hold become anything.
            unclear = dtype == torch.uint8 and source.is_floating_point()
            found.append(packed((source.abs().clamp(0, 255) if unclear else source).to(dtype)))
        yield {"source": packed(source), "results": found}


def special_conversions():
    source = torch.tensor([float("inf"), float("-inf"), 1e39, 7e4, -7e4, 3.4e38, -1e-46], dtype=torch.float32)
    return {"source": packed(source), "results": [packed(source.to(t)) for t in (torch.bfloat16, torch.float16, torch.float64, torch.bool)]}


def random_numbers():
    found = []
    for seed in (0, 1, 123456789012):
        generator = torch.Generator().manual_seed(seed)
        normal = [packed(torch.randn(n, generator=generator)) for n in (1, 5, 15, 16, 40)]
        uniform = [packed(torch.rand(n, generator=generator)) for n in (3, 33)]
        double = packed(torch.randn(3, 2, generator=generator, dtype=torch.float64))
        found.append({"seed": seed, "normal": normal, "uniform": uniform, "double": double})
    return found


def adamw():
    found = []
    for options in (
        {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1},
        {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01},
    ):
        parameters = [nn.Parameter(tensors["x"].clone()), nn.Parameter(tensors["b"].clone()), nn.Parameter(tensors["row"].clone())]
        optimizer = torch.optim.AdamW(parameters, fused=True, **options)
        steps = []
        for step in range(20):
            optimizer.zero_grad()
            loss = ((parameters[0] * 2 - tensors["y"]) ** 2).sum() + (parameters[1] ** 4).sum()
            # The last one has no gradient in every other step.
            if step % 2 == 0:
                loss = loss + parameters[2].exp().sum()
            loss.backward()
            optimizer.step()
            if step in (0, 9, 19):
                states = [optimizer.state[p] for p in parameters]
                steps.append(
                    {
                        "step": step,
                        "parameters": [packed(p) for p in parameters],
                        "means": [packed(s["exp_avg"]) for s in states],
                        "squares": [packed(s["exp_avg_sq"]) for s in states],
                        "steps": [s["step"].item() for s in states],
                    }
                )
        lr, betas, eps, decay = options["lr"], options["betas"], options["eps"], options["weight_decay"]
        found.append({"options": {"learningRate": lr, "betas": betas, "epsilon": eps, "weightDecay": decay}, "steps": steps})
    return found


def clipping():
    found = []
    for most in (0.5, 100.0):
        parameters = [nn.Parameter(tensors[n].clone()) for n in ("x", "b", "row")]
        (parameters[0] ** 3).sum().backward()
        (parameters[1] * 3).sum().backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, most)
        found.append({"most": most, "norm": norm.item(), "gradients": [packed(p.grad) for p in parameters[:2]]})
    return found


def autocast():
    x, w, b = (tensors[n].clone().requires_grad_() for n in ("x", "w", "b"))
    with torch.autocast("cpu", torch.bfloat16):
        linear = F.linear(x, w, b)
        added = linear + b
        soft = linear.log_softmax(-1)
    (added * weights(added)).sum().backward()
    return {"linear": packed(linear), "added": packed(added), "soft": packed(soft), "gradients": [packed(t.grad) for t in (x, w, b)]}


json.dump(
    {
        "torch": torch.__version__,
        "tensors": {name: packed(tensor) for name, tensor in tensors.items()},
        "cases": [case(*each) for each in CASES],
        "conversions": list(conversions()),
        "specialConversions": special_conversions(),
        "random": random_numbers(),
        "adamw": adamw(),
        "clipping": clipping(),
        "autocast": autocast(),
    },
    open(sys.argv[1], "w"),
)
