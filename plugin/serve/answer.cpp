// SPDX-License-Identifier: MIT
#include "serve/answer.hpp"

#include <optional>

#include "serve/scrape_body.hpp"

namespace promplug {
namespace {

// nginx's code for a client that went away; it is never sent.
constexpr int kClientGone = 499;
constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

std::vector<std::pair<std::string, std::string>> Headers(const AnswerForm& form) {
  std::vector<std::pair<std::string, std::string>> headers;
  headers.emplace_back("Content-Type", ContentType(form.exposition));
  if (form.coding != Coding::kIdentity) {
    headers.emplace_back("Content-Encoding", NameOf(form.coding));
  }
  if (form.coding_varies) headers.emplace_back("Vary", "Accept-Encoding");
  return headers;
}

// An answer that is there at once.
class FixedAnswer final : public Scrape {
 public:
  FixedAnswer(ResponseHead head, std::string body)
      : head_(std::move(head)), body_(std::move(body)) {}

  Progress Head(const ResponseHead** head) override {
    *head = &head_;
    return Progress::kOk;
  }

  Progress Read(std::string_view* piece) override {
    if (read_ || body_.empty()) return Progress::kEnd;
    read_ = true;
    *piece = body_;
    return Progress::kOk;
  }

  void Wait() override {}

 private:
  const ResponseHead head_;
  const std::string body_;
  bool read_ = false;
};

class GatherAnswer final : public Scrape {
 public:
  GatherAnswer(const AnswerForm& form, const AnswerReport& report, InFlight in_flight,
               std::function<void()> ready)
      : form_(form), report_(report), in_flight_(std::move(in_flight)), ready_(std::move(ready)) {}

  ~GatherAnswer() override {
    // First of all: the run's callback refers to this object.
    run_.reset();
    Report(kClientGone);
  }

  void Start(Gatherer& gatherer, GatherRequest request) {
    // Where memory is short or libzstd not installed, the answer is plain rather than none.
    compressor_ = NewCompressor(form_.coding);
    if (compressor_ == nullptr) form_.coding = Coding::kIdentity;
    run_ = gatherer.Start(std::move(request), [this] { OnGathered(); });
  }

  Progress Head(const ResponseHead** head) override {
    if (!made_head_) {
      if (MustWait()) return Progress::kAgain;
      try {
        MakeHead();
      } catch (const std::exception&) {
        MakeErrorHead("out of memory\n");
      }
      made_head_ = true;
      work_ = report_.clock->Now() - report_.begun;
    }
    *head = &head_;
    return Progress::kOk;
  }

  Progress Read(std::string_view* piece) override {
    const ResponseHead* head = nullptr;
    if (Head(&head) == Progress::kAgain) return Progress::kAgain;
    if (failed_) return Progress::kFailed;
    if (reported_) return Progress::kEnd;
    const TimePoint before = report_.clock->Now();
    try {
      *piece = NextPiece();
    } catch (const std::exception&) {
      failed_ = true;
      Report(500);
      return Progress::kFailed;
    }
    work_ += report_.clock->Now() - before;
    if (!piece->empty()) return Progress::kOk;
    Report(head_.status);
    return Progress::kEnd;
  }

  void Wait() override {
    if (!made_head_) run_->Wait();
  }

 private:
  // Whether the host has been answered kAgain and is owed a call.
  enum class Notice { kNobodyWaits, kOwed, kGathered };

  // Runs on a thread of the gatherer, possibly before Start() has returned.
  void OnGathered() {
    if (notice_.exchange(Notice::kGathered) == Notice::kOwed && ready_) ready_();
  }

  bool MustWait() {
    if (run_->Ready()) return false;
    Notice expected = Notice::kNobodyWaits;
    // Where the callback has run in between, the run is ready now.
    notice_.compare_exchange_strong(expected, Notice::kOwed);
    return expected != Notice::kGathered;
  }

  void MakeHead() {
    Gathering gathering = run_->Take();
    if (!gathering.status.ok()) return MakeErrorHead(gathering.status.text() + "\n");
    body_.emplace(std::move(gathering), form_.exposition, std::move(compressor_));
    head_.headers = Headers(form_);
    if (!form_.hold) return;
    for (std::string_view piece = body_->Next(); !piece.empty(); piece = body_->Next()) {
      held_.append(piece);
    }
    body_.reset();
    head_.content_length = static_cast<int64_t>(held_.size());
  }

  void MakeErrorHead(std::string text) {
    body_.reset();
    form_.hold = true;
    held_ = std::move(text);
    head_.status = 500;
    head_.headers = {{"Content-Type", std::string(kPlainText)}};
    head_.content_length = static_cast<int64_t>(held_.size());
  }

  std::string_view NextPiece() {
    if (!form_.hold) return body_->Next();
    const std::string_view piece =
        std::string_view(held_).substr(held_given_, ExpositionStream::kMaxPieceBytes);
    held_given_ += piece.size();
    // Whoever knows the length may not come back for the end.
    if (held_given_ == held_.size()) Report(head_.status);
    return piece;
  }

  void Report(int status) {
    if (reported_) return;
    reported_ = true;
    if (report_.self == nullptr) return;
    report_.self->Scraped(status, made_head_ ? work_ : report_.clock->Now() - report_.begun);
  }

  AnswerForm form_;
  const AnswerReport report_;
  const InFlight in_flight_;
  const std::function<void()> ready_;
  std::atomic<Notice> notice_{Notice::kNobodyWaits};
  std::unique_ptr<Compressor> compressor_;
  ResponseHead head_;
  std::optional<ScrapeBody> body_;
  std::string held_;
  size_t held_given_ = 0;
  Duration work_{};
  bool made_head_ = false;
  bool failed_ = false;
  bool reported_ = false;
  std::unique_ptr<GatherRun> run_;
};

}  // namespace

InFlight::InFlight(std::shared_ptr<std::atomic<int64_t>> count, SelfMetrics* self)
    : count_(std::move(count)), self_(self), others_(count_->fetch_add(1)) {
  if (self_ != nullptr) self_->ScrapesInFlight(1);
}

InFlight::~InFlight() {
  if (count_ == nullptr) return;
  count_->fetch_sub(1);
  if (self_ != nullptr) self_->ScrapesInFlight(-1);
}

std::unique_ptr<Scrape> NewTextAnswer(int status,
                                      std::vector<std::pair<std::string, std::string>> headers,
                                      std::string body) {
  ResponseHead head;
  head.status = status;
  head.headers = std::move(headers);
  head.headers.emplace_back("Content-Type", kPlainText);
  head.content_length = static_cast<int64_t>(body.size());
  return std::make_unique<FixedAnswer>(std::move(head), std::move(body));
}

std::unique_ptr<Scrape> NewHeadAnswer(const AnswerForm& form) {
  ResponseHead head;
  head.headers = Headers(form);
  return std::make_unique<FixedAnswer>(std::move(head), std::string());
}

std::unique_ptr<Scrape> NewGatherAnswer(Gatherer& gatherer, GatherRequest request,
                                        const AnswerForm& form, const AnswerReport& report,
                                        InFlight in_flight, std::function<void()> ready) {
  auto answer =
      std::make_unique<GatherAnswer>(form, report, std::move(in_flight), std::move(ready));
  answer->Start(gatherer, std::move(request));
  return answer;
}

}  // namespace promplug
