#pragma once
// Long polls that wait: claims for work, heartbeats for commands. Lives on the server's thread, no locks.
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/ids.h"

namespace ffrtmp::master {

class Waiting {
 public:
  struct Entry {
    std::int64_t ticket = 0;
    Uuid node_id;
    bool is_claim = false;
    std::function<void()> wake;    // looks again
    std::function<void()> expire;  // answers empty-handed
    std::weak_ptr<const void> connection;  // expired: nobody is there any more
  };

  // Adds a waiter behind the others; its ticket removes it.
  std::int64_t add(Entry entry) {
    entry.ticket = ++last_ticket_;
    entries_.push_back(std::move(entry));
    by_ticket_[last_ticket_] = std::prev(entries_.end());
    return last_ticket_;
  }

  // Takes the waiter out; nothing when it is gone already.
  std::optional<Entry> take(std::int64_t ticket) {
    const auto found = by_ticket_.find(ticket);
    if (found == by_ticket_.end()) return std::nullopt;
    Entry entry = std::move(*found->second);
    entries_.erase(found->second);
    by_ticket_.erase(found);
    return entry;
  }

  // The longest waiting claim that somebody still waits for and whose node satisfies `fits`.
  template <class Fits>
  std::optional<Entry> take_claim(Fits fits) {
    for (const Entry& entry : entries_)
      if (entry.is_claim && !entry.connection.expired() && fits(entry.node_id)) return take(entry.ticket);
    return std::nullopt;
  }

  [[nodiscard]] std::vector<std::int64_t> tickets_of(const Uuid& node_id) const {
    std::vector<std::int64_t> tickets;
    for (const Entry& entry : entries_)
      if (entry.node_id == node_id) tickets.push_back(entry.ticket);
    return tickets;
  }

  [[nodiscard]] std::vector<std::int64_t> claim_tickets() const {
    std::vector<std::int64_t> tickets;
    for (const Entry& entry : entries_)
      if (entry.is_claim && !entry.connection.expired()) tickets.push_back(entry.ticket);
    return tickets;
  }

  [[nodiscard]] std::vector<std::int64_t> all_tickets() const {
    std::vector<std::int64_t> tickets;
    for (const Entry& entry : entries_) tickets.push_back(entry.ticket);
    return tickets;
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  std::list<Entry> entries_;
  std::unordered_map<std::int64_t, std::list<Entry>::iterator> by_ticket_;
  std::int64_t last_ticket_ = 0;
};

}  // namespace ffrtmp::master
