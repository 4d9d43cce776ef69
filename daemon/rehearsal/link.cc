#include "daemon/rehearsal/link.h"

#include <algorithm>
#include <utility>

namespace posthaste::rehearsal {

LinkTraits draw_link_traits(World& world, double cut_probability) {
  LinkTraits traits;
  Rng& rng = world.rng();
  traits.latency_max = world.draw(std::chrono::milliseconds(1), std::chrono::milliseconds(300));
  traits.dribble = rng.chance(0.2);
  // Most of what is interesting happens in the first kilobyte.
  if (world.fault(cut_probability)) traits.cut_to_caller = rng.below(rng.chance(0.5) ? 120 : 900);
  if (world.fault(cut_probability)) traits.cut_to_callee = rng.below(rng.chance(0.5) ? 300 : 3000);
  return traits;
}

void Link::attach(Side side, End end) { ends_[index(side)].end = std::move(end); }

void Link::send(Side from, std::string bytes) {
  Pipe& pipe = pipe_to(other(from));
  if (broken_ || bytes.empty() || pipe.ends) return;
  pipe.sent += bytes.size();
  pipe.segments.push_back({std::move(bytes), received(from)});
  pump_later(other(from));
}

void Link::close(Side from) {
  ends_[index(from)].closed = true;
  Pipe& pipe = pipe_to(other(from));
  if (broken_ || pipe.ends) return;
  pipe.ends = true;
  pump_later(other(from));
}

void Link::pause(Side side, bool paused) {
  pipe_to(side).paused = paused;
  if (!paused) pump_later(side);
}

void Link::pump_later(Side to) {
  Pipe& pipe = pipe_to(to);
  if (pipe.pumping || pipe.paused || broken_) return;
  if (pipe.segments.empty() && !pipe.ends) return;
  pipe.pumping = true;
  const bool under_way = traits_.dribble && pipe.delivered > 0 && world_.rng().chance(0.7);
  const Duration wait =
      under_way ? world_.draw(std::chrono::microseconds(0), std::chrono::milliseconds(1))
                : world_.draw(traits_.latency_min, traits_.latency_max);
  world_.after(wait, [self = shared_from_this(), to] { self->pump(to); });
}

void Link::pump(Side to) {
  Pipe& pipe = pipe_to(to);
  pipe.pumping = false;
  if (broken_ || pipe.paused) return;
  if (pipe.segments.empty()) {
    if (pipe.ends) gone(to);
    return;
  }
  const std::uint64_t seen = pipe.segments.front().seen;
  std::string bytes = std::move(pipe.segments.front().bytes);
  pipe.segments.pop_front();
  // The caller does not care which of its bytes an answer is to: what came together is read
  // together.
  while (to == Side::kCaller && !pipe.segments.empty() && world_.rng().chance(0.6)) {
    bytes += pipe.segments.front().bytes;
    pipe.segments.pop_front();
  }
  const std::uint64_t cut = to == Side::kCaller ? traits_.cut_to_caller : traits_.cut_to_callee;
  std::size_t piece = bytes.size();
  if (traits_.dribble) {
    piece = std::min(piece, std::max<std::size_t>(bytes.size() / 8, 1 + world_.rng().below(20)));
  }
  const bool cuts = pipe.delivered + piece > cut;
  if (cuts) piece = static_cast<std::size_t>(cut - pipe.delivered);
  if (piece < bytes.size()) pipe.segments.push_front({bytes.substr(piece), seen});
  pipe.delivered += piece;
  Attached& reader = ends_[index(to)];
  const auto keep = shared_from_this();
  if (piece > 0 && !reader.closed) {
    const auto on_bytes = reader.end.on_bytes;
    on_bytes(std::string_view(bytes).substr(0, piece), seen);
  }
  if (cuts) return reset();
  Attached& writer = ends_[index(other(to))];
  if (pipe.segments.empty() && !writer.closed && writer.end.on_written) {
    const auto on_written = writer.end.on_written;
    on_written();
  }
  pump_later(to);
}

void Link::reset() {
  if (broken_) return;
  world_.say("link is reset");
  broken_ = true;
  for (const Side side : {Side::kCaller, Side::kCallee}) {
    world_.after(world_.draw(std::chrono::microseconds(0), traits_.latency_max),
                 [self = shared_from_this(), side] { self->gone(side); });
  }
}

void Link::gone(Side side) {
  Attached& end = ends_[index(side)];
  if (std::exchange(end.closed, true)) return;
  const auto on_gone = end.end.on_gone;
  if (on_gone) on_gone();
}

}  // namespace posthaste::rehearsal
