"""What transformers makes of the models that were saved to FOLDER: see README.md.

    python saved_golden.py FOLDER > ../../golden/models/saved.json
"""

import hashlib
import json
import pathlib
import sys

import torch
from transformers import AutoTokenizer, Qwen2ForCausalLM

torch.set_num_threads(1)
TEXT = "The question asks in the end about a thing that is not there: 42 words, and no more."


def opened(folder, dtype):
    model, report = Qwen2ForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager", output_loading_info=True
    )
    problems = {kind: list(names) for kind, names in report.items() if names}
    assert not problems, (folder, problems)
    return model.eval()


def logits(model, tokens):
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0].float()


root = pathlib.Path(sys.argv[1])
tokens = AutoTokenizer.from_pretrained(root / "plain")(TEXT)["input_ids"]
golden = {"tokens": tokens, "models": {}}
for name in ("plain", "sharded", "apart"):
    folder = root / name
    if (folder / "tokenizer.json").exists():
        assert AutoTokenizer.from_pretrained(folder)(TEXT)["input_ids"] == tokens, folder
    own = opened(folder, "auto")
    exact = logits(opened(folder, torch.float32), tokens)
    golden["models"][name] = {
        "files": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())
        },
        "dtype": str(own.dtype).removeprefix("torch."),
        "logits": [float(f"{value:.8g}") for value in exact[-1].tolist()],
        "distance": ((logits(own, tokens) - exact).norm() / exact.norm()).item(),
    }
json.dump(golden, sys.stdout, separators=(",", ":"))
print()
