#include "worker/live_target.h"

#include <gtest/gtest.h>

namespace ffrtmp::worker {
namespace {

using Texts = std::vector<std::string>;

const Uuid kJob = *parse_uuid("01890000-0000-7000-8000-000000000001");

model::Parameters stream_to(std::optional<std::string> url, std::optional<std::string> key = {}) {
  model::Parameters p;
  p.output_mode = model::OutputMode::kStream;
  p.output = std::move(url);
  p.stream_key = std::move(key);
  return p;
}

LiveRules rules(Texts outlets = {}, Texts addresses = {"203.0.113.7"}) {
  return {"https://[::1]:8080", std::move(outlets),
          [addresses](const std::string&) -> Result<Texts> { return addresses; }};
}

std::string refusal(const std::string& url, const LiveRules& by) {
  const auto target = plan_live_target(stream_to(url), kJob, by);
  return target ? "" : target.error().message;
}

TEST(LiveTarget, WithoutAnAddressTheMastersHostTakesIt) {
  const auto by_id = plan_live_target(stream_to({}), kJob, rules());
  ASSERT_TRUE(by_id) << by_id.error().message;
  EXPECT_EQ(by_id->output.url, "rtmp://[::1]:1935/live/01890000-0000-7000-8000-000000000001");
  EXPECT_EQ(by_id->muxer, "flv");
  LiveRules named = rules();
  named.master_url = "https://master.example:8080";
  const auto by_key = plan_live_target(stream_to({}, "s3cret"), kJob, named);
  ASSERT_TRUE(by_key);
  EXPECT_EQ(by_key->output.url, "rtmp://master.example:1935/live");
  EXPECT_EQ(by_key->output.app, "live");
  EXPECT_EQ(by_key->shown, "rtmp://master.example:1935/live/***");
}

TEST(LiveTarget, TheKeyIsNowhereInTheAddress) {
  const auto target = plan_live_target(stream_to("rtmps://host/app/instance/?x=1", "s3cret"), kJob, rules());
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_EQ(target->output.url, "rtmps://host:443/app/instance?x=1");
  EXPECT_EQ(target->output.app, "app/instance?x=1");
  EXPECT_EQ(target->shown.find("s3cret"), std::string::npos);
}

TEST(LiveTarget, TransportsHaveTheirContainers) {
  EXPECT_EQ(plan_live_target(stream_to("srt://host:9000?latency=1"), kJob, rules())->muxer, "mpegts");
  const auto udp = plan_live_target(stream_to("udp://host:9000?pkt_size=1316"), kJob, rules({"udp://host:9000"}));
  ASSERT_TRUE(udp) << udp.error().message;
  EXPECT_EQ(udp->muxer, "mpegts");
  EXPECT_EQ(udp->output.url, "udp://host:9000?pkt_size=1316");
}

// contract: F44
TEST(LiveTarget, AHostCountsByWhereItLeads) {
  EXPECT_EQ(refusal("rtmp://public.example/live/x", rules()), "");
  EXPECT_EQ(
      refusal("rtmp://rebound.example/live/x", rules({}, {"203.0.113.7", "169.254.169.254"})),
      "no permission to send to rtmp://rebound.example:1935: it leads to 169.254.169.254, which is not public, and it is "
      "not listed (--allow-output)");
  EXPECT_EQ(refusal("rtmp://inner.example/live/x", rules({"rtmp://inner.example"}, {"10.0.0.1"})), "");
  EXPECT_NE(refusal("rtmp://127.0.0.1/live/x", rules()), "");
  EXPECT_NE(refusal("udp://203.0.113.7:5000", rules()), "");
  // Spellings that only the resolver reads as addresses: the real one says what they are.
  for (const char* host : {"127.1", "0x7f000001", "2130706433", "127.0.0.1", "localhost"}) {
    LiveRules real = rules();
    real.resolve = resolve_host;
    EXPECT_NE(refusal(std::string("rtmp://") + host + "/live/x", real), "") << host;
  }
}

// A name that leads elsewhere a moment later: what was judged is what ffmpeg gets.
// contract: F44
TEST(LiveTarget, TheAddressThatWasJudgedIsTheOneThatIsUsed) {
  const auto output = [](const std::string& url, const LiveRules& by, std::optional<std::string> key = {}) {
    const auto target = plan_live_target(stream_to(url, std::move(key)), kJob, by);
    return target ? target->output : engine::LiveOutput{target.error().message, "", "", ""};
  };
  const auto plain = output("rtmp://public.example/live/x", rules());
  EXPECT_EQ(plain.url, "rtmp://public.example:1935/live/x");
  EXPECT_EQ(plain.address_url, "rtmp://203.0.113.7:1935/live/x");
  EXPECT_EQ(plain.told_url, "rtmp://public.example:1935/live");
  EXPECT_EQ(output("rtmp://public.example/a/b/x", rules()).told_url, "rtmp://public.example:1935/a/b");
  const auto keyed = output("rtmp://public.example/app/in?t=1", rules({}, {"2001:4860::1", "203.0.113.7"}), "s3cret");
  EXPECT_EQ(keyed.address_url, "rtmp://[2001:4860::1]:1935/app/in?t=1");
  EXPECT_EQ(keyed.told_url, "rtmp://public.example:1935/app/in?t=1");
  const auto srt = output("srt://public.example:9000?latency=1", rules());
  EXPECT_EQ(srt.address_url, "srt://203.0.113.7:9000?latency=1");
  EXPECT_EQ(srt.told_url, "");
  EXPECT_EQ(output("rtmps://public.example/live/x", rules()).address_url, "") << "its certificate is the name's";
  EXPECT_EQ(output("rtmp://203.0.113.7/live/x", rules()).address_url, "");
  EXPECT_EQ(output("rtmp://inner.example/live/x", rules({"rtmp://inner.example"}, {"10.0.0.1"})).address_url, "");
}

TEST(LiveTarget, WhatCannotBeLookedUpMayPass) {
  LiveRules by = rules();
  by.resolve = [](const std::string&) -> Result<Texts> { return make_error(Errc::kUnavailable, "again later"); };
  const auto target = plan_live_target(stream_to("rtmp://host/live/x"), kJob, by);
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().code, Errc::kUnavailable);
  EXPECT_EQ(resolve_host("no-such-host.invalid").error().code, Errc::kUnavailable);  // RFC 6761
}

TEST(LiveTarget, ASealedKeyIsNoKey) {
  EXPECT_EQ(plan_live_target(stream_to("rtmp://host/live", "sealed:00"), kJob, rules()).error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace ffrtmp::worker
