// A file as the body of a reply.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "server/http/http_message.h"
#include "server/indexed_file.h"
#include "server/task_thread.h"

namespace siglip::server {

/// Read piece by piece as it is sent, on a thread that may wait for the disk and outlives the
/// reply.
class FileBody final : public BodySource {
 public:
  FileBody(OpenedFile file, TaskThread& thread)
      : file_(std::make_shared<const OpenedFile>(std::move(file))), thread_(thread) {}

  void Next(std::function<void(std::optional<std::string> chunk)> take) override;

 private:
  const std::shared_ptr<const OpenedFile> file_;
  TaskThread& thread_;
  uint64_t offset_ = 0;
};

}  // namespace siglip::server
