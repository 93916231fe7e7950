"""Log-probabilities of the next token by the tiny checkpoints in FOLDER by transformers, with their LoRA adapters merged by PEFT: see README.md.

    python log_probabilities_golden.py FOLDER > ../../golden/models/log-probabilities.json
"""

import json
import pathlib
import sys

import torch
from peft import PeftModel
from transformers import AutoTokenizer, Qwen2ForCausalLM

torch.set_num_threads(1)
TEXT = "The question asks in the end about a thing that is not there: 42 words, and no more."
POSITIONS = (0, 20, 47)

golden = {}
for folder in sorted(pathlib.Path(sys.argv[1]).glob("*/checkpoint")):
    folder = folder.parent
    # Weights as they lie in the file, computed in binary32.
    model = Qwen2ForCausalLM.from_pretrained(folder / "checkpoint", dtype=torch.float32)
    tokens = AutoTokenizer.from_pretrained(folder / "checkpoint")(TEXT)["input_ids"]
    if (folder / "adapter").exists():
        model = PeftModel.from_pretrained(model, folder / "adapter").merge_and_unload()
    model.eval()
    with torch.no_grad():
        values = torch.log_softmax(model(torch.tensor([tokens])).logits[0], dim=-1)
    golden[folder.name] = {
        "tokens": tokens,
        "logProbabilities": {at: [float(f"{x:.5g}") for x in values[at].tolist()] for at in POSITIONS if at < len(tokens)},
    }
    print(folder.name, len(tokens), "tokens, from", values.min().item(), file=sys.stderr)

json.dump({"text": TEXT, "models": golden}, sys.stdout, separators=(",", ":"))
print()
