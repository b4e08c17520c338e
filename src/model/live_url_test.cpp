#include "model/live_url.h"

#include <gtest/gtest.h>

namespace ffrtmp::model {
namespace {

std::string read(std::string_view text) {
  const auto url = parse_live_url(text);
  return url ? url->text() : "wrong: " + url.error().message;
}

TEST(LiveUrl, IsTakenApartAndPutTogether) {
  EXPECT_EQ(read("RTMP://Live.Example/app/x"), "rtmp://live.example:1935/app/x");
  EXPECT_EQ(read("rtmps://host/app"), "rtmps://host:443/app");
  EXPECT_EQ(read("srt://[2001:db8::1]:9000?latency=200000"), "srt://[2001:db8::1]:9000?latency=200000");
  EXPECT_EQ(read("udp://239.1.1.1:5000?pkt_size=1316&ttl=4"), "udp://239.1.1.1:5000?pkt_size=1316&ttl=4");
  EXPECT_EQ(read("srt://host:9000?mode=caller"), "srt://host:9000?mode=caller");
  EXPECT_EQ(read("rtmp://host/app/x?token=1"), "rtmp://host:1935/app/x?token=1");
}

TEST(LiveUrl, WhatIsWrongIsSaid) {
  for (const char* text : {"",
                           "host",
                           "http://host/x",
                           "rtmp:/host",
                           "rtmp://",
                           "rtmp:///live",
                           "rtmp://host:/live",
                           "rtmp://host:65536/live",
                           "rtmp://ho st/live",
                           "rtmp://host/li\nve",
                           "rtmp://[::1/live",
                           "rtmp://[host]/live",
                           "rtmp://host%00/live",
                           "rtmp://host/x#y",
                           "srt://host",
                           "udp://host/x",
                           "srt://host:1?mode=rendezvous",
                           "udp://host:1?sources=::1",
                           "udp://host:1?x",
                           "rtmp://u@host/live",
                           "rtmp://[fe80::1%25eth0]/live"})
    EXPECT_FALSE(parse_live_url(text)) << text;
}

// Addresses of the IANA special-purpose registries, and public ones next to them.
// contract: F44
TEST(LiveUrl, RestrictedAddresses) {
  for (const char* address : {"127.0.0.1",
                              "127.255.255.255",
                              "10.0.0.1",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.168.1.1",
                              "169.254.169.254",
                              "100.64.0.1",
                              "0.0.0.0",
                              "192.0.0.8",
                              "198.18.0.1",
                              "198.19.255.255",
                              "224.0.0.1",
                              "239.1.1.1",
                              "255.255.255.255",
                              "::1",
                              "::",
                              "fe80::1",
                              "fd00::1",
                              "fc00::1",
                              "ff02::1",
                              "::ffff:127.0.0.1",
                              "::ffff:10.1.2.3",
                              "64:ff9b::a00:1",
                              "2002:7f00:1::",
                              "2002:a00:1::1",
                              "::127.0.0.1"})
    EXPECT_TRUE(is_restricted_address(address)) << address;
  for (const char* address : {"1.1.1.1",
                              "9.255.255.255",
                              "11.0.0.0",
                              "126.255.255.255",
                              "128.0.0.1",
                              "172.15.255.255",
                              "172.32.0.0",
                              "192.167.255.255",
                              "192.169.0.0",
                              "100.63.255.255",
                              "100.128.0.0",
                              "198.17.255.255",
                              "198.20.0.0",
                              "223.255.255.255",
                              "2001:4860::8888",
                              "::ffff:8.8.8.8",
                              "64:ff9b::808:808",
                              "2002:808:808::",
                              "host",
                              ""})
    EXPECT_FALSE(is_restricted_address(address)) << address;
}

bool needs(std::string_view url) { return needs_listing(*parse_live_url(url)); }

TEST(LiveUrl, WhatAWorkerHasToList) {
  EXPECT_TRUE(needs("rtmp://127.0.0.1/live"));
  EXPECT_TRUE(needs("rtmp://[::1]/live"));
  EXPECT_TRUE(needs("rtmp://LocalHost/live"));
  EXPECT_TRUE(needs("srt://192.168.7.7:9000"));
  EXPECT_TRUE(needs("udp://8.8.8.8:9000")) << "no protocol of the public kind";
  EXPECT_FALSE(needs("rtmp://live.example/app"));
  EXPECT_FALSE(needs("srt://8.8.8.8:9000"));
}

TEST(LiveUrl, ListedBySchemeHostAndPort) {
  const auto listed = [](std::string_view url, const char* outlet) {
    return is_listed(*parse_live_url(url), {"/srv/media", outlet});
  };
  EXPECT_TRUE(listed("rtmp://127.0.0.1/live", "rtmp://127.0.0.1"));
  EXPECT_TRUE(listed("rtmp://127.0.0.1:9999/live", "rtmp://127.0.0.1"));
  EXPECT_TRUE(listed("rtmp://127.0.0.1:9999/live", "rtmp://127.0.0.1:9999"));
  EXPECT_TRUE(listed("rtmp://[::1]:9999/live", "rtmp://[::1]"));
  EXPECT_FALSE(listed("rtmp://127.0.0.1/live", "rtmp://127.0.0.1:9999"));
  EXPECT_FALSE(listed("rtmps://127.0.0.1/live", "rtmp://127.0.0.1"));
  EXPECT_FALSE(listed("rtmp://127.0.0.10/live", "rtmp://127.0.0.1"));
  EXPECT_FALSE(listed("rtmp://127.0.0.1/live", "/127.0.0.1"));
  EXPECT_EQ(outlet_of(*parse_live_url("rtmp://[::1]/live/x?y=1")), "rtmp://[::1]:1935");
  for (const char* good : {"rtmp://127.0.0.1", "rtmps://[::1]:1936", "udp://239.1.1.1", "srt://host:1"})
    EXPECT_TRUE(check_outlet(good)) << good;
  for (const char* bad :
       {"rtmp://127.0.0.1/live", "http://127.0.0.1", "127.0.0.1", "rtmp://", "rtmp://u@host", "udp://h:1?ttl=1"})
    EXPECT_FALSE(check_outlet(bad)) << bad;
}

}  // namespace
}  // namespace ffrtmp::model
