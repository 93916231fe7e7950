/** What rewards are called, for the help of the commands that take them. */
export const rewardsHelp = `Rewards, all of the reasoned query against the question:
  similarity:EMBEDDER         10 times the gain in cosine with the positives (-20 to 20)
  retrieval:MEASURE           the gain in a measure of the positives' ranks in an index (-1 to 1): ndcg@10, recip_rank,
                              recall@100, …; or rank (-2 to 2): 2 at rank 1, 1 at rank 10, 0 from rank 100 on
  retrieval:MEASURE:EMBEDDER  the same, ranked among the positives that are scored together, by an embedder
  lexical                     the gain in the cosine of BM25 weights with the positives (-1 to 1)
  mix:WEIGHT*REWARD,…         their weighted sum; in a mix also, at weights below 0:
    length:BUDGET             tokens beyond the budget, as a share of it
    truncation                1 where the text was cut at the most tokens
    copying, repetition       the share of runs of four words that are the question's, or came before
    language, format          1 where it is in another language than the question, or not <think>…</think> and an answer
A completion without a reasoned query has reward -1.`;
