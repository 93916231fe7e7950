// The choice of the next token of each sequence, in one pass: repetition penalty, temperature, top-k, top-p, a draw from a
// random stream that belongs to the sequence, and the log-probability of what was drawn.
#include "environment.h"
#include "processor.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/PhiloxRNGEngine.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace {

struct Sampling {
  double temperature;
  int64_t top_k;
  double top_p;
  double penalty;
};

/** What was drawn for a sequence. */
struct Draw {
  int64_t token;
  /** Under the model: of its logits as they are. */
  double log_probability;
  /** Under what was drawn from: after penalty, temperature, top-k and top-p. */
  double drawn_log_probability;
};

/** The uniform number in [0, 1) of a stream (Philox 4x32-10, Salmon et al. 2011) at a position; 53 bits. */
double uniform(uint64_t seed, uint64_t position) {
  at::Philox4_32 engine(seed, 0, position);
  const uint64_t high = engine();
  const uint64_t low = engine();
  return static_cast<double>(((high << 32) | low) >> 11) * 0x1.0p-53;
}

/** Finite where the logit was: only what the model rules out has no probability. */
float penalized(float logit, double penalty) {
  constexpr double kMost = std::numeric_limits<float>::max();
  const double changed = logit > 0 ? logit / penalty : logit * penalty;
  return std::isinf(logit) ? logit : static_cast<float>(std::clamp(changed, -kMost, kMost));
}

/** A token and what it is chosen by. */
struct Candidate {
  float value;
  int32_t id;
};

/** Whether `a` is likelier than `b`: the smaller id among equals. */
bool before(const Candidate& a, const Candidate& b) { return a.value != b.value ? a.value > b.value : a.id < b.id; }

/** What the rows that one thread draws use in turn. */
struct Scratch {
  std::vector<float> values;
  std::vector<float> shares;
  std::vector<double> sums;
  std::vector<Candidate> candidates;
  std::vector<double> weights;
};

/** The `count` likeliest, likeliest first: one pass with a heap of those so far, whose least likely is on top. */
void likeliest(const float* values, int64_t vocabulary, int64_t count, std::vector<Candidate>& found) {
  found.clear();
  for (int64_t i = 0; i < count; i++) found.push_back({values[i], static_cast<int32_t>(i)});
  std::make_heap(found.begin(), found.end(), before);
  for (int64_t i = count; i < vocabulary; i++) {
    // What is equal to the top comes after it, as its id is larger.
    if (!(values[i] > found.front().value)) continue;
    std::pop_heap(found.begin(), found.end(), before);
    found.back() = {values[i], static_cast<int32_t>(i)};
    std::push_heap(found.begin(), found.end(), before);
  }
  std::sort_heap(found.begin(), found.end(), before);
}

/**
 * Tokens in groups: by how far a value is below the highest, in 16ths of the temperature. To find the likeliest that come to
 * a share of all, only the groups that it takes are sorted.
 */
struct Groups {
  static constexpr int kGroups = 512;
  float highest;
  double temperature;
  double masses[kGroups] = {};
  double whole = 0;

  int of(float value) const {
    const double distance = (highest - value) / temperature * 16;
    return distance < kGroups - 1 ? static_cast<int>(distance) : kGroups - 1;
  }

  void add(const float* values, int64_t vocabulary) {
    for (int64_t i = 0; i < vocabulary; i++) {
      const double mass = std::exp((values[i] - highest) / temperature);
      whole += mass;
      masses[of(values[i])] += mass;
    }
  }

  /** The first group with which they come to `mass`; their sums are rounded otherwise than those of sorted tokens. */
  int reaching(double mass) const {
    double sum = 0;
    int group = 0;
    while (group < kGroups - 1 && (sum += masses[group]) < mass) group++;
    return group;
  }

  /** The tokens of the groups up to `last`, likeliest first. */
  void sorted(const float* values, int64_t vocabulary, int last, std::vector<Candidate>& found) const {
    found.clear();
    for (int64_t i = 0; i < vocabulary; i++)
      if (of(values[i]) <= last) found.push_back({values[i], static_cast<int32_t>(i)});
    std::sort(found.begin(), found.end(), before);
  }
};

/** Index of the first of `weights` at which their sum passes `share` of it all. */
size_t passing(const std::vector<double>& weights, double share) {
  double sum = 0;
  for (size_t i = 0; i < weights.size(); i++) {
    sum += weights[i];
    if (sum > share) return i;
  }
  // Rounding: the last one that can be drawn at all.
  size_t last = weights.size() - 1;
  while (last > 0 && weights[last] == 0) last--;
  return last;
}

/** The first that has the highest of `values`. */
int64_t first_of(const float* values, float highest) {
  int64_t i = 0;
  while (values[i] != highest) i++;
  return i;
}

/** Tokens whose shares are added up in one go. */
constexpr int64_t kBlock = 256;

}  // namespace

/**
 * e^((value - highest) · inverse) of all values into `shares`, and the sums of each {@link kBlock} of them into `sums`; returns
 * the sum of all.
 */
VECTORIZED double weigh(const float* values, int64_t count, float highest, float inverse, float* shares, double* sums) {
  double whole = 0;
  for (int64_t from = 0; from < count; from += kBlock) {
    const int64_t to = std::min(from + kBlock, count);
    for (int64_t i = from; i < to; i++) shares[i] = exp_of((values[i] - highest) * inverse);
    sums[from / kBlock] = sum_of_values(shares + from, to - from);
    whole += sums[from / kBlock];
  }
  return whole;
}

namespace {

/** The token at which the shares that {@link weigh} left come to `mass`. */
int64_t reached(const Scratch& scratch, int64_t count, double mass) {
  const int64_t blocks = (count + kBlock - 1) / kBlock;
  int64_t block = 0;
  double before = 0;
  while (block < blocks - 1 && before + scratch.sums[block] <= mass) before += scratch.sums[block++];
  // Sums that are rounded otherwise may end below it: then it is the last token up to there that can be drawn at all.
  int64_t last = -1;
  double passed = before;
  for (int64_t i = block * kBlock; i < std::min((block + 1) * kBlock, count); i++) {
    if (scratch.shares[i] > 0) last = i;
    passed += scratch.shares[i];
    if (passed > mass) return i;
  }
  for (int64_t i = block * kBlock; last < 0 && i >= 0; i--)
    if (scratch.shares[i] > 0) last = i;
  return std::max<int64_t>(last, 0);
}

/** Draws of a row whose highest logit is `most`. */
Draw draw(const float* logits, float most, const uint8_t* used, int64_t vocabulary, const Sampling& sampling, double random,
          Scratch& scratch) {
  scratch.shares.resize(vocabulary);
  scratch.sums.resize((vocabulary + kBlock - 1) / kBlock);
  const double total = weigh(logits, vocabulary, most, 1, scratch.shares.data(), scratch.sums.data());
  const double log_total = most + std::log(total);
  const bool is_changed = used != nullptr && sampling.penalty != 1;
  const float* values = logits;
  float highest = most;
  if (is_changed) {
    scratch.values.assign(logits, logits + vocabulary);
    for (int64_t i = 0; i < vocabulary; i++)
      if (used[i] != 0) scratch.values[i] = penalized(logits[i], sampling.penalty);
    values = scratch.values.data();
    highest = *std::max_element(values, values + vocabulary);
  }
  if (sampling.temperature == 0) {
    const int64_t best = first_of(values, highest);
    return {best, logits[best] - log_total, 0};
  }
  const double temperature = sampling.temperature;
  if (sampling.top_k == 0 && sampling.top_p == 1) {
    double sum = total;
    if (is_changed || temperature != 1) {
      // Of temperatures next to 0 the inverse is beyond float32, and times 0 it would be no number.
      const float inverse = static_cast<float>(std::min<double>(1 / temperature, std::numeric_limits<float>::max()));
      sum = weigh(values, vocabulary, highest, inverse, scratch.shares.data(), scratch.sums.data());
    }
    const int64_t token = reached(scratch, vocabulary, random * sum);
    return {token, logits[token] - log_total, (values[token] - highest) / temperature - std::log(sum)};
  }
  std::vector<Candidate>& candidates = scratch.candidates;
  std::vector<double>& weights = scratch.weights;
  const auto weight_all = [&] {
    weights.clear();
    for (const Candidate& each : candidates)
      weights.push_back(std::exp((static_cast<double>(each.value) - candidates[0].value) / temperature));
  };
  // The fewest whose weights come to what top-p asks for: all but the first stay while those before them do not.
  double kept = 0;
  size_t length = 0;
  const auto cut = [&](double mass) {
    kept = 0;
    length = 0;
    while (length < weights.size() && (length == 0 || kept < mass)) kept += weights[length++];
    return kept >= mass;
  };
  if (sampling.top_k > 0) {
    likeliest(values, vocabulary, std::min(sampling.top_k, vocabulary), candidates);
    weight_all();
    cut(sampling.top_p * std::accumulate(weights.begin(), weights.end(), 0.0));
  } else {
    Groups groups{highest, temperature};
    groups.add(values, vocabulary);
    const double mass = sampling.top_p * groups.whole;
    for (int last = groups.reaching(mass);; last = Groups::kGroups - 1) {
      groups.sorted(values, vocabulary, last, candidates);
      weight_all();
      if (cut(mass) || last == Groups::kGroups - 1) break;
    }
  }
  weights.resize(length);
  const size_t chosen = passing(weights, random * kept);
  const int32_t token = candidates[chosen].id;
  return {token, logits[token] - log_total, std::log(weights[chosen] / kept)};
}

/**
 * Ids of the `count` likeliest of each row, likeliest first, the smaller id first among equals: topk alone takes any of them.
 * So it is asked for whole numbers, no two of which are equal: 32 bits in the order of the values, then those of the id.
 */
at::Tensor likeliest_on_device(const at::Tensor& values, int64_t count) {
  constexpr int64_t kIds = 1ll << 31;
  // -0 becomes 0. The bits of numbers below it are in the opposite order.
  const at::Tensor bits = values.add(0.0).view(at::kInt);
  const at::Tensor turned = at::bitwise_xor(bits, std::numeric_limits<int32_t>::max());
  const at::Tensor ordered = at::where(bits < 0, turned, bits).to(at::kLong);
  const at::Tensor ids = at::arange(kIds - 1, kIds - 1 - values.size(1), -1, values.options().dtype(at::kLong));
  const at::Tensor keys = std::get<0>(ordered.mul_(kIds).add_(ids).topk(count, 1));
  return at::bitwise_and(keys, kIds - 1).neg_().add_(kIds - 1);
}

/**
 * Draws from all tokens on a device: (tokens, log-probabilities). In two steps, by the sums of blocks of the vocabulary and then
 * within the block that was met, so that running sums are made of few values: in double, as 24 bits are too few for them.
 */
std::tuple<at::Tensor, at::Tensor> drawn_of_all(const at::Tensor& values, const at::Tensor& random) {
  constexpr int64_t kBlock = 256;
  const int64_t rows = values.size(0);
  const int64_t vocabulary = values.size(1);
  const int64_t blocks = (vocabulary + kBlock - 1) / kBlock;
  const at::Tensor log_shares = at::log_softmax(values, 1);
  at::Tensor shares = log_shares.exp();
  if (blocks * kBlock != vocabulary) shares = at::constant_pad_nd(shares, {0, blocks * kBlock - vocabulary}, 0);
  shares = shares.view({rows, blocks, kBlock});
  const at::Tensor sums = shares.sum({2}, false, at::kDouble).cumsum(1);
  const at::Tensor wanted = random.unsqueeze(1) * sums.select(1, -1).unsqueeze(1);
  const at::Tensor block = at::searchsorted(sums, wanted, false, true).clamp_max(blocks - 1);
  const at::Tensor before = at::where(block > 0, sums.gather(1, (block - 1).clamp_min(0)), at::zeros_like(wanted));
  const at::Tensor chosen = shares.gather(1, block.unsqueeze(2).expand({rows, 1, kBlock})).squeeze(1).to(at::kDouble);
  const at::Tensor within = chosen.cumsum(1);
  // Sums that are rounded otherwise may end below what is wanted: the last token of the block that can be drawn at all.
  const at::Tensor most = at::searchsorted(within, within.select(1, -1).unsqueeze(1).contiguous());
  const at::Tensor place = at::minimum(at::searchsorted(within, wanted - before, false, true), most);
  const at::Tensor tokens = block * kBlock + place;
  return {tokens.squeeze(1), log_shares.gather(1, tokens).squeeze(1)};
}

/** The same on a device, by LibTorch's operators: (tokens, log-probabilities, drawn log-probabilities). */
std::tuple<at::Tensor, at::Tensor, at::Tensor> drawn_on_device(const at::Tensor& logits, const at::Tensor& used,
                                                              const Sampling& sampling, const at::Tensor& random) {
  at::Tensor values = logits;
  if (used.defined() && sampling.penalty != 1) {
    values = at::where(used.to(at::kBool), at::where(values > 0, values / sampling.penalty, values * sampling.penalty), values);
  }
  const at::Tensor own = at::logsumexp(logits, {1});
  at::Tensor tokens;
  at::Tensor drawn;
  if (sampling.temperature == 0) {
    tokens = values.argmax(1);
    drawn = at::zeros_like(own);
  } else {
    values = values / sampling.temperature;
    at::Tensor ids;
    if (sampling.top_k > 0) {
      ids = likeliest_on_device(values, std::min(sampling.top_k, values.size(1)));
      values = values.gather(1, ids);
    } else if (sampling.top_p < 1) {
      std::tie(values, ids) = values.sort(true, 1, true);
    }
    if (!ids.defined()) {
      std::tie(tokens, drawn) = drawn_of_all(values, random);
      return {tokens, logits.gather(1, tokens.unsqueeze(1)).squeeze(1) - own, drawn};
    }
    // 24 bits are too few to add up the shares of a vocabulary.
    at::Tensor shares = at::softmax(values, 1).to(at::kDouble);
    if (sampling.top_p < 1) shares = at::where((shares.cumsum(1) - shares) < sampling.top_p, shares, at::zeros_like(shares));
    const at::Tensor sums = shares.cumsum(1);
    const at::Tensor kept = sums.select(1, -1).unsqueeze(1);
    at::Tensor at = at::searchsorted(sums, random.unsqueeze(1) * kept, false, true).clamp_max(values.size(1) - 1);
    drawn = (shares.gather(1, at) / kept).log().squeeze(1);
    tokens = ids.gather(1, at).squeeze(1);
  }
  const at::Tensor log_probabilities = logits.gather(1, tokens.unsqueeze(1)).squeeze(1) - own;
  return {tokens, log_probabilities, drawn};
}

[[noreturn]] void refuse_not_finite() {
  throw ArgumentError("NOT_FINITE", "logits hold NaN, or a row has no finite value: nothing can be drawn from them");
}

double number_of(Napi::Value value, const char* name, double least, double most) {
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (number >= least && number <= most) return number;
  }
  throw ArgumentError("BAD_ARGUMENT", std::string(name) + " is out of its range");
}

/**
 * `sample(logits, used, temperature, topK, topP, penalty, seeds, positions)`: for each row of `logits` [B,V] the token that the
 * stream of its seed draws at its position. `used` [B,V] (uint8, or undefined) marks tokens that are penalised.
 */
Napi::Value sample(const Napi::CallbackInfo& info, Environment& environment) {
  // First what may run JavaScript, which could free the tensors.
  const auto seeds = integers_of(info[6], "seeds");
  const auto positions = integers_of(info[7], "positions");
  const at::Tensor& given = environment.tensor(info[0], "logits");
  if (given.dim() != 2 || given.size(1) == 0 || !given.is_floating_point()) {
    throw ArgumentError("BAD_ARGUMENT", "logits are [sequences, vocabulary] of floats, not " + description(given));
  }
  const int64_t rows = given.size(0);
  const int64_t vocabulary = given.size(1);
  if (vocabulary > std::numeric_limits<int32_t>::max()) throw ArgumentError("BAD_ARGUMENT", "the vocabulary is too large");
  at::Tensor used;
  if (!info[1].IsUndefined()) {
    used = environment.tensor(info[1], "used");
    if (!used.sizes().equals(given.sizes()) || used.scalar_type() != at::kByte || used.device() != given.device()) {
      throw ArgumentError("BAD_ARGUMENT", "used is uint8 of the shape and on the device of logits, not " + description(used));
    }
  }
  const Sampling sampling{number_of(info[2], "temperature", 0, 1e6),
                          integer_of(info[3], "topK"),
                          number_of(info[4], "topP", 1e-9, 1), number_of(info[5], "repetitionPenalty", 1e-6, 1e6)};
  if (sampling.top_k < 0) throw ArgumentError("BAD_ARGUMENT", "topK is a whole number from 0");
  if (static_cast<int64_t>(seeds.size()) != rows || static_cast<int64_t>(positions.size()) != rows) {
    throw ArgumentError("BAD_ARGUMENT", "there is one seed and one position for each of the " + std::to_string(rows) + " rows");
  }
  std::vector<double> random(rows);
  for (int64_t i = 0; i < rows; i++) {
    if (positions[i] < 0) throw ArgumentError("BAD_ARGUMENT", "position is a whole number from 0");
    random[i] = uniform(static_cast<uint64_t>(seeds[i]), static_cast<uint64_t>(positions[i]));
  }
  Napi::Env env = info.Env();
  Napi::Object result = Napi::Object::New(env);
  auto tokens = Napi::Int32Array::New(env, rows);
  auto log_probabilities = Napi::Float32Array::New(env, rows);
  auto drawn = Napi::Float32Array::New(env, rows);
  result["tokens"] = tokens;
  result["logProbabilities"] = log_probabilities;
  result["drawnLogProbabilities"] = drawn;
  int32_t* const to_tokens = tokens.Data();
  float* const to_log_probabilities = log_probabilities.Data();
  float* const to_drawn = drawn.Data();
  const c10::AutoGradMode no_grad(false);
  const at::Tensor logits = given.to(at::kFloat).contiguous();
  const at::Tensor most = logits.amax(1);
  if (logits.is_cpu()) {
    if (!at::isfinite(most).all().item<bool>()) refuse_not_finite();
    const float* values = logits.const_data_ptr<float>();
    const at::Tensor marks = used.defined() ? used.contiguous() : used;
    const uint8_t* marked = used.defined() ? marks.const_data_ptr<uint8_t>() : nullptr;
    const float* highest = most.const_data_ptr<float>();
    std::vector<Draw> draws(rows);
    over_rows(rows, 1, [&](int64_t from, int64_t to) {
      Scratch scratch;
      for (int64_t i = from; i < to; i++) {
        draws[i] = draw(values + i * vocabulary, highest[i], marked == nullptr ? nullptr : marked + i * vocabulary, vocabulary,
                        sampling, random[i], scratch);
      }
    });
    for (int64_t i = 0; i < rows; i++) {
      to_tokens[i] = static_cast<int32_t>(draws[i].token);
      to_log_probabilities[i] = static_cast<float>(draws[i].log_probability);
      to_drawn[i] = static_cast<float>(draws[i].drawn_log_probability);
    }
    return result;
  }
  const at::Tensor randoms = at::from_blob(random.data(), {rows}, at::kDouble).to(logits.device());
  const auto [t, l, d] = drawn_on_device(logits, used, sampling, randoms);
  // One copy, so that the device is waited for once.
  const at::Tensor all = at::stack({t.to(at::kDouble), l.to(at::kDouble), d.to(at::kDouble), most.to(at::kDouble)}).cpu();
  const double* const values = all.const_data_ptr<double>();
  for (int64_t i = 0; i < rows; i++) {
    if (!std::isfinite(values[3 * rows + i])) refuse_not_finite();
    to_tokens[i] = static_cast<int32_t>(values[i]);
    to_log_probabilities[i] = static_cast<float>(values[rows + i]);
    to_drawn[i] = static_cast<float>(values[2 * rows + i]);
  }
  return result;
}

}  // namespace

void define_sampling(Napi::Env env, Napi::Object exports) { exports["sample"] = guarded(env, "sample", sample); }
