#include "cli/nodes.h"

#include "base/text.h"
#include "cli/job_text.h"
#include "cli/session.h"

namespace ffrtmp::cli {
namespace {

int list(Session& session, const Invocation& invocation) {
  api::Query query;
  for (const char* name : {"status", "type", "limit", "cursor"})
    if (invocation.has(name)) query.emplace_back(name, invocation.value(name));
  if (invocation.has("label")) query.emplace_back("label", join(invocation.values("label"), ","));
  const auto nodes = session.client().nodes(query);
  if (!nodes) return session.fail(nodes.error());
  std::string text = nodes_table(nodes->value.nodes);
  if (nodes->value.next_cursor) text += cat("\nmore: --cursor ", *nodes->value.next_cursor, "\n");
  session.print(nodes->text, text);
  return 0;
}

// A UUID, or the name of exactly one node.
Result<std::string> find_id(Session& session, const std::string& name) {
  if (parse_uuid(name)) return name;
  std::vector<std::string> ids;
  for (api::Query query{{"limit", "500"}};;) {
    FFRTMP_ASSIGN(const auto nodes, session.client().nodes(query));
    for (const api::Node& node : nodes.value.nodes)
      if (node.name == name) ids.push_back(node.id.str());
    if (!nodes.value.next_cursor) break;
    query = {{"limit", "500"}, {"cursor", *nodes.value.next_cursor}};
  }
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
  using config::Kind;
  const auto run_list = [](const Invocation& i) {
    return with_session(i, [&](Session& session) { return list(session, i); });
  };
  const auto run_describe = [](const Invocation& i) {
    return with_session(i, [&](Session& session) { return describe(session, i.positionals.front()); });
  };
  std::vector<FlagSpec> filters{
      {"status", Kind::kValue, "only available, busy, draining or offline ones; several behind commas"},
      {"type", Kind::kValue, "only servers, desktops or laptops"},
      {"label", Kind::kList, "only nodes with this key=value"},
      {"limit", Kind::kValue, "nodes a page, 1 to 500", "50"},
      {"cursor", Kind::kValue, "next_cursor of the page before"}};
  return {{"nodes list", "the nodes and what they can do", {}, std::move(filters), false, run_list},
          {"nodes describe", "everything about one node", {{"NODE", "UUID or unique name"}}, {}, false, run_describe}};
}

}  // namespace ffrtmp::cli
