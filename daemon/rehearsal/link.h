// Link: one pretend TCP connection. Bytes arrive late, in other pieces than they were sent in, or
// not at all.
//
// Lifetime     held by both ends; an end that has let go hears nothing more.
// Threads      none. Clock: the World's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/rehearsal/world.h"

namespace posthaste::rehearsal {

enum class Side : std::uint8_t { kCaller, kCallee };

struct LinkTraits {
  Duration latency_min = std::chrono::milliseconds(1);
  Duration latency_max = std::chrono::milliseconds(40);
  bool dribble = false;                      // small pieces
  std::uint64_t cut_to_caller = UINT64_MAX;  // reset after so many bytes in that direction
  std::uint64_t cut_to_callee = UINT64_MAX;
};
LinkTraits draw_link_traits(World& world, double cut_probability);

class Link : public std::enable_shared_from_this<Link> {
 public:
  struct End {
    // `seen`: how many bytes the sender of these had received when it sent them.
    std::function<void(std::string_view bytes, std::uint64_t seen)> on_bytes;
    std::function<void()> on_gone;     // nothing more will come
    std::function<void()> on_written;  // all that was sent is on its way
  };
  Link(World& world, LinkTraits traits) : world_(world), traits_(traits) {}

  void attach(Side side, End end);
  void send(Side from, std::string bytes);
  // What was sent still arrives, then the other end hears of it. This end hears nothing more.
  void close(Side from);
  // Both ends hear of it; what is under way is lost.
  void reset();
  // This side does not read for now.
  void pause(Side side, bool paused);
  std::uint64_t received(Side side) const { return pipe_to(side).delivered; }
  std::uint64_t sent(Side side) const { return pipe_to(other(side)).sent; }
  bool closed(Side side) const { return ends_[index(side)].closed; }

  static Side other(Side side) { return side == Side::kCaller ? Side::kCallee : Side::kCaller; }

 private:
  struct Segment {
    std::string bytes;
    std::uint64_t seen;
  };
  struct Pipe {
    std::deque<Segment> segments;
    std::uint64_t sent = 0, delivered = 0;
    bool pumping = false, paused = false, ends = false;
  };
  struct Attached {
    End end;
    bool closed = false;
  };
  static std::size_t index(Side side) { return static_cast<std::size_t>(side); }
  Pipe& pipe_to(Side side) { return pipes_[index(side)]; }
  const Pipe& pipe_to(Side side) const { return pipes_[index(side)]; }
  void pump_later(Side to);
  void pump(Side to);
  void gone(Side side);

  World& world_;
  const LinkTraits traits_;
  Pipe pipes_[2];  // by the side that reads
  Attached ends_[2];
  bool broken_ = false;
};

}  // namespace posthaste::rehearsal
