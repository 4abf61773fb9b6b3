// A service at work: bits, order, refusals, clients who leave.
#include "siglip/embed_service.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/embedder_test_support.h"
#include "expect_error.h"
#include "run_in_child.h"
#include "siglip/safetensors.hpp"
#include "siglip/transformers/tokenizer.hpp"
#include "source_folders.h"

namespace siglip {
namespace {

Embedder LoadDemo(int threads) {
  EmbedderOptions options;
  options.runtime = Threads(threads);
  return Embedder::Open(kDemo, options);
}

/// Whose pictures are too large to be computed together.
Embedder MakeLargeEmbedder(int threads) {
  SiglipVisionConfig config = TinyConfig();
  config.patch_size = 2;
  return Embedder(SiglipVisionModel(config, 7, Threads(threads)),
                  SiglipImageProcessor(TinyPreprocessing(), PreprocessMode::kTorchvision));
}

template <typename Inputs>
std::vector<ServiceItem> ItemsOf(const Inputs& inputs) {
  std::vector<ServiceItem> items;
  for (const auto& input : inputs) items.push_back({input});
  return items;
}

std::vector<float> Values(const Tensor& tensor) {
  return {tensor.floats().begin(), tensor.floats().end()};
}

/// Keeps what became of items, in the order in which they were done.
class Answers {
 public:
  std::function<void(ServiceResult)> Of(const std::string& name) {
    return [this, name](ServiceResult result) {
      const std::lock_guard lock(mutex_);
      order_.push_back(name + std::to_string(result.item));
      results_[order_.back()] = std::move(result);
      changed_.notify_all();
    };
  }

  void WaitFor(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return order_.size() >= count; });
  }

  std::vector<std::string> order() {
    const std::lock_guard lock(mutex_);
    return order_;
  }
  ServiceResult result(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return results_.at(name);
  }
  std::string names() {
    std::string names;
    for (const std::string& name : order()) names += name + " ";
    return names;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> order_;
  std::map<std::string, ServiceResult> results_;
};

bool Taken(const std::variant<ServiceTicket, ServiceBusy>& answer) {
  return std::holds_alternative<ServiceTicket>(answer);
}

/// What the service makes of these items when they come as one request.
std::vector<ServiceResult> EmbedAll(EmbedService& service, std::vector<ServiceItem> items,
                                    bool normalize = true) {
  Answers answers;
  const size_t count = items.size();
  ServiceRequest request;
  request.items = std::move(items);
  request.normalize = normalize;
  request.done = answers.Of("");
  EXPECT_TRUE(Taken(service.Submit(std::move(request))));
  answers.WaitFor(count);
  std::vector<ServiceResult> results;
  for (size_t i = 0; i < count; ++i) results.push_back(answers.result(std::to_string(i)));
  return results;
}

class EmbedServiceTest : public EmbedderTest {
 protected:
  Picture SomePicture(int seed = 1) const { return Picture::File(WritePicture(seed, 40, 30)); }

  /// A request that holds a worker until `end` is there.
  ServiceRequest Gate(std::promise<void>& begun, const std::shared_future<void>& end) const {
    ServiceRequest request;
    request.items.push_back({SomePicture()});
    request.service_class = ServiceClass::kSearch;
    request.done = [&begun, end](const ServiceResult&) {
      begun.set_value();
      end.wait();
    };
    return request;
  }

  ServiceRequest Pictures(Answers& answers, const std::string& name, size_t count,
                          ServiceClass service_class = ServiceClass::kBulk) const {
    ServiceRequest request;
    request.items.assign(count, {SomePicture()});
    request.service_class = service_class;
    request.done = answers.Of(name);
    return request;
  }
};

/// A service of one worker, which has something to do until this is opened.
class Held {
 public:
  Held(EmbedService& service,
       const std::function<ServiceRequest(std::promise<void>&, const std::shared_future<void>&)>&
           gate) {
    EXPECT_TRUE(Taken(service.Submit(gate(begun_, end_.get_future().share()))));
    begun_.get_future().wait();
  }
  void Open() { end_.set_value(); }

 private:
  std::promise<void> begun_;
  std::promise<void> end_;
};

TEST_F(EmbedServiceTest, PicturesHaveTheBitsOfTheEmbedder) {
  const std::vector<Picture> pictures = Files(WritePictures(9));
  const std::vector<ServiceItem> items = ItemsOf(pictures);
  for (const bool naflex : {false, true}) {
    for (const int threads : {1, 2, 3}) {
      EmbedService service(naflex ? MakeNaflexEmbedder(threads) : MakeEmbedder(threads));
      for (const bool normalize : {false, true}) {
        const Tensor expected = service.embedder().Embed(pictures, {.normalize = normalize});
        const auto row = [&](size_t i) {
          const auto values = expected.floats().subspan(24 * i, 24);
          return std::vector<float>(values.begin(), values.end());
        };
        const std::vector<ServiceResult> together = EmbedAll(service, items, normalize);
        for (size_t i = 0; i < items.size(); ++i) {
          EXPECT_FALSE(together[i].error);
          EXPECT_EQ(together[i].embedding, row(i));
          EXPECT_EQ(EmbedAll(service, {items[i]}, normalize)[0].embedding, row(i));  // alone
        }
      }
    }
  }
}

TEST_F(EmbedServiceTest, TextsHaveTheBitsOfTheEmbedder) {
  const std::vector<std::string> texts = {"a red circle", "",           "a blue star",
                                          "a red circle", "green ring", "a yellow square"};
  const std::vector<ServiceItem> items = ItemsOf(texts);
  for (const int threads : {1, 2, 3}) {
    EmbedService service(LoadDemo(threads));
    for (const bool normalize : {false, true}) {
      const std::vector<ServiceResult> together = EmbedAll(service, items, normalize);
      for (size_t i = 0; i < items.size(); ++i) {
        const std::vector<float> expected =
            Values(service.embedder().EmbedTexts({texts[i]}, {.normalize = normalize}));
        EXPECT_FALSE(together[i].error);
        EXPECT_EQ(together[i].embedding, expected);
        EXPECT_EQ(EmbedAll(service, {items[i]}, normalize)[0].embedding, expected);
        std::vector<int64_t> ids(static_cast<size_t>(service.embedder().tokenizer().max_length()));
        EXPECT_EQ(together[i].tokens,
                  static_cast<int64_t>(service.embedder().tokenizer().Tokenize(texts[i], ids)));
      }
    }
  }
}

// In groups, too, each is normalised or not as its own request says.
TEST_F(EmbedServiceTest, RequestsComputedTogetherKeepTheirOwnNormalisation) {
  EmbedService service(MakeNaflexEmbedder(1));
  EmbedService demo(LoadDemo(1));
  const Picture picture = SomePicture();
  for (EmbedService* const each : {&service, &demo}) {
    Held held(*each, [&](auto& begun, const auto& end) { return Gate(begun, end); });
    Answers answers;
    const ServiceItem item = each == &demo ? ServiceItem{"a star"} : ServiceItem{picture};
    for (const bool normalize : {true, false, true, false}) {
      each->Submit({.items = {item, item},
                    .normalize = normalize,
                    .done = answers.Of(normalize ? "normalised" : "plain")});
    }
    held.Open();
    answers.WaitFor(8);
    const auto expected = [&](bool normalize) {
      const EmbedOptions options = {.normalize = normalize};
      return Values(each == &demo ? each->embedder().EmbedTexts({"a star"}, options)
                                  : each->embedder().Embed({picture}, options));
    };
    ASSERT_NE(expected(true), expected(false));
    for (const char* const i : {"0", "1"}) {
      EXPECT_EQ(answers.result(std::string("normalised") + i).embedding, expected(true));
      EXPECT_EQ(answers.result(std::string("plain") + i).embedding, expected(false));
    }
  }
}

TEST_F(EmbedServiceTest, AFailureIsThatOfItsItem) {
  EmbedService service(LoadDemo(2));
  const Picture broken = Picture::Bytes("P6\n9 9\n255\nabc", "upload 1");
  const std::string long_text(kMaxTextBytes + 1, 'a');
  const std::vector<ServiceResult> results = EmbedAll(
      service, {{broken}, {SomePicture()}, {long_text}, {"a star"}, {Picture::File("absent.png")}});
  ASSERT_TRUE(results[0].error && results[2].error && results[4].error);
  EXPECT_EQ(results[0].error->code(), ErrorCode::kMalformedFile);
  EXPECT_EQ(results[4].error->code(), ErrorCode::kNotFound);
  // In the words of the embedder.
  const auto error_of = [](const auto& embed) -> std::string {
    try {
      embed();
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(results[0].error->what(), error_of([&] { service.embedder().Embed({broken}); }));
  EXPECT_EQ(results[2].error->what(),
            error_of([&] { service.embedder().EmbedTexts({long_text}); }));
  for (const size_t i : {1, 3}) {
    EXPECT_FALSE(results[i].error);
    EXPECT_EQ(results[i].embedding.size(), 128U);
  }
  for (const size_t i : {0, 2, 4}) EXPECT_TRUE(results[i].embedding.empty());
  const ServiceStatus status = service.status();
  EXPECT_EQ(status.pictures.failed, 2U);
  EXPECT_EQ(status.pictures.finished, 1U);
  EXPECT_EQ(status.texts.failed, 1U);
  EXPECT_EQ(status.texts.finished, 1U);
}

TEST_F(EmbedServiceTest, RefusesTextsWhereTheModelHasNoTextTower) {
  EmbedService service(MakeEmbedder());
  const std::vector<ServiceResult> results = EmbedAll(service, {{"a star"}, {SomePicture()}});
  ASSERT_TRUE(results[0].error);
  EXPECT_FALSE(results[1].error);
  try {
    service.embedder().EmbedTexts({"a star"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(results[0].error->what(), error.what());
    EXPECT_EQ(results[0].error->code(), error.code());
  }
}

TEST_F(EmbedServiceTest, RefusesPicturesWhereTheModelHasNoImageTower) {
  const std::filesystem::path folder = scratch_ / "texts";
  std::filesystem::create_directory(folder);
  for (const char* const name : {"config.json", "spiece.model", "tokenizer_config.json"}) {
    std::filesystem::copy(kDemo / name, folder / name);
  }
  const SafetensorsFile file = SafetensorsFile::Open(kDemo / "model.safetensors");
  NamedTensors tensors;
  for (const std::string& name : file.names()) {
    if (!name.starts_with("vision_model.")) tensors.emplace_back(name, file.Get(name));
  }
  WriteSafetensors(folder / "model.safetensors", tensors);

  EmbedService service(Embedder::Open(folder));
  const std::vector<ServiceResult> results =
      EmbedAll(service, {{"a star"}, {SomePicture()}, {"zwei Kreise"}}, false);
  const Tensor expected = LoadDemo(1).EmbedTexts({"a star", "zwei Kreise"});
  for (const size_t i : {0, 1}) {
    EXPECT_FALSE(results[2 * i].error);
    const auto row = expected.floats().subspan(i * 128, 128);
    EXPECT_EQ(results[2 * i].embedding, std::vector<float>(row.begin(), row.end()));
  }
  ASSERT_TRUE(results[1].error);
  EXPECT_TRUE(results[1].embedding.empty());
  try {
    service.embedder().Embed({SomePicture()});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(results[1].error->what(), error.what());
    EXPECT_EQ(results[1].error->code(), error.code());
  }
}

TEST_F(EmbedServiceTest, HasLimitsOfItsOwn) {
  EmbedService service(MakeEmbedder(), {.limits = DecodeLimits{.max_pixels = 40 * 30 - 1}});
  const std::vector<ServiceResult> results = EmbedAll(service, {{SomePicture()}});
  ASSERT_TRUE(results[0].error);
  EXPECT_EQ(results[0].error->code(), ErrorCode::kLimitExceeded);
  // The embedder keeps its own.
  EXPECT_NO_THROW(service.embedder().Embed({SomePicture()}));
}

TEST_F(EmbedServiceTest, RefusesAModelWithoutAHead) {
  SiglipVisionConfig config = TinyConfig();
  config.vision_use_head = false;
  ExpectError(ErrorCode::kUnsupported, {"no pooling head"}, [&] {
    EmbedService(Embedder(SiglipVisionModel(config, 7, Threads(1)),
                          SiglipImageProcessor(TinyPreprocessing(), PreprocessMode::kTorchvision)));
  });
}

TEST_F(EmbedServiceTest, RefusesWhatMakesNoSense) {
  ExpectError(ErrorCode::kInvalidArgument, {"queue"},
              [] { EmbedService(MakeEmbedder(), {.queue = 0}); });
  ExpectError(ErrorCode::kInvalidArgument, {"max_wait"}, [] {
    EmbedService(MakeEmbedder(), {.max_wait = std::chrono::duration<double>(-1)});
  });
  Answers answers;
  EmbedService service(MakeEmbedder(), {.queue = 3});
  ExpectError(ErrorCode::kInvalidArgument, {"at least one item"},
              [&] { service.Submit(Pictures(answers, "a", 0)); });
  ExpectError(ErrorCode::kInvalidArgument, {"whom to tell"},
              [&] { service.Submit({.items = {{"a star"}}, .done = {}}); });
  ExpectError(ErrorCode::kLimitExceeded, {"at most 3", "found 4"},
              [&] { service.Submit(Pictures(answers, "a", 4)); });
}

TEST_F(EmbedServiceTest, RequestsTakeTurnsAndSearchesGoFirst) {
  EmbedService service(MakeLargeEmbedder(1));
  Held held(service, [&](auto& begun, const auto& end) { return Gate(begun, end); });
  Answers answers;
  EXPECT_TRUE(Taken(service.Submit(Pictures(answers, "a", 3))));
  EXPECT_TRUE(Taken(service.Submit(Pictures(answers, "b", 1))));
  EXPECT_TRUE(Taken(service.Submit(Pictures(answers, "s", 10, ServiceClass::kSearch))));
  const ServiceStatus status = service.status();
  EXPECT_EQ(status.queued_search, 10U);
  EXPECT_EQ(status.queued_bulk, 4U);
  EXPECT_GT(status.oldest_wait, 0);
  held.Open();
  answers.WaitFor(14);
  EXPECT_EQ(answers.names(), "s0 s1 s2 s3 s4 s5 s6 s7 a0 s8 s9 b0 a1 a2 ");
}

TEST_F(EmbedServiceTest, ACancelledRequestLosesWhatNobodyHasBegun) {
  EmbedService service(MakeLargeEmbedder(1));
  Held held(service, [&](auto& begun, const auto& end) { return Gate(begun, end); });
  Answers answers;
  const auto answer = service.Submit(Pictures(answers, "a", 2));
  service.Submit(Pictures(answers, "b", 1));
  std::get<ServiceTicket>(answer).Cancel();
  EXPECT_EQ(service.status().queued_bulk, 1U);
  held.Open();
  answers.WaitFor(1);
  EXPECT_EQ(answers.names(), "b0 ");
  std::get<ServiceTicket>(answer).Cancel();
  ServiceTicket().Cancel();
}

TEST_F(EmbedServiceTest, CancellingReleasesPicturesAtOnce) {
  EmbedService service(MakeLargeEmbedder(1));
  auto bytes = std::make_shared<std::string>("P6\n1 1\n255\nabc");
  const std::weak_ptr<std::string> kept = bytes;
  std::promise<void> begun;
  std::promise<void> end;
  ServiceRequest request = Gate(begun, end.get_future().share());
  request.items.push_back({Picture::BorrowedBytes(std::as_bytes(std::span(*bytes)), bytes)});
  bytes.reset();
  const auto answer = service.Submit(std::move(request));
  begun.get_future().wait();  // with the first item, whose worker keeps the request
  EXPECT_FALSE(kept.expired());
  std::get<ServiceTicket>(answer).Cancel();
  EXPECT_TRUE(kept.expired());
  end.set_value();
}

// Those begun are done, and told of.
TEST_F(EmbedServiceTest, CancellingFromWithinDoneKeepsWhatIsBegun) {
  EmbedService service(MakeLargeEmbedder(1));
  Held held(service, [&](auto& begun, const auto& end) { return Gate(begun, end); });
  Answers answers;
  ServiceTicket ticket;
  ServiceRequest request = Pictures(answers, "a", 3);
  request.done = [&, done = answers.Of("a")](ServiceResult result) {
    ticket.Cancel();
    done(std::move(result));
  };
  ticket = std::get<ServiceTicket>(service.Submit(std::move(request)));
  service.Submit(Pictures(answers, "b", 2));
  held.Open();
  answers.WaitFor(3);
  EXPECT_EQ(answers.names(), "a0 b0 b1 ");
}

TEST_F(EmbedServiceTest, AFullQueueRefuses) {
  EmbedService service(MakeEmbedder(1), {.queue = 3});
  Held held(service, [&](auto& begun, const auto& end) { return Gate(begun, end); });
  Answers answers;
  EXPECT_TRUE(Taken(service.Submit(Pictures(answers, "a", 2))));
  const auto refused = service.Submit(Pictures(answers, "b", 2));
  ASSERT_FALSE(Taken(refused));
  EXPECT_EQ(std::get<ServiceBusy>(refused).reason, ServiceBusy::Reason::kQueueFull);
  EXPECT_GE(std::get<ServiceBusy>(refused).retry_after.count(), 1);
  EXPECT_TRUE(Taken(service.Submit(Pictures(answers, "c", 1))));
  // The other class has room of its own.
  EXPECT_TRUE(Taken(service.Submit(Pictures(answers, "s", 3, ServiceClass::kSearch))));
  held.Open();
  answers.WaitFor(6);
  EXPECT_EQ(answers.order().size(), 6U);
}

TEST_F(EmbedServiceTest, RefusesWhatWouldWaitTooLong) {
  EmbedService service(MakeEmbedder(1), {.max_wait = std::chrono::duration<double>(0)});
  Held held(service, [&](auto& begun, const auto& end) { return Gate(begun, end); });
  EXPECT_EQ(service.status().begun, 0U);  // done, though its client is slow
  Answers answers;
  EXPECT_TRUE(Taken(service.Submit(Pictures(answers, "a", 1))));  // before which nothing waits
  const auto refused = service.Submit(Pictures(answers, "b", 1));
  ASSERT_FALSE(Taken(refused));
  EXPECT_EQ(std::get<ServiceBusy>(refused).reason, ServiceBusy::Reason::kMaxWait);
  // Searches do not wait for the bulk.
  EXPECT_TRUE(Taken(service.Submit(Pictures(answers, "s", 1, ServiceClass::kSearch))));
  held.Open();
  answers.WaitFor(2);
  EXPECT_EQ(answers.names(), "s0 a0 ");
}

TEST_F(EmbedServiceTest, ItsEndIsToldToThoseWhoWait) {
  Answers answers;
  ServiceTicket ticket;
  std::promise<void> begun;
  std::promise<void> end;
  std::future<void> opened;
  {
    EmbedService service(MakeEmbedder(1));
    service.Submit(Gate(begun, end.get_future().share()));
    begun.get_future().wait();
    ticket = std::get<ServiceTicket>(service.Submit(Pictures(answers, "a", 2)));
    opened = std::async(std::launch::async, [&] { end.set_value(); });
  }
  ASSERT_EQ(answers.order().size(), 2U);
  ticket.Cancel();
  for (const std::string& name : answers.order()) {
    const ServiceResult result = answers.result(name);
    EXPECT_TRUE(result.embedding.size() == 24 ||
                (result.error && result.error->code() == ErrorCode::kCancelled));
  }
}

TEST_F(EmbedServiceTest, WhatDoneThrowsIsDropped) {
  EmbedService service(MakeEmbedder(1));
  Answers answers;
  ServiceRequest request = Pictures(answers, "a", 2);
  request.done = [&, done = answers.Of("a")](ServiceResult result) {
    done(std::move(result));
    throw std::bad_alloc();
  };
  service.Submit(std::move(request));
  answers.WaitFor(2);
  EXPECT_FALSE(EmbedAll(service, {{SomePicture()}})[0].error);
}

TEST_F(EmbedServiceTest, TellsWhatItDoes) {
  EmbedService service(LoadDemo(2));
  EmbedAll(service, {{"a star"}, {SomePicture()}, {"a ring"}});
  const ServiceStatus status = service.status();
  EXPECT_EQ(status.threads, 2);
  EXPECT_EQ(status.queued_search + status.queued_bulk + status.begun, 0U);
  EXPECT_EQ(status.oldest_wait, 0);
  EXPECT_EQ(status.silence, 0);
  EXPECT_FALSE(status.stuck);
  EXPECT_EQ(status.queue.items, 3U);
  EXPECT_EQ(status.prepare.items, 3U);
  EXPECT_EQ(status.compute.items, 3U);
  EXPECT_GT(status.compute.seconds, 0);
  EXPECT_GT(status.seconds_per_picture, 0);
  EXPECT_GT(status.seconds_per_text, 0);
}

// For the thread sanitizer, too: clients come, leave and look at once, beside calls of the
// embedder.
TEST_F(EmbedServiceTest, ManyClientsAtOnce) {
  for (const int threads : {1, 3}) {
    EmbedService service(LoadDemo(threads));
    const Picture picture = SomePicture();
    const std::vector<float> expected =
        Values(service.embedder().Embed({picture}, {.normalize = true}));
    const std::vector<float> expected_text =
        Values(service.embedder().EmbedTexts({"a star"}, {.normalize = true}));
    std::vector<std::future<void>> clients;
    for (int client = 0; client < 6; ++client) {
      clients.push_back(std::async(std::launch::async, [&, client] {
        for (int round = 0; round < 4; ++round) {
          const std::vector<ServiceResult> results =
              EmbedAll(service, {{picture}, {"a star"}, {Picture::Bytes("broken")}});
          EXPECT_EQ(results[0].embedding, expected);
          EXPECT_EQ(results[1].embedding, expected_text);
          EXPECT_TRUE(results[2].error);
          auto leaves = service.Submit({.items = {{picture}, {"a star"}},
                                        .service_class = static_cast<ServiceClass>(client % 2),
                                        .done = [](const ServiceResult&) {}});
          if (Taken(leaves)) std::get<ServiceTicket>(leaves).Cancel();
          EXPECT_LE(service.status().begun, 12U * 4);
          if (client == 0) {
            EXPECT_EQ(Values(service.embedder().Embed({picture}, {.normalize = true})), expected);
          }
        }
      }));
    }
    for (auto& client : clients) client.get();
  }
}

TEST_F(EmbedServiceTest, AChildOfForkCanDestroyIt) {
  const std::vector<ServiceItem> items(3, {SomePicture()});
  std::atomic<int> told = 0;  // outlives the service, whose end tells of what is left
  auto service = std::make_unique<EmbedService>(MakeEmbedder(2));
  EmbedAll(*service, items);
  service->Submit({.items = std::vector<ServiceItem>(40, items[0]),
                   .done = [&](const ServiceResult&) { ++told; }});
  const bool destroyed = SucceedsInChild([&] {
    const int before = told;
    try {
      service->Submit({.items = items, .done = [](const ServiceResult&) {}});
      return false;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnsupported) return false;
    }
    service.reset();
    return told == before;  // those items are the parent's
  });
  EXPECT_TRUE(destroyed);
  EXPECT_FALSE(EmbedAll(*service, items)[2].error);
}

}  // namespace
}  // namespace siglip
