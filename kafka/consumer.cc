// SPDX-License-Identifier: Apache-2.0
#include "kafka/consumer.h"

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/fetch_ahead.h"
#include "base/log.h"
#include "kafka/fetch_nudge.h"
#include "kafka/handles.h"

namespace faultline::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

tl::unexpected<KafkaError> ReadingFailed(KafkaError error) {
  return tl::unexpected<KafkaError>(FromReading(std::move(error)));
}

// Many small calls share one deadline.
class Deadline {
 public:
  explicit Deadline(milliseconds span) : end_(steady_clock::now() + span) {}

  [[nodiscard]] milliseconds left() const {
    const auto left = std::chrono::duration_cast<milliseconds>(end_ - steady_clock::now());
    return std::max(left, milliseconds(0));
  }
  [[nodiscard]] bool passed() const { return left() == milliseconds(0); }

 private:
  steady_clock::time_point end_;
};

int Millis(milliseconds span) { return static_cast<int>(span.count()); }

// What is received at once: many records, so that clocks and locks are looked at once for all of
// them, but few bytes, as they are worked on before anything else is.
constexpr std::size_t kMostReceived = 32;
constexpr std::size_t kMostReceivedBytes = 256 << 10;

}  // namespace

void Message::Deleter::operator()(rd_kafka_message_s* message) const noexcept {
  rd_kafka_message_destroy(message);
  --*alive;
}

std::string_view Message::topic() const noexcept { return rd_kafka_topic_name(message_->rkt); }
std::int32_t Message::partition() const noexcept { return message_->partition; }
std::int64_t Message::offset() const noexcept { return message_->offset; }

std::string_view Message::payload() const noexcept {
  return {static_cast<const char*>(message_->payload), message_->len};
}

bool Message::tombstone() const noexcept { return message_->payload == nullptr; }

std::optional<std::string_view> Message::key() const noexcept {
  if (message_->key == nullptr) return std::nullopt;
  return std::string_view(static_cast<const char*>(message_->key), message_->key_len);
}

TimestampType Message::timestamp_type() const noexcept {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  rd_kafka_message_timestamp(message_.get(), &type);
  switch (type) {
    case RD_KAFKA_TIMESTAMP_CREATE_TIME: return TimestampType::kCreateTime;
    case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME: return TimestampType::kLogAppendTime;
    case RD_KAFKA_TIMESTAMP_NOT_AVAILABLE: break;
  }
  return TimestampType::kNone;
}

milliseconds Message::timestamp() const noexcept {
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const std::int64_t time = rd_kafka_message_timestamp(message_.get(), &type);
  return milliseconds(type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? 0 : time);
}

std::vector<MessageHeader> Message::Headers() const {
  std::vector<MessageHeader> all;
  rd_kafka_headers_t* headers = nullptr;  // stays the message's
  if (rd_kafka_message_headers(message_.get(), &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return all;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    MessageHeader header{name, std::nullopt};
    if (value != nullptr) header.value = std::string_view(static_cast<const char*>(value), size);
    all.push_back(header);
  }
  return all;
}

struct Consumer::Impl {
  struct Partition {
    std::int64_t next = 0;  // what lies below was seen
    bool paused = false;
  };
  using Partitions = std::map<TopicPartition, Partition>;

  static void RebalanceCallback(rd_kafka_t* client, rd_kafka_resp_err_t code,
                                rd_kafka_topic_partition_list_t* list, void* opaque) noexcept;
  static void ErrorCallback(rd_kafka_t* client, int code, const char* reason,
                            void* opaque) noexcept;

  void Rebalance(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t& list) noexcept;
  void TakeOver(const rd_kafka_topic_partition_list_t& list);
  void GiveUp(const rd_kafka_topic_partition_list_t& list);
  // Makes `positions` the assignment.
  [[nodiscard]] KafkaResult<void> Begin(const std::vector<PartitionOffset>& positions);
  void Forget() noexcept;
  // Takes over what librdkafka has, one by one: its call for many loses records around rebalances,
  // seeks and pauses. Callbacks within forget what was taken over before them.
  void Receive(milliseconds timeout);
  // The next of what was received; null: there is nothing.
  [[nodiscard]] MessageHandle Next();

  [[nodiscard]] Partitions::value_type* Find(const rd_kafka_message_t& message);
  [[nodiscard]] KafkaError ErrorOf(const rd_kafka_message_t& message) const;
  [[nodiscard]] KafkaResult<void> SetPaused(const std::vector<TopicPartition>& partitions,
                                            bool pause);
  [[nodiscard]] KafkaResult<void> SeekOnce(const std::vector<PartitionOffset>& positions,
                                           milliseconds timeout) const;
  // The offsets that the brokers tell for a time or for kBeginning or kEnd.
  [[nodiscard]] KafkaResult<std::vector<PartitionOffset>> ListOffsets(
      const std::vector<TopicPartition>& which, std::int64_t time, milliseconds timeout) const;
  void ServeClose(rd_kafka_queue_t* queue, milliseconds timeout);
  // Gives the client up as it is.
  [[nodiscard]] tl::unexpected<KafkaError> LeaveBehind(rd_kafka_resp_err_t code,
                                                       const char* message) noexcept;

  Partitions partitions;                         // assigned now
  RebalanceListener* listener = nullptr;         // set by Subscribe
  std::optional<KafkaError> pending;             // told by the client at large, not yet by Poll
  const rd_kafka_topic_t* last_topic = nullptr;  // whose entry is `last`: fetches come in runs
  Partitions::value_type* last = nullptr;
  std::vector<MessageHandle> received;  // null up to `given`
  bool behind = false;                  // Consumer::behind()
  std::size_t given = 0;                // of these, to Poll's caller
  std::uint64_t duplicates = 0;
  std::uint64_t alive = 0;          // messages given out and not yet destroyed
  bool left_behind = false;         // the client lives on without us, and may hold on to this
  ClientHandle client;              // null once closed; dies before what it calls back
  std::optional<FetchNudge> nudge;  // where librdkafka needs one
};

void Consumer::Impl::RebalanceCallback(rd_kafka_t* /*client*/, rd_kafka_resp_err_t code,
                                       rd_kafka_topic_partition_list_t* list,
                                       void* opaque) noexcept {
  static_cast<Impl*>(opaque)->Rebalance(code, *list);
}

void Consumer::Impl::ErrorCallback(rd_kafka_t* client, int code, const char* reason,
                                   void* opaque) noexcept {
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    std::array<char, 512> text{};
    code = rd_kafka_fatal_error(client, text.data(), text.size());
    KafkaError fatal = MakeError(code, text.data());
    fatal.error_class = ErrorClass::kFatal;
    static_cast<Impl*>(opaque)->pending = std::move(fatal);
    return;
  }
  static_cast<Impl*>(opaque)->pending = FromReading(MakeError(code, reason));
}

void Consumer::Impl::Rebalance(rd_kafka_resp_err_t code,
                               const rd_kafka_topic_partition_list_t& list) noexcept {
  switch (code) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS: return TakeOver(list);
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS: return GiveUp(list);
    default: pending = FromReading(MakeError(code)); return GiveUp(list);
  }
}

void Consumer::Impl::TakeOver(const rd_kafka_topic_partition_list_t& list) {
  std::vector<StartPosition> starts;
  for (TopicPartition& partition : PartitionsOf(list)) starts.push_back({std::move(partition)});
  if (listener != nullptr) listener->OnAssigned(starts);
  std::vector<PartitionOffset> positions;
  std::vector<TopicPartition> held;
  for (const StartPosition& start : starts) {
    // A held partition asks for no offset of its own: that it has none yet is no error.
    positions.push_back({start.partition, start.hold ? kBeginning : start.offset, {}});
    if (start.hold) held.push_back(start.partition);
  }
  if (KafkaResult<void> begun = Begin(positions); !begun) {
    pending = begun.error();
    return;
  }
  if (KafkaResult<void> paused = SetPaused(held, true); !paused) pending = paused.error();
}

void Consumer::Impl::GiveUp(const rd_kafka_topic_partition_list_t& list) {
  const std::vector<TopicPartition> gone = PartitionsOf(list);
  if (listener != nullptr && !gone.empty()) {
    if (rd_kafka_assignment_lost(client.get()) != 0) {
      listener->OnLost(gone);
    } else {
      listener->OnRevoked(gone);
    }
  }
  Forget();
  rd_kafka_assign(client.get(), nullptr);
}

void Consumer::Impl::Forget() noexcept {
  received.clear();
  given = 0;
  partitions.clear();
  last_topic = nullptr;
  last = nullptr;
}

KafkaResult<void> Consumer::Impl::Begin(const std::vector<PartitionOffset>& positions) {
  Forget();
  for (const PartitionOffset& position : positions) {
    partitions[position.partition].next = std::max<std::int64_t>(position.offset, 0);
  }
  const ListHandle list = MakeList(positions);
  const rd_kafka_resp_err_t code = rd_kafka_assign(client.get(), list.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ReadingFailed(MakeError(code));
  return {};
}

Consumer::Impl::Partitions::value_type* Consumer::Impl::Find(const rd_kafka_message_t& message) {
  if (message.rkt == last_topic && last != nullptr && last->first.partition == message.partition) {
    return last;
  }
  const auto found = partitions.find({rd_kafka_topic_name(message.rkt), message.partition});
  if (found == partitions.end()) return nullptr;
  last_topic = message.rkt;
  last = &*found;
  return last;
}

KafkaError Consumer::Impl::ErrorOf(const rd_kafka_message_t& message) const {
  if (message.err == RD_KAFKA_RESP_ERR__FATAL) {
    std::array<char, 512> text{};
    const int code = rd_kafka_fatal_error(client.get(), text.data(), text.size());
    KafkaError error = MakeError(code, text.data());
    error.error_class = ErrorClass::kFatal;
    return error;
  }
  const char* text = rd_kafka_message_errstr(&message);
  std::string what = text == nullptr ? rd_kafka_err2str(message.err) : text;
  if (message.rkt != nullptr) {
    what = fmt::format("{}-{}: {}", rd_kafka_topic_name(message.rkt), message.partition, what);
  }
  return FromReading(MakeError(message.err, std::move(what)));
}

KafkaResult<void> Consumer::Impl::SetPaused(const std::vector<TopicPartition>& which, bool pause) {
  std::vector<TopicPartition> change;
  for (const TopicPartition& partition : which) {
    const auto found = partitions.find(partition);
    if (found != partitions.end() && found->second.paused != pause) change.push_back(partition);
  }
  if (change.empty()) return {};
  const ListHandle list = MakeList(change);
  const rd_kafka_resp_err_t code = pause ? rd_kafka_pause_partitions(client.get(), list.get())
                                         : rd_kafka_resume_partitions(client.get(), list.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ReadingFailed(MakeError(code));
  for (const TopicPartition& partition : change) partitions[partition].paused = pause;
  KafkaResult<std::vector<PartitionOffset>> each = ReadList(*list);
  if (!each) return ReadingFailed(std::move(each).error());
  return {};
}

KafkaResult<void> Consumer::Impl::SeekOnce(const std::vector<PartitionOffset>& positions,
                                           milliseconds timeout) const {
  const ListHandle list = MakeList(positions);
  const ErrorHandle error(rd_kafka_seek_partitions(client.get(), list.get(), Millis(timeout)));
  if (error) return ReadingFailed(FromError(error.get()));
  KafkaResult<std::vector<PartitionOffset>> each = ReadList(*list);
  if (!each) return ReadingFailed(std::move(each).error());
  return {};
}

// What is left in the queue besides rebalances are records that nobody wants any more.
void Consumer::Impl::ServeClose(rd_kafka_queue_t* queue, milliseconds timeout) {
  const EventHandle event(rd_kafka_queue_poll(queue, Millis(timeout)));
  if (!event || rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_REBALANCE) return;
  Rebalance(rd_kafka_event_error(event.get()), *rd_kafka_event_topic_partition_list(event.get()));
}

KafkaResult<std::vector<PartitionOffset>> Consumer::Impl::ListOffsets(
    const std::vector<TopicPartition>& which, std::int64_t time, milliseconds timeout) const {
  // When no answer came in time librdkafka tells no error and leaves the times in place of the
  // offsets, and this mark beside them.
  constexpr const char* kUnanswered = "unanswered";
  std::vector<PartitionOffset> times;
  for (const TopicPartition& partition : which) times.push_back({partition, time, kUnanswered});
  const ListHandle list = MakeList(times);
  const rd_kafka_resp_err_t code =
      rd_kafka_offsets_for_times(client.get(), list.get(), Millis(timeout));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ReadingFailed(MakeError(code));
  KafkaResult<std::vector<PartitionOffset>> offsets = ReadList(*list);
  if (!offsets) return ReadingFailed(std::move(offsets).error());
  const bool unanswered = std::any_of(offsets->begin(), offsets->end(), [&](const auto& offset) {
    return offset.metadata == kUnanswered;
  });
  if (unanswered) return ReadingFailed(MakeError(RD_KAFKA_RESP_ERR__TIMED_OUT));
  return offsets;
}

tl::unexpected<KafkaError> Consumer::Impl::LeaveBehind(rd_kafka_resp_err_t code,
                                                       const char* message) noexcept {
  left_behind = true;
  static_cast<void>(client.release());
  Forget();
  return tl::unexpected<KafkaError>(MakeError(code, message));
}

Result<std::unique_ptr<Consumer>> Consumer::Create(const ConsumerProperties& properties) {
  Result<std::vector<Property>> configuration = Configuration(properties);
  if (!configuration) return tl::unexpected<Error>(configuration.error());
  Result<ConfHandle> conf = MakeConf(*configuration);
  if (!conf) return tl::unexpected<Error>(conf.error());
  auto impl = std::make_unique<Impl>();
  rd_kafka_conf_set_opaque(conf->get(), impl.get());
  rd_kafka_conf_set_rebalance_cb(conf->get(), Impl::RebalanceCallback);
  rd_kafka_conf_set_error_cb(conf->get(), Impl::ErrorCallback);
  Result<ClientHandle> client = MakeClient(RD_KAFKA_CONSUMER, std::move(*conf));
  if (!client) return tl::unexpected<Error>(client.error());
  impl->client = std::move(*client);
  rd_kafka_poll_set_consumer(impl->client.get());
  if (!BackoffCanBeTold()) impl->nudge.emplace(impl->client.get());
  return std::unique_ptr<Consumer>(new Consumer(std::move(impl)));
}

Consumer::Consumer(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

Consumer::~Consumer() {
  if (const KafkaResult<void> closed = Close(std::chrono::seconds(10)); !closed) {
    Log(LogLevel::kError, "consumer_close_failed",
        fmt::format("error={}", LogValue(closed.error().ToString())));
  }
  if (impl_->left_behind) static_cast<void>(impl_.release());
}

rd_kafka_s* Consumer::handle() const noexcept {
  FAULTLINE_CHECK(impl_->client != nullptr);
  return impl_->client.get();
}

KafkaResult<void> Consumer::Subscribe(const std::vector<std::string>& topics,
                                      RebalanceListener* listener) {
  impl_->listener = listener;
  const ListHandle list(rd_kafka_topic_partition_list_new(static_cast<int>(topics.size())));
  for (const std::string& topic : topics) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  const rd_kafka_resp_err_t code = rd_kafka_subscribe(handle(), list.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ReadingFailed(MakeError(code));
  return {};
}

KafkaResult<void> Consumer::Assign(const std::vector<PartitionOffset>& partitions) {
  FAULTLINE_CHECK(impl_->client != nullptr);
  return impl_->Begin(partitions);
}

std::vector<TopicPartition> Consumer::Assignment() const {
  std::vector<TopicPartition> all;
  for (const auto& [partition, state] : impl_->partitions) all.push_back(partition);
  return all;
}

void Consumer::Impl::Receive(milliseconds timeout) {
  received.erase(received.begin(), received.begin() + static_cast<std::ptrdiff_t>(given));
  given = 0;
  behind = false;
  std::size_t bytes = 0;
  while (received.size() < kMostReceived && bytes < kMostReceivedBytes) {
    const int wait = received.empty() ? Millis(timeout) : 0;
    MessageHandle message(rd_kafka_consumer_poll(client.get(), wait));
    if (!message) return;
    bytes += message->len;
    if (nudge) nudge->Taken(*message);
    received.push_back(std::move(message));
  }
  behind = true;
}

MessageHandle Consumer::Impl::Next() {
  if (given == received.size()) return nullptr;
  MessageHandle next = std::move(received[given++]);
  if (given < received.size()) {
    const rd_kafka_message_t& following = *received[given];
    FetchAhead({static_cast<const char*>(following.payload), following.len});
  }
  return next;
}

// The last one waits for those behind it, so that their first one is fetched ahead too.
bool Consumer::ready() const noexcept { return impl_->received.size() - impl_->given > 1; }

bool Consumer::behind() const noexcept { return impl_->behind; }

PollResult Consumer::Poll(milliseconds timeout) {
  FAULTLINE_CHECK(impl_->client != nullptr);
  if (!ready()) impl_->Receive(timeout);
  while (MessageHandle message = impl_->Next()) {
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      Impl::Partitions::value_type* partition = impl_->Find(*message);
      if (partition == nullptr || message->offset < partition->second.next) {
        ++impl_->duplicates;
        continue;
      }
      partition->second.next = message->offset + 1;
      return Message(message.release(), &impl_->alive);
    }
    if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) return impl_->ErrorOf(*message);
    if (Impl::Partitions::value_type* partition = impl_->Find(*message); partition != nullptr) {
      return PartitionEnd{partition->first.topic, partition->first.partition, message->offset};
    }
  }
  if (!impl_->pending) return std::monostate();
  return *std::exchange(impl_->pending, std::nullopt);
}

KafkaResult<void> Consumer::Pause(const std::vector<TopicPartition>& partitions) {
  return impl_->SetPaused(partitions, true);
}

KafkaResult<void> Consumer::Resume(const std::vector<TopicPartition>& partitions) {
  return impl_->SetPaused(partitions, false);
}

bool Consumer::Paused(const TopicPartition& partition) const {
  const auto found = impl_->partitions.find(partition);
  return found != impl_->partitions.end() && found->second.paused;
}

KafkaResult<void> Consumer::Seek(const std::vector<PartitionOffset>& positions,
                                 milliseconds timeout) {
  for (const PartitionOffset& position : positions) {
    const auto found = impl_->partitions.find(position.partition);
    FAULTLINE_CHECK(found != impl_->partitions.end());
    found->second.next = std::max<std::int64_t>(position.offset, 0);
    std::erase_if(impl_->received, [&](const MessageHandle& message) {
      return message != nullptr && message->rkt != nullptr && impl_->Find(*message) == &*found;
    });
  }
  if (positions.empty()) return {};
  const Deadline deadline(timeout);
  for (;;) {
    KafkaResult<void> sought = impl_->SeekOnce(positions, deadline.left() + milliseconds(1));
    // Just after an assignment a partition does not fetch yet and cannot be sought.
    const bool starting = !sought && sought.error().code == RD_KAFKA_RESP_ERR__STATE;
    if (!starting || deadline.passed()) return sought;
    std::this_thread::sleep_for(milliseconds(5));
  }
}

KafkaResult<std::vector<PartitionOffset>> Consumer::Committed(
    const std::vector<TopicPartition>& partitions, milliseconds timeout) {
  if (partitions.empty()) return {};
  const ListHandle list = MakeList(partitions);
  const rd_kafka_resp_err_t code = rd_kafka_committed(handle(), list.get(), Millis(timeout));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ReadingFailed(MakeError(code));
  KafkaResult<std::vector<PartitionOffset>> offsets = ReadList(*list);
  if (!offsets) return ReadingFailed(std::move(offsets).error());
  return offsets;
}

// rd_kafka_query_watermark_offsets() waits for a broker that is down however long that takes;
// asking for the offsets of these two special times does not.
KafkaResult<Watermarks> Consumer::QueryWatermarks(const TopicPartition& partition,
                                                  milliseconds timeout) {
  FAULTLINE_CHECK(impl_->client != nullptr);
  const Deadline deadline(timeout);
  const auto low = impl_->ListOffsets({partition}, kBeginning, deadline.left());
  if (!low) return tl::unexpected<KafkaError>(low.error());
  const auto high = impl_->ListOffsets({partition}, kEnd, deadline.left());
  if (!high) return tl::unexpected<KafkaError>(high.error());
  return Watermarks{low->front().offset, high->front().offset};
}

std::optional<Watermarks> Consumer::CachedWatermarks(const TopicPartition& partition) const {
  Watermarks marks;
  const rd_kafka_resp_err_t code = rd_kafka_get_watermark_offsets(
      handle(), partition.topic.c_str(), partition.partition, &marks.low, &marks.high);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR || marks.high < 0) return std::nullopt;
  marks.low = std::max<std::int64_t>(marks.low, 0);  // told by the broker later than `high`
  return marks;
}

KafkaResult<std::vector<PartitionOffset>> Consumer::OffsetsForTime(
    const std::vector<TopicPartition>& partitions, milliseconds time, milliseconds timeout) {
  FAULTLINE_CHECK(impl_->client != nullptr);
  if (partitions.empty()) return {};
  return impl_->ListOffsets(partitions, std::max<std::int64_t>(time.count(), 0), timeout);
}

bool Consumer::InGroup() const {
  const GroupMetadataHandle metadata(rd_kafka_consumer_group_metadata(handle()));
  return metadata && GenerationOf(*metadata).value_or(-1) >= 0;
}

KafkaResult<void> Consumer::Close(milliseconds deadline) {
  if (!impl_->client) return {};
  const Deadline end(deadline);
  impl_->received.clear();
  impl_->given = 0;
  if (impl_->alive > 0) {
    return impl_->LeaveBehind(RD_KAFKA_RESP_ERR__STATE, "a message of the consumer is still held");
  }
  {
    const QueueHandle queue(rd_kafka_queue_new(handle()));
    const ErrorHandle error(rd_kafka_consumer_close_queue(handle(), queue.get()));
    if (error) {
      return impl_->LeaveBehind(rd_kafka_error_code(error.get()),
                                rd_kafka_error_string(error.get()));
    }
    while (rd_kafka_consumer_closed(handle()) == 0) {
      if (end.passed()) {
        return impl_->LeaveBehind(RD_KAFKA_RESP_ERR__TIMED_OUT,
                                  "the consumer did not close in time");
      }
      impl_->ServeClose(queue.get(), std::min(end.left(), milliseconds(50)));
    }
  }
  impl_->Forget();
  impl_->client.reset();
  return {};
}

std::uint64_t Consumer::duplicates_dropped() const noexcept { return impl_->duplicates; }

}  // namespace faultline::kafka
