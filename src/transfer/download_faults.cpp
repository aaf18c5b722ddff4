#include <algorithm>
#include <utility>

#include "candor/base/bytes.hpp"
#include "candor/transfer/download.hpp"
#include "transfer/schedule.hpp"

// Download's share in what goes wrong, and in its states.
namespace candor {
namespace {

// What a server says to a connection that is one too many.
bool is_refusal(const Failure& failure) {
  return failure.status == 503 || failure.status == 403 || failure.cause == Cause::kNetwork;
}

// A server that counts connections needs a moment to see that one has ended.
constexpr Seconds kOneByOne{0.25};

}  // namespace

// --- what goes wrong ---

void Download::meet_other_version(const Request& met, Instant now) {
  const RequestId request = met.id;
  const FileId id = met.file;
  abort(request);
  FileTransfer& file = files_[id];
  Work& work = work_[id];
  if (file.given_up() || request < work.incident) return;
  work.incident = next_request_;
  if (auto recovery = file.policy().other_version(now)) {
    // What still flows of the known version goes on, alone.
    if (requests_.active(id) > 0) return;
    work.retry_at = recovery->at;
    work.error = std::move(recovery->error);
    return;
  }
  abort_requests_of(id);
  file.changed("fileChanged");
  throw_away(id, now);
  fail_file(id, {Cause::kChanged, 0, std::nullopt, file.file().path}, now);
}

void Download::fail_request(Request& failed, const Failure& failure, bool running_still, Instant now) {
  const RequestId request = failed.id;
  const FileId id = failed.file;
  const bool was_accepted = failed.accepted;
  measure(failed, true, now);
  if (running_still)
    abort(request);
  else
    requests_.erase(request);
  // One that began before a failure that was counted is the same trouble, not another attempt.
  if (files_[id].given_up() || !running() || request < work_[id].incident) return;
  if (!was_accepted && is_refusal(failure)) {
    // A server that takes few connections of one client: what flows is enough, and the rest has its turn
    // later.
    const unsigned others = flowing_at(now);
    // Where none flows it may still count one that has just ended, or is about to begin; that is believed
    // once.
    const bool crowded = now < heard_at_ + Requests::kSilent || !requests_.empty();
    if (others > 0 || (crowded && !std::exchange(work_[id].doubted, true))) {
      plan_.limit(std::max(1U, others));
      if (others > 0) return;
      work_[id].retry_at = now + kOneByOne;
      work_[id].error = error_of(failure);
      return;
    }
  }
  work_[id].incident = next_request_;
  fail_file(id, failure, now);
}

void Download::fail_file(FileId id, const Failure& failure, Instant now) {
  FileTransfer& file = files_[id];
  Recovery recovery = file.policy().failed(failure, now, online_);
  // A body that is short each time is one of a shorter file.
  const bool always_short = failure.cause == Cause::kShort && recovery.step == Recovery::Step::kAsk;
  list_is_old_ = list_is_old_ || failure.cause == Cause::kChanged || always_short;
  if (file.policy().attempts() > 0) plan_.restart();
  work_[id].error = recovery.error;
  switch (recovery.step) {
    case Recovery::Step::kRetryNow:
      return;
    case Recovery::Step::kRetryAt:
      work_[id].retry_at = recovery.at;
      if (failure.cause == Cause::kRateLimited) {
        hold_until_ = recovery.at;
        hold_error_ = recovery.error;
        plan_.yield();
      }
      return;
    case Recovery::Step::kAsk: {
      file.give_up();
      abort_requests_of(id);
      // What another file still gets is not thrown after it; the visitor is asked when nothing moves any
      // more.
      const bool others_flow = flowing() > 0 && failure.cause != Cause::kRateLimited;
      if (!others_flow) ask(std::move(recovery.error), now);
      return;
    }
    case Recovery::Step::kGiveUp:
      file.give_up();
      ask(std::move(recovery.error), now);
      return;
  }
}

// --- states ---

void Download::ask(Error error, Instant now) {
  stop(State::kAsking, now);
  error_ = std::move(error);
}

void Download::stop(State state, Instant now) {
  requests_.abort_if([](const Request&) { return true; }, actions_);
  if (journal_.pace().stale()) write_journal(now);
  for (FileId id = 0; id < files_.size(); ++id) {
    work_[id].retry_at.reset();
    if (work_[id].open || work_[id].opening) close(id);
  }
  state_ = state;
}

void Download::go_on(Instant now) {
  state_ = State::kFetching;
  error_.reset();
  hold_until_.reset();
  plan_.restart();
  // Before anything is written over.
  if (journal_.pace().stale()) write_journal(now);
  work(now);
}

void Download::write_journal(Instant now) {
  if (!options_.persistent) return;
  actions_.push_back(journal_.write(files_, now));
}

void Download::conclude(Instant now) {
  Schedule::Standing standing = Schedule(*this, now).standing();
  if (standing.state == State::kDone) {
    stop(State::kDone, now);
    error_.reset();
  } else if (standing.state == State::kAsking) {
    ask(std::move(*standing.error), now);
  } else {
    state_ = standing.state;
    error_ = std::move(standing.error);
  }
}

void Download::refresh() {
  TransferTotals totals;
  totals.discarded_reason = std::move(totals_.discarded_reason);
  totals.bytes.size = 0;
  totals.files = static_cast<std::uint32_t>(files_.size());
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const FileTransfer& file = files_[i];
    const ByteLedger ledger = file.ledger();
    totals.bytes += ledger;
    totals.files_done += file.state() == FileTransfer::State::kDone ? 1 : 0;
    if (ledger.discarded > seen_discarded_[i]) totals.discarded_reason = file.discarded_reason();
    seen_discarded_[i] = ledger.discarded;
  }
  totals.connections = flowing();
  totals_ = std::move(totals);
}

std::vector<Action> Download::take() {
  refresh();
  return std::exchange(actions_, {});
}

}  // namespace candor
