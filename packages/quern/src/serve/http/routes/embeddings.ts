import * as z from 'zod';
import { QuernError } from '../../../errors.ts';
import { tokenEstimate } from '../../../search/token-estimate.ts';
import type { ServiceLimits } from '../../configuration/service-config.ts';
import { publicError } from '../../service/public-error.ts';
import type { Service } from '../../service/service.ts';

/** What of OpenAI's request counts; other fields are let pass, as clients send what they have. */
export const embeddingSchema = ({ texts }: Pick<ServiceLimits, 'texts'>) =>
  z.looseObject({
    model: z
      .string()
      .describe('The name of an embedder.')
      .meta({ examples: ['mini'] }),
    input: z
      .union([z.string(), z.array(z.string()).min(1).max(texts)], {
        error: `is a text, or a list of 1 to ${texts} texts`,
      })
      .describe(`A text, or up to ${texts} of them.`),
    encoding_format: z.enum(['float', 'base64']).nullish(),
    dimensions: z.int().min(1).nullish().describe("The embedder's own, where it is given at all."),
    input_type: z
      .enum(['query', 'document'])
      .nullish()
      .describe('How texts are meant, for embedders that make a difference. Default: document.'),
  });

/** A request for vectors, checked. */
export type EmbeddingRequest = z.infer<ReturnType<typeof embeddingSchema>>;

/**
 * Answers a request for vectors. Throws `BAD_INPUT` and `NOT_FOUND` for names that are none, `OVERLOADED` where too much waits,
 * `UNAVAILABLE` where the embedder does not answer, and `ABORTED`.
 */
export async function embeddings(
  service: Service,
  body: EmbeddingRequest,
  signal: AbortSignal,
): Promise<object> {
  const { model, input, dimensions, input_type: as = 'document', encoding_format: format } = body;
  const texts = typeof input === 'string' ? [input] : input;
  const long = texts.findIndex((text) => text.length > service.config.limits.query);
  if (long >= 0) {
    const where = typeof input === 'string' ? 'input' : `input[${long}]`;
    throw new QuernError('BAD_INPUT', `is longer than ${service.config.limits.query} characters`, { where });
  }
  const embedder = await service.embedders.named(model, 'model');
  if (dimensions !== undefined && dimensions !== null && dimensions !== embedder.dimensions) {
    throw new QuernError('BAD_INPUT', `vectors of ${model} have ${embedder.dimensions} dimensions`, {
      where: 'dimensions',
      hint: 'Leave it out',
    });
  }
  const started = performance.now();
  const vectors = await service.embeddings
    .run(() => embedder.embed(texts, as ?? 'document', signal), signal)
    .catch((error: unknown) => {
      throw publicError(error, {
        what: `the embedder ${model}`,
        names: [[embedder.id, model]],
        field: 'model',
      });
    });
  service.observer.stage('embed', (performance.now() - started) / 1000);
  const tokens = texts.reduce((sum, text) => sum + tokenEstimate(text), 0);
  return {
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: format === 'base64' ? base64(vector) : Array.from(vector),
    })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

/** Little-endian 32-bit floats. */
function base64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [i, value] of vector.entries()) bytes.writeFloatLE(value, i * 4);
  return bytes.toString('base64');
}
