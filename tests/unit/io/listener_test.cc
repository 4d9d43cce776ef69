#include "lib/io/listener.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/unit/io/test_sockets.h"

namespace posthaste::io {
namespace {

using ::testing::HasSubstr;

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "posthaste-io-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

Fd connect_to(const Endpoint& to) {
  Fd fd(socket(to.address.v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0));
  const SocketAddress address = socket_address(to);
  EXPECT_EQ(connect(fd.get(), address.get(), address.size), 0);
  return fd;
}

int connect_unix(const Fd& fd, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

TEST(Listener, AcceptsAllThatComeAndSaysWhereFrom) {
  Loop loop;
  auto socket = listen_tcp(any_port(), false);
  ASSERT_TRUE(socket);
  const Endpoint at = local_endpoint(socket->get());
  std::vector<Endpoint> from;
  std::vector<Fd> kept;
  Listener listener(
      loop, std::move(*socket),
      [&](Fd fd, std::optional<Endpoint> peer) {
        ASSERT_TRUE(peer);
        EXPECT_EQ(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
        EXPECT_NE(fcntl(fd.get(), F_GETFL) & O_NONBLOCK, 0);
        from.push_back(*peer);
        kept.push_back(std::move(fd));
        if (from.size() == 100) loop.stop();
      },
      [](const Error& error) { ADD_FAILURE() << error.words; });
  std::vector<Fd> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(connect_to(at));
  run_bounded(loop);
  ASSERT_EQ(from.size(), 100U);
  EXPECT_EQ(from[7], local_endpoint(clients[7].get()));
}

TEST(Listener, MayBeDestroyedByWhatItAccepts) {
  Loop loop;
  auto socket = listen_tcp(any_port(), false);
  ASSERT_TRUE(socket);
  const Endpoint at = local_endpoint(socket->get());
  int accepted = 0;
  std::unique_ptr<Listener> listener = std::make_unique<Listener>(
      loop, std::move(*socket),
      [&](const Fd&, const std::optional<Endpoint>&) {
        ++accepted;
        listener.reset();
        loop.stop();
      },
      [](const Error&) {});
  const Fd first = connect_to(at);
  const Fd second = connect_to(at);
  run_bounded(loop);
  EXPECT_EQ(accepted, 1);
}

TEST(Listener, PausesWhenDescriptorsRunOutAndGoesOnLater) {
  Loop loop;
  auto socket = listen_tcp(any_port(), false);
  ASSERT_TRUE(socket);
  const Fd client = connect_to(local_endpoint(socket->get()));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  std::string words;
  bool accepted = false;
  Listener listener(
      loop, std::move(*socket),
      [&](const Fd&, const std::optional<Endpoint>&) {
        accepted = true;
        loop.stop();
      },
      [&](const Error& error) {
        EXPECT_EQ(error.code, ErrorCode::kFull);
        words = error.words;
        setrlimit(RLIMIT_NOFILE, &before);
      });
  const Fd highest(dup(client.get()));
  const rlimit none_left{static_cast<rlim_t>(highest.get()), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none_left), 0);
  const Instant start = loop.now();
  run_bounded(loop);
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(accepted);
  EXPECT_GE(loop.now() - start, std::chrono::milliseconds(900));
  EXPECT_THAT(words, HasSubstr("LimitNOFILE"));
}

TEST(ListenTcp, NamesTheEndpointThatIsInUseAndTheCure) {
  auto first = listen_tcp(any_port(), false);
  ASSERT_TRUE(first);
  const Endpoint at = local_endpoint(first->get());
  const auto second = listen_tcp(at, false);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kBusy);
  EXPECT_THAT(second.error().words, HasSubstr(render_endpoint(at)));
  EXPECT_THAT(second.error().words, HasSubstr("another port"));
}

TEST(ListenTcp, LetsSeveralShareAnEndpointOnlyWhenAsked) {
  auto first = listen_tcp(any_port(), true);
  ASSERT_TRUE(first);
  const Endpoint at = local_endpoint(first->get());
  EXPECT_TRUE(listen_tcp(at, true));
  EXPECT_FALSE(listen_tcp(at, false));
}

TEST(ListenTcp, RefusesAnAddressThatIsNotOurs) {
  const auto result = listen_tcp({ipv4(192, 0, 2, 1), 25}, false);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(result.error().words, HasSubstr("192.0.2.1:25"));
}

TEST(ListenTcp, TakesIpv6AloneOnAnIpv6Address) {
  const auto any6 = listen_tcp({ipv6({}), 0}, false);
  if (!any6) GTEST_SKIP() << "no IPv6 here: " << any6.error().words;
  const Endpoint at = local_endpoint(any6->get());
  EXPECT_TRUE(listen_tcp({ipv4(0, 0, 0, 0), at.port}, false)) << "the IPv4 port stays free";
}

TEST(ListenUnix, MakesASocketOfTheGivenModeAndAccepts) {
  const Folder folder;
  Loop loop;
  auto socket = listen_unix(folder / "admin.sock", 0660);
  ASSERT_TRUE(socket) << socket.error().words;
  struct stat found {};
  ASSERT_EQ(stat((folder / "admin.sock").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777U, 0660U);
  bool anonymous = false;
  Listener listener(
      loop, std::move(*socket),
      [&](const Fd&, std::optional<Endpoint> peer) {
        anonymous = !peer.has_value();
        loop.stop();
      },
      [](const Error&) {});
  const Fd client(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(connect_unix(client, folder / "admin.sock"), 0);
  run_bounded(loop);
  EXPECT_TRUE(anonymous);
}

TEST(ListenUnix, ReplacesAStaleSocketButNotALiveOneNorAFile) {
  const Folder folder;
  const std::string path = folder / "admin.sock";
  {
    auto first = listen_unix(path, 0600);
    ASSERT_TRUE(first);
    const auto second = listen_unix(path, 0600);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::kBusy);
    EXPECT_THAT(second.error().words, HasSubstr(path));
  }
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_TRUE(listen_unix(path, 0600));

  const std::string file = folder / "file";
  std::ofstream(file) << "precious";
  const auto third = listen_unix(file, 0600);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST(ListenUnix, SaysWhatIsWrongWithThePath) {
  const Folder folder;
  EXPECT_EQ(listen_unix(std::string(200, 'x'), 0600).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(listen_unix("", 0600).error().code, ErrorCode::kInvalid);
  const auto missing = listen_unix(folder / "none/admin.sock", 0600);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().words, HasSubstr("folder does not exist"));
}

}  // namespace
}  // namespace posthaste::io
