"""Quern's reward for trainers in Python: what `quern reward serve` says of completions.

Standard library only, Python 3.9 or newer. The server's address is in QUERN_REWARD_URL (http://127.0.0.1:8000 where it is
not set), its token, where it asks for one, in QUERN_REWARD_TOKEN.

TRL:   GRPOTrainer(..., reward_funcs=quern_reward.reward); the data set has columns `positives` and, unless the prompt is one
       of Quern's, `query`.
verl:  custom_reward_function.path=quern_reward.py custom_reward_function.name=compute_score; `ground_truth` holds the
       positives, `extra_info` the `query`.
OpenRLHF needs nothing of this: --remote_rm_url http://127.0.0.1:8000/get_reward
"""

import json
import os
import re
import time
import urllib.error
import urllib.request

_TRIES = 8
_TIMEOUT = 180.0
_LONGEST_PAUSE = 30.0
# Behind the last heading of Quern's prompts stands the question.
_QUESTION = re.compile(r"(?:Query|Question): (.+?)\s*(?:<\|im_end\|>.*)?$", re.DOTALL)


class RewardError(RuntimeError):
    """The server refuses what it was sent, or was not to be reached."""


def rewards(items):
    """The results of items, in their order: a dict each, with "reward", "parts" and, where it failed, "failure".

    An item is a dict with "query", "completion", "positives" (a list of texts) and, where they are known, "positiveIds",
    "completionTokens" and "truncated". Tries again where the server is busy or not to be reached; raises RewardError.
    """
    url = os.environ.get("QUERN_REWARD_URL", "http://127.0.0.1:8000").rstrip("/") + "/v1/rewards"
    headers = {"Content-Type": "application/json"}
    token = os.environ.get("QUERN_REWARD_TOKEN")
    if token:
        headers["Authorization"] = "Bearer " + token
    body = json.dumps({"items": items}).encode("utf-8")
    pause = 0.5
    for attempt in range(_TRIES):
        if attempt > 0:
            time.sleep(pause)
        try:
            request = urllib.request.Request(url, data=body, headers=headers, method="POST")
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:
                return json.loads(response.read())["rewards"]
        except urllib.error.HTTPError as error:
            said = error.read().decode("utf-8", "replace")
            if error.code not in (429, 502, 503, 504):
                raise RewardError("%d: %s" % (error.code, said)) from error
            failure = error
            pause = _pause(error.headers.get("Retry-After"), pause)
        except (OSError, json.JSONDecodeError) as error:
            failure = error
            pause = min(2 * pause, _LONGEST_PAUSE)
    raise RewardError("%s: %s after %d tries" % (url, failure, _TRIES)) from failure


def reward(prompts, completions, positives=None, query=None, **columns):
    """A reward function of TRL's GRPOTrainer: a float a completion. `positives` and `query` are columns of the data set."""
    if positives is None:
        raise RewardError("the data set has no column `positives`")
    items = []
    for i, (prompt, completion) in enumerate(zip(prompts, completions)):
        asked = query[i] if query is not None else _question(_text(prompt))
        items.append({"query": asked, "completion": _text(completion), "positives": _listed(positives[i])})
    ids = columns.get("positive_ids")
    if ids is not None:
        for item, own in zip(items, ids):
            item["positiveIds"] = list(own)
    return [result["reward"] for result in rewards(items)] if items else []


def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    """A score of verl's: the reward of one completion. `ground_truth` is the positives, or JSON of them."""
    known = dict(extra_info or {})
    truth = json.loads(ground_truth) if isinstance(ground_truth, str) and ground_truth[:1] in "[{" else ground_truth
    if isinstance(truth, dict):
        known = {**known, **truth}
        truth = truth.get("positives")
    if "query" not in known and "question" not in known:
        raise RewardError("extra_info holds no query")
    asked = known.get("query", known.get("question"))
    return rewards([{"query": asked, "completion": solution_str, "positives": _listed(truth)}])[0]["reward"]


def _text(turns):
    """The text of a completion or prompt, which may come as chat turns: the last one counts."""
    if isinstance(turns, str):
        return turns
    return turns[-1]["content"] if turns else ""


def _listed(positives):
    return [positives] if isinstance(positives, str) else list(positives or [])


def _question(prompt):
    found = _QUESTION.search(prompt)
    if found is None:
        raise RewardError("the data set has no column `query`, and the prompt holds no question after Query: or Question:")
    return found.group(1)


def _pause(retry_after, before):
    try:
        return min(max(float(retry_after), 0.1), _LONGEST_PAUSE)
    except (TypeError, ValueError):
        return min(2 * before, _LONGEST_PAUSE)
