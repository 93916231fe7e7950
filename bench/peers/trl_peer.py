"""The peer of GRPO training: TRL's GRPOTrainer with Hugging Face's generate, timed step by step.

    python trl_peer.py TASK

TASK is JSON (or `-`: read from standard input); prints one JSON line, and what the trainer logs on standard error. Of TASK:

    checkpoint      folder of a model and its tokenizer, or
    config          shape of a Qwen2 with random weights, made on the device: hiddenSize, layers, heads, keyValueHeads,
                    intermediateSize, vocabularySize, tiedEmbeddings (true), positions, normEpsilon, ropeBase
    prompts         texts, or lists of token ids, or {count, tokens}: made up; each step takes them all
    generations, tokens          completions of a prompt, and their longest
    endless         true: no completion ends early
    steps, warmUp                steps that are timed, and before them (1)
    rows            completions of a forward and backward pass; prompts × generations is a multiple of it
    device, threads              cpu or cuda; threads of the CPU
    bfloat16        true: bfloat16 autocast over 32-bit weights
    checkpointing   true: gradient checkpointing
    beta, lossType, learningRate                      0, dapo, 1e-6
    clock           "processor": seconds of the processor (all threads), for one thread on a busy machine; else of the wall
    trainer         more of GRPOConfig's arguments, as they are

Needs trl==0.23.1 transformers==4.57.6 (as in the paper's days) or trl==1.16.0 transformers==5.17.0, with torch and datasets.
The newer one never holds all logits at once, by Triton on a GPU; on a CPU it does so more slowly than the older one, as it
scores the prompt too. Of the times of a step, all in seconds: `rollout` is generate, `logProbabilities` the passes
without gradients (the reference model's, with beta), `passes` the forward and backward passes, `optimizer` the optimizer's
step; `update` is all of the step but what samples and scores (so with `logProbabilities`), `other` what is left of sampling and
scoring. What TRL does of itself is left as it is.
"""

import contextlib
import dataclasses
import json
import os
import platform
import re
import statistics
import sys
import tempfile
import time
import warnings

for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
    os.environ[name] = "1"
os.environ.update(TOKENIZERS_PARALLELISM="false", TRL_EXPERIMENTAL_SILENCE="1", WANDB_DISABLED="true")
warnings.filterwarnings("ignore")
task = json.loads(sys.stdin.read() if sys.argv[1] == "-" else sys.argv[1])
if task["device"] == "cpu":
    os.environ["CUDA_VISIBLE_DEVICES"] = ""

import datasets  # noqa: E402
import tokenizers  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
import trl  # noqa: E402
from trl import GRPOConfig, GRPOTrainer  # noqa: E402
from trl.trainer import grpo_trainer  # noqa: E402

cpu = task["device"] == "cpu"
warm_up = task.get("warmUp", 1)
if cpu:
    torch.set_num_threads(task["threads"])


def resident(field):
    with open("/proc/self/status") as status:
        return int(re.search(rf"{field}:\s+(\d+)", status.read()).group(1)) / 1024


def tokens_of(count, vocabulary):
    return [(i * 7919 + ((i * i) % 104729)) % vocabulary for i in range(count)]


def words_of(tokens):
    """The text that `word_tokenizer` reads as those tokens."""
    return " ".join(str(token) for token in tokens)


def word_tokenizer(vocabulary):
    """Every token is the word of its id, but for the last two, the end and the padding."""
    words = {str(i): i for i in range(vocabulary - 2)}
    words.update({"<end>": vocabulary - 2, "<pad>": vocabulary - 1})
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<pad>"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<end>",
        pad_token="<pad>",
        model_input_names=["input_ids", "attention_mask"],
    )


def random_model(c):
    torch.manual_seed(1)
    config = transformers.Qwen2Config(
        hidden_size=c["hiddenSize"],
        num_hidden_layers=c["layers"],
        num_attention_heads=c["heads"],
        num_key_value_heads=c["keyValueHeads"],
        intermediate_size=c["intermediateSize"],
        vocab_size=c["vocabularySize"],
        max_position_embeddings=c.get("positions", 32768),
        rms_norm_eps=c.get("normEpsilon", 1e-6),
        tie_word_embeddings=c.get("tiedEmbeddings", True),
        bos_token_id=None,
        eos_token_id=c["vocabularySize"] - 2,
        **rope(c.get("ropeBase", 1e6)),
    )
    with torch.device(task["device"]):
        return transformers.Qwen2ForCausalLM(config).float()


def rope(base):
    if int(transformers.__version__.split(".")[0]) < 5:
        return {"rope_theta": base}
    return {"rope_parameters": {"rope_type": "default", "rope_theta": base}}


def reference_of(model):
    """Makes TRL, which reads the reference model from the folder of the policy, take a copy of a policy that has none."""

    def copied(*args, **kwargs):
        with torch.device(model.device):
            reference = type(model)(model.config).float()
        reference.load_state_dict(model.state_dict())
        return reference

    if hasattr(grpo_trainer, "create_model_from_path"):
        grpo_trainer.create_model_from_path = copied
    else:
        transformers.CopyOfPolicy = type("CopyOfPolicy", (), {"from_pretrained": staticmethod(copied)})
        named = type("Named", (), {"architectures": ["CopyOfPolicy"]})
        grpo_trainer.AutoConfig = type("AutoConfig", (), {"from_pretrained": staticmethod(lambda *args: named)})


def checksum(completions, **kwargs):
    """A reward that costs nothing and differs within a group."""
    return [sum(text.encode()) % 97 / 97 for text in completions]


class Clock:
    """Seconds of each part of each step; on a GPU also the peak of memory in the rollout and outside it."""

    def __init__(self):
        self.steps = []
        self.peaks = {"rollout": 0, "update": 0}

    def now(self):
        if not cpu:
            torch.cuda.synchronize()
        return time.process_time() if task.get("clock") == "processor" else time.perf_counter()

    def note_peak(self, part):
        if not cpu:
            self.peaks[part] = max(self.peaks[part], torch.cuda.max_memory_allocated())
            torch.cuda.reset_peak_memory_stats()

    def add(self, part, value):
        self.steps[-1][part] = self.steps[-1].get(part, 0) + value

    def timed(self, part, function):
        def run(*args, **kwargs):
            start = self.now()
            result = function(*args, **kwargs)
            self.add(part, self.now() - start)
            return result

        return run


clock = Clock()


class StepTimes(transformers.TrainerCallback):
    def on_step_begin(self, args, state, control, **kwargs):
        clock.steps.append({"tokens": 0})
        self.start = clock.now()

    def on_step_end(self, args, state, control, **kwargs):
        clock.add("step", clock.now() - self.start)
        clock.note_peak("update")


def watched(trainer):
    """Wraps the trainer's own methods so that the clock sees them."""
    sampling = [False]
    score, logs = trainer._generate_and_score_completions, trainer._get_per_token_logps_and_entropies
    timed_logs = clock.timed("logProbabilities", logs)

    def scored(inputs):
        sampling[0] = True
        batch = score(inputs)
        sampling[0] = False
        clock.add("tokens", int(batch["completion_mask"].sum()))
        return batch

    generate = clock.timed("rollout", trainer.model.generate)

    def generated(*args, **kwargs):
        clock.note_peak("update")
        tokens = generate(*args, **kwargs)
        clock.note_peak("rollout")
        return tokens

    trainer._generate_and_score_completions = clock.timed("sampling", scored)
    trainer._get_per_token_logps_and_entropies = lambda *args, **kwargs: (timed_logs if sampling[0] else logs)(*args, **kwargs)
    trainer.model.generate = generated
    trainer.training_step = clock.timed("training", trainer.training_step)
    create = trainer.create_optimizer

    def created(*args, **kwargs):
        optimizer = create(*args, **kwargs)
        # The scheduler wraps the optimizer's step as a bound method, so a bound method it stays.
        step = type(optimizer).step

        def timed_step(self, *args, **kwargs):
            return clock.timed("optimizer", step)(self, *args, **kwargs)

        optimizer.step = timed_step.__get__(optimizer)
        return optimizer

    trainer.create_optimizer = created


def trained():
    config = task.get("config")
    prompts = task["prompts"]
    if config is not None:
        model, vocabulary = random_model(config), config["vocabularySize"]
        reference_of(model)
    else:
        model = task["checkpoint"]
        vocabulary = transformers.AutoConfig.from_pretrained(model).vocab_size
    if isinstance(prompts, dict):
        count, length = prompts["count"], prompts["tokens"]
        ids = tokens_of(count * length, vocabulary - 2)
        prompts = [ids[i * length : (i + 1) * length] for i in range(count)]
    if isinstance(prompts[0], str):
        tokenizer = transformers.AutoTokenizer.from_pretrained(task["checkpoint"])
    else:
        prompts, tokenizer = [words_of(ids) for ids in prompts], word_tokenizer(vocabulary)
    completions = len(prompts) * task["generations"]
    options = {
        "output_dir": tempfile.mkdtemp(),
        "use_cpu": cpu,
        "bf16": task.get("bfloat16", False),
        "gradient_checkpointing": task.get("checkpointing", False),
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "per_device_train_batch_size": task["rows"],
        "gradient_accumulation_steps": completions // task["rows"],
        "num_generations": task["generations"],
        "max_prompt_length": None,
        "max_completion_length": task["tokens"],
        "generation_kwargs": {"min_new_tokens": task["tokens"]} if task.get("endless") else None,
        "max_steps": warm_up + task["steps"],
        "beta": task.get("beta", 0.0),
        "loss_type": task.get("lossType", "dapo"),
        "learning_rate": task.get("learningRate", 1e-6),
        "weight_decay": 0.1,
        "adam_beta2": 0.99,
        "max_grad_norm": 0.1,
        "temperature": 1.0,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": not cpu,
        "model_init_kwargs": None if config is not None else {"dtype": "float32"},
        **task.get("trainer", {}),
    }
    known = {field.name for field in dataclasses.fields(GRPOConfig)}
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=checksum,
        args=GRPOConfig(**{k: v for k, v in options.items() if k in known or k in task.get("trainer", {})}),
        train_dataset=datasets.Dataset.from_dict({"prompt": prompts}),
        processing_class=tokenizer,
        callbacks=[StepTimes()],
    )
    watched(trainer)
    trainer.train()
    return trainer


def parts_of(step):
    logs = step.get("logProbabilities", 0.0)
    return {
        "step": step["step"],
        "rollout": step["rollout"],
        "update": step["step"] - step["sampling"] + logs,
        "other": step["sampling"] - step["rollout"] - logs,
        "logProbabilities": logs,
        "passes": step["training"] - step["sampling"],
        "optimizer": step["optimizer"],
    }


before = resident("VmRSS")
with contextlib.redirect_stdout(sys.stderr):
    trainer = trained()
counted = clock.steps[warm_up:]
seconds = [parts_of(step) for step in counted]
history = [entry for entry in trainer.state.log_history if "loss" in entry]
if cpu:
    memory = {"peak": resident("VmHWM"), "before": before}
else:
    memory = {part: peak / 2**20 for part, peak in clock.peaks.items()}
    memory.update(peak=max(memory.values()), reserved=torch.cuda.max_memory_reserved() / 2**20)
print(
    json.dumps(
        {
            "median": {name: statistics.median(step[name] for step in seconds) for name in seconds[0]},
            "seconds": seconds,
            "tokens": [step["tokens"] for step in counted],
            "rolloutTokensPerSecond": statistics.median(step["tokens"] / step["rollout"] for step in counted),
            "updateTokensPerSecond": statistics.median(
                step["tokens"] / parts["update"] for step, parts in zip(counted, seconds)
            ),
            "megabytes": memory,
            "logged": [
                {k: entry[k] for k in ("loss", "reward", "grad_norm", "kl", "entropy", "completions/mean_length") if k in entry}
                for entry in history
            ],
            "device": platform.processor() or platform.machine() if cpu else torch.cuda.get_device_name(),
            "weights": str(next(trainer.model.parameters()).dtype),
            "parameters": sum(p.numel() for p in trainer.model.parameters()),
            "versions": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "transformers": transformers.__version__,
                "trl": trl.__version__,
            },
        }
    )
)
