"""Token ids of whole prompts, by transformers and the chat template that comes with Qwen2's tokenizer.

python prompt_tokens.py DATA/tokenizers/qwen2 > ../../golden/prompts/qwen2.json     (transformers 5.24.0, tokenizers 0.23.3)

The prompt is the one of TongSearch-QR: the three instructions, the query, an empty system turn.
"""
import json
import sys

from transformers import AutoTokenizer

INSTRUCTIONS = (
    "Instructions:\n"
    "1. Identify the essential problem.\n"
    "2. Think step by step to reason and describe what information could be relevant and helpful to address the "
    "questions in detail.\n"
    "3. Draft an answer with as many thoughts as you have.\n"
    "Query: {query}\n\n"
)

QUERIES = [
    "why do cats purr",
    "",
    "7 apples",
    "\n\nleading and trailing white space \n",
    "Warum ist der Himmel blau?",
    "为什么天空是蓝色的",
    "def f(x):\n\treturn x**2  # 3.14",
    "👩‍👩‍👧‍👦 family",
    ": begins with a colon",
    "  two blanks",
]

tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
cases = []
for query in QUERIES:
    chat = [
        {"role": "system", "content": ""},
        {"role": "user", "content": INSTRUCTIONS.format(query=query)},
    ]
    ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=True)
    ids = ids["input_ids"] if not isinstance(ids, list) else ids
    cases.append({"query": query, "ids": list(ids)})
print("[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n]")
