/** Prompts as a checkpoint's tokenizer has them, for models on LibTorch. */
import { QuernError } from '../../errors.ts';
import type { TextTokenizer } from '../../models/checkpoint-texts.ts';
import { chatPrompt, type ChatTurn } from '../prompt.ts';
import { renderedTemplate } from './rendered-template.ts';

/** Turns a query into the tokens of its prompt, up to where the model's turn begins. */
export type ChatTexts = (query: string, passages?: readonly string[]) => number[];

/** The chat for a query: whatever it is, the last turn is the user's, and those before it are the same. */
export type ChatOf = (query: string, passages?: readonly string[]) => readonly ChatTurn[];

/** Stands for the user's turn while the template is rendered; nobody's template has it. */
const place = '\u{f0000}quern\u{f0001}';

/**
 * The prompts of a model. Where its tokenizer has ChatML's tokens they are as the published models were trained, else as the
 * template that its files have makes them. The template is rendered once, and what the user says is put in behind it: it is text
 * and nothing else, and `<|im_end|>` in it stays letters. Throws `UNSUPPORTED` where there is no template, or one that fails.
 */
export async function chatTexts(
  texts: TextTokenizer,
  template: string | undefined,
  chat: ChatOf = chatPrompt,
): Promise<ChatTexts> {
  const names = new Set(texts.control.values());
  const isChatMl = names.has('<|im_start|>') && names.has('<|im_end|>');
  const turns = chat('').map((turn) => (turn.role === 'user' ? { ...turn, content: place } : turn));
  const written = isChatMl ? chatMl(turns) : await templated(turns, template, texts);
  const [before, after, ...others] = written.split(place);
  if (after === undefined || others.length > 0) {
    throw new QuernError('UNSUPPORTED', "its chat template does not show the user's turn once, as it is");
  }
  const front = controlParts(before, texts);
  const back = controlParts(after, texts);
  return (query, passages) => {
    // What stands next to the user's text is tokenized with it, as it is where a prompt is tokenized whole.
    const joined = (front.at(-1) as string) + userTurn(chat(query, passages)) + (back[0] as string);
    return [...front.slice(0, -1), joined, ...back.slice(1)].flatMap((part) =>
      typeof part === 'number' ? [part] : plainTokens(part, texts),
    );
  };
}

function userTurn(turns: readonly ChatTurn[]): string {
  return turns[turns.length - 1].content;
}

function chatMl(turns: readonly ChatTurn[]): string {
  const written = turns.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`);
  return `${written.join('')}<|im_start|>assistant\n`;
}

function templated(
  turns: readonly ChatTurn[],
  source: string | undefined,
  { config }: TextTokenizer,
): Promise<string> {
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
  return renderedTemplate(source, {
    messages: turns,
    add_generation_prompt: true,
    bos_token: special('bos_token'),
    eos_token: special('eos_token'),
  });
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
