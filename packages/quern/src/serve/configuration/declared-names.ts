import { QuernError } from '../../errors.ts';
import { openAiAddresses, serverAddress } from '../../models/openai/openai-address.ts';
import { namedMembers } from '../../reason/several-names.ts';
import { retrieverNamed } from '../../search/retrievers.ts';
import type { YamlFile } from '../../yaml-file.ts';
import type { ServiceConfig } from './service-config.ts';

/**
 * Throws `BAD_INPUT` at its place for what a configuration names and nothing declares, and for names of reasoners, retrievers,
 * embedders and rerankers that are none. What is wrong with their files shows when they are opened.
 */
export function checkDeclaredNames(config: ServiceConfig, place: YamlFile['place']): void {
  for (const [name, retriever] of config.retrievers) {
    at(place(['retrievers', name]), () => {
      for (const embedder of retrieverNamed(retriever).embedders) checkEmbedder(embedder);
    });
  }
  for (const [name, { reasoner }] of config.reasoners) {
    at(place(['reasoners', name]), () => checkReasoner(reasoner));
  }
  for (const [name, { model }] of config.embedders)
    at(place(['embedders', name]), () => checkEmbedder(model));
  for (const [name, { model }] of config.rerankers)
    at(place(['rerankers', name]), () => checkReranker(model));
  for (const [name, { retriever }] of config.indexes) {
    if (config.retrievers.has(retriever)) continue;
    throw new QuernError('BAD_INPUT', `no retriever ${retriever} is declared`, {
      where: place(['indexes', name, 'retriever']),
      hint: `There are ${[...config.retrievers.keys()].join(', ')}; others are declared under retrievers`,
    });
  }
  for (const [name, { index }] of config.rewards) {
    if (index === undefined || config.indexes.has(index)) continue;
    throw new QuernError('BAD_INPUT', `no index ${index} is declared`, {
      where: place(['rewards', name, 'index']),
      hint: `There are ${[...config.indexes.keys()].join(', ') || 'none'}`,
    });
  }
}

/** Does `check`, whose errors become those of a place in the configuration. */
function at(where: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof QuernError)) throw error;
    const { what, where: part, hint } = error;
    throw new QuernError('BAD_INPUT', part === undefined ? what : `${part} ${what}`, { where, hint });
  }
}

function checkReasoner(reasoner: string): void {
  for (const { name } of namedMembers(reasoner)) {
    if (name === 'none' || name === 'rm3' || /^(?:file|llama|torch):./s.test(name)) continue;
    if (!name.startsWith('openai:')) {
      throw new QuernError('BAD_INPUT', `unknown reasoner ${JSON.stringify(name)}`, {
        hint: 'Reasoners are none, rm3, file:PATH, llama:PATH_OR_HUB_ID, torch:FOLDER_OR_HUB_ID, openai:MODEL@URL, and join:A,B of several',
      });
    }
    openAiAddresses(name, {});
  }
}

function checkEmbedder(embedder: string): void {
  if (/^(?:onnx|llama|torch):./s.test(embedder)) return;
  if (embedder.startsWith('openai:')) {
    serverAddress('openai', embedder, () => '');
    return;
  }
  throw new QuernError('BAD_INPUT', `unknown embedder ${JSON.stringify(embedder)}`, {
    hint: 'Embedders are onnx:HUB_ID_OR_FOLDER, llama:PATH_OR_HUB_ID, torch:HUB_ID_OR_FOLDER and openai:MODEL@URL',
  });
}

function checkReranker(reranker: string): void {
  if (/^onnx:./s.test(reranker)) return;
  if (reranker.startsWith('rerank:')) {
    serverAddress('rerank', reranker);
    return;
  }
  throw new QuernError('BAD_INPUT', `unknown reranker ${JSON.stringify(reranker)}`, {
    hint: 'Rerankers are onnx:HUB_ID_OR_FOLDER and rerank:MODEL@URL',
  });
}
