"""Logits, loss, gradients and greedy completions of the tiny Qwen2 checkpoints in FOLDER, and embeddings of FOLDER/bert, by transformers: see README.md.

    python torch_golden.py FOLDER > ../../golden/models/torch.json
"""

import json
import pathlib
import sys

import torch
from transformers import AutoTokenizer, BertModel, Qwen2ForCausalLM

torch.set_num_threads(1)
TEXT = "The question asks in the end about a thing that is not there: 42 words, and no more."
TEXTS = ["why do cats purr", "The question asks about a thing", "a", "words and no more that is not there " * 4]


def rounded(values):
    return [float(f"{value:.8g}") for value in values]


folder = pathlib.Path(sys.argv[1])
golden = {"models": {}}
for name in ("tied", "untied", "half", "yarn", "linear"):
    checkpoint = folder / name / "checkpoint"
    model = Qwen2ForCausalLM.from_pretrained(checkpoint, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    tokens = AutoTokenizer.from_pretrained(checkpoint)(TEXT)["input_ids"]
    inputs = torch.tensor([tokens])
    out = model(inputs, labels=inputs)
    out.loss.backward()
    gradients = {}
    for key, parameter in model.named_parameters():
        flat = parameter.grad.flatten()
        at = [(i * 7919) % flat.numel() for i in range(6)]
        gradients[key] = {"norm": float(f"{flat.norm().item():.8g}"), "at": at, "values": rounded(flat[at].tolist())}
    completions = {}
    for penalty in (1.0, 1.3):
        with torch.no_grad():
            made = model.generate(
                inputs, attention_mask=torch.ones_like(inputs), do_sample=False, max_new_tokens=24,
                repetition_penalty=penalty, temperature=None, top_p=None, top_k=None,
            )
        completions[str(penalty)] = made[0, inputs.shape[1]:].tolist()
    golden["models"][name] = {
        "tokens": tokens,
        "loss": out.loss.item(),
        "logits": rounded(out.logits[0, -1].tolist()),
        "gradients": gradients,
        "completions": completions,
    }

bert = BertModel.from_pretrained(folder / "bert", add_pooling_layer=False, attn_implementation="eager").eval()
tokenizer = AutoTokenizer.from_pretrained(folder / "bert")
batch = tokenizer(TEXTS, padding=True, truncation=True, max_length=24, return_tensors="pt")
with torch.no_grad():
    hidden = bert(**batch).last_hidden_state
mask = batch["attention_mask"].unsqueeze(-1).float()
golden["bert"] = {
    "texts": TEXTS,
    "lengths": batch["attention_mask"].sum(1).tolist(),
    "mean": [rounded(row) for row in torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1).tolist()],
    "cls": [rounded(row) for row in torch.nn.functional.normalize(hidden[:, 0], dim=-1).tolist()],
}
json.dump(golden, sys.stdout, separators=(",", ":"))
print()
