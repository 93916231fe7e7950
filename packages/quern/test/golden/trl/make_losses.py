"""What TRL's GRPOTrainer makes of small made-up batches: losses.json, the golden file of our GRPO loss and advantages.

    python -m venv VENV && VENV/bin/pip install trl==0.23.1 transformers==4.57.6 torch
    VENV/bin/python packages/quern/test/golden/trl/make_losses.py

All arithmetic is TRL's own: a real GRPOTrainer of a tiny model runs `_generate_and_score_completions` and `_compute_loss`.
Only what feeds them is made up: the sampler (in vLLM's place, so that its log-probabilities are told), the rewards and
`_get_per_token_logps_and_entropies`. Numbers going in are multiples of 1/1024 (rewards: of 1/64), which 32-bit floats hold.
"""
import json
import os
import platform
import sys
import tempfile
from types import SimpleNamespace

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", CUDA_VISIBLE_DEVICES="")

import datasets  # noqa: E402
import tokenizers  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
import trl  # noqa: E402
from trl import GRPOConfig, GRPOTrainer  # noqa: E402
from trl.trainer import grpo_trainer  # noqa: E402

PAD, END, WORD = 0, 1, 2
grpo_trainer.SamplingParams = lambda **options: options
torch.set_num_threads(1)
folder = tempfile.mkdtemp()


def tiny():
    """A folder with a model and the tokenizer of ten words: only its end and padding tokens matter."""
    words = {"<pad>": PAD, "<end>": END, **{f"w{i}": i for i in range(WORD, 10)}}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<pad>"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    config = transformers.Qwen2Config(
        vocab_size=10, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, num_key_value_heads=1
    )
    transformers.Qwen2ForCausalLM(config).save_pretrained(f"{folder}/model")
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>")


tokenizer = tiny()


def trainer_of(rewards, rows, generations, **options):
    """`rewards`: of each reward function, of each completion."""

    def function(i):
        def reward(completions, **kwargs):
            return rewards[i]

        reward.__name__ = f"reward{i}"
        return reward

    config = GRPOConfig(
        output_dir=f"{folder}/out",
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
        num_generations=generations,
        **{"per_device_train_batch_size": rows, **options},
    )
    prompts = datasets.Dataset.from_dict({"prompt": ["w2"] * (rows // generations)})
    return GRPOTrainer(
        model=f"{folder}/model",
        reward_funcs=[function(i) for i in range(len(rewards))],
        args=config,
        train_dataset=prompts,
        processing_class=tokenizer,
    )


def sampled(trainer, lengths, ended, sampler):
    """Puts completions of those lengths, which end with the end token or are cut, in vLLM's place."""
    completions = [[WORD] * (n - 1) + [END if end else WORD] for n, end in zip(lengths, ended)]

    def generate(prompts, sampling_params, use_tqdm):
        return [
            SimpleNamespace(
                outputs=[
                    SimpleNamespace(
                        token_ids=ids, logprobs=[{id: SimpleNamespace(logprob=p)} for id, p in zip(ids, row)]
                    )
                ]
            )
            for ids, row in zip(completions, sampler)
        ]

    trainer.use_vllm, trainer.vllm_mode, trainer.guided_decoding_regex = True, "colocate", None
    trainer._last_loaded_step = trainer.state.global_step
    trainer.llm = SimpleNamespace(generate=generate)
    trainer.model.train()


def metrics_of(trainer):
    """The mean over micro-batches, as the trainer's `log` has it."""
    return {name: sum(values) / len(values) for name, values in trainer._metrics["train"].items()}


# The batch of the losses: 6 completions (2 prompts × 3) of at most 7 tokens; the third and the last are cut, with no end token.
# (Cut ones must be the longest: TRL counts a shorter one that has no end token up to the longest, padding and all.)
LENGTHS = [5, 7, 7, 2, 6, 7]
ENDED = [True, True, False, True, True, False]
ROWS, TOKENS = len(LENGTHS), max(LENGTHS)
REWARDS = [1.5, 0.25, -0.5, 0.75, 0.125, 2.0]
MAX_COMPLETION_LENGTH = 10


def numbers(seed):
    generator = torch.Generator().manual_seed(seed)

    def draw(scale):
        return torch.randn(ROWS, TOKENS, generator=generator, dtype=torch.float64) * scale

    def held(x):
        return (x * 1024).round() / 1024

    policy = held(-draw(1.5).abs() - 0.02)
    old = held(policy + draw(0.3))
    return {
        "policy": policy,
        "old": old,
        "sampler": held(old + draw(0.7)),
        "reference": held(policy + draw(0.5)),
        "entropies": held(draw(2).abs()),
    }


GIVEN = numbers(20)


def loss_case(name, micro_batches=1, on_policy=False, **options):
    rows = ROWS // micro_batches
    trainer = trainer_of(
        [REWARDS],
        rows,
        3,
        gradient_accumulation_steps=micro_batches,
        steps_per_generation=micro_batches,
        num_iterations=1 if on_policy else 2,
        max_completion_length=MAX_COMPLETION_LENGTH,
        vllm_importance_sampling_cap=2.0,
        **options,
    )
    sampled(trainer, LENGTHS, ENDED, GIVEN["sampler"].tolist())
    policy = GIVEN["policy"].clone().requires_grad_()
    at = [0]

    def given(model, ids, mask, kept, batch_size=None, compute_entropy=False, **kwargs):
        part = slice(at[0], at[0] + ids.shape[0])
        if compute_entropy:
            return policy[part], GIVEN["entropies"][part]
        return GIVEN["reference" if model is trainer.ref_model else "old"][part], None

    trainer._get_per_token_logps_and_entropies = given
    batch = trainer._generate_and_score_completions([{"prompt": "w2"}] * ROWS)
    trainer.current_gradient_accumulation_steps = micro_batches
    losses = []
    for part in grpo_trainer.split_tensor_dict(batch, micro_batches):
        loss = trainer._compute_loss(trainer.model, part)
        loss.backward()
        losses.append(loss.item())
        at[0] += rows
    ratio = batch.get("importance_sampling_ratio")
    return {
        "name": name,
        "loss_type": trainer.loss_type,
        "beta": trainer.beta,
        "epsilon": trainer.epsilon_low,
        "epsilon_high": trainer.epsilon_high,
        "importance_sampling_correction": trainer.vllm_importance_sampling_correction,
        "mask_truncated_completions": trainer.mask_truncated_completions,
        "scale_rewards": trainer.scale_rewards,
        "on_policy": "old_per_token_logps" not in batch,
        "micro_batches": micro_batches,
        "mask": batch["completion_mask"].tolist(),
        "num_items_in_batch": batch["num_items_in_batch"].item(),
        "advantages": batch["advantages"].tolist(),
        **({} if ratio is None else {"importance_sampling_ratio": ratio.tolist()}),
        "losses": losses,
        "loss": sum(losses),
        "gradient": policy.grad.tolist(),
        "metrics": metrics_of(trainer),
    }


def loss_cases():
    types = ["grpo", "bnpo", "dr_grpo", "dapo"]
    for loss_type in types:
        for beta in (0.0, 0.008):
            for high in (0.2, 0.28):
                for correction in (False, True):
                    name = f"{loss_type}, beta {beta}, epsilon_high {high}{', corrected' if correction else ''}"
                    yield loss_case(
                        name,
                        loss_type=loss_type,
                        beta=beta,
                        epsilon=0.2,
                        epsilon_high=high,
                        vllm_importance_sampling_correction=correction,
                    )
    for loss_type in types:
        common = {"loss_type": loss_type, "beta": 0.008, "epsilon": 0.2, "epsilon_high": 0.28}
        corrected, plain = {"vllm_importance_sampling_correction": True}, {"vllm_importance_sampling_correction": False}
        yield loss_case(f"{loss_type}, truncated masked", mask_truncated_completions=True, **common, **corrected)
        yield loss_case(f"{loss_type}, on policy", on_policy=True, **common, **plain)
        yield loss_case(f"{loss_type}, two micro-batches", micro_batches=2, **common, **corrected)


def advantage_case(name, rewards, generations, **options):
    rows = len(rewards[0])
    trainer = trainer_of(rewards, rows, generations, beta=0.0, vllm_importance_sampling_correction=False, **options)
    sampled(trainer, [2] * rows, [True] * rows, [[-1.0] * 2] * rows)
    batch = trainer._generate_and_score_completions([{"prompt": "w2"}] * rows)
    return {
        "name": name,
        "scale_rewards": trainer.scale_rewards,
        "num_generations": generations,
        "rewards": rewards,
        "weights": trainer.reward_weights.tolist(),
        "advantages": batch["advantages"].tolist(),
        "metrics": {k: v for k, v in metrics_of(trainer).items() if k.startswith(("reward", "frac"))},
    }


def advantage_cases():
    # Three groups of 4, the second with no variance.
    one = [[0.5, 1.25, -1.0, 3.0, 0.75, 0.75, 0.75, 0.75, -1.0, -1.0, 4.5, 2.015625]]
    # The second function has no word on some completions; on one neither has.
    two = [
        [0.5, 1.25, None, 3.0, 0.75, 0.75, 0.75, 0.75, -1.0, None, 4.5, 2.0],
        [1.0, None, 0.5, 0.25, -1.0, -1.0, -1.0, -1.0, 0.0, None, 2.0, 1.0],
    ]
    for scale in ("group", "batch", "none"):
        yield advantage_case(f"three groups, scaled by {scale}", one, 4, scale_rewards=scale)
        yield advantage_case(
            f"two rewards, scaled by {scale}", two, 4, scale_rewards=scale, reward_weights=[1.0, 0.5]
        )
        yield advantage_case(f"no variance, scaled by {scale}", [[0.1] * 8], 4, scale_rewards=scale)


def log_probability_cases():
    """Of logits at temperatures, with the entropies: `_get_per_token_logps_and_entropies` with the model stubbed."""
    trainer = trainer_of([REWARDS], ROWS, 3, beta=0.0)
    generator = torch.Generator().manual_seed(3)
    logits = (torch.randn(2, 4, 10, generator=generator, dtype=torch.float64) * 2 * 1024).round() / 1024
    ids = torch.randint(0, 10, (2, 4), generator=generator)

    def model(input_ids, **kwargs):
        return SimpleNamespace(logits=logits)

    for temperature in (1.0, 0.7):
        trainer.temperature = temperature
        found, entropies = trainer._get_per_token_logps_and_entropies(
            model, ids, torch.ones_like(ids), 3, compute_entropy=True
        )
        yield {
            "temperature": temperature,
            "logits": logits[:, :-1].tolist(),
            "tokens": ids[:, 1:].tolist(),
            "log_probabilities": found.tolist(),
            "entropies": entropies.tolist(),
        }


losses = list(loss_cases())
clipped = [case["metrics"] for case in losses if not case["on_policy"]]
assert all(m["clip_ratio/low_mean"] > 0 and m["clip_ratio/high_mean"] > 0 for m in clipped)
assert losses[0]["loss"] != losses[2]["loss"], "no ratio lies between the two upper bounds"
ratios = [r for row, kept in zip(losses[1]["importance_sampling_ratio"], LENGTHS) for r in row[:kept]]
assert 2.0 in ratios and min(ratios) < 0.5

golden = {
    "command": "python packages/quern/test/golden/trl/make_losses.py",
    "versions": {
        "python": platform.python_version(),
        "trl": trl.__version__,
        "transformers": transformers.__version__,
        "torch": torch.__version__,
    },
    "batch": {
        "num_generations": 3,
        "max_completion_length": MAX_COMPLETION_LENGTH,
        "importance_sampling_cap": 2.0,
        "lengths": LENGTHS,
        "ended": ENDED,
        "rewards": REWARDS,
        **{name: rows.tolist() for name, rows in GIVEN.items()},
    },
    "losses": losses,
    "advantages": list(advantage_cases()),
    "log_probabilities": list(log_probability_cases()),
}
out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "losses.json")
with open(out, "w") as file:
    file.write("{\n")
    parts = []
    for name, value in golden.items():
        if isinstance(value, list):
            rows = ",\n    ".join(json.dumps(row, allow_nan=False) for row in value)
            parts.append(f'  {json.dumps(name)}: [\n    {rows}\n  ]')
        else:
            parts.append(f"  {json.dumps(name)}: {json.dumps(value, allow_nan=False)}")
    file.write(",\n".join(parts) + "\n}\n")
print(f"{out}: {len(losses)} losses, {len(golden['advantages'])} advantages", file=sys.stderr)
