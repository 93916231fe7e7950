"""Rewards of a running `quern reward serve` for trainers in Python; standard library only, Python 3.9 or later.

The server is named by QUERN_REWARD_URL (default http://127.0.0.1:8700), its token by QUERN_REWARD_TOKEN; QUERN_REWARD_RETRIES is
how often it is asked again after an error that may pass (default 7). README.md beside this file shows how TRL, OpenRLHF and verl
are told of it.
"""

import http.client
import json
import os
import random
import time
import urllib.error
import urllib.parse
import urllib.request

TRIES = 1 + int(os.environ.get("QUERN_REWARD_RETRIES") or 7)
TIMEOUT_SECONDS = 180.0
LONGEST_WAIT_SECONDS = 60.0
#: A request holds so many items, and fewer where they are longer than so many bytes; the server takes 64 MiB.
ITEMS_A_REQUEST = 256
BYTES_A_REQUEST = 8_000_000
#: Statuses of what may pass by itself; any other is final.
PASSING = {408, 429, 502, 503, 504}


class RewardError(RuntimeError):
    """No reward could be had: what the server said, or that nothing answers."""


def rewards(items):
    """The reward of each item, as floats, in their order. Takes and raises what `answers` does."""
    return [float(each["reward"]) for each in answers(items)]


def answers(items):
    """What the server says of each item, in their order: a dict with `reward`, `parts`, and `failure` where no reasoned query can
    be read from the completion.

    An item is a dict with `query`, `completion` and `positives` (a list of texts), and, where they are known, `positiveIds`,
    `completionTokens` and `truncated`. Raises RewardError: training must not go on with rewards that nobody gave.
    """
    found = []
    for part in _parts([json.dumps(item) for item in items]):
        answered = _posted("/v1/rewards", '{"items": [' + ", ".join(part) + "]}").get("rewards", [])
        if len(answered) != len(part):
            raise RewardError(f"{len(answered)} rewards for {len(part)} items")
        found.extend(answered)
    return found


def reward(prompts, completions, **columns):
    """TRL: a reward function of GRPOTrainer. The data set has a column `answer` (see `label`), or `positives`; the question is
    in a column `query` or `question`, or in `answer`.
    """
    items = []
    for i, completion in enumerate(completions):
        row = {name: column[i] for name, column in columns.items() if _is_column(column, len(completions))}
        answer = row["answer"] if row.get("answer") is not None else row.get("positives")
        if answer is None:
            raise RewardError(f"row {i} has neither an answer nor positives: the data set needs one of these columns")
        item = label(answer)
        if row.get("completion_ids") is not None:
            item["completionTokens"] = len(row["completion_ids"])
        items.append(_asked({**item, "completion": _text(completion)}, row))
    return rewards(items)


def compute_score(data_source, solution_str, ground_truth, extra_info=None, **_):
    """verl: a custom reward function. `ground_truth` is a `label`; the question is in it, or in `extra_info` as `query` or
    `question`.
    """
    return rewards([_asked({**label(ground_truth), "completion": solution_str}, extra_info or {})])[0]


def reward_func(queries, prompts, labels):
    """OpenRLHF: a reward of its own, named as `--reward.remote_url quern_reward.py`. `queries` are prompts with their completions,
    `labels` are each a `label`. Returned are floats where one sample is asked for, as it does, and else lists of them.
    """
    labels = [entry if isinstance(entry, str) else json.dumps(_plain(entry)) for entry in labels]
    found = _posted("/get_reward", json.dumps({"query": list(queries), "prompts": list(prompts), "labels": labels}))
    logs = {name: values for name, values in found["extra_logs"].items() if name != "failed"}
    named = {"rewards/failed": found["extra_logs"]["failed"], **{f"rewards/{name}/mean": values for name, values in logs.items()}}
    for values in (found["rewards"], found["scores"], *named.values()):
        if len(values) != len(labels):
            raise RewardError(f"{len(values)} numbers for {len(labels)} samples")
    if len(labels) != 1:
        return {"rewards": found["rewards"], "scores": found["scores"], "extra_logs": named}
    return {
        "rewards": found["rewards"][0],
        "scores": found["scores"][0],
        "extra_logs": {name: values[0] for name, values in named.items()},
    }


def label(answer):
    """What the column `answer` says, as a dict: JSON, or what it stands for, of `{query?, positives, positiveIds?}` (or
    `pos_docs_list`, as training sets of `quern curate` have it), a list of positives, or one.
    """
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except ValueError as error:
            raise RewardError(f"the answer is no JSON, as a text in quotation marks or a list is: {answer[:80]!r}") from error
    answer = _plain(answer)
    if isinstance(answer, str):
        answer = [answer]
    if isinstance(answer, list):
        answer = {"positives": answer}
    if not isinstance(answer, dict):
        raise RewardError(f"the answer holds no positives: {str(answer)[:80]!r}")
    if "positives" not in answer and "pos_docs_list" in answer:
        answer = {**answer, "positives": answer["pos_docs_list"]}
    known = {name: _plain(answer.get(name)) for name in ("query", "positives", "positiveIds")}
    return {name: value for name, value in known.items() if value is not None}


def _parts(texts):
    """The texts in lists, each for a request."""
    part, size = [], 0
    for text in texts:
        if part and (len(part) == ITEMS_A_REQUEST or size + len(text) > BYTES_A_REQUEST):
            yield part
            part, size = [], 0
        part.append(text)
        size += len(text)
    if part:
        yield part


def _plain(value):
    """A list of a tuple or of an array, as Parquet files yield; anything else as it is."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


def _asked(item, row):
    """The item with the question of the row, unless it has one."""
    questions = [item.get("query"), row.get("query"), row.get("question")]
    question = next((each for each in questions if isinstance(each, str)), None)
    if question is None:
        raise RewardError("there is no question: put it into the answer's query, or beside it as query or question")
    return {**item, "query": question}


def _is_column(values, length):
    return isinstance(values, (list, tuple)) and len(values) == length


def _text(completion):
    """A completion's text, of a string or of a list of chat messages."""
    if isinstance(completion, str):
        return completion
    return "".join(message.get("content") or "" for message in completion)


def _posted(path, body):
    """The JSON answer to a POST, tried again where the server is busy, stopping or not there yet."""
    url = os.environ.get("QUERN_REWARD_URL", "http://127.0.0.1:8700").rstrip("/") + path
    if not url.startswith(("http://", "https://")):
        raise RewardError(f"QUERN_REWARD_URL is no address such as http://127.0.0.1:8700: {url}")
    headers = {"Content-Type": "application/json"}
    token = os.environ.get("QUERN_REWARD_TOKEN", "").strip()
    if any(not " " <= character <= "~" for character in token):
        raise RewardError("QUERN_REWARD_TOKEN holds characters that no header can have")
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = body.encode()
    for attempt in range(TRIES):
        # Half of it by chance, so that many workers do not come back at once.
        wait = min(LONGEST_WAIT_SECONDS, 0.5 * 2**attempt) * (0.5 + random.random() / 2)
        try:
            request = urllib.request.Request(url, data=data, headers=headers, method="POST")
            with _opener(url).open(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            failure = f"{error.code}: {_said(error)}"
            if error.code not in PASSING:
                raise RewardError(f"{url} answered {failure}") from error
            wait = _asked_wait(error.headers.get("Retry-After"), wait)
        except (OSError, http.client.HTTPException) as error:  # refused, reset, timed out, ended halfway
            failure = str(getattr(error, "reason", error)) or type(error).__name__
        except ValueError as error:
            raise RewardError(f"{url} answered with no JSON: {error}") from error
        if attempt < TRIES - 1:
            time.sleep(wait)
    raise RewardError(f"{url} gave no rewards in {TRIES} tries; last: {failure}")


def _opener(url):
    """What opens the address: past any proxy of the environment, where it is this machine."""
    if urllib.parse.urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1"):
        return urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener()


def _said(error):
    """The message of an error's body, and its place."""
    try:
        said = json.load(error)["error"]
        text = f"{said['where']}: {said['message']}" if "where" in said else said["message"]
        return f"{text}. {said['hint']}" if "hint" in said else text
    except (ValueError, KeyError, TypeError, OSError):
        return error.reason


def _asked_wait(header, otherwise):
    """The seconds that a header Retry-After asks for, or `otherwise`."""
    try:
        return min(LONGEST_WAIT_SECONDS, max(0.0, float(header)))
    except (TypeError, ValueError):
        return otherwise
