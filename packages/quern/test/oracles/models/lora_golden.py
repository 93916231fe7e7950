"""Opens adapters that training saved in FOLDER with PEFT: see README.md. Digests of their files, and logits in binary32.

    python lora_golden.py FOLDER > ../../golden/models/lora.json
"""

import hashlib
import json
import pathlib
import sys

import torch
from peft import PeftModel
from transformers import Qwen2ForCausalLM

torch.set_num_threads(1)
TOKENS = [33, 72, 69, 0, 81, 85, 69, 83, 84, 73, 79, 78, 0, 65, 83, 75, 83]

golden = {}
for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    model = Qwen2ForCausalLM.from_pretrained(folder / "checkpoint", dtype=torch.float32).eval()

    def logits(of):
        with torch.no_grad():
            return of(torch.tensor([TOKENS])).logits[0, -1]

    plain = logits(model)
    model = PeftModel.from_pretrained(model, folder / "adapter").eval()
    kept = {name.replace(".default", "") for name, _ in model.named_parameters() if "lora_" in name}
    adapted = logits(model)
    print(folder.name, len(kept), "matrices, changes up to", (adapted - plain).abs().max().item(), file=sys.stderr)
    print("merged", (logits(model.merge_and_unload()) - adapted).abs().max().item(), file=sys.stderr)
    golden[folder.name] = {
        "files": {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((folder / "adapter").iterdir())
        },
        "tensors": len(kept),
        "plain": [float(f"{x:.7g}") for x in plain.tolist()],
        "adapted": [float(f"{x:.7g}") for x in adapted.tolist()],
    }

json.dump({"tokens": TOKENS, "models": golden}, sys.stdout, separators=(",", ":"))
print()
