import type { LlamaModel, Token } from 'node-llama-cpp';
import { QuernError } from '../../errors.ts';
import { llamaPackage } from '../../models/llama-runtime.ts';
import { oneLine } from '../../one-line.ts';
import { promptPrefix, userPrompt } from '../prompt.ts';

/** Turns queries into the tokens of their prompts, for one model. */
export interface ChatTokens {
  /** The tokens of the whole prompt, up to where the model's turn begins. */
  of(query: string, passages?: readonly string[]): Token[];
  /** The tokens with which every prompt begins. */
  readonly prefix: readonly Token[];
}

/**
 * The prompts of a model. Where its vocabulary has ChatML's tokens (Qwen and many others), they are rendered as the published
 * models were trained, `<|im_start|>system\n<|im_end|>\n<|im_start|>user\n…<|im_end|>\n<|im_start|>assistant\n`, without a
 * token before them; else by the model's own template. The query is text and nothing else: `<|im_end|>` in it stays letters.
 * Throws `UNSUPPORTED` where it has no template, or one that fails.
 */
export async function chatTokensOf(model: LlamaModel): Promise<ChatTokens> {
  const render = isChatMl(model) ? chatMl(model) : await ownTemplate(model);
  return { of: (query, passages) => render(userPrompt(query, passages)), prefix: sharedPrefix(render) };
}

type Render = (userTurn: string) => Token[];

function isChatMl(model: LlamaModel): boolean {
  return ['<|im_start|>', '<|im_end|>'].every((token) => model.tokenize(token, true).length === 1);
}

function chatMl(model: LlamaModel): Render {
  const [start] = model.tokenize('<|im_start|>', true);
  const [end] = model.tokenize('<|im_end|>', true);
  const text = (content: string): Token[] => model.tokenize(content, false);
  const before = [start, ...text('system\n'), end, ...text('\n'), start];
  const after = [end, ...text('\n'), start, ...text('assistant\n')];
  return (userTurn) => [...before, ...text(`user\n${userTurn}`), ...after];
}

async function ownTemplate(model: LlamaModel): Promise<Render> {
  const { JinjaTemplateChatWrapper } = await llamaPackage();
  const template: unknown = model.fileInfo.metadata.tokenizer?.chat_template;
  if (typeof template !== 'string' || template.trim() === '') {
    throw new QuernError('UNSUPPORTED', 'it has no chat template', {
      hint: 'Use an instruction-tuned model, exported with its template',
    });
  }
  const wrapper = usable(() => new JinjaTemplateChatWrapper({ template, tokenizer: model.tokenizer }));
  const { supportsSystemMessages } = wrapper.settings;
  return (userTurn) =>
    usable(() =>
      wrapper
        .generateContextState({
          chatHistory: [
            // Where a template knows none, an empty one would be written into the user's turn.
            ...(supportsSystemMessages ? [{ type: 'system' as const, text: '' }] : []),
            { type: 'user', text: userTurn },
            { type: 'model', response: [''] },
          ],
        })
        .contextText.tokenize(model.tokenizer),
    );
}

/** What `rendered` returns. A template is a program of the model's maker: it may throw anything. */
function usable<T>(rendered: () => T): T {
  try {
    return rendered();
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error))
      .replace(/^The provided Jinja template failed the sanity test: (?:Error: )?/, '')
      .replace(/\. Inspect the Jinja template to find out what went wrong$/, '');
    throw new QuernError('UNSUPPORTED', `its chat template cannot be used (${oneLine(message)})`, {
      hint: 'Use another export of the model',
      cause: error,
    });
  }
}

/** What the prompts of two queries that begin differently have in common: the prompts of all others have it too. */
function sharedPrefix(render: Render): Token[] {
  const [a, b] = ['a', '7'].map((query) => render(`${promptPrefix}${query}\n\n`));
  const different = a.findIndex((token, i) => token !== b[i]);
  return a.slice(0, Math.max(0, different));
}
