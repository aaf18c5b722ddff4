#include "candor/transfer/repository.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "candor/base/bytes.hpp"

namespace candor {
namespace {

// Requests of look() are numbered from here, so that they are never those of what goes on beside it.
constexpr RequestId kFirstLook = RequestId{1} << 31U;

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

template <typename T>
const T& empty() {
  static const T kEmpty{};
  return kEmpty;
}

}  // namespace

Repository::Repository(ModelSource source, std::uint64_t seed, TransferSizes sizes)
    : source_(std::move(source)), seed_(seed), sizes_(sizes), next_look_(kFirstLook) {}

std::string Repository::folder() const {
  // Readable, and unique by the hash of what it stands for. The revision is part of it, the commit is not:
  // that is in the journal, so that a new commit reuses the files that did not change.
  const std::string repo =
      source_.is_folder() ? source_.repo.substr(0, source_.repo.find_first_of("?#")) : source_.repo;
  std::string name;
  for (const char c : repo.substr(0, 120)) name += text::is_plain(c) ? c : '-';
  const std::string identity =
      source_.is_folder() ? repo : text::joined(source_.host, "\n", source_.repo, "\n", source_.revision);
  return text::joined(name, "-", text::in_hex(fnv1a(identity), 16));
}

// --- what is known ---

const std::optional<event::Peer>& Repository::peer() const {
  const auto* waiting = std::get_if<Waiting>(&state_);
  return waiting ? waiting->peer : empty<std::optional<event::Peer>>();
}

const Repository::Disk& Repository::disk() const {
  if (const auto* open = std::get_if<Open>(&state_)) return open->disk;
  if (const auto* listing = std::get_if<Listing>(&state_)) return listing->disk;
  return empty<Disk>();
}

const std::optional<Manifest>& Repository::listed() const {
  const auto* open = std::get_if<Open>(&state_);
  return open ? open->list : empty<std::optional<Manifest>>();
}

const SourceResolver* Repository::resolver() const {
  const auto* listing = std::get_if<Listing>(&state_);
  return listing ? listing->resolver.get() : nullptr;
}

const Download* Repository::download() const {
  const auto* fetching = std::get_if<Fetching>(&state_);
  return fetching ? fetching->download.get() : nullptr;
}

ByteLedger Repository::bytes() const {
  ByteLedger bytes;
  if (const Download* current = download()) {
    bytes = current->totals().bytes;
  } else {
    bytes.position = bytes.cached = bytes.kept = claim_.position;
    bytes.size = claim_.total;
  }
  bytes.discarded = saturating_add(bytes.discarded, claim_.discarded);
  return bytes;
}

const std::string& Repository::discarded_reason() const {
  const Download* current = download();
  return current && !current->totals().discarded_reason.empty() ? current->totals().discarded_reason
                                                                : claim_.reason;
}

Repository::Outlook Repository::outlook(const Manifest& files) const {
  const Download download(files, disk().journal, disk().stored, options({}));
  return {download.totals().bytes.position, download.missing()};
}

Manifest Repository::whole_files() const {
  const auto& journal = disk().journal.journal;
  const auto manifest = journal ? journal->manifest() : std::nullopt;
  if (!manifest) return {};
  std::vector<std::string> whole;
  for (const ManifestFile& file : manifest->files())
    if (journal->complete(std::span(&file.path, 1), disk().stored)) whole.push_back(file.path);
  return manifest->only(whole);
}

void Repository::claim(std::uint64_t position, std::optional<std::uint64_t> total) {
  claim_.position = position;
  claim_.total = total;
}

// --- the turn ---

void Repository::add(std::vector<Action> actions) {
  for (Action& action : actions) actions_.push_back(std::move(action));
}

std::vector<Action> Repository::take() { return std::exchange(actions_, {}); }

// What a download knew becomes the claim of the next one.
void Repository::absorb() {
  if (const Download* current = download()) {
    const TransferTotals& totals = current->totals();
    claim_.position = totals.bytes.position;
    claim_.total = totals.bytes.size;
    claim_.discarded = saturating_add(claim_.discarded, totals.bytes.discarded);
    if (!totals.discarded_reason.empty()) claim_.reason = totals.discarded_reason;
    // A request's number is never used twice, or the rest of an old body would pass for a new one's.
    next_request_ = std::max(next_request_, current->next_request());
  }
}

// `here` bytes are on disk. What an earlier visit or round said may be more, by what was not flushed in time.
void Repository::correct_claim(std::uint64_t here) {
  if (claim_.position > here) {
    claim_.discarded = saturating_add(claim_.discarded, claim_.position - here);
    claim_.reason = "notFlushed";
  }
  claim_.position = here;
  claim_.total.reset();
}

void Repository::open() { begin(false); }

void Repository::open_to_remove() {
  // A turn that is held says nothing of those who read.
  close();
  begin(true);
}

void Repository::begin(bool to_remove) {
  absorb();
  stop_looking();
  seen_.reset();
  error_.reset();
  busy_ = false;
  to_remove_ = to_remove;
  if (turn_ == Turn::kHeld) {
    // What was asked before is not what is asked now.
    ++visit_;
    return read();
  }
  close();
  ++visit_;
  turn_ = Turn::kAsked;
  state_.emplace<Waiting>();
  actions_.push_back(action::Lock{visit_, folder(), to_remove});
}

// The turn is ours: what is in the folder?
void Repository::read() {
  state_.emplace<Reading>();
  if (to_remove_) return;
  actions_.push_back(action::UseFolder{visit_, folder()});
  actions_.push_back(action::ReadJournal{});
}

void Repository::remove_folder() {
  if (turn_ != Turn::kHeld) return;
  // The names of files and folder must reach the store before the order to remove them.
  actions_.push_back(action::UseFolder{visit_, folder()});
  actions_.push_back(action::RemoveFolder{});
}

void Repository::forget() {
  close();
  absorb();
  claim_ = {};
  seen_.reset();
  state_.emplace<Closed>();
}

void Repository::share() {
  if (turn_ != Turn::kHeld) return;
  turn_ = Turn::kShared;
  actions_.push_back(action::Share{});
}

void Repository::close() {
  if (std::exchange(turn_, Turn::kNone) != Turn::kNone) actions_.push_back(action::Unlock{});
  // A download that is over, or was cancelled, is still shown; of the rest nothing is true without the turn.
  if (stage() != Stage::kFetching) state_.emplace<Closed>();
}

// --- the list ---

void Repository::list(std::vector<std::string> candidates, Conditions conditions, Instant now) {
  auto* open = std::get_if<Open>(&state_);
  if (open == nullptr) return;
  SourceResolver::Options resolver_options;
  resolver_options.candidates = std::move(candidates);
  resolver_options.first_request = next_request_;
  resolver_options.seed = seed_;
  resolver_options.online = conditions.online;
  Disk disk = std::move(open->disk);
  auto& listing = state_.emplace<Listing>(
      Listing{std::move(disk), std::make_unique<SourceResolver>(source_, std::move(resolver_options))});
  add(listing.resolver->start(now));
  list_moved();
}

void Repository::list_moved() {
  auto* listing = std::get_if<Listing>(&state_);
  if (listing == nullptr) return;
  next_request_ = std::max(next_request_, listing->resolver->next_request());
  if (listing->resolver->state() != SourceResolver::State::kDone) return;
  Manifest list = listing->resolver->manifest();
  Disk disk = std::move(listing->disk);
  state_.emplace<Open>(Open{std::move(disk), std::move(list)});
}

void Repository::look(std::vector<std::string> candidates, Instant now) {
  SourceResolver::Options resolver_options;
  resolver_options.candidates = std::move(candidates);
  resolver_options.first_request = next_look_;
  resolver_options.seed = seed_;
  seen_.reset();
  looking_ = std::make_unique<SourceResolver>(source_, std::move(resolver_options));
  add(looking_->start(now));
  look_moved();
}

void Repository::look_moved() {
  if (!looking_) return;
  next_look_ = looking_->next_request();
  switch (looking_->state()) {
    case SourceResolver::State::kAsking:
      return;
    case SourceResolver::State::kDone:
      seen_ = looking_->manifest();
      break;
    case SourceResolver::State::kWaiting:
    case SourceResolver::State::kFailed:
      // Nobody asked for it, so nobody is told; the next visit looks again.
      break;
  }
  stop_looking();
}

void Repository::stop_looking() {
  if (!looking_) return;
  next_look_ = looking_->next_request();
  add(looking_->stop());
  looking_.reset();
}

// --- the download ---

Download::Options Repository::options(Conditions conditions) const {
  Download::Options options;
  options.first_request = next_request_;
  options.seed = seed_;
  options.sizes = sizes_;
  options.persistent = conditions.persistent;
  options.online = conditions.online;
  return options;
}

void Repository::release(std::span<const std::string> paths, Instant now) {
  if (auto* fetching = std::get_if<Fetching>(&state_)) add(fetching->download->release(paths, now));
}

void Repository::add(std::vector<ManifestFile> files, Instant now) {
  if (auto* fetching = std::get_if<Fetching>(&state_)) add(fetching->download->add(std::move(files), now));
}

void Repository::fetch(Manifest files, std::vector<std::string> held, Conditions conditions, Instant now) {
  if (stage() != Stage::kOpen && stage() != Stage::kListing) return;
  if (auto* listing = std::get_if<Listing>(&state_)) add(listing->resolver->stop());
  const Disk disk = this->disk();
  Download::Options with = options(conditions);
  with.held = std::move(held);
  auto& fetching = state_.emplace<Fetching>(
      Fetching{std::make_unique<Download>(std::move(files), disk.journal, disk.stored, std::move(with))});
  correct_claim(fetching.download->totals().bytes.position);
  add(fetching.download->start(now));
}

void Repository::distrust(FileId file, Instant now) {
  if (auto* fetching = std::get_if<Fetching>(&state_)) add(fetching->download->distrust(file, now));
}

void Repository::pause(Instant now) {
  if (auto* fetching = std::get_if<Fetching>(&state_))
    add(fetching->download->pause(now));
  else
    cancel(now);
}

void Repository::resume(Instant now) {
  if (auto* fetching = std::get_if<Fetching>(&state_)) add(fetching->download->resume(now));
}

void Repository::retry(Instant now) {
  if (auto* listing = std::get_if<Listing>(&state_)) {
    add(listing->resolver->retry(now));
    list_moved();
  } else if (auto* fetching = std::get_if<Fetching>(&state_)) {
    add(fetching->download->retry(now));
  }
}

void Repository::cancel(Instant now) {
  stop_looking();
  if (auto* listing = std::get_if<Listing>(&state_)) add(listing->resolver->stop());
  if (auto* fetching = std::get_if<Fetching>(&state_)) add(fetching->download->cancel(now));
  close();
}

// --- what happens outside ---

bool Repository::on(const event::Locked& event) {
  if (event.visit != visit_ || turn_ != Turn::kAsked) return false;
  turn_ = Turn::kHeld;
  read();
  return true;
}

bool Repository::on(const event::Busy& event) {
  if (event.visit != visit_ || turn_ != Turn::kAsked || !to_remove_) return false;
  turn_ = Turn::kNone;
  busy_ = true;
  state_.emplace<Closed>();
  return true;
}

bool Repository::on(const event::Peer& event) {
  auto* waiting = std::get_if<Waiting>(&state_);
  if (waiting == nullptr || event.visit != visit_) return false;
  waiting->peer = event;
  // Only the disk itself can say that less is here.
  claim_.position = std::max(claim_.position, event.on_disk);
  if (event.total) claim_.total = std::max(claim_.position, *event.total);
  return true;
}

bool Repository::on(const event::Journal& event) {
  if (event.visit != visit_ || stage() != Stage::kReading || to_remove_) return false;
  state_.emplace<Open>(Open{{Journal::newest(event.texts), event.files}, std::nullopt});
  return true;
}

bool Repository::on(const event::StoreFailed& event, Instant now) {
  if (event.visit != visit_) return false;
  if (auto* fetching = std::get_if<Fetching>(&state_)) {
    if (turn_ != Turn::kHeld) return false;
    add(fetching->download->on(event, now));
    return true;
  }
  if (stage() != Stage::kReading) return false;
  Failure failure;
  failure.cause = event.kind == ErrorCode::kQuota ? Cause::kQuota : Cause::kStorage;
  failure.detail = event.message;
  error_ = error_of(failure);
  close();
  return true;
}

bool Repository::on(const event::Opened& event, Instant now) {
  auto* fetching = std::get_if<Fetching>(&state_);
  if (fetching == nullptr || event.visit != visit_) return false;
  add(fetching->download->on(event, now));
  return true;
}

bool Repository::on(const event::Journaled& event, Instant now) {
  auto* fetching = std::get_if<Fetching>(&state_);
  if (fetching == nullptr || event.visit != visit_) return false;
  add(fetching->download->on(event, now));
  return true;
}

// To whom of the three the request belongs, if they take such an answer.
template <typename Event>
bool Repository::tell(const Event& event, Instant now) {
  constexpr bool kOfBodies = requires(Download & download) { download.on(event, now); };
  constexpr bool kOfLists = requires(SourceResolver & resolver) { resolver.on(event, now); };
  if constexpr (kOfBodies) {
    if (auto* fetching = std::get_if<Fetching>(&state_);
        fetching && fetching->download->owns(event.request)) {
      add(fetching->download->on(event, now));
      return true;
    }
  }
  if constexpr (kOfLists) {
    if (auto* listing = std::get_if<Listing>(&state_); listing && listing->resolver->owns(event.request)) {
      add(listing->resolver->on(event, now));
      list_moved();
      return true;
    }
    if (looking_ && looking_->owns(event.request)) {
      add(looking_->on(event, now));
      look_moved();
      return true;
    }
  }
  return false;
}

bool Repository::on(const event::Head& event, Instant now) { return tell(event, now); }
bool Repository::on(const event::Heard& event, Instant now) { return tell(event, now); }
bool Repository::on(const event::Text& event, Instant now) { return tell(event, now); }
bool Repository::on(const event::End& event, Instant now) { return tell(event, now); }
bool Repository::on(const event::FetchFailed& event, Instant now) { return tell(event, now); }

bool Repository::received(RequestId request, std::span<const std::uint8_t> bytes, Instant now) {
  auto* fetching = std::get_if<Fetching>(&state_);
  if (fetching == nullptr || !fetching->download->owns(request)) return false;
  add(fetching->download->received(request, bytes, now));
  return true;
}

bool Repository::hashed(FileId file, std::uint64_t offset, std::span<const std::uint8_t> bytes, Instant now) {
  auto* fetching = std::get_if<Fetching>(&state_);
  if (fetching == nullptr) return false;
  add(fetching->download->hashed(file, offset, bytes, now));
  return true;
}

void Repository::online(Instant now) {
  if (auto* listing = std::get_if<Listing>(&state_)) {
    add(listing->resolver->online(now));
    list_moved();
  } else if (auto* fetching = std::get_if<Fetching>(&state_)) {
    add(fetching->download->online(now));
  }
}

void Repository::offline(Instant now) {
  if (auto* listing = std::get_if<Listing>(&state_))
    listing->resolver->offline();
  else if (auto* fetching = std::get_if<Fetching>(&state_))
    add(fetching->download->offline(now));
}

void Repository::tick(Instant now) {
  if (auto* listing = std::get_if<Listing>(&state_)) {
    add(listing->resolver->tick(now));
    list_moved();
  } else if (auto* fetching = std::get_if<Fetching>(&state_)) {
    add(fetching->download->tick(now));
  }
  if (looking_) {
    add(looking_->tick(now));
    look_moved();
  }
}

std::optional<Instant> Repository::wake_at() const {
  std::optional<Instant> wake;
  if (const SourceResolver* asking = resolver()) wake = asking->wake_at();
  if (const Download* current = download()) wake = current->wake_at();
  return looking_ ? earlier(wake, looking_->wake_at()) : wake;
}

std::optional<Instant> Repository::retry_at() const {
  if (const SourceResolver* asking = resolver()) return asking->retry_at();
  if (const Download* current = download()) return current->retry_at();
  return std::nullopt;
}

}  // namespace candor
