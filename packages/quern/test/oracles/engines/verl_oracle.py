"""What verl itself makes of a job. Reads a list of JSON objects {job, model, completion, steps, policy, rewards}, and prints one for
each: the composed and checked `settings`, the `reward` of a completion by its reward manager, `lines` that its logger prints,
the `loss` of tokens and the `advantages` of rewards. Only packages that need GPUs are stubs.
"""

import asyncio
import contextlib
import io
import json
import runpy
import sys
from types import SimpleNamespace

import stubs

# Data sets, which are not asked here.
stubs.install("verl.utils.dataset.rl_dataset", "verl.utils.dataset.rm_dataset")
import ray  # noqa: E402

ray.remote = lambda *args, **_: args[0] if args else (lambda decorated: decorated)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from hydra import compose, initialize_config_dir  # noqa: E402
from omegaconf import OmegaConf  # noqa: E402
from transformers import PreTrainedTokenizerFast  # noqa: E402

from verl.trainer.ppo.core_algos import agg_loss, compute_grpo_outcome_advantage, get_policy_loss_fn, kl_penalty  # noqa: E402
from verl.trainer.ppo.reward import load_reward_manager  # noqa: E402
from verl.trainer.ppo.rollout_corr_helper import compute_rollout_correction_weights  # noqa: E402
from verl.trainer.ppo.utils import need_critic, need_reference_policy  # noqa: E402
from verl.utils.config import omega_conf_to_dataclass, validate_config  # noqa: E402
from verl.utils.tracking import Tracking  # noqa: E402


def told_by_program(folder):
    """What the program's own command line says of its trainer."""
    with open(f"{folder}/ray.json", encoding="utf-8") as file:
        job = json.load(file)
    sys.argv = [job["module"], *job["arguments"], "--cfg", "job", "--package", "trainer"]
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        runpy.run_module(job["module"], run_name="__main__", alter_sys=True)
    return text.getvalue()


def composed(folder):
    """The configuration as the program has it, by its own checks."""
    with initialize_config_dir(folder, version_base=None):
        config = compose("verl")
    assert OmegaConf.create(told_by_program(folder)) == OmegaConf.create(OmegaConf.to_container(config.trainer, resolve=True))
    assert need_critic(config) is False
    validate_config(config, use_reference_policy=need_reference_policy(config), use_critic=False)
    for part in (config.actor_rollout_ref.rollout, config.algorithm):
        omega_conf_to_dataclass(part)
    return config


def row_of(folder):
    with open(OmegaConf.load(f"{folder}/verl.yaml").data.train_files, encoding="utf-8") as file:
        return json.loads(file.readline())


def rewarded(config, asked, completion):
    """The reward of a completion as a worker of the rollout asks for it."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(asked["model"])
    tokens = tokenizer(completion, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
    row = row_of(asked["job"])
    item = SimpleNamespace(
        batch={"responses": torch.tensor([*tokens, 0, 0]), "attention_mask": torch.tensor([1, 1, *[1] * len(tokens), 0, 0])},
        non_tensor_batch={name: row[name] for name in ("data_source", "reward_model", "extra_info")},
    )
    data = type("Data", (), {"__getitem__": lambda self, at: self if isinstance(at, slice) else item})()

    async def asked_for():
        manager = load_reward_manager(config, tokenizer)
        manager.loop = asyncio.get_running_loop()
        return await manager.run_single(data)

    return {"reward": float(asyncio.run(asked_for())["reward_score"]), "length": len(tokens)}


def printed(config, steps):
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        tracking = Tracking("quern", "quern", default_backend=OmegaConf.to_container(config.trainer.logger))
        for step, figures in enumerate(steps, 1):
            # Some are numbers of NumPy, which are written otherwise.
            kinds = (float, np.float64)
            tracking.log({name: kinds[i % 2](value) for i, (name, value) in enumerate(figures.items())}, step)
    return text.getvalue().splitlines()


def loss(config, policy):
    """The loss of completions, padded with zeros where their masks are 0."""
    actor = omega_conf_to_dataclass(config.actor_rollout_ref.actor)
    tensors = {name: torch.tensor(values, dtype=torch.float64) for name, values in policy.items()}
    mask = tensors["mask"].bool()
    measures = {
        "dp_size": 1,
        "batch_num_tokens": mask.sum(),
        "global_batch_size": len(mask),
        "loss_scale_factor": actor.loss_scale_factor,
    }
    actor.global_batch_info.update(measures)
    weights = None
    correction = config.algorithm.rollout_correction
    if correction.rollout_is is not None:
        weights, _ = compute_rollout_correction_weights(
            (tensors["old"] - tensors["sampler"]) * mask, mask, correction.rollout_is, correction.rollout_is_threshold
        )
    total, _ = get_policy_loss_fn(actor.policy_loss.loss_mode)(
        old_log_prob=tensors["old"],
        log_prob=tensors["new"],
        advantages=tensors["advantages"].unsqueeze(-1) * mask,
        response_mask=mask,
        loss_agg_mode=actor.loss_agg_mode,
        config=actor,
        rollout_is_weights=weights,
    )
    if actor.use_kl_loss:
        kl = kl_penalty(tensors["new"], tensors["reference"], actor.kl_loss_type)
        total += actor.kl_loss_coef * agg_loss(kl, mask, actor.loss_agg_mode, **measures)
    return total.item()


def advantages(config, rewards):
    group = config.actor_rollout_ref.rollout.n
    found, _ = compute_grpo_outcome_advantage(
        torch.tensor(rewards).unsqueeze(-1),
        torch.ones(len(rewards), 1),
        np.array([i // group for i in range(len(rewards))]),
        norm_adv_by_std_in_grpo=config.algorithm.norm_adv_by_std_in_grpo,
    )
    return found[:, 0].tolist()


def answer(asked):
    config = composed(asked["job"])
    found = {"settings": OmegaConf.to_container(config, resolve=True)}
    if "completion" in asked:
        found["reward"] = rewarded(config, asked, asked["completion"])
        found["lines"] = printed(config, asked["steps"])
    found["loss"] = loss(config, asked["policy"])
    found["advantages"] = advantages(config, asked["rewards"])
    return found


with contextlib.redirect_stdout(sys.stderr):
    answers = [answer(asked) for asked in json.load(sys.stdin)]
print(json.dumps(answers, default=str))
