#include "cli/nodes.h"

#include "base/text.h"
#include "cli/job_text.h"
#include "cli/session.h"

namespace ffrtmp::cli {
namespace {

int list(Session& session) {
  const auto nodes = session.client().nodes({});
  if (!nodes) return session.fail(nodes.error());
  session.print(nodes->text, nodes_table(nodes->value.nodes));
  return 0;
}

// A UUID, or the name of exactly one node.
Result<std::string> find_id(Session& session, const std::string& name) {
  if (parse_uuid(name)) return name;
  FFRTMP_ASSIGN(const auto nodes, session.client().nodes({}));
  std::vector<std::string> ids;
  for (const api::Node& node : nodes.value.nodes)
    if (node.name == name) ids.push_back(node.id.str());
  if (ids.empty()) return make_error(Errc::kNotFound, cat("no node \"", escape(name), "\""));
  if (ids.size() > 1)
    return make_error(Errc::kInvalid, cat("several nodes are named ", escape(name), ": ", join(ids, ", ")));
  return ids.front();
}

int describe(Session& session, const std::string& name) {
  const auto id = find_id(session, name);
  if (!id) return session.fail(id.error());
  const auto node = session.client().node(*id);
  if (!node) return session.fail(node.error());
  session.print(node->text, node_pairs(node->value));
  return 0;
}

}  // namespace

std::vector<Command> nodes_commands() {
  const auto run_list = [](const Invocation& i) { return with_session(i, list); };
  const auto run_describe = [](const Invocation& i) {
    return with_session(i, [&](Session& session) { return describe(session, i.positionals.front()); });
  };
  return {{"nodes list", "the nodes and what they can do", {}, {}, false, run_list},
          {"nodes describe", "everything about one node", {{"NODE", "UUID or unique name"}}, {}, false, run_describe}};
}

}  // namespace ffrtmp::cli
