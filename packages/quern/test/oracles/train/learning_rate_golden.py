"""Golden values for src/train/configuration/learning-rate.ts, from transformers.

    python -m venv venv && venv/bin/pip install -r test/oracles/train/requirements.txt
    venv/bin/python test/oracles/train/learning_rate_golden.py > test/golden/train/learning-rate.json

run in packages/quern. The rates are those of steps 0, 1, …, and one more, which a run does not come to.
"""

import json
import math
import warnings

import torch
from transformers import get_scheduler

warnings.filterwarnings("ignore")


def rates(kind, learning_rate, max_steps, warmup_ratio, min_lr_rate):
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=learning_rate)
    scheduler = get_scheduler(
        "constant_with_warmup" if kind == "constant" else kind,
        optimizer,
        # As TrainingArguments.get_warmup_steps counts them.
        num_warmup_steps=math.ceil(max_steps * warmup_ratio),
        num_training_steps=max_steps,
        scheduler_specific_kwargs={"min_lr_rate": min_lr_rate} if kind == "cosine_with_min_lr" else {},
    )
    values = []
    for _ in range(max_steps + 1):
        values.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return values


cases = [
    {
        "lr_scheduler_type": kind,
        "learning_rate": learning_rate,
        "max_steps": max_steps,
        "warmup_ratio": warmup_ratio,
        "min_lr_rate": min_lr_rate,
        "rates": rates(kind, learning_rate, max_steps, warmup_ratio, min_lr_rate),
    }
    for kind in ("cosine_with_min_lr", "constant", "linear")
    for learning_rate, max_steps, warmup_ratio, min_lr_rate in (
        (1e-6, 150, 0.1, 0.1),
        (2e-5, 7, 0.3, 0.0),
        (1.0, 1, 0.0, 1.0),
        (1.0, 5, 1.0, 0.25),
        (3e-4, 13, 0.0, 0.5),
    )
]
print("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]")
