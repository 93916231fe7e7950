"""Writes golden/sampling.json: what transformers' logits processors leave to draw from.

    python sampling_golden.py ../golden/sampling.json

needs torch, numpy and transformers (2.15 and 5 wrote the file that is there). Each case has the logits of one row, the tokens
that were used, and the log-probabilities of what is left after repetition penalty, temperature, top-k and top-p, in this order.
The uniform numbers of the random streams come from numpy's Philox at the counter of the position, whose words are of 64 bits: so
those of Philox 4x32-10 are computed here from its definition (Salmon et al. 2011).
"""

import json
import sys

import torch
from transformers import RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

torch.manual_seed(9)


def philox(seed, position):
    mask = 0xFFFFFFFF
    counter = [position & mask, position >> 32, 0, 0]
    key = [seed & mask, seed >> 32 & mask]
    for _ in range(10):
        a, b = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [(b >> 32) ^ counter[1] ^ key[0], b & mask, (a >> 32) ^ counter[3] ^ key[1], a & mask]
        key = [(key[0] + 0x9E3779B9) & mask, (key[1] + 0xBB67AE85) & mask]
    return counter


def uniform(seed, position):
    words = philox(seed, position)
    return ((words[0] << 32 | words[1]) >> 11) * 2.0**-53


# The test vectors of Random123, whose key and counter are all zeros, and all ones.
assert philox(0, 0) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


def case(logits, used, temperature, top_k, top_p, penalty):
    ids = torch.tensor([used], dtype=torch.long)
    scores = logits.clone().unsqueeze(0)
    if penalty != 1 and used:
        scores = RepetitionPenaltyLogitsProcessor(penalty)(ids, scores)
    scores = TemperatureLogitsWarper(temperature)(ids, scores)
    if top_k > 0:
        scores = TopKLogitsWarper(top_k)(ids, scores)
    if top_p < 1:
        scores = TopPLogitsWarper(top_p)(ids, scores)
    left = scores.double().log_softmax(-1)[0]
    own = logits.double().log_softmax(-1)
    support = [i for i in range(len(left)) if left[i] > -float("inf")]
    return {
        "logits": [round(v, 4) for v in logits.tolist()],
        "used": used,
        "temperature": temperature,
        "topK": top_k,
        "topP": top_p,
        "repetitionPenalty": penalty,
        "support": support,
        "logProbabilities": [round(own[i].item(), 6) for i in support],
        "drawnLogProbabilities": [round(left[i].item(), 6) for i in support],
    }


cases = []
for size, spread in ((6, 1.0), (20, 2.0), (400, 3.0)):
    logits = (torch.randn(size) * spread * 1e4).round() / 1e4
    used = [1, 3, 3, size - 1]
    for settings in (
        (1.0, 0, 1.0, 1.0),
        (0.7, 0, 1.0, 1.0),
        (1.3, 4, 1.0, 1.0),
        (1.0, 0, 0.8, 1.0),
        (1.0, 0, 0.05, 1.0),
        (0.8, 5, 0.6, 1.0),
        (1.0, 0, 1.0, 1.8),
        (1.5, 50, 0.95, 1.2),
        (1.0, 0, 0.999, 0.7),
    ):
        cases.append(case(logits, used, *settings))

streams = [(seed, position) for seed in (0, 1, 42, 2**32 + 5, 2**53 - 1) for position in (0, 1, 2, 1000, 2**32 + 1)]
json.dump(
    {
        "cases": cases,
        "streams": [{"seed": s, "position": p, "uniform": uniform(s, p)} for s, p in streams],
    },
    open(sys.argv[1], "w"),
)
