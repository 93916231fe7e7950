"""What OpenRLHF itself makes of a job. Reads a list of JSON objects {job, model, prompt, label, completion, steps, policy, rewards,
lengths}, and prints one for each: the parsed `settings`, the `reward` of a completion drawn by its executor, `lines` that its trainer prints, the
`loss` of tokens and the `advantages` of rewards. Only packages that need GPUs are stubs.
"""

import asyncio
import contextlib
import io
import json
import logging
import os
import runpy
import sys
from types import SimpleNamespace

import stubs

# Models and data sets, which are not asked here.
stubs.install("openrlhf.models.actor", "openrlhf.models.model", "openrlhf.datasets", "openrlhf.datasets.utils", "openrlhf.utils.vlm_utils")
import ray  # noqa: E402

ray.remote = lambda *args, **_: args[0] if args else (lambda decorated: decorated)

import torch  # noqa: E402
from transformers import PreTrainedTokenizerFast  # noqa: E402

from openrlhf.models.loss import PolicyLoss, aggregate_loss  # noqa: E402
from openrlhf.models.utils import compute_approx_kl  # noqa: E402
from openrlhf.trainer import ppo_trainer  # noqa: E402
from openrlhf.trainer.ppo_utils.experience import Experience  # noqa: E402
from openrlhf.trainer.ppo_utils.experience_maker import RemoteExperienceMaker  # noqa: E402
from openrlhf.trainer.ppo_utils.samples_generator import SamplesGenerator  # noqa: E402
from openrlhf.utils.agent import SingleTurnAgentExecutor  # noqa: E402


class Parsed(Exception):
    pass


def parsed(job):
    """What the command line comes to, by the program's own parser and checks, up to where it would start Ray."""

    def begin():
        raise Parsed(sys._getframe(1).f_locals["args"])

    ray.is_initialized = begin
    sys.argv = [job["module"], *job["arguments"]]
    try:
        with contextlib.redirect_stdout(sys.stderr):
            runpy.run_module(job["module"], run_name="__main__", alter_sys=True)
    except Parsed as reached:
        return reached.args[0]
    raise SystemExit("the program ended before it began to train")


def plain(value):
    if isinstance(value, SimpleNamespace):
        return {name: plain(each) for name, each in vars(value).items()}
    return None if value == float("inf") else value


def rewarded(args, asked):
    """The reward of a completion as the executor in a vLLM engine asks for it, and as the trainer takes it."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(asked["model"])
    tokens = tokenizer(asked["completion"], add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]

    async def generate(prompt, params, multi_modal_data=None):
        return SimpleNamespace(outputs=[SimpleNamespace(token_ids=tokens, finish_reason="stop", logprobs=None)])

    executor = SingleTurnAgentExecutor(remote_rm_url=args.reward.remote_url)
    params = SimpleNamespace(max_tokens=args.rollout.max_new_tokens, logprobs=None)
    engine = SimpleNamespace(generate=generate)
    response = asyncio.run(
        executor.execute(asked["prompt"], asked["label"], params, args.data.max_len, tokenizer, engine)
    )
    made = SamplesGenerator._process_response_into_experience(None, response, max_len=args.data.max_len)
    assert made.rewards.shape == (1,) and made.rewards.is_floating_point(), made.rewards
    return {
        "reward": made.rewards.item(),
        "info": {name: value.item() for name, value in made.info.items()},
        "length": made.response_length.item(),
    }


def printed(args, steps):
    """What the trainer prints in a run whose steps come to these figures."""
    trainer = ppo_trainer.PPOTrainer.__new__(ppo_trainer.PPOTrainer)
    trainer.args = args
    args.eval.steps = float("inf")
    left = [{name: float(value) for name, value in figures.items()} for figures in steps]
    trainer.prompts_dataloader = type("Loader", (), {"__len__": lambda _: len(steps), "state_dict": lambda _: {}})()
    trainer.eval_dataloader = trainer.wandb_logger = trainer.tensorboard_logger = None
    trainer.generate_kwargs = {}
    trainer.samples_generator = SimpleNamespace(generate_samples=lambda: (["sample"], None, 1, len(left) == 1))
    trainer.train_step = lambda _, step: (left.pop(0), step + 1)
    args.ckpt.save_steps = float("inf")
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(ppo_trainer.logger.handlers[0].formatter)
    ppo_trainer.logger.handlers[:] = [handler]
    trainer.fit()
    return handler.stream.getvalue().splitlines()


def loss(args, policy):
    """The loss of completions, padded with zeros where their masks are 0."""
    tensors = {name: torch.tensor(values, dtype=torch.float64) for name, values in policy.items()}
    mask = tensors["mask"]
    measures = {
        "dp_size": 1,
        "batch_num_tokens": mask.sum(),
        "global_batch_size": torch.tensor(float(len(mask))),
    }
    correction = args.algo.advantage
    of_policy = PolicyLoss(
        clip_eps_low=args.actor.eps_clip_low_high[0],
        clip_eps_high=args.actor.eps_clip_low_high[1],
        dual_clip=args.actor.dual_clip,
        token_level_loss=args.actor.loss_agg_mode == "token-mean",
        policy_loss_type=args.actor.policy_loss_type,
        is_correction_level=correction.is_correction_level,
        is_correction_mode=correction.is_correction_mode,
        is_correction_gating=correction.is_correction_gating,
        is_correction_threshold=correction.is_correction_threshold,
    )
    total, *_ = of_policy(
        tensors["new"],
        tensors["old"],
        tensors["advantages"].unsqueeze(-1) * mask,
        action_mask=mask,
        rollout_log_probs=tensors["sampler"],
        **measures,
    )
    kl = compute_approx_kl(tensors["new"], tensors["reference"], kl_estimator=args.algo.kl.estimator)
    return (total + args.algo.kl.init_coef * aggregate_loss(kl, mask, **measures)).item()


def advantages(args, rewards, lengths):
    """What rewards of completions of such lengths come to in the loss."""
    maker = RemoteExperienceMaker.__new__(RemoteExperienceMaker)
    maker.strategy = SimpleNamespace(args=args)
    maker.args = args
    maker.advantage_estimator = args.algo.advantage.estimator
    maker.kl_ctl = SimpleNamespace(value=args.algo.kl.init_coef)
    made = Experience(
        rewards=torch.tensor(rewards),
        response_length=torch.tensor(lengths),
        truncated=torch.zeros(len(rewards), dtype=torch.bool),
        action_mask=torch.ones(len(rewards), 1, dtype=torch.long),
        kl=torch.zeros(len(rewards), 1),
        index=list(range(len(rewards))),
        info={"reward": torch.tensor(rewards)},
    )
    (found,) = maker.compute_advantages_and_returns([made])
    return found.advantages[:, 0].tolist()


def answer(asked):
    with open(os.path.join(asked["job"], "ray.json"), encoding="utf-8") as file:
        args = parsed(json.load(file))
    found = {"settings": plain(args)}
    if "completion" in asked:
        found["reward"] = rewarded(args, asked)
        found["lines"] = printed(args, asked["steps"])
    found["loss"] = loss(args, asked["policy"])
    found["advantages"] = advantages(args, asked["rewards"], asked["lengths"])
    return found


print(json.dumps([answer(asked) for asked in json.load(sys.stdin)]))
