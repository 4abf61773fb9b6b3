// See random_weights.h.
//
// Every value is a function of seed, tensor name and position, computed with IEEE double arithmetic
// that rounds the same everywhere: + - * / and sqrt, no function of the C library.
#include "configuration/random_weights.h"

#include <bit>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "configuration/architecture.h"
#include "siglip/error.hpp"

namespace siglip {
namespace {

/// FNV-1a, 64 bits.
uint64_t HashName(std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325U;
  for (char letter : name) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001B3U;
  }
  return hash;
}

/// The finaliser of splitmix64: every bit of the input reaches every bit of the output.
uint64_t Mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31);
}

/// A stream of random bits that can be read at any position.
class RandomStream {
 public:
  RandomStream(uint64_t seed, std::string_view name) : key_(Mix(Mix(seed) ^ HashName(name))) {}
  uint64_t Bits(uint64_t position) const {
    return Mix(key_ + (position + 1) * 0x9E3779B97F4A7C15U);
  }

 private:
  uint64_t key_;
};

/// Natural logarithm of a positive, normal number, to about 1e-15: with x = 2^e m and m near 1,
/// log x = e log 2 + 2 artanh((m - 1) / (m + 1)), the latter as its odd series.
double Log(double x) {
  constexpr double kLog2 = 0x1.62e42fefa39efp-1;
  constexpr double kSqrt2 = 0x1.6a09e667f3bcdp0;
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double mantissa = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFFU) | 0x3FF0000000000000U);
  if (mantissa > kSqrt2) {
    mantissa *= 0.5;
    ++exponent;
  }
  const double s = (mantissa - 1) / (mantissa + 1);  // |s| <= 0.172
  double sum = 0;
  for (int k = 21; k >= 1; k -= 2) sum = sum * (s * s) + 1.0 / k;
  return exponent * kLog2 + 2 * s * sum;
}

/// c[0] + c[1] x + ... + c[7] x^7.
double Polynomial(const double (&c)[8], double x) {
  double sum = c[7];
  for (int i = 6; i >= 0; --i) sum = sum * x + c[i];
  return sum;
}

/// The number that a standard normal value is below with probability `p`, 0 < p < 1, to about
/// 1e-15: the rational approximations of M. J. Wichura, algorithm AS 241, Applied Statistics 37
/// (1988).
double NormalQuantile(double p) {
  constexpr double kA[8] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                            1.9715909503065514427e3, 1.3731693765509461125e4,
                            4.5921953931549871457e4, 6.7265770927008700853e4,
                            3.3430575583588128105e4, 2.5090809287301226727e3};
  constexpr double kB[8] = {1.0,
                            4.2313330701600911252e1,
                            6.8718700749205790830e2,
                            5.3941960214247511077e3,
                            2.1213794301586595867e4,
                            3.9307895800092710610e4,
                            2.8729085735721942674e4,
                            5.2264952788528545610e3};
  constexpr double kC[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                            5.76949722146069140550e0,  3.64784832476320460504e0,
                            1.27045825245236838258e0,  2.41780725177450611770e-1,
                            2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr double kD[8] = {1.0,
                            2.05319162663775882187e0,
                            1.67638483018380384940e0,
                            6.89767334985100004550e-1,
                            1.48103976427480074590e-1,
                            1.51986665636164571966e-2,
                            5.47593808499534494600e-4,
                            1.05075007164441684324e-9};
  constexpr double kE[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                            1.78482653991729133580e0,  2.96560571828504891230e-1,
                            2.65321895265761230930e-2, 1.24266094738807843860e-3,
                            2.71155556874348757815e-5, 2.01033439929228813265e-7};
  constexpr double kF[8] = {1.0,
                            5.99832206555887937690e-1,
                            1.36929880922735805310e-1,
                            1.48753612908506148525e-2,
                            7.86869131145613259100e-4,
                            1.84631831751005468180e-5,
                            1.42151175831644588870e-7,
                            2.04426310338993978564e-15};
  const double q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * Polynomial(kA, r) / Polynomial(kB, r);
  }
  const double r = std::sqrt(-Log(q < 0 ? p : 1 - p));
  const double tail = r <= 5 ? Polynomial(kC, r - 1.6) / Polynomial(kD, r - 1.6)
                             : Polynomial(kE, r - 5) / Polynomial(kF, r - 5);
  return q < 0 ? -tail : tail;
}

/// One of 2^52 numbers evenly spaced in (0, 1), ends excluded.
double UnitInterval(uint64_t bits) { return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52; }

/// transformers cuts the normal at -2 and 2, not at two deviations.
constexpr double kTruncationLimit = 2.0;

std::vector<float> Draw(const RandomStream& stream, const Initialization& initialization,
                        size_t count) {
  std::vector<float> values(count, static_cast<float>(initialization.scale));
  using Distribution = Initialization::Distribution;
  switch (initialization.distribution) {
    case Distribution::kConstant: break;
    case Distribution::kUniform:
      for (size_t i = 0; i < count; ++i) {
        // 32 random bits as a number in (-1, 1), symmetric around 0.
        const auto bits = static_cast<int64_t>(stream.Bits(i) >> 32);
        values[i] = static_cast<float>(static_cast<double>(2 * bits - ((int64_t{1} << 32) - 1)) *
                                       (initialization.scale * 0x1p-32));
      }
      break;
    case Distribution::kNormal:
      for (size_t i = 0; i < count; ++i) {
        values[i] =
            static_cast<float>(NormalQuantile(UnitInterval(stream.Bits(i))) * initialization.scale);
      }
      break;
    case Distribution::kTruncatedNormal:
      for (size_t i = 0; i < count; ++i) {
        uint64_t bits = stream.Bits(i);
        double value = NormalQuantile(UnitInterval(bits)) * initialization.scale;
        while (value < -kTruncationLimit || value > kTruncationLimit) {
          bits = Mix(bits + 1);
          value = NormalQuantile(UnitInterval(bits)) * initialization.scale;
        }
        values[i] = static_cast<float>(value);
      }
      break;
  }
  return values;
}

class RandomWeights : public WeightSource {
 public:
  RandomWeights(Architecture architecture, uint64_t seed) : seed_(seed) {
    for (ArchitectureTensor& tensor : architecture.tensors) {
      const std::string name = tensor.spec.name;
      tensors_.emplace(name, std::move(tensor));
    }
  }

  bool Contains(const std::string& name) const override { return tensors_.contains(name); }

  std::vector<float> Read(const TensorSpec& tensor) const override {
    const auto known = tensors_.find(tensor.name);
    if (known == tensors_.end()) {
      throw Error(ErrorCode::kNotFound, "the image tower has no tensor '" + tensor.name + "'");
    }
    const auto& [name, shape] = known->second.spec;
    if (shape != tensor.shape) {
      throw Error(ErrorCode::kMismatch, "tensor '" + name + "': has shape " + ToString(shape) +
                                            ", asked for " + ToString(tensor.shape));
    }
    return Draw(RandomStream(seed_, name), known->second.initialization,
                static_cast<size_t>(ElementCount(shape)));
  }

 private:
  uint64_t seed_;
  std::map<std::string, ArchitectureTensor> tensors_;
};

}  // namespace

std::shared_ptr<const WeightSource> RandomVisionWeights(const AnyVisionConfig& any, uint64_t seed) {
  std::visit([](const auto& config) { config.Validate(); }, any);
  return std::make_shared<RandomWeights>(VisionArchitecture(any), seed);
}

}  // namespace siglip
