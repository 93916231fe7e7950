"""The peer of bench/libtorch.ts: the same Qwen2, training step and decoding in PyTorch, eagerly.

    python libtorch_peer.py TASK

TASK is the JSON that bench/libtorch.ts hands over; prints one JSON line.
"""

import json
import re
import statistics
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import torch
import torch.nn.functional as F


def resident(field):
    with open("/proc/self/status") as status:
        return int(re.search(rf"{field}:\s+(\d+)", status.read()).group(1)) / 1024


def tokens_of(count, vocabulary):
    return [(i * 7919 + ((i * i) % 104729)) % vocabulary for i in range(count)]


class Layer(torch.nn.Module):
    def __init__(self, c):
        super().__init__()
        d, kv = c["hiddenSize"], c["hiddenSize"] // c["heads"] * c["keyValueHeads"]
        self.input_norm = torch.nn.Parameter(torch.ones(d))
        self.q, self.k, self.v = torch.nn.Linear(d, d), torch.nn.Linear(d, kv), torch.nn.Linear(d, kv)
        self.o = torch.nn.Linear(d, d, bias=False)
        self.post_norm = torch.nn.Parameter(torch.ones(d))
        self.gate = torch.nn.Linear(d, c["intermediateSize"], bias=False)
        self.up = torch.nn.Linear(d, c["intermediateSize"], bias=False)
        self.down = torch.nn.Linear(c["intermediateSize"], d, bias=False)


def rotated(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


class Qwen2(torch.nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embed = torch.nn.Parameter(torch.empty(c["vocabularySize"], c["hiddenSize"]))
        self.layers = torch.nn.ModuleList(Layer(c) for _ in range(c["layers"]))
        self.norm = torch.nn.Parameter(torch.ones(c["hiddenSize"]))
        size = c["hiddenSize"] // c["heads"]
        inverse = 1.0 / c["ropeBase"] ** (torch.arange(0, size, 2).float() / size)
        angles = torch.arange(1024).float()[:, None] * inverse
        angles = torch.cat((angles, angles), -1)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        for parameter in self.parameters():
            if parameter.dim() == 2:
                torch.nn.init.normal_(parameter, std=0.02)
        for layer in self.layers:
            for linear in (layer.q, layer.k, layer.v):
                torch.nn.init.zeros_(linear.bias)

    def through(self, tokens, cos, sin, attend):
        c = self.c
        b, t = tokens.shape
        size = c["hiddenSize"] // c["heads"]
        x = F.embedding(tokens, self.embed)
        for i, layer in enumerate(self.layers):
            n = F.rms_norm(x, (x.shape[-1],), layer.input_norm, c["normEpsilon"])
            q = rotated(layer.q(n).view(b, t, -1, size).transpose(1, 2), cos, sin)
            k = rotated(layer.k(n).view(b, t, -1, size).transpose(1, 2), cos, sin)
            v = layer.v(n).view(b, t, -1, size).transpose(1, 2)
            a = attend(i, q, k, v).transpose(1, 2).reshape(b, t, -1)
            x = x + layer.o(a)
            n = F.rms_norm(x, (x.shape[-1],), layer.post_norm, c["normEpsilon"])
            x = x + layer.down(F.silu(layer.gate(n)) * layer.up(n))
        return F.rms_norm(x, (x.shape[-1],), self.norm, c["normEpsilon"])

    def causal(self, i, q, k, v):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)


def megabytes_since(before, task):
    if task["device"] == "cpu":
        return resident("VmHWM") - before
    return torch.cuda.max_memory_allocated() / 2**20


def synchronize(task):
    if task["device"] != "cpu":
        torch.cuda.synchronize()


def trained(task, before):
    c, b, t = task["config"], task["rows"], task["tokens"]
    torch.manual_seed(1)
    model = Qwen2(c).to(task["device"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1, fused=True)
    tokens = torch.tensor(tokens_of(b * (t + 1), c["vocabularySize"]), device=task["device"]).view(b, t + 1)
    milliseconds = []
    kind = torch.device(task["device"]).type
    for step in range(-task["warmUp"], task["steps"]):
        start = time.perf_counter()
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=task["bfloat16"]):
            h = model.through(tokens[:, :-1], model.cos[:t], model.sin[:t], model.causal)
            logits = F.linear(h, model.embed)
            loss = F.cross_entropy(logits.float().view(-1, c["vocabularySize"]), tokens[:, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        value = loss.item()
        del h, logits, loss
        synchronize(task)
        if step >= 0:
            milliseconds.append((time.perf_counter() - start) * 1000)
    return {"milliseconds": milliseconds, "megabytes": megabytes_since(before, task), "loss": value}


@torch.no_grad()
def decoded(task, before):
    c, rows, length = task["config"], task["rows"], task["tokens"]
    torch.manual_seed(1)
    dtype = torch.bfloat16 if task["bfloat16"] else torch.float32
    model = Qwen2(c).to(task["device"], dtype)
    prompt = torch.tensor([tokens_of(length, c["vocabularySize"])], device=task["device"])
    size, kv = c["hiddenSize"] // c["heads"], c["keyValueHeads"]
    milliseconds = []
    for turn in range(-task["warmUp"], 3):
        start = time.perf_counter()
        capacity = length + task["steps"]
        cache = [
            (torch.zeros(rows, kv, capacity, size, device=task["device"], dtype=dtype), torch.zeros(rows, kv, capacity, size, device=task["device"], dtype=dtype))
            for _ in range(c["layers"])
        ]

        def first(i, q, k, v):
            cache[i][0][:, :, :length].copy_(k)
            cache[i][1][:, :, :length].copy_(v)
            return model.causal(i, q, k, v)

        def drawn(logits):
            return torch.multinomial(torch.softmax(logits.float(), -1), 1)

        h = model.through(prompt, model.cos[:length], model.sin[:length], first)[:, -1]
        last = drawn(F.linear(h, model.embed).expand(rows, -1))
        out = [last]
        for step in range(1, task["steps"]):
            at = length + step - 1

            def next_one(i, q, k, v):
                cache[i][0][:, :, at : at + 1].copy_(k)
                cache[i][1][:, :, at : at + 1].copy_(v)
                q = q.reshape(rows, kv, c["heads"] // kv, size)
                a = F.scaled_dot_product_attention(q, cache[i][0][:, :, : at + 1], cache[i][1][:, :, : at + 1])
                return a.reshape(rows, c["heads"], 1, size)

            h = model.through(last, model.cos[at : at + 1], model.sin[at : at + 1], next_one)
            last = drawn(F.linear(h, model.embed).view(rows, -1))
            out.append(last)
        torch.cat(out, 1).tolist()
        if turn >= 0:
            milliseconds.append((time.perf_counter() - start) * 1000)
    return {"milliseconds": milliseconds, "megabytes": megabytes_since(before, task)}


task = json.loads(sys.argv[1])
torch.set_num_threads(task["threads"])
run = trained if task["kind"] == "train" else decoded
config = {**task["config"], "hiddenSize": 16 * task["config"]["heads"], "layers": 1, "intermediateSize": 32, "vocabularySize": 64}
run({**task, "config": config, "rows": 2, "tokens": 8, "steps": 4, "warmUp": 1}, 0)
if task["device"] != "cpu":
    torch.cuda.reset_peak_memory_stats()
print(json.dumps({**run(task, resident("VmRSS")), "version": torch.__version__}))
