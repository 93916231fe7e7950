"""GRPO by TRL on a job that `quern train --engine trl` wrote.

    accelerate launch --config_file accelerate.yaml quern_trl.py trl.json

trl.json holds `model`, `data`, `arguments` (of GRPOConfig), `lora` (of LoraConfig, or null), `endTokens`, `overlong`
({most, cache, weight}), `mostLoss` (or null) and `log`. Rewards are asked of the server at QUERN_REWARD_URL. The log has a line
of JSON for each step, and one where an attempt begins; a checkpoint that all processes have written has a file `whole`, and the
last of those is what another attempt goes on from. A file `stop` beside trl.json, or the end of the process QUERN_OWNER, has it
write a checkpoint and end. Made for the version that trl.txt pins, which `_tokenize_prompts` is a method of.
"""

import argparse
import json
import math
import os
import re

import torch.distributed
from accelerate.utils import broadcast_object_list, gather_object
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

import quern_reward


# Among several processes accelerate calls a processor cpu:0, which torch.load does not know.
torch.serialization.register_package(
    11, lambda storage: None, lambda storage, location: storage if location.startswith("cpu:") else None
)


class Trainer(GRPOTrainer):
    """Prompts go in as the tokens that Quern made of them, in which what looks like a control token is text."""

    tokens = {}

    def _tokenize_prompts(self, prompts):
        return [list(self.tokens[prompt]) for prompt in prompts], None, {}


class Journal(TrainerCallback):
    """What Quern reads of the run."""

    def __init__(self, path, most_loss):
        self.path = path
        self.most_loss = math.inf if most_loss is None else most_loss

    def on_train_begin(self, args, state, control, **_):
        self.write(state, {"begun": state.global_step})

    def on_log(self, args, state, control, logs=None, **_):
        loss = (logs or {}).get("loss")
        if loss is not None and not (math.isfinite(loss) and abs(loss) <= self.most_loss):
            raise RuntimeError(f"DIVERGED: the loss of step {state.global_step} is {loss}")
        numbers = {name: value for name, value in logs.items() if isinstance(value, (int, float)) and math.isfinite(value)}
        self.write(state, {**numbers, "step": state.global_step})

    def on_step_end(self, args, state, control, **_):
        # All processes have to end at the same step.
        asked = [state.is_world_process_zero and (os.path.exists("stop") or not owner_lives())]
        if broadcast_object_list(asked)[0]:
            control.should_save = control.should_training_stop = True

    def on_save(self, args, state, control, **_):
        if torch.distributed.is_initialized():
            torch.distributed.barrier()
        if state.is_world_process_zero:
            with open(os.path.join(args.output_dir, f"checkpoint-{state.global_step}", "whole"), "w", encoding="utf-8") as file:
                file.write(f"{state.global_step}\n")


    def write(self, state, line):
        if state.is_world_process_zero:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def owner_lives():
    """Whether the process that follows this training is there, where one does."""
    try:
        os.kill(int(os.environ.get("QUERN_OWNER") or os.getpid()), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def last_checkpoint(folder):
    """The last whole checkpoint, or None."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    found = [int(name.split("-")[1]) for name in names if re.fullmatch(r"checkpoint-\d+", name)]
    whole = [step for step in found if os.path.exists(os.path.join(folder, f"checkpoint-{step}", "whole"))]
    return os.path.join(folder, f"checkpoint-{max(whole)}") if whole else None


def reward_of(job):
    """Quern's reward as TRL asks for it: of whole groups, whichever process has them."""
    ends, overlong = set(job["endTokens"]), job["overlong"]
    group = job["arguments"]["num_generations"]

    def quern(prompts, completions, completion_ids, answer, id, log_extra, log_metric, **_):
        items = []
        for text, tokens, known in zip(completions, completion_ids, answer, strict=True):
            truncated = not tokens or tokens[-1] not in ends
            label = quern_reward.label(known)
            items.append({**label, "completion": text, "completionTokens": len(tokens), "truncated": truncated})
        answers = quern_reward.answers(items)
        everyone = gather_object(answers)
        first = torch.distributed.get_rank() * len(items) if torch.distributed.is_initialized() else 0
        rewards, parts = [], []
        for i, (answered, item) in enumerate(zip(answers, items, strict=True)):
            begin = (first + i) // group * group
            rewards.append(worth(answered, everyone[begin : begin + group]))
            parts.append(dict(answered["parts"]))
            if overlong["cache"] > 0:
                punished = -max(0.0, min(1.0, (item["completionTokens"] - (overlong["most"] - overlong["cache"])) / overlong["cache"]))
                rewards[-1] += overlong["weight"] * punished
                parts[-1]["overlong"] = punished
        log_extra("id", list(id))
        log_extra("tokens", [item["completionTokens"] for item in items])
        log_extra("finish", ["length" if item["truncated"] else "stop" for item in items])
        log_extra("parts", [json.dumps(each) for each in parts])
        log_extra("failure", [answered.get("failure") for answered in answers])
        for answered, each in zip(answers, parts, strict=True):
            log_metric("rewards/failed", float("failure" in answered))
            for name, value in each.items():
                log_metric(f"rewards/{name}/mean", value)
        return rewards

    return quern


def worth(answered, group):
    """A reward; of a completion that cannot be read never more than the worst of its group that can."""
    if "failure" not in answered:
        return answered["reward"]
    readable = [each["reward"] for each in group if "failure" not in each]
    return min([answered["reward"], *readable])


def main():
    parser = argparse.ArgumentParser(description="GRPO by TRL on a job of quern train --engine trl")
    parser.add_argument("job", help="trl.json")
    asked = parser.parse_args()
    with open(asked.job, encoding="utf-8") as file:
        job = json.load(file)
    with open(job["data"], encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    Trainer.tokens = {row["prompt"]: row["prompt_ids"] for row in rows}
    lora = None
    if job["lora"] is not None:
        from peft import LoraConfig

        lora = LoraConfig(**job["lora"])
    trainer = Trainer(
        model=job["model"],
        args=GRPOConfig(**job["arguments"]),
        reward_funcs=[reward_of(job)],
        train_dataset=Dataset.from_list([{name: row[name] for name in ("id", "prompt", "answer")} for row in rows]),
        callbacks=[Journal(job["log"], job["mostLoss"])],
        peft_config=lora,
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(job["arguments"]["output_dir"]))
    if torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
