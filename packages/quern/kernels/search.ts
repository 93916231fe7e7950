/**
 * The loops of a search that take the time, in AssemblyScript, compiled to WebAssembly: `src/lexical/kernels.ts` is their
 * only caller. All of them work on addresses in one memory, which holds the segment and the working memory of each
 * thread; nothing here allocates.
 *
 * `sums` is the address that the sum of document 0 would have: a block's sums lie at `sums + 8 * document` for the
 * documents of the block, so a document's number needs no subtraction. Sums after a block's last are 0 up to a multiple of
 * eight.
 */
export { addBlock, reaches, seek, largestSaturation, reset, exclude } from './postings';
export { offerBlock } from './groups';
export { candidatesOf, doubtful } from './candidates';
export { offerListed, keepBest, takeBest } from './best';
