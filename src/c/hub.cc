// Models of the hub.
#include "siglip/hub.hpp"

#include <atomic>

#include "c/arguments.h"
#include "c/failure.h"

siglip_status siglip_resolve_model(const char* model, char* text, size_t capacity, size_t* length) {
  return siglip::Guarded([&] {
    const siglip::TextBuffer buffer(text, capacity, length);
    buffer.Write(siglip::ResolveModel(siglip::RequireText("model", model)).string());
  });
}

siglip_status siglip_pull_model(const char* name, siglip_progress_fn progress, void* user,
                                char* text, size_t capacity, size_t* length) {
  return siglip::Guarded([&] {
    const siglip::TextBuffer buffer(text, capacity, length);
    std::atomic<bool> stop = false;
    siglip::PullOptions options;
    options.stop = &stop;
    if (progress != nullptr) {
      options.progress = [&](const siglip::PullProgress& now) {
        if (progress(user, now.present + now.received, now.total) != 0) stop = true;
      };
    }
    buffer.Write(siglip::PullModel(siglip::RequireText("name", name), options).string());
  });
}
