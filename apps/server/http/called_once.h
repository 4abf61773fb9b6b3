// Callbacks that are answered exactly once, whatever those do who got them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

namespace siglip::server {

/// A function that passes its first value on to `deliver` and ignores all others. When its last
/// copy is destroyed without a call, `deliver` gets what `if_none` makes. Any thread; neither
/// function may throw.
template <typename Value>
std::function<void(Value)> CalledOnce(std::function<void(Value)> deliver,
                                      std::function<Value()> if_none) {
  class Call {
   public:
    Call(std::function<void(Value)> deliver, std::function<Value()> if_none)
        : deliver_(std::move(deliver)), if_none_(std::move(if_none)) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() {
      if (!called_.exchange(true)) deliver_(if_none_());
    }

    void Deliver(Value value) {
      if (!called_.exchange(true)) deliver_(std::move(value));
    }

   private:
    std::function<void(Value)> deliver_;
    std::function<Value()> if_none_;
    std::atomic<bool> called_ = false;
  };
  return [call = std::make_shared<Call>(std::move(deliver), std::move(if_none))](Value value) {
    call->Deliver(std::move(value));
  };
}

}  // namespace siglip::server
