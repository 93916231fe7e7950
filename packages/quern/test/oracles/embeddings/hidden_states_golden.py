"""Golden values for llama-embedder.ts: the last layer's states of a tiny Qwen2 checkpoint by transformers, pooled, of length 1.

    python hidden_states_golden.py FOLDER > ../../golden/embeddings/hidden-states.json

FOLDER is what ../models/write-checkpoints.ts writes; the model is `tied`. `end` is the last token's with <|endoftext|> behind
the text, as Qwen3-Embedding wants it.
"""

import json
import pathlib
import sys

import torch
from transformers import AutoTokenizer, Qwen2Model

torch.set_num_threads(1)
TEXTS = ["The question asks in the end about a thing that is not there: 42 words.", "One, two."]

folder = pathlib.Path(sys.argv[1]) / "tied" / "checkpoint"
model = Qwen2Model.from_pretrained(folder, dtype=torch.float32).eval()
tokenizer = AutoTokenizer.from_pretrained(folder)
end = tokenizer.convert_tokens_to_ids("<|endoftext|>")


def unit(vector):
    return [float(f"{x:.6g}") for x in (vector / vector.norm()).tolist()]


golden = []
with torch.no_grad():
    for text in TEXTS:
        tokens = tokenizer(text)["input_ids"]
        states = model(torch.tensor([tokens])).last_hidden_state[0]
        ended = model(torch.tensor([[*tokens, end]])).last_hidden_state[0]
        golden.append(
            {"text": text, "last": unit(states[-1]), "mean": unit(states.mean(0)), "end": unit(ended[-1])}
        )
json.dump(golden, sys.stdout, separators=(",", ":"))
print()
