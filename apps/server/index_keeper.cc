#include "server/index_keeper.h"

#include <utility>

#include "common/folder_updates.h"

namespace siglip::server {

IndexKeeper::IndexKeeper(const std::filesystem::path& index, const Embedder& embedder,
                         std::string model, std::chrono::seconds rescan,
                         std::atomic<bool>& updating,
                         std::function<void(const Error& error)> failed)
    : writer_(index),
      embedder_(embedder),
      model_(std::move(model)),
      updating_(updating),
      failed_(std::move(failed)) {
  if (writer_.folders().empty()) {
    throw Error(ErrorCode::kInvalidArgument, index.string() + ": the index has no folders to watch",
                "siglip index FOLDER --index " + index.string());
  }
  thread_ = std::thread([this, rescan] { Work(rescan); });
}

IndexKeeper::~IndexKeeper() {
  stop_ = true;
  thread_.join();
}

void IndexKeeper::Work(std::chrono::seconds rescan) {
  try {
    apps::UpdateWhenChanged(writer_.folders(), rescan, stop_,
                            [this](const std::string& folder) { Update(folder); });
  } catch (const Error& error) {
    failed_(error);
  }
}

void IndexKeeper::Update(const std::string& folder) {
  updating_ = true;
  try {
    writer_.Update(embedder_, model_, folder, {}, {}, &stop_);
  } catch (const Error& error) {
    failed_(error);
  }
  updating_ = false;
}

}  // namespace siglip::server
