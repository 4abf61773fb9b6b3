// The two kinds of image towers and of their preprocessing.
#pragma once

namespace siglip {

enum class Resolution {
  kFixed,   ///< Every picture is resized to one size: SigLIP, and most of SigLIP 2.
  kNaflex,  ///< Pictures keep their aspect ratio and become patches: SigLIP 2 NaFlex.
};

}  // namespace siglip
