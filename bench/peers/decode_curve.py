"""How many tokens a second a GPU decodes and prefills by batch: Qwen2.5's shapes, random bfloat16 weights, no server around it.

    python bench/peers/decode_curve.py [1.5B 7B 0.5B]

A step is one CUDA graph: all layers over a cache of 550 tokens a sequence (300 of prompt and half of 500), logits, a draw from the
20 likeliest. Prints a JSON line a measurement: milliseconds, median of 20.
"""
import json, sys, torch
from torch.nn.functional import linear, rms_norm, scaled_dot_product_attention as attend, silu

SHAPES = {"0.5B": (896, 24, 14, 2, 64, 4864), "1.5B": (1536, 28, 12, 2, 128, 8960), "7B": (3584, 28, 28, 4, 128, 18944)}
V, KEPT, PROMPT = 151936, 550, 300
torch.set_grad_enabled(False)
torch.set_default_device("cuda")
torch.set_default_dtype(torch.bfloat16)
weight = lambda rows, columns: torch.randn(rows, columns) / columns**0.5

def forward(x, layers, heads, kv, dim, caches):
    b, s, width = x.shape
    for (qkv, out, up, down), cache in zip(layers, caches):
        h = rms_norm(x, (width,))
        q, k, v = linear(h, qkv).view(b, s, heads + 2 * kv, dim).transpose(1, 2).split([heads, kv, kv], 1)
        if cache is not None:
            cache[0, :, :, -1:], cache[1, :, :, -1:] = k, v
            k, v = cache
        x = x + linear(attend(q, k, v, is_causal=s > 1, enable_gqa=True).transpose(1, 2).reshape(b, s, heads * dim), out)
        gate, value = linear(rms_norm(x, (width,)), up).chunk(2, -1)
        x = x + linear(silu(gate) * value, down)
    return x

def timed(work):
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        work(), work()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    times = []
    for _ in range(25):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record(), graph.replay(), end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end))
    return sorted(times[5:])[10]

print(torch.cuda.get_device_name(), torch.__version__)
for name in sys.argv[1:] or ["1.5B", "7B", "0.5B"]:
    width, depth, heads, kv, dim, ffn = SHAPES[name]
    embedding = torch.randn(V, width)
    layers = [(weight((heads + 2 * kv) * dim, width), weight(width, heads * dim), weight(2 * ffn, width), weight(width, ffn)) for _ in range(depth)]
    for b in [1, 4, 8, 16, 32, 64, 96, 128, 192, 256, 384, 512]:
        tokens = torch.zeros(b, 1, dtype=torch.long)
        caches = torch.randn(depth, 2, b, kv, KEPT, dim)
        def step():
            logits = linear(forward(embedding[tokens], layers, heads, kv, dim, caches)[:, -1], embedding).float()
            best, at = torch.topk(logits / 0.7, 20)
            drawn = (torch.softmax(best, -1) / torch.empty_like(best).exponential_()).argmax(-1, keepdim=True)
            tokens.copy_(at.gather(-1, drawn))
        ms = timed(step)
        print(json.dumps({"shape": name, "decode": b, "ms": round(ms, 3), "tokens/s": round(1000 * b / ms)}), flush=True)
        del caches
    for b in [1, 4, 16]:
        prompt = torch.zeros(b, PROMPT, dtype=torch.long)
        ms = timed(lambda: forward(embedding[prompt], layers, heads, kv, dim, [None] * depth))
        print(json.dumps({"shape": name, "prefill": b * PROMPT, "ms": round(ms, 3), "tokens/s": round(1000 * b * PROMPT / ms)}), flush=True)
    del layers, embedding
    torch.cuda.empty_cache()
