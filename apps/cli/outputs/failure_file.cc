#include "outputs/failure_file.h"

#include "output/text.h"
#include "siglip/error.hpp"
#include "siglip/write_options.hpp"

namespace siglip::cli {

FailureFile::FailureFile(const std::filesystem::path& path, const WriteOptions& options) {
  if (!path.empty()) file_.emplace(path, options);
}

void FailureFile::Add(const std::string& path, const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!file_) return;
  file_->Write("{" + JsonPath(path) + ",\"code\":" + JsonQuoted(ToString(error.code())) +
               ",\"message\":" + JsonQuoted(error.what()) + "}\n");
}

void FailureFile::Commit() {
  const std::lock_guard lock(mutex_);
  if (file_) file_->Commit();
}

}  // namespace siglip::cli
