"""What keeps the daemon from starting, or a configuration from being taken: a clear message, an exit code, nothing lost."""
import pathlib
import socket
import subprocess
import unittest

from house import DAEMON, House, end_process


class RefusesToStart(unittest.TestCase):
    def run_daemon(self, house, *arguments):
        return subprocess.run([DAEMON, "--config", house.write_config(), *arguments], capture_output=True, text=True, timeout=60)

    def check_refused(self, house, *words, arguments=()):
        done = self.run_daemon(house, *arguments)
        self.assertNotEqual(done.returncode, 0)
        for word in words:
            self.assertIn(word, done.stderr)
        return done

    def test_a_misspelt_key_is_named_with_its_line_and_the_nearest_known_one(self):
        with House() as house:
            path = pathlib.Path(house.folder, "bad.yaml")
            path.write_text("hostname: mta.test\ndelivery:\n  limits:\n    default:\n      conections: 5\n")
            done = subprocess.run([DAEMON, "--config", path, "--check"], capture_output=True, text=True)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("bad.yaml:5:", done.stderr)
            self.assertIn('"conections"', done.stderr)
            self.assertIn('"connections"', done.stderr)

    def test_a_bad_duration_says_what_a_good_one_looks_like(self):
        with House({"delivery": {"timeouts": {"connect": "fast"}}}) as house:
            self.check_refused(house, "connect", "30s", arguments=("--check",))

    def test_all_errors_of_a_file_are_told_at_once(self):
        with House({"workers": "many", "queue": {"sync": "perhaps"}, "hostnam": "x"}) as house:
            self.check_refused(house, "workers", "sync", "hostnam", arguments=("--check",))

    def test_a_good_file_is_ok(self):
        with House() as house:
            done = self.run_daemon(house, "--check")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("ok", done.stdout)

    def test_a_missing_certificate_names_the_file(self):
        with House({"submission": {"certificate": "/nonexistent/cert.pem", "private_key": "/nonexistent/key.pem"}}) as house:
            self.check_refused(house, "/nonexistent/cert.pem", arguments=("--check",))
            self.check_refused(house, "/nonexistent/cert.pem")

    def test_starttls_without_a_certificate(self):
        with House() as house:
            house.config["listen"][0]["tls"] = "starttls"
            self.check_refused(house, "certificate", arguments=("--check",))

    def test_a_missing_file(self):
        done = subprocess.run([DAEMON, "--config", "/nonexistent/posthaste.yaml"], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/nonexistent/posthaste.yaml", done.stderr)

    def test_a_port_in_use_by_somebody_else(self):
        with House() as house, socket.socket() as other:
            other.bind(("127.0.0.1", house.submission))
            other.listen()
            self.check_refused(house, f"127.0.0.1:{house.submission}", "in use")

    def test_a_port_in_use_by_another_posthaste(self):
        with House() as first, House() as second:
            first.start()
            second.config["listen"] = first.config["listen"]
            self.check_refused(second, f"127.0.0.1:{first.submission}", "in use")

    def test_a_second_daemon_on_the_same_queue(self):
        with House() as first, House() as second:
            first.start()
            second.config["data_dir"] = first.config["data_dir"]
            self.check_refused(second, first.config["data_dir"], "another")
            first.submit("a@sender.test", ["b@nowhere.test"])  # the first one did not notice

    def test_a_data_dir_that_cannot_be_made(self):
        with House() as house:
            house.config["data_dir"] = "/proc/posthaste"
            self.check_refused(house, "/proc/posthaste", "data_dir")


class Reloads(unittest.TestCase):
    def hang_up(self, house):
        import signal
        house.process.send_signal(signal.SIGHUP)

    def test_a_bad_file_changes_nothing_and_says_why(self):
        with House() as house:
            mx = house.receiver("mx.plain.test")
            house.domain("plain.test", ["mx.plain.test"])
            house.start()
            good = dict(house.config)
            house.config = {**good, "tls": {"default": {"level": "encript"}}}
            house.write_config()
            self.hang_up(house)
            self.assertTrue(house.wait_event("reload_failed"))
            self.assertTrue(any("encript" in event["words"] for event in house.events("config")))
            house.submit("a@sender.test", ["b@plain.test"])
            house.wait_for(lambda: mx.messages)

    def test_a_good_file_is_in_force_for_the_next_message(self):
        with House() as house:
            mx = house.receiver("mx.plain.test")
            house.domain("plain.test", ["mx.plain.test"])
            house.start()
            house.submit("a@sender.test", ["b@plain.test"])
            house.wait_for(lambda: mx.messages)
            house.config["tls"] = {"domains": [{"match": ["plain.test"], "level": "encrypt"}]}
            house.write_config()
            self.hang_up(house)
            house.wait_event("reloaded")
            message = house.submit("a@sender.test", ["b@plain.test"])
            self.assertEqual(house.wait_event("deferred", id=message)["tls_failure"], "not_offered")
            self.assertEqual(len(mx.messages), 1)


class Stops(unittest.TestCase):
    def test_gracefully_and_goes_on_with_the_rest_after_a_restart(self):
        with House() as house:
            house.host("mx.later.test")
            house.domain("later.test", ["mx.later.test"])
            house.config["retry"]["default"]["intervals"] = ["2s"]
            house.start()
            message = house.submit("a@sender.test", ["b@later.test"])
            house.wait_event("deferred", id=message)
            self.assertEqual(house.stop(), 0)
            from fake_mx import FakeMx
            mx = FakeMx(f"{house.net}.1", house.port, "mx.later.test")
            house.receivers.append(mx)
            house.start()
            house.wait_for(lambda: mx.messages)
            self.assertEqual(house.wait_event("delivered", id=message)["attempt"], "2")

    def test_what_is_in_flight_is_finished(self):
        import threading
        entered, go = threading.Event(), threading.Event()

        def slow(_):
            entered.set()
            go.wait(20)
            return "250 2.0.0 taken"

        with House() as house:
            mx = house.receiver("mx.slow.test", dot=slow)
            house.domain("slow.test", ["mx.slow.test"])
            house.start()
            message = house.submit("a@sender.test", ["b@slow.test"])
            self.assertTrue(entered.wait(20))
            house.process.terminate()
            house.wait_event("stopping")

            def nobody_listens():
                try:
                    socket.create_connection(("127.0.0.1", house.submission), 2).close()
                except OSError:
                    return True
                return False

            house.wait_for(nobody_listens, 10, "the port to be closed")
            go.set()
            house.process.wait(20)
            self.assertEqual(house.wait_event("delivered", id=message)["attempt"], "1")
            house.start()
            house.wait_for(lambda: house.metric("posthaste_queue_recipients") == 0)
            self.assertEqual(len(mx.messages), 1)


class UnderSystemd(unittest.TestCase):
    def test_says_ready_and_feeds_the_watchdog_and_says_stopping(self):
        with House() as house, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            path = f"{house.folder}/notify"
            notify.bind(path)
            notify.settimeout(30)
            house.environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "2000000"}
            house.start()
            said = []

            def hear(word):
                while not any(word in message for message in said):
                    said.append(notify.recv(4096).decode())

            hear("READY=1")
            hear("WATCHDOG=1")
            house.process.terminate()
            hear("STOPPING=1")

    def test_serves_a_socket_that_was_passed_to_it(self):
        with House() as house:
            mx = house.receiver("mx.plain.test")
            house.domain("plain.test", ["mx.plain.test"])
            house.start(wrapper=["systemd-socket-activate", "-l", f"127.0.0.1:{house.submission}"], expect_ready=False)
            def submitted():
                try:
                    return house.submit("a@sender.test", ["b@plain.test"])
                except OSError:
                    return None
            house.wait_for(submitted)
            house.wait_for(lambda: mx.messages)


if __name__ == "__main__":
    unittest.main()
