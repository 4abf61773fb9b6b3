// See cielab.h. The only file that knows liblcms2.
#include "image/cielab.h"

#include <lcms2.h>

#include <new>
#include <type_traits>

#include "image/releaser.h"

namespace siglip {
namespace {

using Profile = std::unique_ptr<std::remove_pointer_t<cmsHPROFILE>, Releaser<cmsCloseProfile>>;

}  // namespace

struct CielabToRgb::Transform {
  std::unique_ptr<std::remove_pointer_t<cmsHTRANSFORM>, Releaser<cmsDeleteTransform>> handle;
};

CielabToRgb::CielabToRgb() : transform_(std::make_unique<Transform>()) {
  const Profile lab(cmsCreateLab2Profile(nullptr));  // of D50
  const Profile srgb(cmsCreate_sRGBProfile());
  if (lab == nullptr || srgb == nullptr) throw std::bad_alloc();
  constexpr cmsUInt32Number kLab8 = COLORSPACE_SH(PT_LabV2) | CHANNELS_SH(3) | BYTES_SH(1);
  transform_->handle.reset(
      cmsCreateTransform(lab.get(), kLab8, srgb.get(), TYPE_RGB_8, INTENT_PERCEPTUAL, 0));
  if (transform_->handle == nullptr) throw std::bad_alloc();
}

CielabToRgb::~CielabToRgb() = default;

void CielabToRgb::ConvertRow(const uint8_t* lab, int64_t width, uint8_t* rgb) const {
  cmsDoTransform(transform_->handle.get(), lab, rgb, static_cast<cmsUInt32Number>(width));
}

}  // namespace siglip
