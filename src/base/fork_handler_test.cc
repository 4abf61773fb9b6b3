// Tests of ForkHandler and MakeLockAnew.
#include "base/fork_handler.h"

#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <thread>

#include "run_in_child.h"

namespace siglip {
namespace {

TEST(ForkHandler, RunsOnceInEveryChildAndNotInTheParent) {
  int calls = 0;
  const ForkHandler handler([&] { ++calls; });
  EXPECT_TRUE(SucceedsInChild([&] { return calls == 1; }));
  EXPECT_TRUE(SucceedsInChild(
      [&] { return calls == 1 && SucceedsInChild([&] { return calls == 2; }) && calls == 1; }));
  EXPECT_EQ(calls, 0);
}

TEST(ForkHandler, IsForgottenWhenItIsDestroyed) {
  int first_calls = 0;
  int second_calls = 0;
  std::optional<ForkHandler> first([&] { ++first_calls; });
  const ForkHandler second([&] { ++second_calls; });
  first.reset();
  EXPECT_TRUE(SucceedsInChild([&] { return first_calls == 0 && second_calls == 1; }));
}

TEST(ForkHandler, AChildMakesAndDestroysHandlersOfItsOwn) {
  std::optional<ForkHandler> inherited([] {});
  EXPECT_TRUE(SucceedsInChild([&] {
    inherited.reset();
    int calls = 0;
    const ForkHandler own([&] { ++calls; });
    return SucceedsInChild([&] { return calls == 1; });
  }));
}

TEST(ForkHandler, ALockOfAThreadThatIsGoneIsMadeAnew) {
  std::mutex free;
  std::mutex held;
  bool free_was_locked = true;
  bool held_was_locked = false;
  const ForkHandler handler([&] {
    free_was_locked = MakeLockAnew(free);
    held_was_locked = MakeLockAnew(held);
  });
  std::promise<void> is_held;
  std::promise<void> let_go;
  std::thread holder([&] {
    const std::lock_guard lock(held);
    is_held.set_value();
    let_go.get_future().wait();
  });
  is_held.get_future().wait();
  EXPECT_TRUE(SucceedsInChild([&] {
    const std::lock_guard first(free);
    const std::lock_guard second(held);
    return !free_was_locked && held_was_locked;
  }));
  let_go.set_value();
  holder.join();
}

}  // namespace
}  // namespace siglip
