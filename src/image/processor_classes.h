// The image processors of transformers whose preprocessing is known.
#pragma once

#include <span>
#include <string_view>

namespace siglip {

struct ProcessorClass {
  enum class Kind {
    kPlain,       ///< The steps that all processors have in common.
    kNeverCrops,  ///< But cropping and padding, whatever the file says.
    kPadsFirst,   ///< `do_pad` is another step: to a square, before resizing.
    kSplits,      ///< Makes several pictures of one.
  };
  std::string_view name;  ///< Of the class, without "Fast" or "Pil".
  Kind kind;
  std::string_view defaults;  ///< The fields of preprocessor_config.json, as JSON.
};

std::span<const ProcessorClass> ProcessorClasses();

}  // namespace siglip
