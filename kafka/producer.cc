// SPDX-License-Identifier: Apache-2.0
#include "kafka/producer.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "kafka/consumer.h"
#include "kafka/handles.h"

namespace faultline::kafka {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kServeSlice{100};  // how long a full queue is served at a time

int Millis(milliseconds span) { return static_cast<int>(span.count()); }

bool IsPurge(rd_kafka_resp_err_t code) {
  return code == RD_KAFKA_RESP_ERR__PURGE_QUEUE || code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
}

HeadersHandle CopyHeaders(std::span<const HeaderView> headers) {
  HeadersHandle copy(rd_kafka_headers_new(headers.size()));
  for (const HeaderView& header : headers) {
    const char* value = nullptr;
    if (header.value) value = header.value->empty() ? "" : header.value->data();
    rd_kafka_header_add(copy.get(), header.name.data(), static_cast<ssize_t>(header.name.size()),
                        value, header.value ? static_cast<ssize_t>(header.value->size()) : 0);
  }
  return copy;
}

// What both producers share: a client, its queue and its delivery reports.
class Core {
 public:
  // Makes the client; to be called again after Discard().
  [[nodiscard]] Result<void> Open();
  // Drops the client with all that it has not sent.
  void Discard();

  // Accepts one record, waiting while the queue is full. The error stays librdkafka's.
  [[nodiscard]] ErrorHandle Produce(const OutgoingRecord& record);

  [[nodiscard]] rd_kafka_t* client() const noexcept {
    FAULTLINE_CHECK(client_ != nullptr);
    return client_.get();
  }

  ProducerProperties properties;
  std::vector<Property> configuration;
  std::function<void(const Delivery&)> on_delivered;
  ProducerCounters counters;
  std::optional<KafkaError> first_failure;  // of a record, since it was last cleared

 private:
  static void Report(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque) noexcept;
  [[nodiscard]] ErrorHandle Enqueue(const OutgoingRecord& record, HeadersHandle& headers);

  std::string topic_;    // with its end, for the C call
  ClientHandle client_;  // dies before what it calls back
};

Result<void> Core::Open() {
  Result<ConfHandle> conf = MakeConf(configuration);
  if (!conf) return tl::unexpected<Error>(conf.error());
  rd_kafka_conf_set_opaque(conf->get(), this);
  rd_kafka_conf_set_dr_msg_cb(conf->get(), Report);
  Result<ClientHandle> client = MakeClient(RD_KAFKA_PRODUCER, std::move(*conf));
  if (!client) return tl::unexpected<Error>(client.error());
  client_ = std::move(*client);
  return {};
}

void Core::Discard() {
  if (!client_) return;
  rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                    RD_KAFKA_PURGE_F_NON_BLOCKING);
  client_.reset();
}

void Core::Report(rd_kafka_t* /*client*/, const rd_kafka_message_t* message,
                  void* opaque) noexcept {
  Core& core = *static_cast<Core*>(opaque);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++core.counters.delivered;
    if (!core.on_delivered) return;
    core.on_delivered({rd_kafka_topic_name(message->rkt), message->partition, message->offset,
                       reinterpret_cast<std::uintptr_t>(message->_private)});
    return;
  }
  if (IsPurge(message->err)) {
    ++core.counters.purged;
    return;
  }
  ++core.counters.failed;
  if (IsTooLarge(MakeError(message->err))) ++core.counters.too_large;
  if (core.first_failure) return;
  core.first_failure = MakeError(
      message->err, fmt::format("a record for {} was not delivered: {}",
                                rd_kafka_topic_name(message->rkt), rd_kafka_err2str(message->err)));
}

ErrorHandle Core::Enqueue(const OutgoingRecord& record, HeadersHandle& headers) {
  std::array<rd_kafka_vu_t, 8> fields{};
  std::size_t count = 0;
  const auto next = [&](rd_kafka_vtype_t type) -> rd_kafka_vu_t& {
    fields[count].vtype = type;
    return fields[count++];
  };
  // An empty value is not a null one: librdkafka tells them apart by the pointer.
  const auto memory = [](std::optional<std::string_view> bytes) {
    if (!bytes) return std::pair<void*, std::size_t>(nullptr, 0);
    const char* data = bytes->empty() ? "" : bytes->data();
    return std::pair<void*, std::size_t>(const_cast<char*>(data), bytes->size());
  };
  next(RD_KAFKA_VTYPE_TOPIC).u.cstr = topic_.c_str();
  next(RD_KAFKA_VTYPE_PARTITION).u.i32 = record.partition;
  next(RD_KAFKA_VTYPE_MSGFLAGS).u.i = RD_KAFKA_MSG_F_COPY;
  const auto [value, value_size] = memory(record.value);
  auto& value_field = next(RD_KAFKA_VTYPE_VALUE).u.mem;
  value_field.ptr = value;
  value_field.size = value_size;
  const auto [key, key_size] = memory(record.key);
  auto& key_field = next(RD_KAFKA_VTYPE_KEY).u.mem;
  key_field.ptr = key;
  key_field.size = key_size;
  next(RD_KAFKA_VTYPE_OPAQUE).u.ptr =
      reinterpret_cast<void*>(static_cast<std::uintptr_t>(record.opaque));
  if (record.timestamp) next(RD_KAFKA_VTYPE_TIMESTAMP).u.i64 = record.timestamp->count();
  if (headers) next(RD_KAFKA_VTYPE_HEADERS).u.headers = headers.get();
  ErrorHandle error(rd_kafka_produceva(client(), fields.data(), count));
  if (!error) static_cast<void>(headers.release());  // the record's now
  return error;
}

ErrorHandle Core::Produce(const OutgoingRecord& record) {
  topic_ = record.topic;
  HeadersHandle headers;
  if (!record.headers.empty()) headers = CopyHeaders(record.headers);
  for (;;) {
    ErrorHandle error = Enqueue(record, headers);
    if (!error) {
      ++counters.produced;
      rd_kafka_poll(client(), 0);
      return error;
    }
    // Ends by itself: records that stay too long in the queue time out and leave it.
    if (rd_kafka_error_code(error.get()) != RD_KAFKA_RESP_ERR__QUEUE_FULL) return error;
    rd_kafka_poll(client(), Millis(kServeSlice));
  }
}

}  // namespace

struct TransactionalProducer::Impl {
  enum class State : std::uint8_t { kIdle, kOpen, kBroken };

  // `error`, which may be null, as the result of `step`; remembers what it means for the next one.
  [[nodiscard]] KafkaResult<void> After(const ErrorHandle& error, Step step);
  [[nodiscard]] KafkaResult<void> Refuse() const;
  void Clear(State next);

  Core core;
  State state = State::kIdle;
  std::uint64_t records = 0;  // since Begin
};

void TransactionalProducer::Impl::Clear(State next) {
  state = next;
  records = 0;
  core.first_failure.reset();
}

KafkaResult<void> TransactionalProducer::Impl::After(const ErrorHandle& error, Step step) {
  if (!error) return {};
  KafkaError failure = FromTransaction(error.get(), step, core.first_failure.has_value());
  // A record that failed closes the transaction to further ones, and says why better than they do.
  const bool closed = step == Step::kProduce && failure.code == RD_KAFKA_RESP_ERR__STATE;
  if (closed) failure.error_class = ErrorClass::kAbort;
  if (core.first_failure && failure.error_class == ErrorClass::kAbort) {
    failure.code = core.first_failure->code;
    failure.name = core.first_failure->name;
    failure.message = core.first_failure->message;
  }
  if (failure.error_class == ErrorClass::kIndefinite || failure.error_class == ErrorClass::kFatal) {
    state = State::kBroken;
  }
  return tl::unexpected<KafkaError>(std::move(failure));
}

// After an indefinite or fatal error, nothing but Rebuild() is tried.
KafkaResult<void> TransactionalProducer::Impl::Refuse() const {
  if (state != State::kBroken) return {};
  KafkaError error = MakeError(RD_KAFKA_RESP_ERR__STATE, "the producer must be rebuilt first");
  error.error_class = ErrorClass::kFatal;
  return tl::unexpected<KafkaError>(std::move(error));
}

Result<std::unique_ptr<TransactionalProducer>> TransactionalProducer::Create(
    const ProducerProperties& properties) {
  FAULTLINE_CHECK(!properties.transactional_id.empty());
  Result<std::vector<Property>> configuration = Configuration(properties);
  if (!configuration) return tl::unexpected<Error>(configuration.error());
  auto impl = std::make_unique<Impl>();
  impl->core.properties = properties;
  impl->core.configuration = std::move(*configuration);
  if (Result<void> opened = impl->core.Open(); !opened) {
    return tl::unexpected<Error>(opened.error());
  }
  return std::unique_ptr<TransactionalProducer>(new TransactionalProducer(std::move(impl)));
}

TransactionalProducer::TransactionalProducer(std::unique_ptr<Impl> impl) noexcept
    : impl_(std::move(impl)) {}

TransactionalProducer::~TransactionalProducer() { impl_->core.Discard(); }

KafkaResult<void> TransactionalProducer::Init(milliseconds timeout) {
  if (KafkaResult<void> refused = impl_->Refuse(); !refused) return refused;
  return impl_->After(
      ErrorHandle(rd_kafka_init_transactions(impl_->core.client(), Millis(timeout))), Step::kInit);
}

KafkaResult<void> TransactionalProducer::Begin() {
  if (KafkaResult<void> refused = impl_->Refuse(); !refused) return refused;
  KafkaResult<void> begun =
      impl_->After(ErrorHandle(rd_kafka_begin_transaction(impl_->core.client())), Step::kBegin);
  if (begun) impl_->Clear(Impl::State::kOpen);
  return begun;
}

KafkaResult<void> TransactionalProducer::Produce(const OutgoingRecord& record) {
  if (KafkaResult<void> refused = impl_->Refuse(); !refused) return refused;
  FAULTLINE_CHECK(in_transaction());
  KafkaResult<void> produced = impl_->After(impl_->core.Produce(record), Step::kProduce);
  if (produced) ++impl_->records;
  return produced;
}

KafkaResult<void> TransactionalProducer::SendOffsets(const Consumer& consumer,
                                                     const std::vector<PartitionOffset>& offsets,
                                                     milliseconds timeout) {
  if (KafkaResult<void> refused = impl_->Refuse(); !refused) return refused;
  FAULTLINE_CHECK(in_transaction());
  if (offsets.empty()) return {};
  const GroupMetadataHandle group(rd_kafka_consumer_group_metadata(consumer.handle()));
  if (!group || GenerationOf(*group).value_or(-1) < 0) {
    KafkaError error = MakeError(RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
                                 "the consumer is in no generation of its group");
    return tl::unexpected<KafkaError>(std::move(error));
  }
  const ListHandle list = MakeList(offsets);
  return impl_->After(ErrorHandle(rd_kafka_send_offsets_to_transaction(
                          impl_->core.client(), list.get(), group.get(), Millis(timeout))),
                      Step::kSendOffsets);
}

KafkaResult<void> TransactionalProducer::Commit(milliseconds timeout) {
  if (KafkaResult<void> refused = impl_->Refuse(); !refused) return refused;
  FAULTLINE_CHECK(in_transaction());
  KafkaResult<void> committed =
      impl_->After(ErrorHandle(rd_kafka_commit_transaction(impl_->core.client(), Millis(timeout))),
                   Step::kCommit);
  if (committed) impl_->Clear(Impl::State::kIdle);
  return committed;
}

KafkaResult<void> TransactionalProducer::Abort(milliseconds timeout) {
  if (KafkaResult<void> refused = impl_->Refuse(); !refused) return refused;
  FAULTLINE_CHECK(in_transaction());
  KafkaResult<void> aborted = impl_->After(
      ErrorHandle(rd_kafka_abort_transaction(impl_->core.client(), Millis(timeout))), Step::kAbort);
  if (aborted) impl_->Clear(Impl::State::kIdle);
  return aborted;
}

KafkaResult<void> TransactionalProducer::Rebuild(milliseconds timeout) {
  impl_->core.Discard();
  impl_->Clear(Impl::State::kIdle);
  if (const Result<void> opened = impl_->core.Open(); !opened) {
    impl_->state = Impl::State::kBroken;
    return tl::unexpected<KafkaError>(
        MakeError(RD_KAFKA_RESP_ERR__FAIL, opened.error().ToString()));
  }
  KafkaResult<void> ready = Init(timeout);
  if (!ready) impl_->state = Impl::State::kBroken;
  return ready;
}

void TransactionalProducer::Serve() {
  if (impl_->state != Impl::State::kBroken) rd_kafka_poll(impl_->core.client(), 0);
}

void TransactionalProducer::OnDelivered(std::function<void(const Delivery&)> callback) {
  impl_->core.on_delivered = std::move(callback);
}

bool TransactionalProducer::in_transaction() const noexcept {
  return impl_->state == Impl::State::kOpen;
}
std::uint64_t TransactionalProducer::records_in_transaction() const noexcept {
  return impl_->records;
}
const ProducerCounters& TransactionalProducer::counters() const noexcept {
  return impl_->core.counters;
}
std::size_t TransactionalProducer::max_message_bytes() const noexcept {
  return impl_->core.properties.max_message_bytes;
}

struct PlainProducer::Impl {
  Core core;
};

Result<std::unique_ptr<PlainProducer>> PlainProducer::Create(const ProducerProperties& properties) {
  ProducerProperties plain = properties;
  plain.transactional_id.clear();
  Result<std::vector<Property>> configuration = Configuration(plain);
  if (!configuration) return tl::unexpected<Error>(configuration.error());
  auto impl = std::make_unique<Impl>();
  impl->core.properties = std::move(plain);
  impl->core.configuration = std::move(*configuration);
  if (Result<void> opened = impl->core.Open(); !opened) {
    return tl::unexpected<Error>(opened.error());
  }
  return std::unique_ptr<PlainProducer>(new PlainProducer(std::move(impl)));
}

PlainProducer::PlainProducer(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

PlainProducer::~PlainProducer() { impl_->core.Discard(); }

KafkaResult<void> PlainProducer::Produce(const OutgoingRecord& record) {
  const ErrorHandle error = impl_->core.Produce(record);
  if (error) return tl::unexpected<KafkaError>(FromError(error.get()));
  return {};
}

KafkaResult<void> PlainProducer::Flush(milliseconds timeout) {
  const rd_kafka_resp_err_t code = rd_kafka_flush(impl_->core.client(), Millis(timeout));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return tl::unexpected<KafkaError>(MakeError(code));
  if (!impl_->core.first_failure) return {};
  return tl::unexpected<KafkaError>(*std::exchange(impl_->core.first_failure, std::nullopt));
}

void PlainProducer::OnDelivered(std::function<void(const Delivery&)> callback) {
  impl_->core.on_delivered = std::move(callback);
}

const ProducerCounters& PlainProducer::counters() const noexcept { return impl_->core.counters; }

}  // namespace faultline::kafka
