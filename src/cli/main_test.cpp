// The whole command line against a master of the test's own.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <mutex>

#include "api/client_file.h"
#include "api/codec.h"
#include "api/routes.h"
#include "base/text.h"
#include "cli/captured_run.h"
#include "net/server.h"
#include "tests/support/temp_dir.h"

namespace ffrtmp::cli {
namespace {

constexpr const char* kJobId = "01890000-0000-7000-8000-000000000001";

// Answers by method and path; the state of job 7 goes through the given ones, one a look.
class FakeMaster {
 public:
  FakeMaster() {
    auto server =
        net::Server::start({}, [this](net::Request request, net::Respond respond) { respond(answer(request)); });
    EXPECT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
  }

  [[nodiscard]] std::string url() const { return cat("http://127.0.0.1:", server_->port()); }
  void set_states(std::vector<model::JobState> states) { states_ = std::move(states); }
  [[nodiscard]] std::vector<std::string> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  [[nodiscard]] net::Request last() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  static net::Response reply(int status, std::string body) { return {status, "application/json", std::move(body), {}}; }
  static net::Response refuse(const Error& error) { return reply(http_status(error.code), api::encode_error(error)); }

  api::Job job() {
    api::Job job;
    job.id = *parse_uuid(kJobId);
    job.sequence_number = 7;
    job.scenario = "720p30-h264";
    job.status = states_.front();
    if (states_.size() > 1) states_.erase(states_.begin());
    return job;
  }

  net::Response answer(const net::Request& request) {
    const std::lock_guard lock(mutex_);
    last_ = request;
    seen_.push_back(cat(request.method, " ", request.target));
    const auto match = api::match_route(request.method, request.path());
    if (!match) return refuse(match.error());
    const auto& ids = match->ids;
    if (!ids.empty() && ids[0] != "7" && ids[0] != kJobId)
      return refuse(make_error(Errc::kNotFound, "no job " + ids[0]));
    switch (match->route->id) {
      case api::RouteId::kSubmitJob:
        return submit(request);
      case api::RouteId::kGetJob:
        return reply(200, api::encode(job()));
      case api::RouteId::kListJobs:
        return reply(200, api::encode(api::JobList{{job()}, 1, "j7"}));
      case api::RouteId::kCancelJob:
        return reply(200, api::encode(api::ControlReply{model::JobState::kCanceled, {}, job().id, 7, 0}));
      case api::RouteId::kPauseJob:
        return reply(
            202, api::encode(api::ControlReply{model::JobState::kRunning, model::Desired::kPaused, job().id, 7, 0}));
      case api::RouteId::kGetLogs:
        return reply(200, api::encode(api::LogPage{job().id, 0, 6, "a\nb\nc\n", 0, true}));
      case api::RouteId::kListNodes:
        return reply(200, api::encode(nodes()));
      default:
        return refuse(make_error(Errc::kInternal, "not part of this test"));
    }
  }

  net::Response submit(const net::Request& request) {
    const auto spec = api::decode_job_spec(request.body, 3);
    if (!spec) return refuse(spec.error());
    return reply(201, api::encode(job()));
  }

  static api::NodeList nodes() {
    api::NodeList list;
    for (const char* name : {"twin", "twin"}) {
      api::Node node;
      node.name = name;
      node.cpu_threads = 8;
      list.nodes.push_back(node);
    }
    list.count = 2;
    return list;
  }

  mutable std::mutex mutex_;
  std::vector<model::JobState> states_{model::JobState::kQueued};
  std::vector<std::string> seen_;
  net::Request last_;
  std::unique_ptr<net::Server> server_;
};

class CommandLine : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"FFRTMP_CLIENT", "FFRTMP_MASTER", "MASTER_URL", "MASTER_API_KEY", "FFMPEG_RTMP_API_KEY"})
      unsetenv(name);
    client_file_ = dir_ / "client.yaml";
    ASSERT_TRUE(api::save_client_file(client_file_, {master_.url(), "", "ffk_test"}));
  }

  Ran ran(const std::vector<std::string>& arguments) { return run_captured(roles_, arguments); }
  // With the client file.
  Ran call(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--client", client_file_});
    return ran(std::move(arguments));
  }

  test::TempDir dir_;
  FakeMaster master_;
  std::string client_file_;
  Roles roles_;
};

// contract: F43
TEST_F(CommandLine, ExitCodesTellHowItWent) {
  using State = model::JobState;
  const std::vector<std::string> submit{"jobs", "submit", "--scenario", "720p30-h264", "--wait"};
  master_.set_states({State::kQueued, State::kRunning, State::kCompleted});
  EXPECT_EQ(call(submit).code, 0);
  master_.set_states({State::kQueued, State::kRunning, State::kFailed});
  EXPECT_EQ(call(submit).code, 4);
  EXPECT_EQ(call({"jobs", "status", "8"}).code, 3);
  EXPECT_EQ(call({"jobs", "status", "7", "--folow"}).code, 2);
  EXPECT_EQ(call({"jobs", "submit", "--scenario", "x", "--max-retries", "many"}).code, 2) << "422 of the master";
}

TEST_F(CommandLine, MistypedFlagsAndCommandsAreOneLineEach) {
  EXPECT_EQ(call({"jobs", "status", "7", "--folow", "--formt=x"}).err,
            "ffrtmp: unknown flag --folow, did you mean --follow?\nffrtmp: unknown flag --formt\n");
  EXPECT_EQ(call({"jbos", "list"}).err, "ffrtmp: unknown command \"jbos\", did you mean \"jobs\"?\n");
  EXPECT_EQ(call({"jobs", "cancle", "7"}).err,
            "ffrtmp: unknown command \"jobs cancle\", did you mean \"jobs cancel\"?\n");
  EXPECT_EQ(call({"jobs", "cancel"}).err, "ffrtmp: JOB is missing\n");
  EXPECT_EQ(call({"jobs", "cancel", "7", "8"}).code, 2);
  EXPECT_EQ(call({"jobs", "list", "--output", "xml"}).err, "ffrtmp: --output: must be table or json\n");
  EXPECT_TRUE(master_.seen().empty()) << "nothing was sent";
}

TEST_F(CommandLine, GlobalFlagsMayStandAnywhere) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"--client", client_file_, "--output", "json", "jobs", "status", "7"},
           {"jobs", "--client", client_file_, "status", "--output", "json", "7"},
           {"jobs", "status", "7", "--output=json", "--client", client_file_},
           {"-client", client_file_, "--insecure-skip-verify", "jobs", "status", "7", "-output", "json"}}) {
    const Ran result = ran(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out.substr(0, 2), "{\"") << result.out;
  }
  EXPECT_EQ(*master_.last().header("authorization"), "Bearer ffk_test");
}

TEST_F(CommandLine, ASwitchTakesNoWordThatIsNotItsOwn) {
  master_.set_states({model::JobState::kCompleted});
  EXPECT_EQ(call({"jobs", "status", "--follow", "7"}).code, 0);
  EXPECT_EQ(call({"jobs", "submit", "--wait=false", "--scenario", "x"}).code, 0);
  EXPECT_EQ(call({"jobs", "submit", "--wait=perhaps", "--scenario", "x"}).code, 2);
  const Ran twice = call({"jobs", "submit", "--scenario", "x", "--scenario", "y"});
  EXPECT_EQ(twice.err, "ffrtmp: --scenario is given more than once\n");
  const Ran none = call({"jobs", "submit", "--scenario"});
  EXPECT_EQ(none.code, 2) << none.err;
}

TEST_F(CommandLine, JsonIsTheDocumentAlone) {
  using State = model::JobState;
  master_.set_states({State::kQueued, State::kRunning, State::kCompleted});
  const Ran result = call({"jobs", "submit", "--scenario", "x", "--wait", "--output", "json"});
  const auto job = api::decode<api::Job>(result.out);
  ASSERT_TRUE(job) << result.out;
  EXPECT_EQ(job->status, State::kCompleted);
}

TEST_F(CommandLine, SubmitSendsFieldsAndKey) {
  const Ran result = call(
      {"jobs", "submit", "--scenario", "x", "--param", "input=/a", "--param", "output=/b", "--idempotency-key", "k1"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(master_.last().body, R"({"parameters":{"input":"/a","output":"/b"},"scenario":"x"})");
  EXPECT_EQ(*master_.last().header("idempotency-key"), "k1");
  EXPECT_EQ(result.out.substr(0, result.out.find('\n')), "Job #  Scenario     Confidence  Status  Created At");
}

TEST_F(CommandLine, ControlsSayWhatTheyDid) {
  EXPECT_EQ(call({"jobs", "cancel", "7"}).out, "Job 7 canceled\n");
  EXPECT_EQ(call({"jobs", "pause", "7"}).out, "Job 7 paused (as soon as its worker has followed)\n");
  EXPECT_EQ(call({"jobs", "cancel", "9"}).code, 3);
}

TEST_F(CommandLine, ListsAndLogs) {
  EXPECT_EQ(call({"jobs", "list", "--status", "queued,running", "--limit", "1"}).code, 0);
  EXPECT_EQ(master_.seen().back(), "GET /api/v1/jobs?status=queued%2Crunning&limit=1");
  EXPECT_EQ(call({"jobs", "logs", "7"}).out, "a\nb\nc\n");
  EXPECT_EQ(call({"jobs", "logs", "7", "--tail", "1"}).out, "c\n");
  EXPECT_EQ(call({"jobs", "logs", "7", "--follow"}).out, "a\nb\nc\n");
  const std::string attempt = "01890000-0000-7000-8000-000000000002";
  for (const char* flag : {"--follow", "--tail=2"}) {
    EXPECT_EQ(call({"jobs", "logs", "7", flag, "--attempt", attempt}).code, 0);
    EXPECT_NE(master_.last().target.find("attempt=" + attempt), std::string::npos)
        << flag << " " << master_.last().target;
  }
  const Ran twins = call({"nodes", "describe", "twin"});
  EXPECT_EQ(twins.code, 2) << "two nodes of that name: " << twins.err;
  EXPECT_EQ(call({"nodes", "describe", "nobody"}).code, 3);
}

TEST_F(CommandLine, NodesAreFiltered) {
  EXPECT_EQ(call({"nodes", "list", "--status", "available", "--type=server", "--label", "a=b", "--label", "c=d",
                  "--limit", "5"})
                .code,
            0);
  EXPECT_EQ(master_.seen().back(), "GET /api/v1/nodes?status=available&type=server&limit=5&label=a%3Db%2Cc%3Dd");
  EXPECT_EQ(call({"nodes", "list", "--queue", "live"}).err, "ffrtmp: unknown flag --queue\n");
}

TEST_F(CommandLine, AJobFromAFile) {
  test::write_file(dir_ / "job.yaml", "scenario: 720p30-h264\nparameters:\n  input: /a\n  bitrate: 2M\n  crf: 20\n");
  EXPECT_EQ(call({"jobs", "submit", "--file", dir_ / "job.yaml", "--param", "output=/b", "--queue", "live"}).code, 0);
  const std::string sent =
      R"({"parameters":{"bitrate":"2M","crf":20,"input":"/a","output":"/b"},"queue":"live","scenario":"720p30-h264"})";
  EXPECT_EQ(master_.last().body, sent);
  test::write_file(dir_ / "job",
                   R"({"scenario":"720p30-h264","queue":"live","parameters":{"input":"/a","bitrate":"2M","crf":20}})");
  EXPECT_EQ(call({"jobs", "submit", "--file", dir_ / "job", "--param", "output=/b"}).code, 0);
  EXPECT_EQ(master_.last().body, sent) << "JSON by its first character";
  test::write_file(dir_ / "plain",
                   "scenario: 720p30-h264\nqueue: live\nparameters: {input: /a, bitrate: 2M, crf: 20, output: /b}\n");
  EXPECT_EQ(call({"jobs", "submit", "--file", dir_ / "plain"}).code, 0);
  EXPECT_EQ(master_.last().body, sent);
}

// Each names the thing at fault, costs exit 2, and sends nothing.
TEST_F(CommandLine, WrongInputIsNamed) {
  test::write_file(dir_ / "twice.yaml", "scenario: a\nscenario: b\n");
  test::write_file(dir_ / "half.json", "{\"scenario\":");
  test::write_file(dir_ / "list.yaml", "- a\n- b\n");
  test::write_file(dir_ / "empty.yaml", "");
  test::write_file(dir_ / "parameters.yaml", "scenario: a\nparameters: [1]\n");
  const std::pair<std::vector<std::string>, std::string> rows[] = {
      {{"jobs", "submit", "--file", dir_ / "none.yaml"}, "--file " + (dir_ / "none.yaml") + ": cannot be read"},
      {{"jobs", "submit", "--file", dir_.path()}, "--file " + dir_.path() + ": cannot be read"},
      {{"jobs", "submit", "--file", dir_ / "twice.yaml"}, "twice.yaml: line 2, column 1: \"scenario\" stands twice"},
      {{"jobs", "submit", "--file", dir_ / "half.json"}, "half.json: must be a job as JSON or YAML"},
      {{"jobs", "submit", "--file", dir_ / "list.yaml"}, "list.yaml: must be a job as JSON or YAML"},
      {{"jobs", "submit", "--file", dir_ / "empty.yaml"}, "empty.yaml: holds nothing"},
      {{"jobs", "submit", "--file", dir_ / "parameters.yaml"}, "parameters: must be an object"},
      {{"jobs", "submit", "--scenario", "x", "--param", "input"}, "--param input: must be key=value"},
      {{"jobs", "submit", "--scenario", "x", "--label", "=a"}, "--label =a: must be key=value"},
      {{"jobs", "submit", "--wait=perhaps", "--scenario", "x"}, "--wait: must be true or false, not \"perhaps\""},
      {{"jobs", "status", "--follow"}, "--follow: needs a JOB"},
      {{"jobs", "status", "7", "--queue", "live"}, "--queue: filters a list, and JOB is given"},
      {{"jobs", "logs", "7", "--tail", "many"}, "--tail: must be a number of lines"},
      {{"jobs", "list", "--timeout", "soon"}, "--timeout"},
      {{"jobs", "list", "--master", "nonsense"}, "nonsense"},
      {{"completion", "tcsh"}, "SHELL must be bash, zsh or fish, not \"tcsh\""},
      {{"completion"}, "SHELL is missing"},
  };
  for (const auto& [arguments, text] : rows) {
    const Ran result = call(arguments);
    EXPECT_EQ(result.code, 2) << join(arguments, " ") << "\n" << result.err;
    EXPECT_NE(result.err.find(text), std::string::npos) << join(arguments, " ") << "\n" << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_TRUE(result.out.empty()) << result.out;
  }
  EXPECT_TRUE(master_.seen().empty()) << "nothing was sent";
}

TEST_F(CommandLine, AGraceOutOfRangeStaysOutOfRange) {
  for (const char* seconds : {"4294967301", "-1", "soon", "301"}) {
    (void)call({"jobs", "cancel", "7", cat("--grace-seconds=", seconds)});
    const auto body = api::decode<api::CancelRequest>(master_.last().body);
    ASSERT_TRUE(body && body->grace_seconds);
    EXPECT_TRUE(*body->grace_seconds < 0 || *body->grace_seconds > 300) << seconds;
  }
}

// What bash offers after these words, the last one being completed.
std::string offered(const std::string& script, const std::vector<std::string>& words) {
  std::string line = ". " + script + "; COMP_WORDS=(";
  for (const std::string& word : words) line += "'" + word + "' ";
  line += cat("); COMP_CWORD=", words.size() - 1, "; _ffrtmp; echo \"${COMPREPLY[*]}\"");
  test::write_file(script + ".run", line);
  FILE* bash = popen(("bash " + script + ".run").c_str(), "r");
  std::string out;
  char buffer[4096];
  while (bash != nullptr && std::fgets(buffer, sizeof buffer, bash) != nullptr) out += buffer;
  if (bash != nullptr) pclose(bash);
  return out;
}

TEST_F(CommandLine, BashCompletesCommandsAndFlags) {
  const Ran result = ran({"completion", "bash"});
  ASSERT_EQ(result.code, 0) << result.err;
  const std::string script = dir_ / "completion";
  test::write_file(script, result.out);
  EXPECT_EQ(offered(script, {"ffrtmp", "jo"}), "jobs\n");
  EXPECT_EQ(offered(script, {"ffrtmp", "jobs", "s"}), "submit status sla\n");
  EXPECT_EQ(offered(script, {"ffrtmp", "jobs", "submit", "--sc"}), "--scenario\n");
  EXPECT_EQ(offered(script, {"ffrtmp", "--output", "json", "jobs", "status", "7", "--fol"}), "--follow\n");
  EXPECT_EQ(offered(script, {"ffrtmp", "--client", "jobs", "no"}), "nodes\n") << "a value is no command";
  EXPECT_EQ(offered(script, {"ffrtmp", "sup"}), "\n") << "hidden";
  EXPECT_EQ(offered(script, {"ffrtmp", "up", "--fau"}), "\n") << "hidden";
  test::write_file(dir_ / "file", "");
  EXPECT_EQ(offered(script, {"ffrtmp", "jobs", "submit", "--file", dir_ / "fi"}), (dir_ / "file") + "\n");
}

TEST_F(CommandLine, ZshAndFishKnowEveryCommandAndFlag) {
  const std::string zsh = ran({"completion", "zsh"}).out;
  const std::string fish = ran({"completion", "fish"}).out;
  EXPECT_TRUE(zsh.starts_with("#compdef ffrtmp\n"));
  EXPECT_NE(zsh.find("'jobs submit') choices=("), std::string::npos) << zsh;
  EXPECT_NE(zsh.find("'--scenario:what is made"), std::string::npos);
  EXPECT_NE(fish.find("complete -c ffrtmp -n '__fish_use_subcommand' -a jobs -d"), std::string::npos) << fish;
  EXPECT_NE(
      fish.find("-n '__fish_seen_subcommand_from jobs; and __fish_seen_subcommand_from submit' -l scenario -r -F -d"),
      std::string::npos);
  EXPECT_NE(fish.find("-l wait -d"), std::string::npos) << "a switch takes no value";
  for (const auto& script : {zsh, fish}) EXPECT_EQ(script.find("supervise"), std::string::npos);
}

TEST_F(CommandLine, AMasterThatIsNotThereIsNamed) {
  const Ran result = ran({"jobs", "list", "--master", "http://127.0.0.1:1"});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("master http://127.0.0.1:1: "), std::string::npos) << result.err;
  setenv("XDG_STATE_HOME", dir_.path().c_str(), 1);
  const Ran lost = ran({"jobs", "list", "--client", dir_ / "none.yaml"});
  EXPECT_EQ(lost.code, 2);
  EXPECT_NE(lost.err.find(dir_ / "none.yaml"), std::string::npos) << lost.err;
}

TEST_F(CommandLine, RolesGetTheirSettings) {
  config::WorkerSettings worker;
  config::UpSettings up;
  roles_.worker = [&](const config::WorkerSettings& s) { return worker = s, 0; };
  roles_.up = [&](const config::UpSettings& s) { return up = s, 0; };
  EXPECT_EQ(call({"worker", "--register", "--state-dir", "/w", "--max-concurrent-jobs", "4", "--label", "zone=a"}).code,
            0);
  EXPECT_EQ(worker.master, master_.url());
  EXPECT_EQ(worker.api_key, "ffk_test");
  EXPECT_TRUE(worker.do_register);
  EXPECT_EQ(worker.slots, 4);
  EXPECT_EQ(worker.common.state_dir, "/w");
  EXPECT_EQ(ran({"up", "--tls", "false", "--port=0", "--state-dir", "/u"}).code, 0);
  EXPECT_FALSE(up.master.tls);
  EXPECT_EQ(up.master.listen, "127.0.0.1");
  EXPECT_EQ(up.worker.common.state_dir, "/u");
  EXPECT_EQ(ran({"up", "--port", "http"}).err, "ffrtmp: --port: must be a whole number from 0 to 65535\n");
  EXPECT_EQ(call({"up"}).code, 2) << "--client means nothing to it";
}

TEST_F(CommandLine, HelpAndVersion) {
  EXPECT_EQ(ran({"--help"}).code, 0);
  const std::string help = ran({"jobs", "submit", "--help"}).out;
  for (const char* flag : {"--scenario", "--param", "--wait", "--max-cpu-percent", "--idempotency-key"})
    EXPECT_NE(help.find(flag), std::string::npos) << flag << "\n" << help;
  EXPECT_EQ(ran({"--help"}).out.find("supervise"), std::string::npos);
  EXPECT_EQ(ran({"version"}).out, ran({"--version"}).out);
  EXPECT_EQ(ran({}).code, 2);
}

}  // namespace
}  // namespace ffrtmp::cli
