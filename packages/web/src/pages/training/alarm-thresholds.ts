/** From where on something is an alarm. Means are over the last `recent` lines, and over as many of the first ones. */
export const thresholds = {
  /** Lines that a mean is over: what one step does by chance is none. */
  recent: 5,
  /** Completions are too short below this share of their mean length at the start. */
  shortShare: 0.3,
  /** Too many completions are cut above this share … */
  cutAlways: 0.9,
  /** … or above this one where it has risen by `cutRise` since the start. */
  cutShare: 0.5,
  cutRise: 0.25,
  /** The policy is far from the model that it was above so many nats a token (the estimator k3 of arXiv 2402.03300) … */
  klMost: 1,
  /** … or above `klLeast` where it is so many times the median of the lines before. */
  klJump: 10,
  klLeast: 0.1,
  /** A measure of validation falls where it is below its best by this share of it, twice in a row. */
  fall: 0.05,
  /** The reward rises where its mean does by so many standard errors. */
  riseErrors: 2,
  /** Nothing is learnt where this share of groups has the same reward throughout. */
  flatShare: 0.8,
  /** The policy knows but one thing to say below so many nats a token … */
  entropyLeast: 0.05,
  /** … or below this share of what it was, once it is below `entropyLow`. */
  entropyShare: 0.2,
  entropyLow: 0.5,
  /** Too many completions hold no reasoned query above this share. */
  unreadableShare: 0.5,
} as const;
