// SPDX-License-Identifier: MIT
// Updates of series that are spread over CPUs, by threads that are moved, interrupted, meet a
// removal, or are without rseq; meant for the sanitizers as well.
#include "metrics/cpu_section.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <atomic>
#include <bit>
#include <memory>
#include <thread>
#include <vector>

#include "metrics/registry.hpp"
#include "support/manual_clock.hpp"

namespace promplug {
namespace {

constexpr uint64_t kUpdates = 100'000;
constexpr size_t kBuckets = 12;  // of a histogram for which nobody names some

// The heap, with a note of the blocks that are in use and may be stripes.
class NotedMemory final : public MetricMemory {
 public:
  void* Allocate(size_t bytes, size_t alignment) noexcept override {
    void* block = MetricMemory::Heap().Allocate(bytes, alignment);
    if (alignment == 128) stripes_.push_back(static_cast<Stripes*>(block));
    return block;
  }
  void* TryAllocate(size_t bytes, size_t alignment) noexcept override {
    return Allocate(bytes, alignment);
  }
  void MakeRoom() noexcept override {}
  void Free(void* block, size_t bytes, size_t alignment) noexcept override {
    if (alignment == 128) ++freed_;
    MetricMemory::Heap().Free(block, bytes, alignment);
  }
  bool shared() const override { return false; }
  void Publish(FamilyRecord*) override {}

  const Stripes& newest() const { return *stripes_.back(); }
  size_t made() const { return stripes_.size(); }
  size_t freed() const { return freed_; }

 private:
  std::vector<Stripes*> stripes_;
  size_t freed_ = 0;
};

std::vector<int> AllowedCpus() {
  cpu_set_t allowed;
  EXPECT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  }
  return cpus;
}

// The calling thread goes there at once.
void MoveTo(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
}

class CpuSectionTest : public ::testing::Test {
 protected:
  CpuSectionTest() {
    context_.clock = &clock_;
    context_.hot = &hot_;
    context_.sections = &sections_;
    context_.memory = &memory_;
    context_.cpus = static_cast<uint32_t>(sysconf(_SC_NPROCESSORS_CONF));
    counters_ = Make(MetricType::kCounter, "c_total");
    histograms_ = Make(MetricType::kHistogram, "h");
    counter_ = Get(counters_.get());
    histogram_ = Get(histograms_.get());
  }
  ~CpuSectionTest() override {
    counters_->Unpin(counter_);
    histograms_->Unpin(histogram_);
    context_.detached.FreeAll(memory_);
    sections_.FreeAll();
  }

  std::unique_ptr<Family> Make(MetricType type, std::string_view name) {
    FamilyDescription description;
    description.type = type;
    description.name = name;
    return std::make_unique<Family>(FamilyShape::FromDescription(description).value(), &context_);
  }
  static Series* Get(Family* family) {
    Series* series = nullptr;
    EXPECT_TRUE(family->FindOrMake(nullptr, 0, &series).ok());
    return series;
  }
  // Whether in every stripe of a histogram the sum of every bucket is `v` for each count.
  // And something, where there are sections.
  bool HoldsOnly(double v, const Stripes& stripes) {
    uint64_t counted = 0;
    for (uint32_t i = 0; i < stripes.count(); ++i) {
      const Word* cell = stripes.Cell(i);
      for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
        const auto sum = std::bit_cast<double>(cell[Stripes::SumOf(bucket)].load());
        const uint64_t count = cell[Stripes::CountOf(bucket)].load();
        if (sum != v * static_cast<double>(count)) return false;
        counted += count;
      }
    }
    return counted > 0 || !Stripes::IsExclusive(stripes.route());
  }
  struct Totals {
    uint64_t count = 0;
    double sum = 0;
  };
  Totals OfHistogram() {
    Point point;
    const std::unique_ptr<PointSource> source = histograms_->Read();
    EXPECT_EQ(source->Next(&point, 1), 1u);
    EXPECT_EQ(point.n_bounds + 1, kBuckets);
    Totals totals;
    for (size_t i = 0; i < kBuckets; ++i) totals.count += point.counts[i];
    totals.sum = point.sum;
    return totals;
  }
  static double Value(Family* family) {
    Point point;
    if (family->Read()->Next(&point, 1) == 0) return -1;
    return point.is_integer ? static_cast<double>(point.integer) : point.value;
  }
  // What stands in word `word` of all stripes.
  static uint64_t InStripes(const Stripes& stripes, size_t word) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < stripes.count(); ++i) sum += stripes.Cell(i)[word].load();
    return sum;
  }
  // So many threads update, each `work(i)` for i below kUpdates.
  template <typename Work>
  static void InThreads(size_t n, const Work& work) {
    std::vector<std::thread> threads;
    for (size_t t = 0; t < n; ++t) {
      threads.emplace_back([&work] {
        for (uint64_t i = 0; i < kUpdates; ++i) work(i);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  test::ManualClock clock_;
  NotedMemory memory_;
  HotList hot_;
  ReadSections sections_;
  FamilyContext context_;
  std::unique_ptr<Family> counters_;
  std::unique_ptr<Family> histograms_;
  Series* counter_ = nullptr;
  Series* histogram_ = nullptr;
};

TEST_F(CpuSectionTest, ACpuWithACellOfItsOwnWritesThereAndAnotherIntoTheSeries) {
  context_.cpus = 1;
  counters_->Promote(counter_);
  const Stripes& stripes = memory_.newest();
  const bool exclusive = Stripes::IsExclusive(stripes.route());
  ASSERT_EQ(exclusive, context_.cpu_section_control.Usable());
  ASSERT_EQ(stripes.count(), 1u);
  double total = 0;
  uint64_t in_stripes = 0;
  std::thread thread([&] {
    for (const int cpu : AllowedCpus()) {
      MoveTo(cpu);
      for (uint64_t i = 0; i < kUpdates; ++i) counter_->CounterInc();
      total += kUpdates;
      EXPECT_EQ(Value(counters_.get()), total);
      const uint64_t now = stripes.Cell(0)[0].load();
      if (!exclusive) {
        EXPECT_EQ(now - in_stripes, kUpdates);
      } else if (cpu == 0) {
        // A few were interrupted.
        EXPECT_GT(now - in_stripes, kUpdates / 2);
      } else {
        EXPECT_EQ(now, in_stripes);
      }
      in_stripes = now;
    }
  });
  thread.join();
}

TEST_F(CpuSectionTest, TotalsAreExactWithMoreThreadsThanCpus) {
  counters_->Promote(counter_);
  const Stripes& of_counter = memory_.newest();
  histograms_->Promote(histogram_);
  const Stripes& of_histogram = memory_.newest();
  constexpr size_t kThreads = 16;
  InThreads(kThreads, [this](uint64_t i) {
    counter_->CounterInc();
    counter_->CounterAdd(i % 2 == 0 ? 3 : .5);
    histogram_->Observe(static_cast<double>(i % 16));
  });
  constexpr double kOfAThread = kUpdates + kUpdates / 2 * 3.5;
  EXPECT_EQ(Value(counters_.get()), kThreads * kOfAThread);
  const Totals totals = OfHistogram();
  EXPECT_EQ(totals.count, kThreads * kUpdates);
  EXPECT_EQ(totals.sum, kThreads * kUpdates * 7.5);
  // Most by far were made there, with whole numbers, fractions and sums alike.
  EXPECT_GT(InStripes(of_counter, 0), kThreads * kUpdates);
  double fractions = 0;
  double sums = 0;
  for (uint32_t i = 0; i < of_counter.count(); ++i) {
    fractions += std::bit_cast<double>(of_counter.Cell(i)[1].load());
    uint64_t counts[kBuckets] = {};
    sums += Stripes::AddBuckets(of_histogram.Cell(i), kBuckets, counts);
  }
  EXPECT_GT(fractions, kThreads * kUpdates / 8.);
  EXPECT_GT(sums, totals.sum / 2);
}

TEST_F(CpuSectionTest, TotalsAreExactWhileThreadsAreMovedFromCpuToCpu) {
  counters_->Promote(counter_);
  histograms_->Promote(histogram_);
  const std::vector<int> cpus = AllowedCpus();
  InThreads(4, [&](uint64_t i) {
    if (i % 16 == 0) MoveTo(cpus[i / 16 % cpus.size()]);
    counter_->CounterInc();
    counter_->CounterAdd(.5);
    histogram_->Observe(2);
  });
  EXPECT_EQ(Value(counters_.get()), 4 * kUpdates * 1.5);
  const Totals totals = OfHistogram();
  EXPECT_EQ(totals.count, 4 * kUpdates);
  EXPECT_EQ(totals.sum, 4 * kUpdates * 2.);
  EXPECT_TRUE(HoldsOnly(2, memory_.newest()));
}

std::atomic<Series*> interrupted{nullptr};
std::atomic<Series*> interrupted_too{nullptr};
std::atomic<uint64_t> interruptions{0};

// A handler that updates, too: it may be in the middle of the section of its thread.
void CountInHandler(int) {
  interrupted.load()->CounterAdd(.5);
  interrupted_too.load()->Observe(2);
  interruptions.fetch_add(1);
}

// Two threads that update `interrupted` by one and by a half, observe 2 in `interrupted_too`, and
// are interrupted all the time; how often each did all.
uint64_t InterruptedUpdates() {
  const uint64_t end = interruptions.load() + 1000;
  std::atomic<uint64_t> updates{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      uint64_t mine = 0;
      for (; interruptions.load(std::memory_order_relaxed) < end; ++mine) {
        interrupted.load(std::memory_order_relaxed)->CounterInc();
        interrupted.load(std::memory_order_relaxed)->CounterAdd(.5);
        interrupted_too.load(std::memory_order_relaxed)->Observe(2);
      }
      updates.fetch_add(mine);
    });
  }
  while (interruptions.load() < end) {
    for (std::thread& thread : threads) pthread_kill(thread.native_handle(), SIGUSR1);
  }
  for (std::thread& thread : threads) thread.join();
  return updates.load();
}

TEST_F(CpuSectionTest, TotalsAreExactInAStormOfSignals) {
  histograms_->Promote(histogram_);
  const Stripes& of_histogram = memory_.newest();
  counters_->Promote(counter_);
  interrupted.store(counter_);
  interrupted_too.store(histogram_);
  interruptions.store(0);
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = CountInHandler;
  action.sa_flags = SA_RESTART;
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  const Stripes& stripes = memory_.newest();
  const bool exclusive = Stripes::IsExclusive(stripes.route());
  uint64_t updates = 0;
  // Until an interruption has come in the middle of a section.
  do {
    updates += InterruptedUpdates();
    const auto by_handlers = static_cast<double>(interruptions.load());
    ASSERT_EQ(Value(counters_.get()), 1.5 * static_cast<double>(updates) + .5 * by_handlers);
    const Totals totals = OfHistogram();
    ASSERT_EQ(totals.count, updates + interruptions.load());
    ASSERT_EQ(totals.sum, 2 * static_cast<double>(totals.count));
    // An observation is there as a whole or not at all.
    ASSERT_TRUE(HoldsOnly(2, of_histogram));
  } while (exclusive && InStripes(stripes, 0) == updates);
  ASSERT_EQ(sigaction(SIGUSR1, &before, nullptr), 0);
}

#if defined(__x86_64__)
TEST_F(CpuSectionTest, AHostThatTakesDenormalNumbersForZeroLosesNoCount) {
  histograms_->Promote(histogram_);
  const unsigned before = _mm_getcsr();
  constexpr unsigned kFlushToZero = 0x8000;
  constexpr unsigned kDenormalsAreZero = 0x40;
  _mm_setcsr(before | kFlushToZero | kDenormalsAreZero);
  for (uint64_t i = 0; i < kUpdates; ++i) histogram_->Observe(2);
  _mm_setcsr(before);
  EXPECT_EQ(OfHistogram().count, kUpdates);
  EXPECT_EQ(OfHistogram().sum, kUpdates * 2.);
}
#endif

TEST_F(CpuSectionTest, SectionsCanBeEndedInAForkChild) {
  if (!context_.cpu_section_control.Usable()) return SUCCEED() << "there are none";
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(CpuSectionControl::End() ? 0 : 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(CpuSectionTest, AThreadWithoutRseqCountsInTheSeries) {
  counters_->Promote(counter_);
  const Stripes& stripes = memory_.newest();
  std::thread thread([&] {
    if (context_.cpu_section_control.Usable()) {
      char* const area = static_cast<char*>(__builtin_thread_pointer()) + kRseqOffset;
      // 32 bytes and this signature is what glibc registers (sys/rseq.h); 1: RSEQ_FLAG_UNREGISTER.
      ASSERT_EQ(syscall(SYS_rseq, area, 32, 1, 0x53053053), 0);
    }
    for (uint64_t i = 0; i < kUpdates; ++i) counter_->CounterInc();
  });
  thread.join();
  EXPECT_EQ(Value(counters_.get()), kUpdates);
  EXPECT_EQ(InStripes(stripes, 0), Stripes::IsExclusive(stripes.route()) ? 0 : kUpdates);
}

TEST_F(CpuSectionTest, WhatWasRemovedNeverComesBack) {
  constexpr int kRounds = 200;
  constexpr double kLarge = 1e9;
  std::atomic<bool> done{false};
  std::atomic<uint64_t> updates{0};
  std::vector<std::thread> writers;
  for (int w = 0; w < 3; ++w) {
    writers.emplace_back([&] {
      while (!done.load(std::memory_order_relaxed)) {
        counter_->CounterInc();
        counter_->CounterAdd(.5);
        updates.fetch_add(1);
      }
    });
  }
  for (int i = 0; i < kRounds; ++i) {
    counters_->Promote(counter_);
    counter_->CounterAdd(kLarge);
    counter_->CounterAdd(kLarge + .5);
    counters_->Remove(counter_);
    const uint64_t before = updates.load();
    while (updates.load() < before + 10) std::this_thread::yield();
    ASSERT_LT(Value(counters_.get()), kLarge) << "round " << i;
    counters_->Remove(counter_);
    context_.detached.Retire(&sections_, memory_);
    sections_.Advance();
  }
  done.store(true);
  for (std::thread& writer : writers) writer.join();
  counters_->Remove(counter_);
  EXPECT_EQ(Value(counters_.get()), -1);
  counter_->CounterInc();
  EXPECT_GE(Value(counters_.get()), 1);
  EXPECT_LT(Value(counters_.get()), kLarge);
}

TEST_F(CpuSectionTest, StripesThatWereLeftBehindAreGivenBackWhenNobodyReadsThem) {
  counters_->Promote(counter_);
  counter_->CounterInc();
  const bool exclusive = Stripes::IsExclusive(memory_.newest().route());
  {
    const ReadSections::Guard reader = sections_.Enter();
    counters_->Remove(counter_);
    for (int i = 0; i < 5; ++i) {
      context_.detached.Retire(&sections_, memory_);
      sections_.Advance();
    }
    EXPECT_EQ(memory_.freed(), 0u);
  }
  for (int i = 0; i < 5; ++i) sections_.Advance();
  EXPECT_EQ(memory_.freed(), exclusive ? 1u : 0u);
  counter_->CounterInc();
  EXPECT_EQ(Value(counters_.get()), 1);
}

TEST_F(CpuSectionTest, FractionsReportThatTheirSeriesIsHotAsWholeNumbersDo) {
  for (const double n : {1., 2., .5}) {
    for (uint64_t i = 0; i < 4 * kUpdates; ++i) counter_->CounterAdd(n);
    Series* reported = nullptr;
    for (uint32_t at = 0; at < HotList::kSize; ++at) {
      if (Series* series = hot_.Take(at)) reported = series;
    }
    EXPECT_EQ(reported, counter_) << n;
  }
}

TEST_F(CpuSectionTest, ASpreadSeriesIsNotSpreadAgain) {
  counters_->Promote(counter_);
  counters_->Promote(counter_);
  EXPECT_EQ(memory_.made(), 1u);
  EXPECT_EQ(memory_.freed(), 0u);
}

TEST_F(CpuSectionTest, MoreCpusThanExclusiveStripesAreMadeForShareSome) {
  context_.cpus = Stripes::kMaxExclusive + 1;
  counters_->Promote(counter_);
  EXPECT_FALSE(Stripes::IsExclusive(memory_.newest().route()));
  EXPECT_EQ(memory_.newest().count(), Stripes::kMax);
  InThreads(3, [this](uint64_t) { counter_->CounterInc(); });
  EXPECT_EQ(InStripes(memory_.newest(), 0), 3 * kUpdates);
  histograms_->Promote(histogram_);
  InThreads(3, [this](uint64_t) { histogram_->Observe(2); });
  const Totals totals = OfHistogram();
  EXPECT_EQ(totals.count, 3 * kUpdates);
  EXPECT_EQ(totals.sum, 3 * kUpdates * 2.);
  EXPECT_TRUE(HoldsOnly(2, memory_.newest()));
}

TEST_F(CpuSectionTest, WhatACellOfTheHostCountedGoesIntoTheSeries) {
  counters_->Promote(counter_);
  uint64_t* cell = counters_->AddHostCell(counter_);
  *cell += 7;
  ASSERT_TRUE(counters_->ReleaseHostCell(counter_, cell).ok());
  EXPECT_EQ(Value(counters_.get()), 7);
}

}  // namespace
}  // namespace promplug
