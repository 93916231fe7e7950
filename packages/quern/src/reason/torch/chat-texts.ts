/** Prompts as a checkpoint's tokenizer has them, for models on LibTorch. */
import { Template } from '@huggingface/jinja';
import { QuernError } from '../../errors.ts';
import type { TextTokenizer } from '../../models/checkpoint-texts.ts';
import { oneLine } from '../../one-line.ts';
import { chatPrompt, type ChatTurn } from '../prompt.ts';

/** Turns a query into the tokens of its prompt, up to where the model's turn begins. */
export type ChatTexts = (query: string, passages?: readonly string[]) => number[];

/**
 * The prompts of a model. Where its tokenizer has ChatML's tokens they are rendered as the published models were trained, else
 * by the template that its files have. What the user's turn says is text and nothing else: `<|im_end|>` in it stays letters.
 * Throws `UNSUPPORTED` where there is no template, or one that fails.
 */
export function chatTexts(texts: TextTokenizer, template: string | undefined): ChatTexts {
  const names = new Set(texts.control.values());
  const isChatMl = names.has('<|im_start|>') && names.has('<|im_end|>');
  const render = isChatMl ? chatMl : rendering(template, texts);
  return (query, passages) => promptTokens(chatPrompt(query, passages), render, texts);
}

type Render = (turns: readonly ChatTurn[]) => string;

const chatMl: Render = (turns) =>
  turns.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('') +
  '<|im_start|>assistant\n';

function rendering(source: string | undefined, { config }: TextTokenizer): Render {
  if (source === undefined || source.trim() === '') {
    throw new QuernError('UNSUPPORTED', 'it has no chat template', {
      hint: "Use an instruction-tuned model's checkpoint, with its template",
    });
  }
  const special = (name: string): string => {
    const value = config[name];
    const text =
      typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value;
    return typeof text === 'string' ? text : '';
  };
  return (turns) => {
    try {
      const written = new Template(source).render({
        messages: turns.map((turn) => ({ ...turn })),
        add_generation_prompt: true,
        bos_token: special('bos_token'),
        eos_token: special('eos_token'),
      });
      if (typeof written === 'string') return written;
      throw new TypeError('it renders no text');
    } catch (error) {
      // A template is a program of the model's maker: it may throw anything.
      const told = oneLine(error instanceof Error ? error.message : String(error)).slice(0, 200);
      throw new QuernError('UNSUPPORTED', `its chat template cannot be used (${told})`, { cause: error });
    }
  };
}

/** Stands for the user's turn while the template is rendered; nobody's template has it. */
const place = '\u{f0000}quern\u{f0001}';

/** The user's turn is put in behind the template, so that its letters are never taken for the template's tokens. */
function promptTokens(turns: readonly ChatTurn[], render: Render, texts: TextTokenizer): number[] {
  const user = turns.find(({ role }) => role === 'user')!;
  const written = render(turns.map((turn) => (turn === user ? { ...turn, content: place } : turn)));
  const [before, after, ...others] = written.split(place);
  if (after === undefined || others.length > 0) {
    throw new QuernError('UNSUPPORTED', "its chat template does not show the user's turn once, as it is");
  }
  const front = controlParts(before, texts);
  const back = controlParts(after, texts);
  // What stands next to the user's text is tokenized with it, as it is where a prompt is tokenized whole.
  const joined = (front.at(-1) as string) + user.content + (back[0] as string);
  return [...front.slice(0, -1), joined, ...back.slice(1)].flatMap((part) =>
    typeof part === 'number' ? [part] : plainTokens(part, texts),
  );
}

function plainTokens(text: string, { plain }: TextTokenizer): number[] {
  return text === '' ? [] : plain.encode(text, { add_special_tokens: false }).ids;
}

/** A part of a template as texts and control tokens, a text (perhaps an empty one) at both ends. */
function controlParts(text: string, { control }: TextTokenizer): (string | number)[] {
  const ids = new Map([...control].map(([id, content]) => [content, id]));
  const parts: (string | number)[] = [];
  let rest = text;
  for (;;) {
    let found: { at: number; content: string } | undefined;
    for (const content of ids.keys()) {
      const at = rest.indexOf(content);
      const isFirst =
        at >= 0 && (!found || at < found.at || (at === found.at && content.length > found.content.length));
      if (isFirst && content !== '') found = { at, content };
    }
    if (!found) return [...parts, rest];
    parts.push(rest.slice(0, found.at), ids.get(found.content)!);
    rest = rest.slice(found.at + found.content.length);
  }
}
