#include "server/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace siglip::server {
namespace {

using testing::HasSubstr;

TEST(MetricsTest, CountsByRouteAndCode) {
  Metrics metrics;
  metrics.CountRequest("/v1/images/{id}", 200, 0.004);
  metrics.CountRequest("/v1/images/{id}", 200, 0.3);
  metrics.CountRequest("/v1/images/{id}", 410, 40);
  metrics.CountItem("picture", "malformed_file");
  metrics.CountRejected("queue");
  const std::string text = metrics.Text({{"siglip_connections", "Open.", "", 3}});
  for (const char* const line : {
           "siglip_requests_total{route=\"/v1/images/{id}\",code=\"200\"} 2\n",
           "siglip_requests_total{route=\"/v1/images/{id}\",code=\"410\"} 1\n",
           "siglip_items_total{kind=\"picture\",outcome=\"malformed_file\"} 1\n",
           "siglip_rejected_total{reason=\"queue\"} 1\n",
           "# TYPE siglip_request_seconds histogram\n",
           "siglip_request_seconds_bucket{route=\"/v1/images/{id}\",le=\"0.0025\"} 0\n",
           "siglip_request_seconds_bucket{route=\"/v1/images/{id}\",le=\"0.005\"} 1\n",
           "siglip_request_seconds_bucket{route=\"/v1/images/{id}\",le=\"30\"} 2\n",
           "siglip_request_seconds_bucket{route=\"/v1/images/{id}\",le=\"+Inf\"} 3\n",
           "siglip_request_seconds_count{route=\"/v1/images/{id}\"} 3\n",
           "siglip_connections 3\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(MetricsTest, ABoundBelongsToItsBucket) {
  Metrics metrics;
  metrics.AddStage("search", 0.001);
  EXPECT_THAT(metrics.Text({}),
              HasSubstr("siglip_stage_seconds_bucket{stage=\"search\",le=\"0.001\"} 1\n"));
}

}  // namespace
}  // namespace siglip::server
