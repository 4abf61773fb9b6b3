#include "server/http/http_message.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "server/http/error_body.h"

namespace siglip::server {

const std::string* RequestHead::Find(std::string_view name) const {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const HttpField& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &found->value;
}

struct Client::State {
  std::mutex mutex;
  bool gone = false;
  bool complete = false;
  std::vector<std::function<void()>> callbacks;
};

Client::Client() : state_(std::make_unique<State>()) {}

Client::~Client() = default;

void Client::OnGone(std::function<void()> callback) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->complete) return;
    if (!state_->gone) {
      state_->callbacks.push_back(std::move(callback));
      return;
    }
  }
  callback();
}

bool Client::gone() const {
  const std::lock_guard lock(state_->mutex);
  return state_->gone;
}

void Client::Leave() {
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->complete) return;
    state_->gone = true;
    callbacks.swap(state_->callbacks);
  }
  for (const std::function<void()>& callback : callbacks) callback();
}

void Client::Complete() {
  std::vector<std::function<void()>> callbacks;  // destroyed without the lock
  const std::lock_guard lock(state_->mutex);
  state_->complete = true;
  callbacks.swap(state_->callbacks);
}

Reply ErrorReply(int status, std::string_view code, std::string_view message, int retry_after) {
  Reply reply;
  reply.status = status;
  reply.content_type = "application/json";
  reply.body = ErrorBody(status, code, message);
  if (retry_after > 0) reply.fields.push_back({"retry-after", std::to_string(retry_after)});
  return reply;
}

}  // namespace siglip::server
