"""Holds every #include against the picture in docs/architecture.md: who may include whom, and which third-party header
may stand where; and that the pure rows have no clock, thread, environment or socket."""

import pathlib
import re

import tree

# module -> the modules that it may include besides itself. Mirrors the picture; change both or neither.
EDGES = {
    "lib/base": [],
    "lib/mail": ["lib/base"],
    "lib/policy": ["lib/base", "lib/dns", "lib/mail"],
    "lib/dns": ["lib/base"],
    "lib/smtp": ["lib/base", "lib/mail", "lib/policy"],
    "lib/report": ["lib/base", "lib/mail", "lib/policy", "lib/smtp"],
    "queue": ["lib/base", "lib/mail"],
    "config": ["lib/base", "lib/policy"],
    "lib/delivery": ["lib/base", "lib/mail", "lib/policy", "lib/dns", "lib/smtp"],
    "lib/io": ["lib/base"],
    "lib/tls": ["lib/base", "lib/dns", "lib/io", "lib/policy"],
    "lib/resolver": ["lib/base", "lib/io", "lib/dns"],
    "lib/https": ["lib/base", "lib/io"],
    "lib/pattern": ["lib/base", "lib/policy"],
    "queue/rocks": ["lib/base", "lib/mail", "queue"],
    "daemon": ["lib/base", "lib/mail", "lib/policy", "lib/dns", "lib/smtp", "lib/report", "queue", "config",
               "lib/delivery", "lib/io", "lib/tls", "lib/resolver", "lib/https", "lib/pattern", "queue/rocks"],
}
PURE = ["lib/base", "lib/mail", "lib/policy", "lib/dns", "lib/smtp", "lib/report", "queue", "config", "lib/delivery"]

# how a third-party header begins -> the modules or files that may include it
THIRD_PARTY = {
    "tl/": list(EDGES),
    "fmt/": list(EDGES),
    "uv.h": ["lib/io", "daemon"],
    "openssl/": ["lib/tls"],
    "ares": ["lib/resolver"],
    "idn2.h": ["lib/resolver"],
    "rocksdb/": ["queue/rocks"],
    "re2/": ["lib/pattern"],
    "yaml-cpp/": ["config/yaml.cc"],
    "spdlog/": ["daemon"],
    "prometheus/": ["daemon"],
    "nlohmann/": ["daemon"],
    "http_parser.h": ["daemon"],
    "systemd/": ["daemon"],
    "zlib.h": ["daemon"],
    "curl/": ["lib/https", "daemon"],
}
# What the system gives and machines must not take. (<chrono> is lib/base/time.h's, for durations.)
IMPURE_HEADERS = re.compile(r"(thread|mutex|shared_mutex|condition_variable|future|semaphore|stop_token|latch|barrier|ctime|"
                            r"time\.h|unistd\.h|fcntl\.h|poll\.h|netdb\.h|signal\.h|csignal|pthread\.h|"
                            r"(sys|net|netinet|arpa|linux)/.*|fstream|filesystem|iostream|random)")
IMPURE_WORDS = re.compile(r"\b(system_clock|steady_clock|high_resolution_clock|getenv|secure_getenv|gettimeofday|"
                          r"clock_gettime|random_device|thread_local)\b")
SYSTEM_HEADER = re.compile(r"[a-z0-9_]+|(sys|net|netinet|arpa|linux)/[a-z0-9_]+\.h|(time|unistd|fcntl|poll|netdb|signal|langinfo|"
                           r"pthread|getopt|syslog|resolv)\.h")
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


def module_of(path: str) -> str | None:
    return max((m for m in EDGES if path.startswith(m + "/")), key=len, default=None)


def own_include(module: str, target: str) -> str | None:
    other = module_of(target)
    if other is None:
        return f'"{target}" is no path from the root of a module'
    if other != module and other not in EDGES[module]:
        return f"{module} must not include {other}"
    return None


def other_include(path: str, module: str, header: str) -> str | None:
    if module in PURE and IMPURE_HEADERS.fullmatch(header):
        return f"<{header}> in {module}, which is pure"
    if SYSTEM_HEADER.fullmatch(header):
        return None
    places = next((where for start, where in THIRD_PARTY.items() if header.startswith(start)), None)
    if places is None:
        return f"<{header}> is not known to tests/tidy/layers.py"
    if module not in places and path not in places:
        return f"<{header}> belongs in {' and '.join(places)} alone"
    return None


def check(root: pathlib.Path) -> list[str]:
    said = []
    for path in tree.sources(root, ("lib", "queue", "config", "daemon")):
        module = module_of(str(path))
        if module is None:
            said.append(f"{path}: no module of the picture")
            continue
        for number, line in enumerate(tree.lines(root, path), 1):
            found = INCLUDE.match(line)
            words = None
            if found:
                own = found[1] == '"'
                words = own_include(module, found[2]) if own else other_include(str(path), module, found[2])
            elif module in PURE and (used := IMPURE_WORDS.search(line.split("//")[0])):
                words = f"{used[0]} in {module}, which is pure"
            if words:
                said.append(f"{path}:{number}: {words}")
    return said


def self_test() -> None:
    def says(files: dict[str, str], *wanted: str) -> None:
        tree.expect(str(files), tree.made_up(files, check), list(wanted))

    says({"lib/smtp/a.cc": '#include <string>\n#include "lib/mail/b.h"\n#include "lib/smtp/a.h"\n#include <fmt/format.h>\n'})
    says({"lib/mail/a.h": '#include "lib/smtp/b.h"\n'}, "lib/mail/a.h:1: lib/mail must not include lib/smtp")
    says({"lib/delivery/a.h": '\n#include "queue/store.h"\n'}, ":2: lib/delivery must not include queue")
    says({"queue/a.h": '#include "queue/rocks/b.h"\n'}, "queue must not include queue/rocks")
    says({"lib/tls/a.h": '#include "config/config.h"\n'}, "lib/tls must not include config")
    says({"lib/tls/a.h": '#include "context.h"\n'}, "no path from the root")
    says({"lib/tls/a.cc": "#include <openssl/ssl.h>\n", "queue/rocks/a.cc": "#include <rocksdb/db.h>\n"})
    says({"lib/smtp/a.cc": "#include <openssl/ssl.h>\n"}, "<openssl/ssl.h> belongs in lib/tls alone")
    says({"config/yaml.cc": "#include <yaml-cpp/yaml.h>\n"})
    says({"config/load.cc": "#include <yaml-cpp/yaml.h>\n"}, "belongs in config/yaml.cc alone")
    says({"lib/smtp/a.cc": "#include <thread>\n"}, "<thread> in lib/smtp, which is pure")
    says({"lib/smtp/a.cc": "#include <sys/socket.h>\n"}, "<sys/socket.h> in lib/smtp, which is pure")
    says({"lib/io/a.cc": "#include <sys/socket.h>\n#include <unistd.h>\n"})
    says({"lib/mail/a.cc": "auto t = std::chrono::system_clock::now();  // why\n"}, "system_clock in lib/mail")
    says({"lib/mail/a.cc": "// no system_clock here\n"})
    says({"lib/other/a.cc": ""}, "no module of the picture")
    says({"daemon/a.cc": "#include <boost/asio.hpp>\n"}, "not known")


if __name__ == "__main__":
    tree.main(self_test, check)
