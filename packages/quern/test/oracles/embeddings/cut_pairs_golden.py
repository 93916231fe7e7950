"""Golden values for token-encoder.ts: how Hugging Face's tokenizers cut pairs to a length (`longest_first`).

    python cut_pairs_golden.py > ../../golden/embeddings/cut-pairs.json

The tokenizer is the one of test/tiny-onnx-model.ts: a word is a token.
"""

import json

from tokenizers import Tokenizer, models, pre_tokenizers, processors

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
WORDS = "a b c d e f g h i j k l the".split()


def tokenizer(length):
    made = Tokenizer(
        models.WordPiece({word: i for i, word in enumerate(SPECIAL + WORDS)}, unk_token="[UNK]")
    )
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    made.enable_truncation(length, strategy="longest_first")
    return made


def cases():
    for length in [5, 6, 7, 8, 11]:
        made = tokenizer(length)
        for first in [0, 1, 2, 3, 5, 9]:
            for second in [0, 1, 2, 4, 7, 12]:
                texts = [" ".join(WORDS[:first]), " ".join(reversed(WORDS[:second]))]
                encoding = made.encode(*texts)
                yield {"texts": texts, "length": length, "ids": encoding.ids, "types": encoding.type_ids}


lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases())
print(f"[\n{lines}\n]")
