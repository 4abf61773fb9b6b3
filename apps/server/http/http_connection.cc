#include "server/http/http_connection.h"

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <ctime>
#include <limits>
#include <new>
#include <optional>

#include "server/http/called_once.h"
#include "server/http/header_scan.h"
#include "server/http/http_body_parser.h"
#include "server/http/http_socket.h"
#include "server/http/reply_head.h"

namespace siglip::server {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using TimePoint = steady_clock::time_point;

static_assert(HttpSocket::kBufferBytes >= kMaxHeaderBytes);

// How long a connection without a request lives on when the server drains: clients that ask all the
// time are told 503 within it, instead of finding their connection closed.
constexpr milliseconds kDrainGrace{250};
// A client that is turned away for want of room gets less time than others.
constexpr milliseconds kTurnedAwayTime{300};
// For telling a client that it was too slow.
constexpr milliseconds kLastWordTime{100};
constexpr int kRetryAfterWantOfRoom = 1;  // seconds
constexpr int kRetryAfterDrain = 5;

double Seconds(steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// What follows for a request from one of its stages.
enum class Step {
  kGoOn,
  kRefuse,  // with refusal_
  kEnd,     // nobody is there who could be told
};

class Connection final : public HttpConnection, public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::io_context& context, int socket, std::string client, bool turned_away,
             ServerState& state)
      : context_(context),
        state_(state),
        options_(state.options),
        socket_(context, socket),
        client_address_(std::move(client)),
        turned_away_(turned_away) {}

  void Start(std::function<void()> closed) override {
    asio::co_spawn(
        context_, [self = shared_from_this()] { return self->Serve(); },
        [self = shared_from_this(), closed = std::move(closed)](const std::exception_ptr& failure) {
          if (failure) self->Fail();
          closed();
        });
  }

  void OnDrain() override {
    if (waits_for_request_) socket_.SetDeadline(steady_clock::now() + kDrainGrace);
  }

  void Cut() override {
    was_cut_ = true;
    LeaveIdle();
    socket_.Close();
  }

  bool CutIfSilent() override {
    if (socket_.HasMore()) return false;
    Cut();
    return true;
  }

 private:
  using Parsed = HttpBodyParser::Result;

  Awaitable<void> Serve() {
    for (bool first = true;; first = false) {
      const bool came = co_await WaitForRequest(first);
      if (!came) break;
      const bool keep = co_await ServeRequest();
      Report();
      if (!keep) break;
    }
    socket_.Close();
  }

  /// What is left to do when Serve() threw.
  void Fail() {
    LeaveIdle();
    exchange_.outcome = Outcome::kFailed;
    if (has_exchange_) Report();
    socket_.Close();
  }

  /// False if none comes. Sets the deadline of its header.
  Awaitable<bool> WaitForRequest(bool first) {
    const TimePoint start = steady_clock::now();
    const milliseconds header_time = turned_away_ ? kTurnedAwayTime : options_.header_time;
    if (socket_.unread().empty()) {
      socket_.Shrink();
      const milliseconds idle_time = first ? header_time : options_.keep_alive_time;
      socket_.SetDeadline(start + (state_.draining ? kDrainGrace : idle_time));
      waits_for_request_ = true;
      if (!turned_away_) BeIdle();
      const Io io = co_await socket_.Read(HttpSocket::kFirstReadBytes);
      LeaveIdle();
      waits_for_request_ = false;
      if (io != Io::kDone) co_return false;
    }
    BeginExchange();
    socket_.SetDeadline((first ? start : stage_start_) + header_time);
    co_return true;
  }

  void BeIdle() {
    place_among_idle_ = state_.idle.insert(state_.idle.end(), this);
    ++state_.idle_connections;
  }

  void LeaveIdle() {
    if (!place_among_idle_) return;
    state_.idle.erase(*place_among_idle_);
    place_among_idle_.reset();
    --state_.idle_connections;
  }

  void BeginExchange() {
    stage_start_ = steady_clock::now();
    has_exchange_ = true;
    exchange_.head.client = client_address_;
    exchange_.head.id = NewId();
    header_is_whole_ = false;
    is_too_slow_ = false;
  }

  /// Nothing of a request that is over takes memory while the next one is waited for.
  void EndExchange() {
    has_exchange_ = false;
    exchange_ = {};
    header_ = {};
    parser_ = {};
    DropBody();
    refusal_ = {};
    reply_.reset();
    chunk_.reset();
  }

  void DropBody() {
    std::string().swap(body_);
    memory_ = {};
  }

  std::string NewId() {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string id;
    for (uint64_t bits : {state_.random(), state_.random()}) {
      for (int i = 0; i < 16; ++i, bits >>= 4) id += kDigits[bits & 15];
    }
    return id;
  }

  /// True if the connection can serve another request.
  Awaitable<bool> ServeRequest() {
    Step step = co_await ReadHeader();
    if (step == Step::kGoOn) step = Judge();
    if (step == Step::kGoOn) step = co_await ReadBody();
    exchange_.read_seconds = TakeStageSeconds();
    if (step == Step::kEnd) co_return false;
    if (step == Step::kRefuse) {
      const bool keep = co_await SendRefusal();
      co_return keep;
    }
    Reply reply;
    const bool answered = co_await Compute(reply);
    exchange_.handle_seconds = TakeStageSeconds();
    if (!answered) co_return false;
    const bool keep = header_.keep_alive && !state_.draining;
    const bool sent = co_await Send(reply, !keep);
    if (!sent) co_return false;
    if (!keep && socket_.HasMore()) co_await DropRest();
    co_return keep;
  }

  double TakeStageSeconds() {
    const TimePoint now = steady_clock::now();
    return Seconds(now - std::exchange(stage_start_, now));
  }

  Step Refuse(int status, std::string code, std::string_view message, int retry_after = 0) {
    refusal_ = ErrorReply(status, code, message, retry_after);
    exchange_.code = std::move(code);
    return Step::kRefuse;
  }

  Step Refuse(HeaderFault fault) {
    const Step step = Refuse(fault.status, std::move(fault.code), fault.message);
    if (fault.status == 405) refusal_.fields.push_back({"allow", "GET, HEAD, POST"});
    return step;
  }

  /// Reading came to its end before the request did.
  Step EndOfReading(Io io, std::string code, std::string_view message) {
    if (io == Io::kClosed) {
      exchange_.outcome = Outcome::kClientLeft;
      return Step::kEnd;
    }
    is_too_slow_ = true;
    return Refuse(408, std::move(code), message);
  }

  Step EndOfBody(Io io) {
    return EndOfReading(io, "body_timeout", "the body did not come in time");
  }

  Awaitable<Step> ReadHeader() {
    size_t seen = 0;
    for (;;) {
      auto end = FindHeaderEnd(socket_.unread(), seen);
      if (auto* const fault = std::get_if<HeaderFault>(&end)) co_return Refuse(std::move(*fault));
      if (const auto* const size = std::get_if<size_t>(&end)) co_return ParseHeader(*size);
      const Io io = co_await socket_.Read();
      if (io != Io::kDone) {
        co_return EndOfReading(io, "header_timeout", "the header did not come in time");
      }
    }
  }

  Step ParseHeader(size_t size) {
    const std::string_view block = socket_.unread().substr(0, size);
    auto scanned = ScanHeader(block);
    if (auto* const fault = std::get_if<HeaderFault>(&scanned)) return Refuse(std::move(*fault));
    header_ = std::move(std::get<ScannedHeader>(scanned));
    header_.head.client = client_address_;
    header_.head.id = exchange_.head.id;
    exchange_.head = header_.head;

    // A length that no number holds is refused before any body is parsed.
    if (header_.content_length == std::numeric_limits<uint64_t>::max()) {
      return Refuse(413, "body_too_large", "the body is too large");
    }
    if (!parser_.Begin(block)) {
      return Refuse(400, "malformed_request", "the header breaks the rules of HTTP");
    }
    socket_.Consume(size);
    parser_is_broken_ = false;
    header_is_whole_ = true;
    return Step::kGoOn;
  }

  bool AnnouncesBody() const { return header_.chunked || header_.content_length.value_or(0) > 0; }

  /// Everything that is decided before the body is read.
  Step Judge() {
    if (turned_away_) {
      return Refuse(503, "too_many_connections", "too many connections", kRetryAfterWantOfRoom);
    }
    if (state_.draining) {
      return Refuse(503, "shutting_down", "the server is shutting down", kRetryAfterDrain);
    }
    Admission admission;
    try {
      admission = state_.handler.Admit(header_.head);
    } catch (const std::exception&) {
      return Refuse(500, "internal_error", "the request could not be judged");
    }
    if (admission.refusal) {
      refusal_ = std::move(*admission.refusal);
      exchange_.code = std::move(admission.code);
      return Step::kRefuse;
    }
    memory_factor_ = admission.memory_factor;
    if (!AnnouncesBody()) return Step::kGoOn;
    if (!admission.takes_body) {
      return Refuse(400, "unexpected_body", "this request takes no body");
    }
    return header_.chunked ? Step::kGoOn : Reserve(*header_.content_length);
  }

  /// Room for that many bytes of body in all.
  Step Reserve(uint64_t bytes) {
    if (bytes > options_.max_body_bytes ||
        bytes > options_.budget.capacity() / std::max<uint64_t>(memory_factor_, 1)) {
      return Refuse(413, "body_too_large", "the body is too large");
    }
    const uint64_t wanted = bytes * memory_factor_;
    return options_.budget.Grow(memory_, wanted - memory_.bytes()) ? Step::kGoOn
                                                                   : RefuseForMemory();
  }

  Step RefuseForMemory() {
    return Refuse(503, "out_of_memory", "too many bytes are being worked on now",
                  kRetryAfterWantOfRoom);
  }

  milliseconds TransferTime(uint64_t bytes) const {
    return milliseconds(bytes * 1'000 / std::max<uint64_t>(options_.bytes_per_second, 1));
  }

  Awaitable<Step> ReadBody() {
    if (!AnnouncesBody()) co_return Step::kGoOn;
    const TimePoint start = steady_clock::now();
    if (header_.expects_continue && socket_.unread().empty()) {
      socket_.SetDeadline(start + options_.body_time);
      const Io io = co_await socket_.Write("HTTP/1.1 100 Continue\r\n\r\n");
      if (io != Io::kDone) co_return EndOfBody(io);
    }
    try {
      // Memory that nothing was written to costs nothing, so chunks get all of it and are never
      // moved.
      body_.reserve(header_.content_length.value_or(options_.max_body_bytes));
    } catch (const std::bad_alloc&) {
      co_return RefuseForMemory();
    }
    for (;;) {
      const Parsed parsed = ParseBody([this](std::string_view bytes) { return TakeBody(bytes); });
      if (parsed == Parsed::kWhole) co_return Step::kGoOn;
      if (parsed == Parsed::kStopped) co_return Step::kRefuse;
      if (parsed == Parsed::kBroken) {
        co_return Refuse(400, "malformed_request", "the body is not in chunks as HTTP has them");
      }
      socket_.SetDeadline(start + options_.body_time +
                          TransferTime(header_.content_length.value_or(exchange_.bytes_in)));
      const Io io = co_await socket_.Read();
      if (io != Io::kDone) co_return EndOfBody(io);
    }
  }

  /// Parses what has come of the body.
  Parsed ParseBody(const std::function<bool(std::string_view)>& take) {
    std::string_view bytes = socket_.unread();
    const size_t before = bytes.size();
    const Parsed parsed = parser_.Parse(bytes, take);
    socket_.Consume(before - bytes.size());
    parser_is_broken_ = parsed == Parsed::kBroken;
    return parsed;
  }

  bool TakeBody(std::string_view bytes) {
    exchange_.bytes_in += bytes.size();
    if (header_.chunked && Reserve(exchange_.bytes_in) == Step::kRefuse) {
      return false;
    }
    body_.append(bytes);
    return true;
  }

  /// Lets the handler compute; false if the client left meanwhile.
  Awaitable<bool> Compute(Reply& reply) {
    socket_.ClearDeadline();
    client_ = std::make_shared<Client>();
    reply_.reset();
    auto take = CalledOnce<Reply>(
        [thread = state_.network_thread, weak = weak_from_this()](Reply made) {
          thread->Post([weak, made = std::make_shared<Reply>(std::move(made))] {
            const auto self = weak.lock();
            if (!self) return;
            self->reply_ = std::move(*made);
            self->socket_.Wake();
          });
        },
        [] { return ErrorReply(500, "internal_error", "the request was not answered"); });
    HttpRequest request{std::move(header_.head), std::move(body_), std::move(memory_), client_};
    try {
      state_.handler.Handle(std::move(request), std::move(take));
    } catch (const std::exception&) {  // `take` was let go of
    }
    const Io io = co_await socket_.WaitForWake();
    if (io != Io::kDone) {
      exchange_.outcome = Outcome::kClientLeft;
      co_return false;
    }
    reply = std::move(*reply_);
    reply_.reset();
    co_return true;
  }

  /// True if the connection can serve another request.
  Awaitable<bool> SendRefusal() {
    Reply reply = std::move(refusal_);
    DropBody();
    if (is_too_slow_) {
      co_await Send(reply, true);
      exchange_.outcome = Outcome::kDeadline;
      co_return false;
    }
    // A small body has come with its header; then nothing stands in the way of the next request.
    const bool whole = header_is_whole_ && !parser_is_broken_ && DropWhatCame();
    const bool keep = whole && header_.keep_alive && !turned_away_ && !state_.draining;
    const bool sent = co_await Send(reply, !keep);
    if (!sent) co_return false;
    if (!keep && (!whole || socket_.HasMore())) co_await DropRest();
    co_return keep;
  }

  /// True if that was all of the request.
  bool DropWhatCame() {
    return ParseBody([this](std::string_view bytes) {
             exchange_.bytes_in += bytes.size();
             return true;
           }) == Parsed::kWhole;
  }

  /// After the last reply: reads and drops what the client still sends, since closing a socket with
  /// unread bytes in it would destroy the reply on its way.
  Awaitable<void> DropRest() {
    socket_.ShutdownSend();
    uint64_t limit = options_.drop_bytes;
    milliseconds time = turned_away_ ? kTurnedAwayTime : options_.drop_time;
    const bool has_body = header_is_whole_ && !parser_is_broken_ && !parser_.is_whole();
    const bool waits = header_.expects_continue && exchange_.bytes_in == 0;
    const uint64_t size = header_.content_length.value_or(options_.max_body_bytes);
    if (has_body && !waits && size <= options_.max_body_bytes) {
      limit = std::max(limit, size);
      time = std::max(time, options_.body_time + TransferTime(size));
    }
    socket_.SetDeadline(steady_clock::now() + time);
    for (uint64_t dropped = 0; dropped < limit;) {
      const bool parses = has_body && !parser_is_broken_ && !parser_.is_whole();
      const size_t before = socket_.unread().size();
      if (!parses || DropWhatCame()) socket_.Consume(socket_.unread().size());
      dropped += before - socket_.unread().size();
      if (has_body && parser_.is_whole() && !socket_.HasMore()) co_return;
      const Io io = co_await socket_.Read();
      if (io != Io::kDone) co_return;
    }
  }

  /// True if all of it was written. Sets status and outcome.
  Awaitable<bool> Send(Reply& reply, bool close) {
    std::string head;
    try {
      head = ReplyHead(reply, exchange_.head.id, close, std::time(nullptr));
    } catch (const std::exception&) {
      exchange_.code = "internal_error";
      reply = ErrorReply(500, exchange_.code, "the reply could not be written");
      head = ReplyHead(reply, exchange_.head.id, close, std::time(nullptr));
    }
    exchange_.status = reply.status;
    exchange_.log = std::move(reply.log);
    const uint64_t size = reply.source ? reply.size : reply.body.size();
    socket_.SetDeadline(steady_clock::now() + (is_too_slow_ ? kLastWordTime : options_.reply_time) +
                        TransferTime(size));
    const bool with_body = exchange_.head.method != "HEAD" && HasBody(reply.status);
    const bool at_once = with_body && !reply.source;
    Io io = co_await socket_.Write(head, at_once ? std::string_view(reply.body) : "");
    bool source_failed = false;
    if (io == Io::kDone && with_body && reply.source) {
      io = co_await SendSource(*reply.source, reply.size, source_failed);
    }
    exchange_.write_seconds = TakeStageSeconds();
    if (io == Io::kExpired) {
      exchange_.outcome = Outcome::kDeadline;
      socket_.Abort();
    }
    if (io == Io::kClosed) exchange_.outcome = Outcome::kClientLeft;
    if (source_failed) exchange_.outcome = Outcome::kFailed;
    co_return exchange_.outcome == Outcome::kSent;
  }

  Awaitable<Io> SendSource(BodySource& source, uint64_t size, bool& failed) {
    while (size > 0) {
      chunk_.reset();
      source.Next(CalledOnce<std::optional<std::string>>(
          [thread = state_.network_thread,
           weak = weak_from_this()](std::optional<std::string> chunk) {
            thread->Post(
                [weak, chunk = std::make_shared<std::optional<std::string>>(std::move(chunk))] {
                  const auto self = weak.lock();
                  if (!self) return;
                  self->chunk_ = std::move(*chunk);
                  self->socket_.Wake();
                });
          },
          [] { return std::optional<std::string>(); }));
      Io io = co_await socket_.WaitForWake();
      if (io != Io::kDone) co_return io;
      failed = !chunk_ || chunk_->empty() || chunk_->size() > size;
      if (failed) co_return Io::kDone;
      io = co_await socket_.Write(*chunk_);
      if (io != Io::kDone) co_return io;
      size -= chunk_->size();
    }
    co_return Io::kDone;
  }

  void Report() {
    exchange_.bytes_out = socket_.TakeWritten();
    if (was_cut_ && exchange_.outcome != Outcome::kSent) {
      exchange_.outcome = Outcome::kStopped;
      state_.cut_a_request |= header_is_whole_;
    }
    if (client_) {
      const auto client = std::move(client_);
      exchange_.outcome == Outcome::kSent ? client->Complete() : client->Leave();
    }
    try {
      state_.handler.Finished(exchange_);
    } catch (const std::exception&) {  // a reply that was sent cannot be taken back
    }
    EndExchange();
  }

  asio::io_context& context_;
  ServerState& state_;
  HttpServerOptions& options_;
  HttpSocket socket_;
  const std::string client_address_;
  const bool turned_away_;
  bool waits_for_request_ = false;
  std::optional<std::list<HttpConnection*>::iterator> place_among_idle_;
  bool was_cut_ = false;

  // Of the request that is being served.
  bool has_exchange_ = false;
  Exchange exchange_;
  TimePoint stage_start_;
  ScannedHeader header_;
  bool header_is_whole_ = false;
  bool is_too_slow_ = false;
  HttpBodyParser parser_;
  bool parser_is_broken_ = false;
  uint64_t memory_factor_ = 1;
  std::string body_;
  Reservation memory_;
  std::shared_ptr<Client> client_;
  Reply refusal_;
  std::optional<Reply> reply_;
  std::optional<std::string> chunk_;
};

}  // namespace

std::shared_ptr<HttpConnection> MakeConnection(asio::io_context& context, int socket,
                                               std::string client, bool turned_away,
                                               ServerState& state) {
  return std::make_shared<Connection>(context, socket, std::move(client), turned_away, state);
}

}  // namespace siglip::server
