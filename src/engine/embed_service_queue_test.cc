#include "engine/embed_service_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace siglip {
namespace {

using Clock = EmbedServiceQueue::Clock;

/// Requests that are called by letters; 'p' is a picture and 't' a text.
class EmbedServiceQueueTest : public testing::Test {
 protected:
  std::shared_ptr<QueuedRequest> Add(char name, const std::string& kinds,
                                     ServiceClass service_class = ServiceClass::kBulk,
                                     Clock::time_point since = {}) {
    ServiceRequest request;
    for (const char kind : kinds) {
      if (kind == 'p') request.items.push_back({Picture::Bytes("")});
      if (kind == 't') request.items.push_back({std::string("text")});
    }
    request.service_class = service_class;
    auto queued = std::make_shared<QueuedRequest>(std::move(request), since);
    names_[queued.get()] = name;
    queue_.Add(queued);
    return queued;
  }

  /// What a worker gets: "a0 b0".
  std::string Take(size_t idle = 1) { return Names(queue_.Take(idle)); }

  std::string Names(const std::vector<TakenItem>& items) {
    std::string names;
    for (const TakenItem& item : items) {
      names += (names.empty() ? "" : " ") + std::string(1, names_.at(item.request.get())) +
               std::to_string(item.result.item);
    }
    return names;
  }

  /// What workers get until nothing is left, by request only.
  std::string TakeRest() {
    std::string names;
    for (std::string next = Take(); !next.empty(); next = Take()) names += next[0];
    return names;
  }

  EmbedServiceQueue queue_{{1, 4}};
  std::map<const QueuedRequest*, char> names_;
};

TEST_F(EmbedServiceQueueTest, IsEmptyAtFirst) {
  EXPECT_EQ(Take(), "");
  EXPECT_EQ(queue_.size(), 0U);
}

TEST_F(EmbedServiceQueueTest, RequestsTakeTurnsItemByItem) {
  Add('a', "ppp");
  Add('b', "p");
  EXPECT_EQ(Take(), "a0");
  Add('c', "pp");
  std::vector<std::string> taken;
  while (queue_.size() > 0) taken.push_back(Take());
  EXPECT_EQ(taken, (std::vector<std::string>{"b0", "a1", "c0", "a2", "c1"}));
}

TEST_F(EmbedServiceQueueTest, EightSearchesGoBeforeEachItemOfTheBulk) {
  Add('b', "ppp", ServiceClass::kBulk);
  Add('s', std::string(20, 'p'), ServiceClass::kSearch);
  EXPECT_EQ(TakeRest(), "ssssssssbssssssssbssssb");
}

TEST_F(EmbedServiceQueueTest, SearchesCountOnlyWhileTheBulkWaits) {
  Add('s', std::string(18, 'p'), ServiceClass::kSearch);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Take()[0], 's');
  Add('b', "p", ServiceClass::kBulk);
  EXPECT_EQ(TakeRest(), "ssssssssb");
}

TEST_F(EmbedServiceQueueTest, SearchesCountAnewWhenTheBulkLeft) {
  const auto left = Add('a', "p", ServiceClass::kBulk);
  Add('s', std::string(20, 'p'), ServiceClass::kSearch);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Take()[0], 's');
  queue_.Drop(*left);
  EXPECT_EQ(Take()[0], 's');
  Add('b', "p", ServiceClass::kBulk);
  EXPECT_EQ(TakeRest(), "ssssssssbssssss");
}

TEST_F(EmbedServiceQueueTest, TextsOfSeveralRequestsAreTakenTogether) {
  Add('a', "tt");
  Add('b', "tt");
  Add('c', "tt");
  EXPECT_EQ(Take(), "a0 b0 c0 a1");
  EXPECT_EQ(Take(), "b1 c1");
  EXPECT_EQ(Take(), "");
}

TEST_F(EmbedServiceQueueTest, OneKindIsTakenTogetherAndTheOtherKeepsItsTurn) {
  Add('a', "tpt");
  Add('b', "pp");
  Add('c', "t");
  EXPECT_EQ(Take(), "a0 c0 a2");
  EXPECT_EQ(Take(), "b0");  // which was next all the time
  EXPECT_EQ(Take(), "a1");
  EXPECT_EQ(Take(), "b1");
}

TEST_F(EmbedServiceQueueTest, IdleWorkersGetAShare) {
  Add('a', "ttttt");
  EXPECT_EQ(Take(4), "a0 a1");
  EXPECT_EQ(Take(3), "a2");
  EXPECT_EQ(Take(2), "a3");
  EXPECT_EQ(Take(1), "a4");
}

TEST_F(EmbedServiceQueueTest, SearchesTakenTogetherCountEach) {
  Add('b', "tt", ServiceClass::kBulk);
  Add('s', "pp" + std::string(7, 't'), ServiceClass::kSearch);
  EXPECT_EQ(Take(), "s0");
  EXPECT_EQ(Take(), "s1");
  EXPECT_EQ(Take(), "s2 s3 s4 s5");
  EXPECT_EQ(Take(), "s6 s7");  // the eighth
  EXPECT_EQ(Take(), "b0");     // one, though two could be taken together
  EXPECT_EQ(Take(), "s8");
  EXPECT_EQ(Take(), "b1");
}

TEST_F(EmbedServiceQueueTest, DroppedItemsAreGoneAndOthersGoOn) {
  const auto a = Add('a', "ptp");
  Add('b', "pp");
  EXPECT_EQ(Take(), "a0");
  EXPECT_EQ(queue_.Drop(*a).size(), 2U);
  EXPECT_EQ(queue_.Drop(*a).size(), 0U);
  EXPECT_EQ(queue_.size(ServiceClass::kBulk), 2U);
  EXPECT_EQ(TakeRest(), "bb");
}

TEST_F(EmbedServiceQueueTest, TakeAllTakesAll) {
  Add('a', "pt");
  Add('s', "t", ServiceClass::kSearch);
  EXPECT_EQ(Names(queue_.TakeAll()), "s0 a0 a1");
  EXPECT_EQ(queue_.size(), 0U);
}

TEST_F(EmbedServiceQueueTest, TellsSinceWhenTheOldestWaits) {
  const auto at = [](int seconds) { return Clock::time_point(std::chrono::seconds(seconds)); };
  EXPECT_EQ(queue_.OldestSince(at(9)), at(9));
  Add('a', "p", ServiceClass::kBulk, at(2));
  Add('s', "p", ServiceClass::kSearch, at(3));
  EXPECT_EQ(queue_.OldestSince(at(9)), at(2));
}

void ExpectCounts(const ItemCounts& found, double pictures, double texts) {
  EXPECT_DOUBLE_EQ(found.pictures, pictures);
  EXPECT_DOUBLE_EQ(found.texts, texts);
}

// Before one item of a new request lies one of every other; a long list does not lie before it.
TEST_F(EmbedServiceQueueTest, AsManyOfEachRequestLieAheadAsTheNewOneHas) {
  Add('a', std::string(100, 'p'));
  Add('b', "tt");
  ExpectCounts(queue_.Ahead(ServiceClass::kBulk, 1), 1, 1);
  ExpectCounts(queue_.Ahead(ServiceClass::kBulk, 5), 5, 2);
  ExpectCounts(queue_.Ahead(ServiceClass::kBulk, 1000), 100, 2);
}

TEST_F(EmbedServiceQueueTest,
       AllSearchesLieAheadOfTheBulkAndAnEighthOfThemOfTheBulkAheadOfSearches) {
  Add('a', std::string(100, 'p'), ServiceClass::kBulk);
  ExpectCounts(queue_.Ahead(ServiceClass::kSearch, 1), 0, 0);
  for (int i = 0; i < 16; ++i) Add('s', "tt", ServiceClass::kSearch);
  ExpectCounts(queue_.Ahead(ServiceClass::kSearch, 1), 2, 16);
  ExpectCounts(queue_.Ahead(ServiceClass::kBulk, 1), 1, 32);
}

}  // namespace
}  // namespace siglip
